//! Writes a JSON document once more, without what is hidden.

use super::hidden_values::{Hidden, HiddenValues};
use super::places::{Content, Place, is_below, is_required};
use super::policy::{MASK, Policy, Treatment};
use super::required;
use crate::event::{REQUEST_DATA, is_request_fact};
use crate::json::{Document, NodeId, ValueKind};

/// How each value is treated, by the number of its node; `None` for one that no policy names.
pub(super) type Treatments = Vec<Option<Treatment>>;

/// What follows a hidden name in place of an e-mail address, so that it is one: the domain exists nowhere (RFC 2606).
const DOMAIN: &str = "@masked.invalid";

/// What is needed to write a document.
pub(super) struct Rewrite<'r, 'a> {
    pub(super) document: &'r Document<'a>,
    pub(super) policy: &'r Policy,
    pub(super) values: &'r HiddenValues,
    pub(super) treatments: Treatments,
    /// Whether texts of an alert that may repeat values that nobody knows are hidden whole.
    pub(super) is_blind: bool,
    /// Whether the method is in a catalogue.
    pub(super) is_known: bool,
}

/// The texts of an alert that may repeat any value of the event.
const RETELLING: [&str; 5] = [
    "unmapped.why",
    "unmapped.changes",
    "unmapped.catalog_entry",
    "message",
    "finding_info.title",
];

impl Rewrite<'_, '_> {
    /// Appends the document.
    pub(super) fn write(&self, content: Content, out: &mut Vec<u8>) {
        self.value(self.document.root(), &Place::root(content), out);
    }

    /// Appends a value; returns false if it may not stay, because it has lost what OCSF requires of it.
    fn value(&self, node: NodeId, place: &Place, out: &mut Vec<u8>) -> bool {
        let document = self.document;
        match document.kind(node) {
            ValueKind::Object => return self.object(node, place, out),
            ValueKind::Array => {
                out.push(b'[');
                for element in document.children(node) {
                    let start = out.len();
                    match !self.is_left_out(element, place) && self.value(element, place, out) {
                        true => out.push(b','),
                        false => out.truncate(start),
                    }
                }
                close(out, b']');
            }
            ValueKind::String => {
                let text = document.text(node).unwrap_or_default();
                match self.text(&text, self.treatments[node.index()], place) {
                    Some(hidden) => string(&hidden, out),
                    None => out.extend_from_slice(document.raw(node).as_bytes()),
                }
            }
            ValueKind::Number | ValueKind::Bool | ValueKind::Null => self.scalar(node, place, out),
        }
        true
    }

    fn object(&self, node: NodeId, place: &Place, out: &mut Vec<u8>) -> bool {
        let document = self.document;
        let required = required::of(place);
        let (mut had, mut has) = (0, 0);
        out.push(b'{');
        for member in document.children(node) {
            let name = document.key(member);
            let is_required = required.is_some_and(|one| one.members.contains(&&*name));
            let is_written = self.member(member, &name, place, out);
            had += usize::from(is_required);
            has += usize::from(is_required && is_written);
        }
        let stays = match required {
            Some(required) if required.is_lost(had, has) => match required.substitute {
                Some(name) => {
                    string(name, out);
                    out.extend_from_slice(b":\"unknown\",");
                    true
                }
                None => false,
            },
            _ => true,
        };
        close(out, b'}');
        stays
    }

    /// Whether a member or element is not written. Numbers and booleans of OCSF cannot be masked.
    fn is_left_out(&self, node: NodeId, place: &Place) -> bool {
        let is_scalar = matches!(
            self.document.kind(node),
            ValueKind::Number | ValueKind::Bool
        );
        let mut children = self.document.children(node).peekable();
        let is_dropped = |child| self.treatments[NodeId::index(child)] == Some(Treatment::Drop);
        // A field stands for the elements of a list: a list that loses all of them goes with them.
        if self.document.kind(node) == ValueKind::Array && children.peek().is_some() {
            return children.all(is_dropped);
        }
        match self.treatments[node.index()] {
            Some(Treatment::Drop) => true,
            Some(_) => is_scalar && !place.is_foreign() && !place.is_fixed(),
            None => false,
        }
    }

    /// Appends a member; returns whether it did.
    fn member(&self, member: NodeId, name: &str, object: &Place, out: &mut Vec<u8>) -> bool {
        let place = object.member(name);
        if object.is_of_alert("unmapped.fields") {
            return self.shown_field(member, name, &place, out);
        }
        if self.is_left_out(member, &place) {
            let unknown = required::of(&place).filter(|_| place.is_required());
            if let Some(substitute) = unknown.and_then(|required| required.substitute) {
                string(name, out);
                out.extend_from_slice(b":{");
                string(substitute, out);
                out.extend_from_slice(b":\"unknown\"},");
            }
            return false;
        }
        if place.is_of_event("src_endpoint.ip") {
            return self.address(member, &place, out);
        }
        // The names of others may be values as well.
        let is_of_others = object.is_foreign() && !place.is_envelope(name);
        let hidden = is_of_others.then(|| self.values.hide_name(name)).flatten();
        self.named(
            hidden.as_ref().map_or(name, |hidden| &hidden.text),
            member,
            &place,
            out,
        )
    }

    fn named(&self, name: &str, member: NodeId, place: &Place, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        string(name, out);
        out.push(b':');
        let stays = self.value(member, place, out);
        match stays {
            true => out.push(b','),
            false => out.truncate(start),
        }
        stays
    }

    /// The address of an endpoint. A hidden one is its name, since OCSF wants an address that is one; an endpoint that
    /// has a name keeps that.
    fn address(&self, ip: NodeId, place: &Place, out: &mut Vec<u8>) -> bool {
        let text = self.document.text(ip).unwrap_or_default();
        let Some(hidden) = self.text(&text, self.treatments[ip.index()], place) else {
            return self.named("ip", ip, place, out);
        };
        let endpoint = self.document.parent(ip);
        let has_name = endpoint.and_then(|endpoint| self.document.member(endpoint, "name"));
        if has_name.is_some() {
            return false;
        }
        out.extend_from_slice(b"\"name\":");
        string(&hidden, out);
        out.push(b',');
        true
    }

    /// A field that a rule wants shown: it has the name of the field, and the values as a list.
    fn shown_field(&self, member: NodeId, name: &str, place: &Place, out: &mut Vec<u8>) -> bool {
        let Some(treatment) = self.treatment_of(name) else {
            let place = match is_required(name) {
                true => Place::root(Content::Event).member(name),
                false => place.clone(),
            };
            return self.named(name, member, &place, out);
        };
        if treatment == Treatment::Drop {
            return false;
        }
        string(name, out);
        out.extend_from_slice(b":[");
        for value in self.document.children(member) {
            let text = self.document.text(value).unwrap_or_default();
            string(&self.policy.replacement(&text, treatment), out);
            out.push(b',');
        }
        close(out, b']');
        out.push(b',');
        true
    }

    /// How the field with this name is treated. What rules read from a request may be a part of any value in it.
    fn treatment_of(&self, name: &str) -> Option<Treatment> {
        let is_read_from = |field: &str| {
            is_request_fact(name)
                && (is_below(field, REQUEST_DATA) || is_below(REQUEST_DATA, field))
        };
        let fields = self.policy.fields.iter();
        let of_name = fields.filter(|field| {
            let field = field.field.name();
            is_below(name, &field) || is_read_from(&field)
        });
        of_name.map(|field| field.treatment).max()
    }

    /// What is written in place of a text; `None` if it stays as it is.
    fn text(&self, text: &str, treatment: Option<Treatment>, place: &Place) -> Option<String> {
        let is_word = place.is_fixed() || self.is_known && place.is_of_method();
        if is_word || text.is_empty() || treatment.is_none() && place.is_code() {
            return None;
        }
        if self.is_blind && RETELLING.iter().any(|part| place.is_of_alert(part)) {
            return Some(MASK.to_owned());
        }
        if place.is_of_alert("unmapped.why")
            && let Some((field, _)) = text.split_once(" = ")
            && self.treatment_of(field).is_some()
        {
            return Some(format!("{field} = {MASK}"));
        }
        let mut hidden = match treatment {
            Some(treatment) => self.policy.replacement(text, treatment),
            None => self.found(text, place)?.text,
        };
        if place.is_address() && !hidden.contains('@') {
            hidden.push_str(DOMAIN);
        }
        Some(hidden)
    }

    /// What is written in place of a text or a number that has values in it. In the record of a source, where fields
    /// have no places, short ones count as well.
    fn found(&self, text: &str, place: &Place) -> Option<Hidden> {
        let whole = place
            .is_of_source()
            .then(|| self.values.hide_whole(text))
            .flatten();
        whole.or_else(|| self.values.hide(text))
    }

    fn scalar(&self, node: NodeId, place: &Place, out: &mut Vec<u8>) {
        let raw = self.document.raw(node);
        let is_null = self.document.kind(node) == ValueKind::Null;
        let hidden = match self.treatments[node.index()] {
            _ if is_null || !place.is_foreign() => None,
            Some(treatment) => Some(self.policy.replacement(raw, treatment)),
            None => self.found(raw, place).map(|hidden| hidden.text),
        };
        match hidden {
            Some(hidden) => string(&hidden, out),
            None => out.extend_from_slice(raw.as_bytes()),
        }
    }
}

/// A JSON string.
fn string(text: &str, out: &mut Vec<u8>) {
    // Writing into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Ends an object or array whose last byte may be a comma.
fn close(out: &mut Vec<u8>, bracket: u8) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = bracket,
        _ => out.push(bracket),
    }
}
