//! Names of members as the writer takes them.

/// What a member's value begins with.
#[derive(Clone, Copy)]
pub(crate) enum Opening {
    /// The value says it itself.
    None,
    /// The quote of a text.
    Text,
    Object,
    Array,
}

/// A member's name, nothing of which JSON escapes.
pub(crate) trait Name {
    /// Appends it in quotes, a colon, and what the value begins with.
    fn open(self, opening: Opening, out: &mut Vec<u8>);
}

/// A name with what stands around it, put together by the compiler and appended in one piece:
/// `key!("uid")`.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    pub(crate) object: &'static str,
    pub(crate) array: &'static str,
}

macro_rules! key {
    ($name:literal) => {
        $crate::json::key::Key {
            value: concat!("\"", $name, "\":"),
            text: concat!("\"", $name, "\":\""),
            object: concat!("\"", $name, "\":{"),
            array: concat!("\"", $name, "\":["),
        }
    };
}
pub(crate) use key;

impl Name for Key {
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

/// A name that the compiler does not know, or of what is seldom written.
impl Name for &str {
    fn open(self, opening: Opening, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(self.as_bytes());
        out.extend_from_slice(match opening {
            Opening::None => b"\":",
            Opening::Text => b"\":\"",
            Opening::Object => b"\":{",
            Opening::Array => b"\":[",
        });
    }
}
