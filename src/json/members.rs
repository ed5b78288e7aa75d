//! Several members of one object, found in one pass over it.

use wide::u8x32;

use super::document::Document;
use super::name::{Tag, first_letter, same_bytes, segments_named};
use super::node::{Node, NodeId};

/// Names that are looked for together; any two differ in more than case and underscores.
pub struct Names<const N: usize> {
    names: [Name; N],
    /// By the place of a tag: one bit for each name that has such a tag.
    alike: [u32; Tag::PLACES],
}

impl<const N: usize> Names<N> {
    /// One to 32 names of at most 31 bytes, none empty and none with an underscore at an end.
    pub const fn new(wanted: [&'static str; N]) -> Self {
        const { assert!(0 < N && N <= 32, "a bit for each") };
        let mut names = [Name::of(""); N];
        let mut alike = [0; Tag::PLACES];
        // A name that does not show its letters may be any of them.
        alike[Tag::ANY.place()] = u32::MAX >> (32 - N);
        let mut number = 0;
        while number < N {
            let name = wanted[number].as_bytes();
            let tag = Tag::of_written(name[0], name[name.len() - 1]);
            alike[tag.place()] |= 1 << number;
            names[number] = Name::of(wanted[number]);
            number += 1;
        }
        Self { names, alike }
    }
}

/// A name, and how it stands in a text: with a quote after it.
#[derive(Clone, Copy)]
struct Name {
    name: &'static str,
    written: [u8; Name::ROOM],
    /// A bit for each byte that counts, the lowest for the first.
    counted: u32,
}

impl Name {
    const ROOM: usize = 32;

    const fn of(name: &'static str) -> Self {
        assert!(name.len() < Name::ROOM, "room for the quote");
        let mut written = [b'"'; Name::ROOM];
        let (start, _) = written.split_at_mut(name.len());
        start.copy_from_slice(name.as_bytes());
        Self {
            name,
            written,
            counted: u32::MAX >> (Name::ROOM - 1 - name.len()),
        }
    }

    /// Whether this name without escapes begins here. However long it is, there is no branch.
    #[inline]
    fn begins(&self, text: u8x32) -> bool {
        let alike = u8x32::new(self.written).simd_eq(text).to_bitmask();
        alike & self.counted == self.counted
    }
}

impl Document<'_> {
    /// Whether an object has a member that is written exactly so.
    pub fn has_member(&self, id: NodeId, name: &str) -> bool {
        let is_it = |node: &Node| node.key.bytes_of(self.text) == name.as_bytes();
        self.members(id).any(|(_, node)| is_it(node))
    }

    /// The members that a path leads to at its next step, and how many of its segments each stands
    /// for: a name with dots, such as `cleanup.policy`, stands for several. Case and underscores do
    /// not matter. Nothing for other types.
    pub fn members_on_path<'d>(
        &'d self,
        id: NodeId,
        path: &'d [Box<str>],
    ) -> impl Iterator<Item = (NodeId, usize)> + 'd {
        let letter = path.first().and_then(|segment| first_letter(segment));
        let may_be_meant = move |node: &Node| letter.is_none_or(|it| node.tag.may_begin_with(it));
        self.members(id)
            .filter(move |(_, node)| may_be_meant(node))
            .filter_map(|(child, _)| Some((child, segments_named(&self.key(child), path)?)))
    }

    /// For each name the member that [`Document::member_folded`] finds; none where nothing is.
    pub fn members_folded<const N: usize>(
        &self,
        id: Option<NodeId>,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        let Some(id) = id else { return found };
        match self.find::<true>(id, &names.names, &names.alike, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|name| self.member_folded(id, name.name)),
        }
    }

    /// For each name the member that [`Document::member`] finds; none where nothing is.
    pub fn members_named<const N: usize>(
        &self,
        id: NodeId,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        match self.find::<false>(id, &names.names, &names.alike, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|name| self.member(id, name.name)),
        }
    }

    /// Finds for each name the first member of that name, else, if `FOLDED`, the first whose name is
    /// like it.
    #[inline(never)]
    fn find<const FOLDED: bool>(
        &self,
        object: NodeId,
        names: &[Name],
        alike: &[u32; Tag::PLACES],
        found: &mut [Option<NodeId>],
    ) -> Result<(), NameHidden> {
        // One bit for each name that was found exactly.
        let mut settled = 0;
        for (child, node) in self.members(object) {
            let alike = alike[node.tag.place()] & !settled;
            if alike == 0 {
                continue;
            }
            let text = self.text_from(node.key.start);
            if let Some(number) = first(names, alike, |name| name.begins(text)) {
                found[number] = Some(child);
                settled |= 1 << number;
            } else if node.tag == Tag::ANY {
                return Err(NameHidden);
            } else if FOLDED && let Some(number) = self.first_like(names, alike, node) {
                found[number].get_or_insert(child);
            }
        }
        Ok(())
    }

    /// The first of the names in `bits` that is the node's but for case and underscores.
    #[cold]
    fn first_like(&self, names: &[Name], bits: u32, node: &Node) -> Option<usize> {
        let key = node.key.bytes_of(self.text);
        first(names, bits, |name| same_bytes(name.name.as_bytes(), key))
    }

    /// The text from this place on, with zeros after its end.
    #[inline]
    fn text_from(&self, at: u32) -> u8x32 {
        let (text, at) = (self.text.as_bytes(), at as usize);
        match text.get(at..at + Name::ROOM).and_then(<[u8]>::as_array) {
            Some(bytes) => u8x32::new(*bytes),
            None => padded(&text[at..]),
        }
    }
}

#[cold]
fn padded(last: &[u8]) -> u8x32 {
    let mut bytes = [0; Name::ROOM];
    bytes[..last.len()].copy_from_slice(last);
    u8x32::new(bytes)
}

/// Some member's name does not show its letters, as hardly any does: names are to be looked for
/// one by one.
struct NameHidden;

/// The first of the names in `bits` that is the same to `same`.
#[inline]
fn first(names: &[Name], mut bits: u32, same: impl Fn(&Name) -> bool) -> Option<usize> {
    while bits != 0 {
        let number = bits.trailing_zeros() as usize;
        if same(&names[number]) {
            return Some(number);
        }
        bits &= bits - 1;
    }
    None
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
        const LONGEST: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcde";
        for length in 0..=LONGEST.len() {
            let name = Name::of(&LONGEST[..length]);
            // At the end of a text, and before it.
            for rest in ["", r#","and so on, for a good while":2"#] {
                let begins = |key: &str| {
                    let text = format!(r#"{{"{key}":1{rest}}}"#);
                    let document = Document::parse(text.as_bytes()).unwrap();
                    name.begins(document.text_from(2))
                };
                assert!(begins(name.name), "{length}");
                assert!(!begins(&format!("{}s", name.name)), "{length}");
                for place in 0..length {
                    let mut other = name.name.to_owned();
                    other.replace_range(place..=place, "_");
                    assert!(!begins(&other), "{place} of {length}");
                    assert!(!begins(&name.name[..place]), "{place} of {length}");
                }
            }
        }
    }
}
