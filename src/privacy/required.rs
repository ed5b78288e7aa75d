//! What OCSF 1.8.0 requires of objects, so that an event stays valid when a part of it is left out.

use super::places::Place;

/// The members of which an object must have some.
#[derive(Debug)]
pub(super) struct Required {
    /// The last name of the object's place.
    object: &'static str,
    /// The members, of which it must have one, or all.
    pub(super) members: &'static [&'static str],
    needs_all: bool,
    /// The member that says `unknown` if the others are lost; without one, the object is left out.
    pub(super) substitute: Option<&'static str>,
}

impl Required {
    /// Whether an object that `had` so many of the members, and `has` so many of them left, is no longer valid.
    pub(super) fn is_lost(&self, had: usize, has: usize) -> bool {
        match self.needs_all {
            true => has < had,
            false => had > 0 && has == 0,
        }
    }
}

const fn one_of(
    object: &'static str,
    members: &'static [&'static str],
    substitute: Option<&'static str>,
) -> Required {
    Required {
        object,
        members,
        needs_all: false,
        substitute,
    }
}

const NAMED: &[&str] = &["name", "uid"];

/// The objects of events and alerts that have such members.
const ALL: [Required; 13] = [
    one_of("user", &["account", "name", "uid"], Some("name")),
    one_of("src_endpoint", &["ip", "name"], Some("name")),
    one_of("resources", NAMED, Some("name")),
    one_of("request", &["uid"], Some("uid")),
    one_of("account", NAMED, None),
    one_of("org", NAMED, None),
    one_of("owner", NAMED, None),
    one_of("group", NAMED, None),
    one_of("groups", NAMED, None),
    one_of("policy", &["name", "type", "uid"], None),
    one_of("location", &["city", "country", "region"], None),
    one_of("autonomous_system", &["name", "number"], None),
    Required {
        object: "enrichments",
        members: &["data", "value"],
        needs_all: true,
        substitute: None,
    },
];

/// What the object at this place must have; `None` if that is nothing that a policy can take from it.
pub(super) fn of(place: &Place) -> Option<&'static Required> {
    let name = place.last_name()?;
    ALL.iter().find(|required| required.object == name)
}
