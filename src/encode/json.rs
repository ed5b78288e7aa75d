//! Writes JSON objects member by member, absent members left out.

use crate::event::json::is_plain;

/// An open object; [`Object::write`] closes it.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    /// Writes one object with what `members` puts into it.
    pub(super) fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        let mut object = Object { out, empty: true };
        members(&mut object);
        out.push(b'}');
    }

    /// Opens a member whose name is one of ours.
    pub(super) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Opens a member whose name and colon the caller writes.
    pub(super) fn separate(&mut self) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        string(value, self.key(name));
    }

    pub(super) fn optional<T: AsRef<str>>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.text(name, value.as_ref());
        }
    }

    pub(super) fn int(&mut self, name: &str, value: i64) {
        // Writing into memory does not fail.
        let _ = serde_json::to_writer(self.key(name), &value);
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.key(name).extend_from_slice(word);
    }

    pub(super) fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        Object::write(self.key(name), members);
    }

    /// An array of objects, left out when there are none.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        items: &[T],
        members: impl Fn(&T, &mut Object<'_>),
    ) {
        self.array(name, items, |item, out| {
            Object::write(out, |object| members(item, object));
        });
    }

    /// An array of strings, left out when there are none.
    pub(super) fn texts<T: AsRef<str>>(&mut self, name: &str, items: &[T]) {
        self.array(name, items, |item, out| string(item.as_ref(), out));
    }

    fn array<T>(&mut self, name: &str, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
        if items.is_empty() {
            return;
        }
        let out = self.key(name);
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(item, out);
        }
        out.push(b']');
    }
}

/// Appends a JSON string.
fn string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing into memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}
