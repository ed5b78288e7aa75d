//! Finds repeated members: members of one object whose names are equal, ignoring case and underscores.
//! JSON parsers differ in which of them they use.

use std::collections::HashMap;

use super::document::Document;
use super::name::{folded_name, same_name};
use super::node::{NodeId, ValueKind};

/// Up to this many members are compared with each other.
const FEW: usize = 16;

/// Two of these names that are equal, ignoring case and underscores.
pub fn repeated_name<'n>(
    names: impl ExactSizeIterator<Item = &'n str> + Clone,
) -> Option<(&'n str, &'n str)> {
    if names.len() <= FEW {
        let mut numbered = names.clone().enumerate();
        return numbered.find_map(|(number, name)| {
            let mut before = names.clone().take(number);
            Some((before.find(|other| same_name(other, name))?, name))
        });
    }
    let mut first_of = HashMap::with_capacity(names.len());
    names.into_iter().find_map(|name| {
        let first = first_of.insert(folded_name(name), name)?;
        Some((first, name))
    })
}

impl Document<'_> {
    /// Every member whose name equals that of another member of its object, ignoring case and
    /// underscores, in document order.
    pub fn repeated_members(&self) -> Vec<NodeId> {
        let mut repeated = Vec::new();
        if !self.may_repeat_names {
            return repeated;
        }
        let objects = self
            .nodes()
            .filter(|id| self.kind(*id) == ValueKind::Object);
        for object in objects {
            let members: Vec<NodeId> = self.children(object).collect();
            if members.len() <= FEW {
                self.compare(&members, &mut repeated);
            } else {
                self.look_up(&members, &mut repeated);
            }
        }
        repeated.sort_unstable();
        repeated.dedup();
        repeated
    }

    fn compare(&self, members: &[NodeId], repeated: &mut Vec<NodeId>) {
        let names: Vec<_> = members.iter().map(|member| self.key(*member)).collect();
        for (number, member) in members.iter().enumerate() {
            let same = (0..number).filter(|other| same_name(&names[*other], &names[number]));
            repeated.extend(same.flat_map(|other| [members[other], *member]));
        }
    }

    fn look_up(&self, members: &[NodeId], repeated: &mut Vec<NodeId>) {
        let mut first_of: HashMap<Vec<u8>, NodeId> = HashMap::with_capacity(members.len());
        for member in members {
            let first = *first_of
                .entry(folded_name(&self.key(*member)))
                .or_insert(*member);
            if first != *member {
                repeated.extend([first, *member]);
            }
        }
    }

    /// The first other member of the same object whose name equals this one's, ignoring case and
    /// underscores.
    pub fn same_named(&self, member: NodeId) -> Option<NodeId> {
        let name = self.key(member);
        let mut others = self
            .children(self.parent(member)?)
            .filter(|other| *other != member);
        others.find(|other| same_name(&name, &self.key(*other)))
    }
}
