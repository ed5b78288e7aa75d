//! What access control entries and the bindings of roles are about: principals, resources and operations, in the words
//! of Kafka. An entry may be in several objects, such as `pattern` and `entry`.

use std::ops::ControlFlow;

use super::fact::{
    Fact, GiveFact, OPERATION, PATTERN_TYPE, PERMISSION, PRINCIPAL, RESOURCE_NAME, RESOURCE_TYPE,
    Visited,
};
use super::names::{Name, folded};
use super::object::Object;
use super::reading::{Place, Reader};
use super::text::pairs;
use crate::json::NodeId;
use crate::sigma::Value;

/// Every resource of a type, and every principal.
const ALL: &str = "*";

const PREFIXED: &str = "PREFIXED";
const ALLOW: &str = "ALLOW";
const DENY: &str = "DENY";

/// Everybody.
const EVERYBODY: &str = "User:*";

/// Kafka's types of resources, and those of Confluent, with their numbers in Kafka's protocol.
const RESOURCE_TYPES: [(&str, &str); 8] = [
    ("topic", "TOPIC"),
    ("group", "GROUP"),
    ("cluster", "CLUSTER"),
    ("kafkacluster", "CLUSTER"),
    ("cloudcluster", "CLUSTER"),
    ("transactionalid", "TRANSACTIONAL_ID"),
    ("delegationtoken", "DELEGATION_TOKEN"),
    ("user", "USER"),
];
const TYPES_BY_NUMBER: [&str; 8] = [
    "",
    "ANY",
    "TOPIC",
    "GROUP",
    "CLUSTER",
    "TRANSACTIONAL_ID",
    "DELEGATION_TOKEN",
    "USER",
];

const OPERATIONS: [&str; 13] = [
    "",
    "ANY",
    "ALL",
    "READ",
    "WRITE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
];

/// Every value that a member can have; empty if it can have others.
pub(super) fn closed(member: &str) -> Vec<&'static str> {
    let named = RESOURCE_TYPES.iter().map(|(_, kind)| *kind);
    let mut values: Vec<&str> = match member {
        OPERATION => OPERATIONS.into(),
        RESOURCE_TYPE => named.chain(TYPES_BY_NUMBER).collect(),
        PATTERN_TYPE => vec![PREFIXED],
        PERMISSION => vec![ALLOW, DENY],
        _ => Vec::new(),
    };
    values.retain(|value| !value.is_empty());
    values.sort_unstable();
    values.dedup();
    values
}

/// A name that says of which member a value is.
fn member_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "resourcename" | "resourcenames" | "topic" | "topics" | "topicname" | "topicnames"
        | "resource" | "resources" | "resourceid" | "name" | "names" => RESOURCE_NAME,
        "resourcetype" | "resourcekind" => RESOURCE_TYPE,
        "patterntype" | "resourcepatterntype" => PATTERN_TYPE,
        "operation" | "operations" | "acloperation" => OPERATION,
        "permission" | "permissiontype" | "aclpermission" => PERMISSION,
        "principal" | "principals" | "principalname" | "principalid" | "user" | "users"
        | "aclprincipal" => PRINCIPAL,
        _ => return None,
    })
}

/// Whether a name is that of hosts or of something else that is often `*` for good.
fn is_of_hosts(name: &str) -> bool {
    name.contains("host") || name.contains("address") || name.contains("version")
}

/// Gives the entries and bindings of a request.
pub(super) struct Grants<'g, 'f> {
    give: &'g mut GiveFact<'f>,
}

impl<'g, 'f> Grants<'g, 'f> {
    pub(super) fn new(give: &'g mut GiveFact<'f>) -> Self {
        Grants { give }
    }

    fn one(&mut self, member: &'static str, value: &str) -> Visited {
        (self.give)(&[(member, Value::String(value))])
    }
}

impl Grants<'_, '_> {
    /// The elements of an object's lists, each with what the object says of all: `{"resource_type": "CLUSTER",
    /// "entries": [{"operation": "ALTER"}]}`.
    fn elements(&mut self, object: Object<'_, '_>, around: &Entry) -> Visited {
        // More values are those of a list of their own, and would be repeated for each element.
        if around.values.is_empty() || around.values.len() > MOST_AROUND {
            return ControlFlow::Continue(());
        }
        for (name, member) in object.members() {
            let is_principal = is_principal(&Name::new(name));
            object.elements(member, &mut |element| {
                let mut entry = around.clone();
                entry.add_all(element, is_principal);
                for (name, member) in element.members() {
                    let is_principal = self::is_principal(&Name::new(name));
                    let _ = element.inner(member, &mut |inner| {
                        entry.add_all(inner, is_principal);
                        ControlFlow::Continue(())
                    });
                }
                match entry.values.len() > around.values.len() {
                    true => entry.give(self.give),
                    false => ControlFlow::Continue(()),
                }
            })?;
        }
        ControlFlow::Continue(())
    }
}

impl Reader for Grants<'_, '_> {
    fn object(&mut self, names: &[Name], object: Object<'_, '_>) -> Visited {
        let mut entry = Entry::default();
        let is_principal = names.last().is_some_and(is_principal);
        for (name, member) in object.members() {
            entry.add(&folded(&name), object, member, is_principal);
            let is_principal = is_principal || self::is_principal(&Name::new(name));
            let _ = object.inner(member, &mut |inner| {
                entry.add_all(inner, is_principal);
                ControlFlow::Continue(())
            });
        }
        self.elements(object, &entry)?;
        entry.give(self.give)
    }

    fn value(&mut self, place: Place<'_>, value: Value<'_>) -> Visited {
        let Value::String(text) = value else {
            return ControlFlow::Continue(());
        };
        let last = place.names.last();
        if last.is_some_and(Name::is_for_people) {
            return ControlFlow::Continue(());
        }
        // A name of no member that is known.
        let name = last.map_or("", Name::folded);
        if is_all(text) && member_of(name).is_none() && !is_of_hosts(name) {
            match last.is_some_and(is_principal) {
                true => self.one(PRINCIPAL, EVERYBODY)?,
                false if name == "group" || name == "groups" => self.one(PRINCIPAL, EVERYBODY)?,
                false => self.one(RESOURCE_NAME, ALL)?,
            }
        }
        if names_everybody(text) {
            self.one(PRINCIPAL, EVERYBODY)?;
        }
        if is_pattern_of_all(text) {
            self.one(RESOURCE_NAME, ALL)?;
        }
        let mut entry = Entry::default();
        for (name, word) in pairs(text) {
            let name = folded(name);
            // `User:sa-1` is a principal, and not the name of one.
            if member_of(&name).is_some() && !matches!(name.as_str(), "user" | "users") {
                entry.value(&name, word, false);
            }
        }
        match entry.values.is_empty() {
            true => ControlFlow::Continue(()),
            false => entry.give(self.give),
        }
    }
}

/// No object says more of all elements of its lists.
const MOST_AROUND: usize = 8;

/// What is collected of an entry.
#[derive(Clone, Default)]
struct Entry {
    values: Vec<(&'static str, String)>,
    /// Whether the type `User` stands beside a name, or `Group`, which is also a type of resources.
    is_of_user: bool,
    is_of_group: bool,
    /// Whether a member that is called just `name` names all.
    is_all_named: bool,
    is_prefixed: bool,
    is_named: bool,
}

impl Entry {
    fn add_all(&mut self, object: Object<'_, '_>, is_principal: bool) {
        for (name, member) in object.members() {
            self.add(&folded(&name), object, member, is_principal);
        }
    }

    fn add(&mut self, name: &str, object: Object<'_, '_>, member: NodeId, is_principal: bool) {
        let _ = object.scalars(member, &mut |value| {
            match value {
                Value::String(_) | Value::Number(_) => {
                    self.value(name, &value.text().unwrap_or_default(), is_principal);
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }

    fn value(&mut self, name: &str, text: &str, is_principal: bool) {
        let word = folded(text);
        let is_name = matches!(name, "name" | "id" | "uid");
        let member = match name {
            // The type of a resource or of a principal.
            "type" | "kind" => {
                self.is_of_user |= word == "user";
                self.is_of_group |= word == "group";
                RESOURCE_TYPE
            }
            _ if is_principal && is_name => PRINCIPAL,
            _ => match member_of(name) {
                Some(member) => member,
                None => return,
            },
        };
        match member {
            RESOURCE_NAME => self.resource(name, text),
            RESOURCE_TYPE => self.known(RESOURCE_TYPE, resource_type(&word)),
            OPERATION => self.known(OPERATION, by_number(&OPERATIONS, &word)),
            PATTERN_TYPE => {
                let is_prefixed = matches!(word.as_str(), "prefix" | "prefixed" | "4");
                self.is_prefixed |= is_prefixed;
                self.known(PATTERN_TYPE, is_prefixed.then_some(PREFIXED));
            }
            PERMISSION => {
                let permission = match word.as_str() {
                    "deny" | "2" => Some(DENY),
                    "allow" | "3" => Some(ALLOW),
                    _ => None,
                };
                self.known(PERMISSION, permission);
            }
            _ if is_all(text) => self.known(PRINCIPAL, Some(EVERYBODY)),
            _ => self.values.push((PRINCIPAL, text.to_owned())),
        }
    }

    /// A name of a resource; where a member is called so, its type may stand before it or in its place.
    fn resource(&mut self, member: &str, text: &str) {
        self.is_named |= !text.is_empty();
        self.is_all_named |= member == "name" && is_all(text);
        let is_whole = matches!(member, "resource" | "resources");
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) if is_whole => (Some(kind), name.trim()),
            _ => (is_whole.then_some(text), text),
        };
        let kind = kind.and_then(|kind| resource_type(&folded(kind)));
        self.known(RESOURCE_TYPE, kind);
        match is_all(name) {
            true => self.known(RESOURCE_NAME, Some(ALL)),
            false if !text.is_empty() => self.values.push((RESOURCE_NAME, text.to_owned())),
            false => {}
        }
    }

    fn known(&mut self, member: &'static str, word: Option<&str>) {
        // Only what is next to it is compared: so a long list takes time in proportion to its length.
        let word = word.map(|word| (member, word.to_owned()));
        let last = self.values.last();
        self.values.extend(word.filter(|word| last != Some(word)));
    }

    fn give(mut self, give: &mut GiveFact<'_>) -> Visited {
        if self.is_prefixed && !self.is_named {
            // The empty prefix is that of all names.
            self.known(RESOURCE_NAME, Some(ALL));
        }
        let mut values = self.values;
        let has_principal = values.iter().any(|(member, _)| *member == PRINCIPAL);
        if self.is_all_named && (self.is_of_user || self.is_of_group && !has_principal) {
            // `{"type": "User", "name": "*"}`.
            for (member, value) in &mut values {
                if *member == RESOURCE_NAME && value == ALL {
                    (*member, *value) = (PRINCIPAL, EVERYBODY.to_owned());
                }
            }
        }
        if values.is_empty() {
            return ControlFlow::Continue(());
        }
        let values = values
            .iter()
            .map(|(member, value)| (*member, Value::String(value)));
        let fact: Vec<_> = values.collect();
        give(&fact as &Fact<'_>)
    }
}

fn is_principal(name: &Name) -> bool {
    name.folded().contains("principal") || matches!(name.folded(), "user" | "users")
}

/// Whether a name is that of all: `*`, or several of these signs.
fn is_all(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}

fn resource_type(word: &str) -> Option<&'static str> {
    let named = RESOURCE_TYPES.iter().find(|(name, _)| *name == word);
    named
        .map(|(_, kind)| *kind)
        .or_else(|| numbered(&TYPES_BY_NUMBER, word))
}

fn numbered(words: &[&'static str], number: &str) -> Option<&'static str> {
    let number: usize = number.parse().ok()?;
    words.get(number).copied().filter(|word| !word.is_empty())
}

/// A word by itself, or by its number in Kafka's protocol.
fn by_number(words: &[&'static str], word: &str) -> Option<&'static str> {
    let is_it = |known: &&&str| !known.is_empty() && folded(known) == word;
    words
        .iter()
        .find(is_it)
        .copied()
        .or_else(|| numbered(words, word))
}

/// Whether a text names every principal of a type, such as `User:*`.
fn names_everybody(text: &str) -> bool {
    text.match_indices('*').any(|(at, _)| {
        let before = text[..at].trim_end_matches('.').trim_end();
        let Some(before) = before.strip_suffix([':', '=']) else {
            return false;
        };
        let word = before.trim_end();
        let start = word.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let word = &word[start.map_or(0, |at| {
            at + word[at..].chars().next().map_or(1, char::len_utf8)
        })..];
        matches!(folded(word).as_str(), "user" | "group" | "serviceaccount")
    })
}

/// Whether a text is a pattern of resource names that holds for all of a type, such as `…/topic=*` and `…/*`.
fn is_pattern_of_all(text: &str) -> bool {
    let is_crn = text
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("crn:"));
    let before = text.trim_end_matches('*');
    let ends_with_all = before.len() < text.len() && before.ends_with('/');
    text.contains("=*") || is_crn && (ends_with_all || text.ends_with('='))
}
