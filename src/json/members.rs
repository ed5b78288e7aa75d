//! Finds several members of an object in one pass over it.

use super::document::Document;
use super::name::{Tag, first_letter, same_bytes, same_name, segments_named};
use super::node::{Node, NodeId};

/// Names that are searched together; any two differ in more than case and underscores.
pub struct Names<const N: usize> {
    names: [Name; N],
    /// For each slot of tags, one bit for each name with such a tag.
    alike: [u32; Tag::PLACES],
}

/// The name of a member that is searched for, with its tag, which the compiler can make.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    name: &'static str,
    tag: Tag,
}

impl Name {
    /// A name that is not empty and has no underscore at an end.
    pub const fn new(name: &'static str) -> Name {
        let bytes = name.as_bytes();
        let tag = Tag::of_written(bytes[0], bytes[bytes.len() - 1]);
        Name { name, tag }
    }
}

impl<const N: usize> Names<N> {
    /// One to 32 names, none empty and none with an underscore at an end.
    pub const fn new(names: [&'static str; N]) -> Self {
        const { assert!(0 < N && N <= 32, "a bit for each") };
        let mut tagged = [Name {
            name: "",
            tag: Tag::ANY,
        }; N];
        let mut alike = [0; Tag::PLACES];
        // A name whose letters are not visible (escaped) may be any of them.
        alike[Tag::ANY.place()] = u32::MAX >> (32 - N);
        let mut number = 0;
        while number < N {
            tagged[number] = Name::new(names[number]);
            alike[tagged[number].tag.place()] |= 1 << number;
            number += 1;
        }
        Self {
            names: tagged,
            alike,
        }
    }

    /// The number of the name that is equal to this one, ignoring case and underscores.
    pub fn position(&self, name: &str) -> Option<usize> {
        let tag = Tag::of(name);
        let mut numbers = bits(self.alike[tag.place()]);
        numbers.find(|number| {
            let wanted = self.names[*number];
            wanted.tag == tag && same_name(wanted.name, name)
        })
    }
}

/// The numbers of the bits that are set.
#[inline]
fn bits(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let number = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(number)
    })
}

impl Document<'_> {
    /// Whether an object has a member with exactly this name.
    pub fn has_member(&self, id: NodeId, name: &str) -> bool {
        let is_it = |node: &Node| node.key.bytes_of(self.text) == name.as_bytes();
        self.members(id).any(|(_, node)| is_it(node))
    }

    /// The members that match the next segments of a path, and the number of segments that each matches:
    /// a name with dots, such as `cleanup.policy`, matches several. Case and underscores are ignored.
    /// None for other types.
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

    /// The member that [`Document::member_folded`] finds.
    pub fn member_of(&self, id: NodeId, name: Name) -> Option<NodeId> {
        self.find_folded(id, name.tag, name.name)
    }

    /// For each name the member that [`Document::member_folded`] finds.
    pub fn members_folded<const N: usize>(
        &self,
        id: Option<NodeId>,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        let Some(id) = id else { return found };
        match self.find::<true>(id, &names.names, &names.alike, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|it| self.member_folded(id, it.name)),
        }
    }

    /// For each name the member that [`Document::member`] finds.
    pub fn members_named<const N: usize>(
        &self,
        id: NodeId,
        names: &Names<N>,
    ) -> [Option<NodeId>; N] {
        let mut found = [None; N];
        match self.find::<false>(id, &names.names, &names.alike, &mut found) {
            Ok(()) => found,
            Err(NameHidden) => names.names.map(|it| self.member(id, it.name)),
        }
    }

    /// Finds for each name the first member of that name; otherwise, if `FOLDED`, the first whose name is
    /// equal, ignoring case and underscores.
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
            if node.tag == Tag::ANY {
                return Err(NameHidden);
            }
            let key = node.key.bytes_of(self.text);
            let find = |is: fn(&[u8], &[u8]) -> bool| {
                let is_it = |it: Name| it.tag == node.tag && is(it.name.as_bytes(), key);
                bits(alike).find(|number| is_it(names[*number]))
            };
            if let Some(number) = find(|name, key| name == key) {
                found[number] = Some(child);
                settled |= 1 << number;
            } else if FOLDED && let Some(number) = find(same_bytes) {
                found[number].get_or_insert(child);
            }
        }
        Ok(())
    }
}

/// For the rare case that a member's name is escaped or has an underscore at an end: its tag cannot be
/// used, so each name is searched separately.
struct NameHidden;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_ignoring_case_and_underscores() {
        const NAMES: Names<3> = Names::new(["instanceId", "instanceIds", "name"]);
        for (name, position) in [
            ("instanceId", Some(0)),
            ("InstanceIDs", Some(1)),
            ("instance_ids", Some(1)),
            ("_Name_", Some(2)),
            ("instance", None),
            ("names", None),
            ("_", None),
            ("", None),
        ] {
            assert_eq!(NAMES.position(name), position, "{name}");
        }
    }

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
}
