//! Writes JSON objects member by member, absent members left out.
//! Invariant: every member and element ends in a comma; closing puts the bracket in its place.

use super::constant::Constant;
use super::key::{Name, Opening};
use super::plain::is_plain;
use super::text::Text;

/// What is written as a JSON string.
pub(crate) trait Content {
    /// Appends it, the opening quote being there, and a comma.
    fn write(&self, out: &mut Vec<u8>);
}

impl Content for str {
    fn write(&self, out: &mut Vec<u8>) {
        string(self, out);
    }
}

impl Content for String {
    fn write(&self, out: &mut Vec<u8>) {
        string(self, out);
    }
}

impl Content for Text<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self.as_plain() {
            Some(text) => plain_string(text, out),
            None => string(self, out),
        }
    }
}

impl<C: Content + ?Sized> Content for &C {
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
    /// Writes one object with what `members` puts into it.
    pub(crate) fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object { out });
        close(out, b'}');
    }

    /// A member whose value the caller writes.
    #[inline(always)]
    pub(crate) fn member(&mut self, name: impl Name, value: impl FnOnce(&mut Vec<u8>)) {
        name.open(Opening::None, self.out);
        value(self.out);
        self.out.push(b',');
    }

    /// For members that the caller writes whole, each with its comma.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    #[inline(always)]
    pub(crate) fn text(&mut self, name: impl Name, value: &(impl Content + ?Sized)) {
        name.open(Opening::Text, self.out);
        value.write(self.out);
    }

    /// A text of ours, which nothing in JSON escapes.
    #[inline(always)]
    pub(crate) fn word(&mut self, name: impl Name, word: &'static str) {
        debug_assert!(is_plain(word.as_bytes()), "{word}");
        name.open(Opening::Text, self.out);
        self.out.extend_from_slice(word.as_bytes());
        self.out.extend_from_slice(b"\",");
    }

    /// Members that the compiler has written.
    #[inline(always)]
    pub(crate) fn constant<const N: usize>(&mut self, members: &Constant<N>) {
        self.out.extend_from_slice(members.as_bytes());
    }

    #[inline(always)]
    pub(crate) fn optional(&mut self, name: impl Name, value: Option<impl Content>) {
        if let Some(value) = value {
            self.text(name, &value);
        }
    }

    #[inline(always)]
    pub(crate) fn int(&mut self, name: impl Name, value: i64) {
        self.member(name, |out| integer(value, out));
    }

    pub(crate) fn flag(&mut self, name: impl Name, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.member(name, |out| out.extend_from_slice(word));
    }

    #[inline(always)]
    pub(crate) fn object(&mut self, name: impl Name, members: impl FnOnce(&mut Object<'_>)) {
        name.open(Opening::Object, self.out);
        members(&mut Object { out: self.out });
        close(self.out, b'}');
        self.out.push(b',');
    }

    /// An object, left out when nothing is put into it.
    #[inline(always)]
    pub(crate) fn filled(&mut self, name: impl Name, members: impl FnOnce(&mut Object<'_>)) {
        let before = self.out.len();
        self.object(name, members);
        if self.out.ends_with(b"{},") {
            self.out.truncate(before);
        }
    }

    /// An array of objects, left out when there are none.
    #[inline(always)]
    pub(crate) fn objects<T>(
        &mut self,
        name: impl Name,
        items: &[T],
        members: impl Fn(&T, &mut Object<'_>),
    ) {
        self.array(name, items, |item, out| {
            Object::write(out, |object| members(item, object));
            out.push(b',');
        });
    }

    /// An array of strings, left out when there are none.
    #[inline(always)]
    pub(crate) fn texts(&mut self, name: impl Name, items: &[impl Content]) {
        self.array(name, items, |item, out| {
            out.push(b'"');
            item.write(out);
        });
    }

    #[inline(always)]
    fn array<T>(&mut self, name: impl Name, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
        if items.is_empty() {
            return;
        }
        name.open(Opening::Array, self.out);
        for item in items {
            write(item, self.out);
        }
        close(self.out, b']');
        self.out.push(b',');
    }
}

/// Puts a bracket in the place of the last comma, or behind an opening bracket.
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

/// Appends a JSON string whose opening quote is there, and a comma. Inlined everywhere it would be
/// larger than a processor's cache for instructions.
#[inline(never)]
fn string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        plain_string(text, out);
    } else {
        escaped_string(text, out);
    }
}

/// The same of a text in which nothing is escaped.
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

    proptest! {
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
