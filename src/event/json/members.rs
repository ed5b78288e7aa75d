//! Several members of one object, found in one pass over it.

use super::name::{Tag, same_bytes};
use super::{Document, NodeId};

/// Names that are looked for together; any two differ in more than case and underscores.
pub struct Names<const N: usize> {
    names: [&'static str; N],
    /// By the place of a tag: one bit for each name that has such a tag.
    alike: [u32; Tag::PLACES],
}

impl<const N: usize> Names<N> {
    /// One to 32 names, none empty and none with an underscore at an end.
    pub const fn new(names: [&'static str; N]) -> Self {
        const { assert!(0 < N && N <= 32, "a bit for each") };
        let mut alike = [0; Tag::PLACES];
        let mut number = 0;
        while number < N {
            let name = names[number].as_bytes();
            let tag = Tag::of_written(name[0], name[name.len() - 1]);
            alike[tag.place()] |= 1 << number;
            number += 1;
        }
        Self { names, alike }
    }

    /// One bit for each name that may have this tag.
    #[inline]
    fn alike(&self, tag: Tag) -> u32 {
        match tag {
            Tag::ANY => u32::MAX >> (32 - N),
            _ => self.alike[tag.place()],
        }
    }

    /// The first of the names in `bits` that is the same to `same`.
    fn first(&self, mut bits: u32, same: impl Fn(&[u8]) -> bool) -> Option<usize> {
        while bits != 0 {
            let number = bits.trailing_zeros() as usize;
            if same(self.names[number].as_bytes()) {
                return Some(number);
            }
            bits &= bits - 1;
        }
        None
    }
}

impl Document<'_> {
    /// For each name the member that [`Document::member_folded`] finds; none where nothing is.
    pub fn members_folded<const N: usize>(
        &self,
        id: Option<NodeId>,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        let Some(id) = id else { return found };
        let mut settled = 0;
        for child in self.members(id) {
            let tag = self.node(child).tag;
            let alike = names.alike(tag) & !settled;
            if alike == 0 {
                continue;
            }
            let mut note = |key: &[u8]| {
                if let Some(number) = names.first(alike, |name| name == key) {
                    found[number] = Some(child);
                    settled |= 1 << number;
                } else if let Some(number) = names.first(alike, |name| same_bytes(name, key)) {
                    found[number].get_or_insert(child);
                }
            };
            match tag {
                Tag::ANY => note(self.key(child).as_bytes()),
                _ => note(self.key_bytes(child)),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_at_once_are_found_as_one_by_one() {
        const WANTED: [&str; 4] = ["clientIp", "clientId", "result", "request"];
        const NAMES: Names<4> = Names::new(WANTED);
        for text in [
            r#"{}"#,
            r#"["clientIp"]"#,
            r#""clientIp""#,
            r#"{"clientIp":1,"other":2,"result":3}"#,
            r#"{"client_ip":1,"CLIENT_ID":2,"re_quest":3}"#,
            r#"{"client_ip":1,"ClientIp":2,"clientIp":3,"client_Ip":4}"#,
            r#"{"clientIp":1,"client_ip":2,"clientIp":3}"#,
            r#"{"client\u0049p":1,"_client_id_":2,"r\u0065sult":3,"res\u0075lt":4}"#,
            r#"{"":1,"_":2,"client":3,"clientIp2":4,"rest":5,"__request":6}"#,
        ] {
            let document = Document::parse(text.as_bytes()).unwrap();
            let root = document.root();
            let one_by_one = WANTED.map(|name| document.member_folded(root, name));
            assert_eq!(
                document.members_folded(Some(root), &NAMES),
                one_by_one,
                "{text}"
            );
        }
    }
}
