//! Names of members for the writer.
//! Invariant: the appended text is a name in quotes, escaped if necessary, and a colon. A literal is built
//! and checked at compile time; any other name is searched for characters to escape when it is written.

use super::plain::{is_plain, is_special};

/// The text with which a member's value begins.
#[derive(Clone, Copy)]
pub(crate) enum Opening {
    /// Nothing: the value is written as a whole.
    None,
    /// The quote of a text.
    Text,
    Object,
    Array,
}

/// A member's name.
pub(crate) trait MemberName {
    /// Appends the name in quotes, a colon, and the beginning of the value.
    fn open(self, opening: Opening, out: &mut Vec<u8>);
}

/// A literal name with its quotes, colon and the beginning of the value, appended at once; made by [`key!`].
#[derive(Clone, Copy)]
pub(crate) struct Key {
    value: &'static str,
    text: &'static str,
    object: &'static str,
    array: &'static str,
}

impl Key {
    /// A name, and the same in quotes with a colon: alone, before a text, an object and an array. A name
    /// with a character that JSON escapes does not compile.
    pub(crate) const fn new(
        name: &'static str,
        [value, text, object, array]: [&'static str; 4],
    ) -> Key {
        let mut at = 0;
        while at < name.len() {
            let byte = name.as_bytes()[at];
            assert!(!is_special(byte), "JSON escapes something in this name");
            assert!(value.as_bytes()[at + 1] == byte, "another name");
            at += 1;
        }
        assert!(value.len() == name.len() + "\"\":".len());
        Key {
            value,
            text,
            object,
            array,
        }
    }
}

/// A member's name that is known at compile time: `key!("uid")`.
macro_rules! key {
    ($name:literal) => {
        const {
            $crate::json::key::Key::new(
                $name,
                [
                    concat!("\"", $name, "\":"),
                    concat!("\"", $name, "\":\""),
                    concat!("\"", $name, "\":{"),
                    concat!("\"", $name, "\":["),
                ],
            )
        }
    };
}
pub(crate) use key;

impl MemberName for Key {
    #[inline(always)]
    fn open(self, opening: Opening, out: &mut Vec<u8>) {
        let text = match opening {
            Opening::None => self.value,
            Opening::Text => self.text,
            Opening::Object => self.object,
            Opening::Array => self.array,
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// A name that is known only at run time, or of a member that is rarely written.
impl MemberName for &str {
    fn open(self, opening: Opening, out: &mut Vec<u8>) {
        if is_plain(self.as_bytes()) {
            out.push(b'"');
            out.extend_from_slice(self.as_bytes());
            out.push(b'"');
        } else {
            // Writing into memory does not fail.
            let _ = serde_json::to_writer(&mut *out, self);
        }
        out.extend_from_slice(match opening {
            Opening::None => b":",
            Opening::Text => b":\"",
            Opening::Object => b":{",
            Opening::Array => b":[",
        });
    }
}
