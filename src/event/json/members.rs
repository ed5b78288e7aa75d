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
        // A name that does not show its letters may be any of them.
        alike[Tag::ANY.place()] = u32::MAX >> (32 - N);
        let mut number = 0;
        while number < N {
            let name = names[number].as_bytes();
            let tag = Tag::of_written(name[0], name[name.len() - 1]);
            alike[tag.place()] |= 1 << number;
            number += 1;
        }
        Self { names, alike }
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
        match self.find(id, &names.names, &names.alike, same_bytes, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|name| self.member_folded(id, name)),
        }
    }

    /// For each name the member that [`Document::member`] finds; none where nothing is.
    pub fn members_named<const N: usize>(
        &self,
        id: NodeId,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        match self.find(id, &names.names, &names.alike, |_, _| false, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|name| self.member(id, name)),
        }
    }

    /// Finds for each name the first member of that name, else the first whose name is like it.
    #[inline(never)]
    fn find(
        &self,
        object: NodeId,
        names: &[&str],
        alike: &[u32; Tag::PLACES],
        is_like: impl Fn(&[u8], &[u8]) -> bool,
        found: &mut [Option<NodeId>],
    ) -> Result<(), NameHidden> {
        // One bit for each name that was found exactly.
        let mut settled = 0;
        for (child, node) in self.members(object) {
            let alike = alike[node.tag.place()] & !settled;
            if alike == 0 {
                continue;
            }
            if node.tag == Tag::ANY {
                return Err(NameHidden);
            }
            let key = node.key.bytes_of(self.text);
            if let Some(number) = first(names, alike, |name| is_exactly(name, key)) {
                found[number] = Some(child);
                settled |= 1 << number;
            } else if let Some(number) = first(names, alike, |name| is_like(name, key)) {
                found[number].get_or_insert(child);
            }
        }
        Ok(())
    }
}

/// Some member's name does not show its letters, as hardly any does: names are to be looked for
/// one by one.
struct NameHidden;

/// The first of the names in `bits` that is the same to `same`.
#[inline]
fn first(names: &[&str], mut bits: u32, same: impl Fn(&[u8]) -> bool) -> Option<usize> {
    while bits != 0 {
        let number = bits.trailing_zeros() as usize;
        if same(names[number].as_bytes()) {
            return Some(number);
        }
        bits &= bits - 1;
    }
    None
}

/// Whether two names are one. No call: names are short, and many are compared.
#[inline]
fn is_exactly(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && match left.len() {
            8..=16 => have_same_ends::<8>(left, right),
            4..=7 => have_same_ends::<4>(left, right),
            17..=32 => have_same_ends::<16>(left, right),
            _ => left.iter().eq(right),
        }
}

/// Whether the first and the last N bytes are the same, which may overlap.
#[inline]
fn have_same_ends<const N: usize>(left: &[u8], right: &[u8]) -> bool {
    left.first_chunk::<N>() == right.first_chunk() && left.last_chunk::<N>() == right.last_chunk()
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
            let exactly = WANTED.map(|name| document.member(root, name));
            assert_eq!(document.members_named(root, &NAMES), exactly, "{text}");
        }
    }

    #[test]
    fn a_name_is_itself_and_none_that_differs_in_one_place() {
        for length in 0..40 {
            let name: Vec<u8> = (b'A'..).take(length).collect();
            assert!(is_exactly(&name, &name.clone()), "{length}");
            assert!(!is_exactly(&name, &[&name[..], b"s"].concat()), "{length}");
            for place in 0..length {
                let mut other = name.clone();
                other[place] = b'_';
                assert!(
                    !is_exactly(&name, &other) || name == other,
                    "{place} of {length}"
                );
            }
        }
    }
}
