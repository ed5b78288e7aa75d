//! The members of an event that columns are taken from. They are found in one pass over the event and one over what it has
//! unmapped: to search the event for each of the columns would cost more than to parse it.

use std::borrow::Cow;

use crate::json::{Name, Names};
use crate::view::JsonPart;

/// How many members there are.
const COUNT: usize = 14;

const MEMBERS: [&str; COUNT] = [
    "metadata",
    "class_name",
    "api",
    "activity_name",
    "status",
    "status_code",
    "actor",
    "user",
    "src_endpoint",
    "cloud",
    "resources",
    "service",
    "enrichments",
    "unmapped",
];

/// The place of `unmapped` among the members.
const UNMAPPED: usize = COUNT - 1;

static NAMES: Names<COUNT> = Names::new(MEMBERS);

/// A path in an event that begins with one of the members, also below `unmapped`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    is_unmapped: bool,
    member: usize,
    /// The names below the member.
    below: [Option<Name>; 2],
}

impl Place {
    /// The place of a path such as `unmapped.api.service.name`. Made by the compiler, which refuses a path that begins with
    /// another member or is longer.
    pub(super) const fn of(path: &'static str) -> Place {
        let (first, rest) = split(path);
        let is_unmapped = is_equal(first, MEMBERS[UNMAPPED]);
        let (first, rest) = if is_unmapped {
            split(rest)
        } else {
            (first, rest)
        };
        let mut member = 0;
        while !is_equal(first, MEMBERS[member]) {
            member += 1;
        }
        let (second, rest) = split(rest);
        let (third, rest) = split(rest);
        assert!(
            rest.is_empty(),
            "a path has at most two names below a member"
        );
        Place {
            is_unmapped,
            member,
            below: [named(second), named(third)],
        }
    }
}

/// The name, if there is one.
const fn named(name: &'static str) -> Option<Name> {
    if name.is_empty() {
        return None;
    }
    Some(Name::new(name))
}

/// What is before and after the first dot.
const fn split(path: &'static str) -> (&'static str, &'static str) {
    let mut at = 0;
    while at < path.len() {
        if path.as_bytes()[at] == b'.' {
            let (first, rest) = path.split_at(at);
            return (first, rest.split_at(1).1);
        }
        at += 1;
    }
    (path, "")
}

const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The members of one event.
pub(super) struct EventParts<'e, 'r> {
    own: [Option<JsonPart<'e, 'r>>; COUNT],
    unmapped: [Option<JsonPart<'e, 'r>>; COUNT],
}

impl<'e, 'r> EventParts<'e, 'r> {
    pub(super) fn new(event: JsonPart<'e, 'r>) -> EventParts<'e, 'r> {
        let own = event.members(&NAMES);
        let unmapped = own[UNMAPPED].map(|unmapped| unmapped.members(&NAMES));
        EventParts {
            own,
            unmapped: unmapped.unwrap_or([None; COUNT]),
        }
    }

    /// The part at a place; of an array on its path, the first element.
    pub(super) fn at(&self, place: Place) -> Option<JsonPart<'e, 'r>> {
        let members = match place.is_unmapped {
            true => &self.unmapped,
            false => &self.own,
        };
        let mut names = place.below.into_iter().flatten();
        names.try_fold(members[place.member]?, JsonPart::member)
    }

    /// The scalar at a place as text; nothing for null, objects, arrays and `""`.
    pub(super) fn text(&self, place: Place) -> Option<Cow<'r, str>> {
        self.at(place)?.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RawRecord;
    use crate::view::Emitted;

    #[test]
    fn a_place_is_where_its_path_leads() {
        let json =
            br#"{"class_uid":6003,"status":"Success","cloud":{"account":{"uid":"a-1"},"region":""},
            "resources":[{"region":"r-1"},{"region":"r-2"}],"actor":"x",
            "unmapped":{"cloud":{"account":{"uid":"a-2"}},"status":7}}"#;
        let emitted = Emitted::new(RawRecord::of_value("events", json));
        let event = emitted.event().unwrap();
        let parts = EventParts::new(event);
        macro_rules! same {
            ($($path:literal => $text:expr),+ $(,)?) => {
                $(
                    const { Place::of($path) };
                    let text = parts.text(Place::of($path));
                    assert_eq!(text.as_deref(), $text, $path);
                    assert_eq!(text, event.text($path), $path);
                )+
            };
        }
        same! {
            "status" => Some("Success"),
            "unmapped.status" => Some("7"),
            "cloud.account.uid" => Some("a-1"),
            "unmapped.cloud.account.uid" => Some("a-2"),
            "cloud.region" => None,
            "cloud" => None,
            "resources.region" => Some("r-1"),
            "actor.user.uid" => None,
            "api.operation" => None,
            "unmapped.api.operation" => None,
        }
    }
}
