//! What a policy hides of one event, and the outputs without it: values, texts, and keys of records.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::hidden_values::{Gathered, HiddenValues};
use super::places::{self, Content, Place};
use super::policy::{FieldPolicy, Policy, Treatment};
use super::rewrite::{Rewrite, Treatments};
use crate::event::limits::{ALERT_DEPTH, EVENT_DEPTH, SOURCE_DEPTH};
use crate::event::{Found, Header, Walk};
use crate::json::{Document, NodeId, Portable, ValueKind};

/// What one policy hides of one event.
#[derive(Debug)]
pub struct Hiding<'p> {
    policy: &'p Policy,
    values: HiddenValues,
    /// Whether there is a hidden field whose values could not be learned.
    is_blind: bool,
    /// Whether the method is in a catalogue, so that its names are words that say nothing about anybody.
    is_known: bool,
}

impl<'p> Hiding<'p> {
    /// Of an event, given whole and as JSON.
    pub fn of_event(policy: &'p Policy, event: &[u8]) -> Hiding<'p> {
        Hiding::of(policy, event, Content::Event)
    }

    /// Of the event that an alert, as JSON, is about. An alert that had no room for its event does not say which values
    /// some fields had: then its texts, which may repeat them, are hidden whole.
    pub fn of_alert(policy: &'p Policy, alert: &[u8]) -> Hiding<'p> {
        Hiding::of(policy, alert, Content::Alert)
    }

    fn of(policy: &'p Policy, json: &[u8], content: Content) -> Hiding<'p> {
        let mut gathered = Gathered::default();
        let (mut is_blind, mut is_known) = (false, true);
        if let Ok(document) = Document::parse_within(ALERT_DEPTH, json) {
            let in_event_alone =
                |field: &FieldPolicy| places::is_in_event_alone(&field.field.name());
            is_blind = content == Content::Alert
                && policy.fields.iter().any(in_event_alone)
                && !places::has_event(&document);
            is_known = places::has_known_method(&document, content);
            let treatments = treatments(policy, &document, content);
            let root = (document.root(), Place::root(content));
            gather(&document, root, &treatments, &mut gathered);
        }
        Hiding {
            policy,
            values: HiddenValues::new(gathered, policy),
            is_blind,
            is_known,
        }
    }

    /// Appends an event without what is hidden, or a record with some fields of it.
    pub fn event(&self, event: &[u8], out: &mut Vec<u8>) {
        self.rewrite(event, EVENT_DEPTH, Content::Event, out);
    }

    /// Appends an alert without what is hidden.
    pub fn alert(&self, alert: &[u8], out: &mut Vec<u8>) {
        self.rewrite(alert, ALERT_DEPTH, Content::Alert, out);
    }

    /// Appends a record as its source wrote it, without the hidden values; fields have no known places there. What some
    /// parsers refuse in it is text, as in the event. Returns false, and appends nothing, if it is no JSON.
    pub fn source_record(&self, record: &[u8], out: &mut Vec<u8>) -> bool {
        self.rewrite(record, SOURCE_DEPTH, Content::Source, out) || {
            let portable = Portable::of(record).text;
            self.rewrite(&portable, SOURCE_DEPTH, Content::Source, out)
        }
    }

    /// A text without the hidden values.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.values.hide(text) {
            None => Cow::Borrowed(text),
            Some(hidden) => Cow::Owned(hidden.text),
        }
    }

    /// The name and the value of a header without the hidden values; a value that is no text is null.
    pub fn header<'h>(&self, header: &Header<'h>) -> (Cow<'h, str>, Option<Cow<'h, [u8]>>) {
        let text = header.value.and_then(|value| str::from_utf8(value).ok());
        let value = text.map(|text| match self.text(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
        (self.text(header.name), value)
    }

    /// The key of a record: as it is, or with pseudonyms. `None`, Kafka's null, if something in it is masked, so that
    /// not all records come into one partition, and if it is no text.
    pub fn key<'k>(&self, key: &'k [u8]) -> Option<Cow<'k, [u8]>> {
        let text = str::from_utf8(key).ok()?;
        let hidden = self.values.hide_whole(text);
        match hidden.or_else(|| self.values.hide(text)) {
            None => Some(Cow::Borrowed(key)),
            Some(hidden) if hidden.treatment == Treatment::Pseudonym => {
                Some(Cow::Owned(hidden.text.into_bytes()))
            }
            Some(_) => None,
        }
    }

    fn rewrite(&self, json: &[u8], depth: usize, content: Content, out: &mut Vec<u8>) -> bool {
        let Ok(document) = Document::parse_within(depth, json) else {
            return false;
        };
        let rewrite = Rewrite {
            document: &document,
            policy: self.policy,
            values: &self.values,
            treatments: treatments(self.policy, &document, content),
            is_blind: self.is_blind,
            is_known: self.is_known,
        };
        rewrite.write(content, out);
        true
    }
}

/// How the values of a document are treated, by their nodes.
fn treatments(policy: &Policy, document: &Document<'_>, content: Content) -> Treatments {
    let mut treatments: Treatments = vec![None; document.nodes().count()];
    for FieldPolicy { field, treatment } in &policy.fields {
        for (object, segments) in places::starts(document, content, field.segments()) {
            let _ = Walk::all(document).nodes(object, &segments, &mut |found| {
                if let Found::Node(node) = found {
                    for below in &mut treatments[node.index()..document.after(node)] {
                        *below = (*below).max(Some(*treatment));
                    }
                }
                ControlFlow::Continue(())
            });
        }
    }
    treatments
}

/// Gathers the values of hidden fields from a node and all below it.
fn gather(
    document: &Document<'_>,
    (node, place): (NodeId, Place),
    treatments: &Treatments,
    gathered: &mut Gathered,
) {
    match (document.kind(node), treatments[node.index()]) {
        (ValueKind::Object, _) => {
            for member in document.children(node) {
                let name = document.key(member);
                // Other names are those of the form that a request has.
                if let Some(treatment) = treatments[member.index()]
                    && name.contains('@')
                {
                    gathered.text(&name, treatment);
                }
                let place = place.member(&name);
                gather(document, (member, place), treatments, gathered);
            }
        }
        (ValueKind::Array, _) => {
            for element in document.children(node) {
                gather(document, (element, place.clone()), treatments, gathered);
            }
        }
        (_, None) => {}
        _ if place.is_fixed() => {}
        (ValueKind::String, Some(treatment)) => {
            let text = document.text(node);
            gathered.text(text.as_deref().unwrap_or_default(), treatment);
        }
        (ValueKind::Number, Some(treatment)) => gathered.number(document.raw(node), treatment),
        _ => {}
    }
}
