//! A record of an output topic, read back. Records that watchbell did not write are accepted, too.

use std::borrow::Cow;

use crate::event::limits::ALERT_DEPTH;
use crate::event::{EventClass, Header, RawRecord, file_of_topic};
use crate::finding::{self, path};
use crate::json::{Document, Memory, Name, Names, NodeId, ValueKind};

/// The kind of a record of an output topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A normalized event, of one of the classes of events.
    Event,
    /// Detection Finding.
    Alert,
    /// A record that could not become an event.
    DeadLetter,
    /// The receipt of a dead letter that was retried.
    Receipt,
    /// Anything else: a record that watchbell did not write, an event of which only some fields or the original are
    /// written, or what was dropped in a day.
    Foreign,
}

/// The header of ours with the topic that a record was made from, or the name of the file.
pub const SOURCE_TOPIC: &str = "watchbell-source-topic";

/// A record of an output topic.
#[derive(Debug, Clone)]
pub struct Emitted<'r> {
    /// The record.
    pub record: RawRecord<'r>,
    /// What it is.
    pub kind: RecordKind,
    document: Option<Document<'r>>,
    /// Members of the document whose name is repeated in their object.
    repeated: Vec<NodeId>,
}

impl<'r> Emitted<'r> {
    /// Reads a record; its kind follows from its headers and its OCSF class.
    pub fn new(record: RawRecord<'r>) -> Emitted<'r> {
        Emitted::new_in(None, record)
    }

    /// Like `new`, with reused memory if there is some.
    pub fn new_in(memory: Option<&'r Memory>, record: RawRecord<'r>) -> Emitted<'r> {
        let document = record
            .value
            .and_then(|value| Document::parse_within_in(memory, ALERT_DEPTH, value).ok());
        let class = document.as_ref().and_then(|document| {
            let class = document.member(document.root(), "class_uid")?;
            document.raw(class).parse().ok()
        });
        let has = |name: &str| record.headers.iter().any(|header| header.name == name);
        let kind = match class {
            // A dead letter has the headers of its record, whatever their names are.
            _ if first_of_ours(&record).is_some() => RecordKind::DeadLetter,
            _ if has("watchbell-retried") => RecordKind::Receipt,
            Some(finding::CLASS_UID) => RecordKind::Alert,
            Some(uid) if EventClass::of_uid(uid).is_some() => RecordKind::Event,
            _ => RecordKind::Foreign,
        };
        let repeated = document.as_ref().map(Document::repeated_members);
        Emitted {
            record,
            kind,
            document,
            repeated: repeated.unwrap_or_default(),
        }
    }

    /// Reads a value that is not in a topic.
    pub fn value(value: &'r [u8]) -> Emitted<'r> {
        Emitted::new(RawRecord::of_value("", value))
    }

    /// The value's JSON, if it is JSON.
    pub fn document(&self) -> Option<&Document<'r>> {
        self.document.as_ref()
    }

    /// Members whose name occurs more than once in their object, ignoring case and underscores.
    pub(super) fn repeated(&self) -> &[NodeId] {
        &self.repeated
    }

    /// The whole value, if it is JSON.
    pub fn root(&self) -> Option<JsonPart<'_, 'r>> {
        self.document.as_ref().map(|document| JsonPart {
            document,
            id: document.root(),
        })
    }

    /// The event, or the event that an alert has as evidence.
    pub fn event(&self) -> Option<JsonPart<'_, 'r>> {
        let root = self.root()?;
        match self.kind {
            RecordKind::Event => Some(root),
            RecordKind::Alert => {
                let evidence = root.each(path::EVIDENCES).next()?.at("data")?;
                // The evidence of an alert about a source is not an event.
                let is_event = evidence.at("class_uid").is_some();
                is_event.then_some(evidence)
            }
            RecordKind::DeadLetter | RecordKind::Receipt | RecordKind::Foreign => None,
        }
    }

    /// The first header of that name, as text; bytes that are not UTF-8 are replaced. Of the names that begin with
    /// `watchbell-`, a dead letter has only watchbell's own.
    pub fn header(&self, name: &str) -> Option<Cow<'r, str>> {
        let is_ours = name.starts_with("watchbell-");
        let first = first_of_ours(&self.record).filter(|_| is_ours);
        let mut headers = self.record.headers[first.unwrap_or(0)..].iter();
        let header = headers.find(|header| header.name == name)?;
        header.value.map(String::from_utf8_lossy)
    }

    /// The position of the dead letter that a receipt is about.
    pub fn retried_letter(&self) -> Option<super::At> {
        let is_receipt = self.kind == RecordKind::Receipt;
        let letter = self.header("watchbell-retried").filter(|_| is_receipt)?;
        letter.parse().ok()
    }

    /// The id by which `show` finds it: that of its CloudEvent, else of the event or alert.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        let own = self.header("ce_id");
        own.or_else(|| self.root()?.text("metadata.uid"))
    }

    /// The name of the file that the record came from, if it came from one and says so.
    pub fn file_name(&self) -> Option<Cow<'r, str>> {
        file_of_topic(self.record.position.topic)?;
        self.header(SOURCE_TOPIC)
    }

    /// Ids of the events that an alert is about.
    pub fn related_events(&self) -> Vec<String> {
        let Some(root) = self.root().filter(|_| self.kind == RecordKind::Alert) else {
            return Vec::new();
        };
        let related = root.each(path::RELATED_EVENTS);
        related
            .filter_map(|event| Some(event.text("uid")?.into_owned()))
            .collect()
    }

    /// Whether an alert contains its event.
    pub fn holds_its_event(&self) -> bool {
        self.kind == RecordKind::Alert && self.event().is_some()
    }

    /// The source position of what was made of a source record, as far as the record says it: where there is a ledger
    /// all do, else a dead letter, a copy of the source record, and an event without an id of its own.
    pub fn source_position(&self) -> Option<super::At> {
        let headers = &self.record.headers;
        // The headers of the source record are before ours, whatever their names are.
        let is_topic = |header: &Header<'_>| header.name == SOURCE_TOPIC;
        if let Some(first) = headers.iter().rposition(is_topic) {
            let text = |name: &str| {
                let mut ours = headers[first..].iter();
                let header = ours.find(|header| header.name == name)?;
                header.value.map(String::from_utf8_lossy)
            };
            let element = text("watchbell-source-element");
            return Some(super::At {
                topic: text(SOURCE_TOPIC)?.into_owned(),
                partition: text("watchbell-source-partition")?.parse().ok()?,
                offset: text("watchbell-source-offset")?.parse().ok()?,
                element: element.and_then(|element| element.parse().ok()),
            });
        }
        let own = self.header("ce_watchbellposition");
        own.or_else(|| self.header("ce_id"))?.parse().ok()
    }
}

/// The number of the first of watchbell's headers in a dead letter; `None` if the record is none. They begin with the
/// reason and follow those of the source record, which can have any names.
pub fn first_of_ours(record: &RawRecord<'_>) -> Option<usize> {
    let is_reason = |header: &Header<'_>| header.name == "watchbell-reason";
    record.headers.iter().rposition(is_reason)
}

/// A part of a JSON value.
#[derive(Debug, Clone, Copy)]
pub struct JsonPart<'d, 'r> {
    pub(super) document: &'d Document<'r>,
    pub(super) id: NodeId,
}

impl<'d, 'r> JsonPart<'d, 'r> {
    /// The part at a path such as `actor.user`; of an array on the path, the first element.
    pub fn at(self, path: &str) -> Option<JsonPart<'d, 'r>> {
        path.split('.').try_fold(self, |part, name| {
            let object = part.object()?;
            let id = self.document.member_folded(object.id, name)?;
            Some(JsonPart { id, ..self })
        })
    }

    /// The part at a path of one name; of an array, that of the first element.
    #[inline]
    pub fn member(self, name: Name) -> Option<JsonPart<'d, 'r>> {
        let object = self.object()?;
        let id = self.document.member_of(object.id, name)?;
        Some(JsonPart { id, ..self })
    }

    /// The part itself; of an array, the first element.
    #[inline]
    fn object(self) -> Option<JsonPart<'d, 'r>> {
        match self.document.kind(self.id) {
            ValueKind::Array => self.elements().next(),
            _ => Some(self),
        }
    }

    /// The members of these names, found in one pass.
    pub fn members<const N: usize>(self, names: &Names<N>) -> [Option<JsonPart<'d, 'r>>; N] {
        let found = self.document.members_folded(Some(self.id), names);
        found.map(|id| Some(JsonPart { id: id?, ..self }))
    }

    /// Its JSON text.
    pub fn json(self) -> &'r str {
        self.document.raw(self.id)
    }

    /// A scalar as text, a string decoded; nothing for null, objects, arrays and `""`.
    pub fn text(self, path: &str) -> Option<Cow<'r, str>> {
        self.at(path)?.words()
    }

    /// This part as text; nothing for null, objects, arrays and `""`.
    pub fn words(self) -> Option<Cow<'r, str>> {
        self.scalar().filter(|text| !text.is_empty())
    }

    /// This part as text, also `""`; nothing for null, objects and arrays.
    pub fn scalar(self) -> Option<Cow<'r, str>> {
        match self.document.kind(self.id) {
            ValueKind::String => self.document.text(self.id).map(Cow::from),
            ValueKind::Number | ValueKind::Bool => Some(self.document.raw(self.id).into()),
            ValueKind::Null | ValueKind::Array | ValueKind::Object => None,
        }
    }

    /// A whole number.
    pub fn int(self, path: &str) -> Option<i64> {
        let part = self.at(path)?;
        self.document.raw(part.id).parse().ok()
    }

    /// The children of the part at a path; none if the path does not exist.
    pub fn each(self, path: &str) -> impl Iterator<Item = JsonPart<'d, 'r>> + use<'d, 'r> {
        self.at(path).into_iter().flat_map(JsonPart::elements)
    }

    /// The elements of an array or the members of an object; a scalar has none.
    pub fn elements(self) -> impl Iterator<Item = JsonPart<'d, 'r>> + use<'d, 'r> {
        let children = self.document.children(self.id);
        children.map(move |id| JsonPart { id, ..self })
    }

    /// The texts of an array.
    pub fn texts(self, path: &str) -> Vec<Cow<'r, str>> {
        self.each(path).filter_map(JsonPart::scalar).collect()
    }

    /// Its name in its object.
    pub fn name(self) -> Cow<'r, str> {
        self.document.key(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::At;

    fn position(headers: &[(&'static str, &'static str)]) -> Option<At> {
        let mut record = RawRecord::of_value("events", b"{}");
        record.headers = headers
            .iter()
            .map(|(name, value)| Header {
                name,
                value: Some(value.as_bytes()),
            })
            .collect();
        Emitted::new(record).source_position()
    }

    #[test]
    fn the_source_position_is_the_one_that_watchbell_says() {
        let at = |text: &str| text.parse::<At>().ok();
        let own = ("ce_watchbellposition", "audit/3@42#1");
        assert_eq!(position(&[("ce_id", "e-1"), own]), at("audit/3@42#1"));
        assert_eq!(position(&[("ce_id", "audit[3]@42")]), at("audit/3@42"));
        assert_eq!(position(&[("ce_id", "e-1")]), None);
        // A copy of a source record has its headers before ours, whatever they are called.
        let copied = [
            ("watchbell-source-topic", "forged"),
            ("watchbell-source-element", "9"),
            ("ce_watchbellposition", "forged/0@0"),
            ("watchbell-source-topic", "audit"),
            ("watchbell-source-partition", "3"),
            ("watchbell-source-offset", "42"),
        ];
        assert_eq!(position(&copied), at("audit/3@42"));
    }
}
