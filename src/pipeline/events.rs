//! Writes an event to the topics that its routes name, each time in the shape, with the key and within the size that
//! the route and the topic want.
//! Invariant: an output that cannot be written becomes a dead letter; the other outputs of the event stay.

use std::borrow::Cow;

use super::forms::{EventForm, Forms};
use super::limits::{self, size};
use super::outputs::{Content, OutputTopic};
use super::privacy::Processed;
use super::routing::{DROPPED_OUTPUT, Decision, EventOutput, Written};
use super::{Batch, Dropped, Reading, TOO_LARGE};
use crate::encode::{self, Detail, DroppedTotals};
use crate::event::{AuditEvent, Header, Output, OutputBuffer, Path, RawRecord};
use crate::privacy::Hiding;
use crate::route::{EventShape, FieldName, RecordKey};
use crate::sigma::{Fields, Value};

/// The type of the CloudEvent of an event, and of one of which only some fields are written.
const EVENT_TYPE: &str = "watchbell.event.v1";
const FIELDS_TYPE: &str = "watchbell.fields.v1";

/// The same of what was dropped in a day.
const DROPPED_TYPE: &str = "watchbell.dropped.v1";

impl Batch {
    /// Appends the outputs of an event. `is_quiet` says that it raises no alert.
    pub(super) fn write(
        &self,
        processed: &Processed<'_, '_, '_>,
        is_quiet: bool,
        forms: &Forms,
        reading: Reading,
        out: &mut OutputBuffer,
    ) -> Written {
        let Processed { event, record, .. } = *processed;
        let routing = &self.context.routing;
        let is_known = || {
            let uid = event.user.uid.as_deref();
            uid.is_some_and(|uid| self.lookups.names.lookup(uid).is_some())
        };
        let source_bytes = record.value.map_or(0, <[u8]>::len) as u64;
        let mut dropped = None;
        let mut is_written = false;
        let mut refused = Vec::new();
        let mut take = |decision: Decision| {
            let number = routing.number(decision);
            let bytes = match routing.output(decision) {
                None => {
                    let noise = match decision {
                        Decision::Noise(noise) => Some(noise),
                        Decision::Route(_) | Decision::Default => None,
                    };
                    dropped = Some(Dropped {
                        noise,
                        bytes: source_bytes,
                    });
                    source_bytes
                }
                Some(output) => match self.write_output(processed, &output, forms, out) {
                    Ok(bytes) => {
                        is_written = true;
                        bytes as u64
                    }
                    Err((reason, detail)) => {
                        let detail = routing.detail(decision, detail);
                        let why = (reason, &*detail);
                        // One alert tells of all dead letters of an event.
                        let alerted = refused.is_empty().then_some(reading.now_ms);
                        let name = routing.output_name(decision);
                        refused.push(self.refuse_output(record, why, name, forms, alerted, out));
                        return;
                    }
                },
            };
            let count = &mut self.counts.borrow_mut()[number];
            count.records += 1;
            count.bytes += bytes;
        };
        let scratch = &mut self.route_scratch.borrow_mut();
        routing.decide(event, is_quiet, is_known, scratch, &mut take);
        Written {
            is_kept: is_written || dropped.is_some(),
            dropped: dropped.filter(|_| !is_written),
            refused,
        }
    }

    /// Appends one output of an event, slimmed if it does not fit the topic or must be; gives its bytes.
    ///
    /// # Errors
    /// Why it is a dead letter instead: a reason, and a detail for a person. Nothing is appended then.
    fn write_output(
        &self,
        processed: &Processed<'_, '_, '_>,
        output: &EventOutput<'_>,
        forms: &Forms,
        out: &mut OutputBuffer,
    ) -> Result<usize, (&'static str, String)> {
        let form = forms.event(output.number);
        if let EventForm::DeadLetter { reason, detail } = form {
            return Err((reason, detail.clone()));
        }
        let topic = self.context.outputs.at(output.topic);
        let first = out.len();
        out.begin_output(output.number);
        if *form != EventForm::Slimmed {
            let written = size(&self.append(processed, output, topic, Detail::Full, out));
            if written <= topic.max_bytes {
                return Ok(written);
            }
            out.truncate(first);
        }
        let written = size(&self.append(processed, output, topic, Detail::Slimmed, out));
        match limits::refusal(topic, written) {
            None => Ok(written),
            Some(detail) => {
                out.truncate(first);
                let detail = match output.shape {
                    EventShape::Raw => detail,
                    _ => detail + ", even without its raw parts",
                };
                Err((TOO_LARGE, detail))
            }
        }
    }

    /// Appends the record of one output. The shapes [`EventShape::Lean`] and [`EventShape::Raw`] have one detail.
    fn append<'o>(
        &self,
        processed: &Processed<'_, '_, '_>,
        output: &EventOutput<'_>,
        topic: &OutputTopic,
        detail: Detail,
        out: &'o mut OutputBuffer,
    ) -> Output<'o> {
        let Processed {
            event,
            record,
            ref hidden,
        } = *processed;
        let hiding = hidden.of_output(output.topic);
        let key = key(event, record, output.key);
        let key = match (&key, hiding) {
            (Some(key), Some(hiding)) => hiding.key(key),
            _ => key,
        };
        let key = key.as_deref();
        let origin = self.context.event_mark().map(|(_, origin)| Header {
            name: "watchbell-origin",
            value: Some(origin.as_bytes()),
        });
        if *output.shape == EventShape::Raw {
            return append_raw((record, hiding), topic, key, origin, out);
        }
        let kind = match output.shape {
            EventShape::Fields(_) => FIELDS_TYPE,
            _ => EVENT_TYPE,
        };
        let position = event
            .metadata
            .uid
            .is_none()
            .then(|| record.position.to_string());
        let uid = event.metadata.uid.as_deref();
        let id = uid.or(position.as_deref()).unwrap_or_default();
        let source = event.metadata.source.as_deref().unwrap_or("watchbell");
        let shown = |text| match hiding {
            Some(hiding) => hiding.text(text),
            None => Cow::Borrowed(text),
        };
        let (id, source) = (shown(id), shown(source));
        let headers = encode::headers(&id, &source, kind, None, self.rules.hash());
        let headers = headers.iter().flatten().map(header);
        // Where there is a ledger, it is compared with the records by their source positions.
        let ledger = self.context.outputs.ledger();
        let source = ledger.map(|_| ("ce_watchbellposition", record.position.reference()));
        let headers = headers.chain(source.iter().map(header)).chain(origin);
        out.push(&topic.topic, key, headers, |value| match hiding {
            None => shape(event, output.shape, detail, value),
            Some(hiding) => {
                let mut whole = Vec::new();
                shape(event, output.shape, detail, &mut whole);
                hiding.event(&whole, value);
            }
        })
    }

    /// Appends what was dropped of a day of the partition of this record, unless the cluster has refused it before.
    pub fn write_dropped(
        &self,
        totals: &DroppedTotals,
        record: &RawRecord<'_>,
        forms: &Forms,
        out: &mut OutputBuffer,
    ) {
        if *forms.event(DROPPED_OUTPUT) != EventForm::Whole {
            return;
        }
        let position = &record.position;
        let source = self.context.source.as_deref().unwrap_or(position.topic);
        let partition = position.partition.0;
        let uid = format!("dropped/{source}/{partition}/{}", totals.start_ms);
        let headers = encode::headers(&uid, "watchbell", DROPPED_TYPE, None, self.rules.hash());
        let headers = headers.iter().flatten().map(header);
        let topic = &self.output(Content::Events).topic;
        out.begin_output(DROPPED_OUTPUT);
        out.push(topic, Some(source.as_bytes()), headers, |value| {
            encode::dropped(totals, &uid, (source, position.topic, partition), value);
        });
    }
}

/// Appends the event in the shape of an output.
fn shape(event: &AuditEvent<'_>, shape: &EventShape, detail: Detail, value: &mut Vec<u8>) {
    match shape {
        EventShape::Full | EventShape::Raw => encode::event_in(event, detail, value),
        EventShape::Lean => encode::event_in(event, Detail::Lean, value),
        EventShape::Fields(names) => {
            let mut whole = Vec::new();
            encode::event_in(event, detail, &mut whole);
            encode::fields(&whole, names.iter().map(FieldName::segments), value);
        }
    }
}

/// A header of ours.
fn header<'h>((name, value): &'h (&'static str, impl AsRef<str>)) -> Header<'h> {
    Header {
        name,
        value: Some(value.as_ref().as_bytes()),
    }
}

/// The record as it was read, with headers that say from where, and without what is hidden.
fn append_raw<'o>(
    (record, hiding): (&RawRecord<'_>, Option<&Hiding<'_>>),
    topic: &OutputTopic,
    key: Option<&[u8]>,
    origin: Option<Header<'_>>,
    out: &'o mut OutputBuffer,
) -> Output<'o> {
    let ours = encode::source_headers(record);
    let ours = ours.iter().map(header).chain(origin);
    let value = record.value.unwrap_or_default();
    let Some(hiding) = hiding else {
        let headers = record.headers.iter().copied().chain(ours);
        return out.push(&topic.topic, key, headers, |bytes| {
            bytes.extend_from_slice(value);
        });
    };
    let hidden: Vec<_> = record
        .headers
        .iter()
        .map(|header| hiding.header(header))
        .collect();
    let headers = hidden.iter().map(|(name, value)| Header {
        name,
        value: value.as_deref(),
    });
    // What became an event is JSON, so there is always a value to write.
    out.push(&topic.topic, key, headers.chain(ours), |bytes| {
        hiding.source_record(value, bytes);
    })
}

/// The key of an event's record.
fn key<'e>(
    event: &'e AuditEvent<'_>,
    record: &RawRecord<'e>,
    key: &RecordKey,
) -> Option<Cow<'e, [u8]>> {
    match key {
        RecordKey::None => None,
        RecordKey::Source => record.key.map(Cow::Borrowed),
        RecordKey::Actor => {
            let user = &event.user;
            let actor = user.uid.as_deref().or(user.name.as_deref());
            actor.map(|actor| Cow::Borrowed(actor.as_bytes()))
        }
        RecordKey::Field(path) => first(event, path).map(|text| Cow::Owned(text.into_bytes())),
    }
}

/// The first value of a field that has a text.
fn first(event: &AuditEvent<'_>, path: &Path) -> Option<String> {
    let mut found = None;
    event.values(path, &mut |value: Value<'_>| {
        found = value.text().map(Cow::into_owned);
        match found {
            Some(_) => std::ops::ControlFlow::Break(()),
            None => std::ops::ControlFlow::Continue(()),
        }
    });
    found
}
