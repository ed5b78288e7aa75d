//! Members of JSON objects that the compiler writes: runs of them whose values are constants are
//! appended in one piece.

use super::key::Key;

/// Members, each with its comma, in at most `N` bytes. More do not compile, nor does what JSON
/// escapes.
#[derive(Clone, Copy)]
pub(crate) struct Constant<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Constant<N> {
    /// No members.
    pub(crate) const NONE: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    /// The same, and a text.
    pub(crate) const fn word(self, name: Key, word: &str) -> Self {
        self.with(name.text).with_plain(word).with("\",")
    }

    /// The same, and a number, which is not negative.
    pub(crate) const fn int(self, name: Key, value: i64) -> Self {
        assert!(value >= 0);
        self.with(name.value).with_digits(value).with(",")
    }

    /// The same, and an object with these members, one at least.
    pub(crate) const fn object<const M: usize>(mut self, name: Key, members: &Constant<M>) -> Self {
        self = self.with(name.object);
        // Its last comma makes room for the bracket.
        let mut at = 0;
        while at + 1 < members.len {
            self = self.with_byte(members.bytes[at]);
            at += 1;
        }
        self.with("},")
    }

    /// The same, and an array of one text.
    pub(crate) const fn list_of_one(self, name: Key, word: &str) -> Self {
        self.with(name.array)
            .with("\"")
            .with_plain(word)
            .with("\"],")
    }

    #[inline(always)]
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        self.bytes.split_at(self.len).0
    }

    const fn with_digits(self, value: i64) -> Self {
        let before = if value < 10 {
            self
        } else {
            self.with_digits(value / 10)
        };
        before.with_byte(b'0' + (value % 10) as u8)
    }

    const fn with_plain(self, word: &str) -> Self {
        let mut at = 0;
        while at < word.len() {
            assert!(!matches!(word.as_bytes()[at], b'"' | b'\\' | ..0x20));
            at += 1;
        }
        self.with(word)
    }

    const fn with(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() {
            self = self.with_byte(text.as_bytes()[at]);
            at += 1;
        }
        self
    }

    const fn with_byte(mut self, byte: u8) -> Self {
        self.bytes[self.len] = byte;
        self.len += 1;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::key;
    use super::super::object::Object;
    use super::*;

    #[test]
    fn it_is_what_would_be_written_member_by_member() {
        const INNER: Constant<32> = Constant::NONE.int(key!("h"), 1).word(key!("i"), "j");
        const CONSTANT: Constant<96> = Constant::NONE
            .int(key!("a"), 0)
            .word(key!("b"), "")
            .list_of_one(key!("c"), "d e")
            .object(key!("g"), &INNER)
            .int(key!("f"), 4_294_967_295);
        let (mut constant, mut written) = (Vec::new(), Vec::new());
        Object::write(&mut constant, |o| o.constant(&CONSTANT));
        Object::write(&mut written, |o| {
            o.int(key!("a"), 0);
            o.word(key!("b"), "");
            o.texts(key!("c"), &["d e"]);
            o.object(key!("g"), |o| {
                o.int(key!("h"), 1);
                o.word(key!("i"), "j");
            });
            o.int(key!("f"), 4_294_967_295);
        });
        assert_eq!(constant, written);
    }
}
