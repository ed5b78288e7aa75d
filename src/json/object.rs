//! Writes JSON objects member by member; absent members are left out.
//! Invariant: every member and element ends in a comma, which the closing bracket replaces. Text is
//! appended unchanged only if its source guarantees that it is JSON: a parsed document, a serializer, a
//! literal, an output record of watchbell.

use serde::Serialize;

use super::document::Document;
use super::key::{MemberName, Opening};
use super::node::{NodeId, ValueKind};
use super::plain::is_plain;
use super::text::Text;
use super::tokens::JsonText;
use super::written::Written;

/// A value that is written as a JSON string.
pub(crate) trait StringValue {
    /// Appends the string after its opening quote, and a comma.
    fn write(&self, out: &mut Vec<u8>);
}

impl StringValue for str {
    fn write(&self, out: &mut Vec<u8>) {
        string(self, out);
    }
}

impl StringValue for String {
    fn write(&self, out: &mut Vec<u8>) {
        string(self, out);
    }
}

impl StringValue for Text<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self.as_plain() {
            Some(text) => plain_string(text, out),
            None => string(self, out),
        }
    }
}

impl<C: StringValue + ?Sized> StringValue for &C {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

/// An open object; [`Object::write`] closes it.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
}

impl Object<'_> {
    /// Writes one object with the members that `members` writes.
    pub(crate) fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object { out });
        close(out, b'}');
    }

    #[inline(always)]
    fn member(&mut self, name: impl MemberName, value: impl FnOnce(&mut Vec<u8>)) {
        name.open(Opening::None, self.out);
        value(self.out);
        self.out.push(b',');
    }

    /// A value of a document, unchanged but without white space.
    #[inline(always)]
    pub(crate) fn copy(&mut self, name: impl MemberName, document: &Document<'_>, value: NodeId) {
        self.member(name, |out| document.write_compact(value, out));
    }

    /// The unmarked parts of a value that has an unmarked leaf.
    #[inline(always)]
    pub(crate) fn copy_unmarked(
        &mut self,
        name: impl MemberName,
        document: &Document<'_>,
        value: NodeId,
    ) {
        self.member(name, |out| document.write_unmarked(value, out));
    }

    /// The unmarked parts of the members of a document's object, with their own names.
    #[inline(always)]
    pub(crate) fn copy_unmarked_members(&mut self, document: &Document<'_>, object: NodeId) {
        debug_assert_eq!(document.kind(object), ValueKind::Object);
        document.write_unmarked_below(object, self.out);
    }

    /// A value that was serialized before.
    #[inline(always)]
    pub(crate) fn written(&mut self, name: impl MemberName, value: &Written) {
        self.member(name, |out| out.extend_from_slice(value.as_str().as_bytes()));
    }

    /// A value that can be serialized; `null` if that fails.
    pub(crate) fn serialized(&mut self, name: impl MemberName, value: &impl Serialize) {
        self.written(name, &Written::of(value));
    }

    /// The value of an output record of watchbell. It is large, so only debug builds check that it is JSON.
    pub(crate) fn record(&mut self, name: impl MemberName, value: &[u8]) {
        debug_assert!(JsonText::check(value).is_ok(), "a record of ours is JSON");
        self.member(name, |out| out.extend_from_slice(value));
    }

    #[inline(always)]
    pub(crate) fn text(&mut self, name: impl MemberName, value: &(impl StringValue + ?Sized)) {
        name.open(Opening::Text, self.out);
        value.write(self.out);
    }

    /// A literal without characters to escape; debug builds check this.
    #[inline(always)]
    pub(crate) fn word(&mut self, name: impl MemberName, word: &'static str) {
        debug_assert!(is_plain(word.as_bytes()), "{word}");
        name.open(Opening::Text, self.out);
        self.out.extend_from_slice(word.as_bytes());
        self.out.extend_from_slice(b"\",");
    }

    #[inline(always)]
    pub(crate) fn optional(&mut self, name: impl MemberName, value: Option<impl StringValue>) {
        if let Some(value) = value {
            self.text(name, &value);
        }
    }

    #[inline(always)]
    pub(crate) fn int(&mut self, name: impl MemberName, value: i64) {
        self.member(name, |out| integer(value, out));
    }

    pub(crate) fn flag(&mut self, name: impl MemberName, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.member(name, |out| out.extend_from_slice(word));
    }

    #[inline(always)]
    pub(crate) fn object(&mut self, name: impl MemberName, members: impl FnOnce(&mut Object<'_>)) {
        name.open(Opening::Object, self.out);
        members(&mut Object { out: self.out });
        close(self.out, b'}');
        self.out.push(b',');
    }

    /// An object; left out if it has no members.
    #[inline(always)]
    pub(crate) fn filled(&mut self, name: impl MemberName, members: impl FnOnce(&mut Object<'_>)) {
        let before = self.out.len();
        self.object(name, members);
        if self.out.ends_with(b"{},") {
            self.out.truncate(before);
        }
    }

    /// An array of objects; left out if there are none.
    #[inline(always)]
    pub(crate) fn objects<T>(
        &mut self,
        name: impl MemberName,
        items: impl IntoIterator<Item = T>,
        members: impl Fn(T, &mut Object<'_>),
    ) {
        self.array(name, items, |item, out| {
            Object::write(out, |object| members(item, object));
            out.push(b',');
        });
    }

    /// An array of strings; left out if there are none.
    #[inline(always)]
    pub(crate) fn texts(&mut self, name: impl MemberName, items: &[impl StringValue]) {
        self.array(name, items, |item, out| {
            out.push(b'"');
            item.write(out);
        });
    }

    #[inline(always)]
    fn array<T>(
        &mut self,
        name: impl MemberName,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut Vec<u8>),
    ) {
        let mut items = items.into_iter();
        let Some(first) = items.next() else {
            return;
        };
        name.open(Opening::Array, self.out);
        write(first, self.out);
        for item in items {
            write(item, self.out);
        }
        close(self.out, b']');
        self.out.push(b',');
    }
}

/// Replaces the last comma with a bracket, or appends it after an opening bracket.
pub(crate) fn close(out: &mut Vec<u8>, bracket: u8) {
    match out.last_mut() {
        Some(last @ b',') => *last = bracket,
        _ => out.push(bracket),
    }
}

fn integer(value: i64, out: &mut Vec<u8>) {
    if let Ok(digit @ 0..10) = u8::try_from(value) {
        out.push(b'0' + digit);
    } else {
        // Writing into memory does not fail.
        let _ = serde_json::to_writer(out, &value);
    }
}

/// Appends a JSON string after its opening quote, and a comma. Not inlined, because the code would exceed
/// the processor's instruction cache.
#[inline(never)]
fn string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        plain_string(text, out);
    } else {
        escaped_string(text, out);
    }
}

/// The same for a text without characters to escape.
fn plain_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\",");
}

#[cold]
fn escaped_string(text: &str, out: &mut Vec<u8>) {
    // The opening quote comes with the rest.
    out.pop();
    // Writing into memory does not fail.
    let _ = serde_json::to_writer(&mut *out, text);
    out.push(b',');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::key;
    use super::*;

    fn written(members: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = b"before,".to_vec();
        Object::write(&mut out, members);
        String::from_utf8(out.split_off("before,".len())).unwrap()
    }

    #[test]
    fn members_are_separated_and_absent_ones_leave_no_trace() {
        let object = written(|o| {
            o.optional("none", None::<&str>);
            o.object("empty", |_| {});
            o.filled("unfilled", |o| o.texts("none", &[] as &[&str]));
            o.filled("filled", |o| o.word("a", "b"));
            o.objects("list", &[1, -23], |number, o| o.int("n", *number));
            o.texts("texts", &["{},", ","]);
            o.flag("flag", true);
        });
        assert_eq!(
            object,
            concat!(
                r#"{"empty":{},"filled":{"a":"b"},"list":[{"n":1},{"n":-23}],"#,
                r#""texts":["{},",","],"flag":true}"#
            )
        );
        assert_eq!(written(|_| {}), "{}");
    }

    #[test]
    fn a_name_is_written_the_same_in_one_piece_and_in_several() {
        let object = written(|o| {
            o.text(key!("a_b"), "t");
            o.text("a_b", "t");
            o.int(key!("a_b"), 7);
            o.int("a_b", 7);
        });
        assert_eq!(object, r#"{"a_b":"t","a_b":"t","a_b":7,"a_b":7}"#);
    }

    #[test]
    #[should_panic(expected = "a\"b")]
    fn a_literal_that_json_escapes_is_found_out() {
        written(|o| o.word("name", "a\"b"));
    }

    #[test]
    #[should_panic(expected = "a record of ours is JSON")]
    fn a_record_that_is_no_json_is_found_out() {
        written(|o| o.record("data", br#"{"half":"#));
    }

    proptest! {
        #[test]
        fn names_of_any_kind_come_back(name: String, text: String) {
            let object = written(|o| {
                o.text(&*name, &text);
                o.object("rest", |o| {
                    o.int(&*name, 1);
                    o.serialized("again", &name);
                });
                o.object(&*format!("{name}2"), |o| o.texts(&*name, &[&text]));
            });
            let read: serde_json::Value = serde_json::from_str(&object).unwrap();
            prop_assert_eq!(&read[&name], &text);
            prop_assert_eq!(&read["rest"]["again"], &name);
            prop_assert_eq!(&read[&format!("{name}2")][&name][0], &text);
        }

        #[test]
        fn texts_and_numbers_come_back(text: String, number: i64) {
            let object = written(|o| {
                o.text("text", &text);
                o.texts("texts", &[&text, &text]);
                o.int("number", number);
            });
            let read: serde_json::Value = serde_json::from_str(&object).unwrap();
            let expected = serde_json::json!({
                "text": text, "texts": [text, text], "number": number,
            });
            prop_assert_eq!(read, expected);
        }
    }
}
