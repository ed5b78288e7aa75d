//! In whose name something is done, or to whom it belongs: `owner`, `principal`, `run_as` and the like, as identifiers
//! without the word `User:` before them, and whether it is whoever makes the request.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::fact::{GiveFact, IS_ACTOR, RELATION, TYPE, UID, Visited};
use super::names::{Name, folded};
use super::reading::{Place, Reader};
use crate::sigma::Value;

/// What the request says of a principal: that something belongs to it, or is done in its name.
pub(super) const RELATIONS: [&str; 2] = [OWNER, PRINCIPAL];
const OWNER: &str = "owner";
const PRINCIPAL: &str = "principal";

/// Types of principals.
pub(super) const TYPES: [&str; 5] = ["Group", "IdentityPool", "ServiceAccount", "Unknown", "User"];

/// Members that name whom something belongs to.
const OWNERS: [&str; 9] = [
    "forowner",
    "owner",
    "ownerid",
    "ownername",
    "ownerresourceid",
    "owners",
    "userid",
    "userresourceid",
    "userresourceids",
];

/// Members that name in whose name something is done.
const PRINCIPALS: [&str; 15] = [
    "identitypool",
    "identitypoolid",
    "identitypoolresourceid",
    "principal",
    "principalid",
    "principalname",
    "principalresourceid",
    "principals",
    "runas",
    "runasprincipal",
    "runasuser",
    "serviceaccount",
    "serviceaccountid",
    "serviceaccountresourceid",
    "serviceaccounts",
];

/// Members of an object that is an owner or a principal.
const IDENTIFIERS: [&str; 13] = [
    "crn",
    "href",
    "id",
    "link",
    "name",
    "related",
    "resourceid",
    "resourcename",
    "self",
    "uid",
    "url",
    "value",
    "values",
];

/// Gives the principals of a request.
pub(super) struct Principals<'g, 'f, 'a> {
    give: &'g mut GiveFact<'f>,
    actor: &'a [Cow<'a, str>],
}

impl<'g, 'f, 'a> Principals<'g, 'f, 'a> {
    pub(super) fn new(give: &'g mut GiveFact<'f>, actor: &'a [Cow<'a, str>]) -> Self {
        Principals { give, actor }
    }
}

impl Reader for Principals<'_, '_, '_> {
    fn value(&mut self, place: Place<'_>, value: Value<'_>) -> Visited {
        let Some(relation) = relation(place.names) else {
            return ControlFlow::Continue(());
        };
        let text = match value {
            Value::String(_) | Value::Number(_) => value.text().unwrap_or_default(),
            _ => return ControlFlow::Continue(()),
        };
        let is_between = |c: char| c.is_whitespace() || ",;|\"'[](){}".contains(c);
        // Blanks beside the sign do not part a principal from its type.
        let mut kind = None;
        for word in text.split(is_between).filter(|word| !word.is_empty()) {
            let word = last_of_reference(word);
            let (said, uid) = match word.rsplit_once([':', '=']) {
                Some((said, uid)) => (Some(said), uid),
                None => (kind.take(), word),
            };
            if uid.is_empty() || same(&["user", "serviceaccount", "group"], uid) {
                kind = said.filter(|said| !said.is_empty()).or(Some(uid));
                continue;
            }
            let is_actor = self.actor.iter().any(|own| own.eq_ignore_ascii_case(uid));
            (self.give)(&[
                (RELATION, Value::String(relation)),
                (UID, Value::String(uid)),
                (TYPE, Value::String(kind_of(relation, said, uid))),
                (IS_ACTOR, Value::Bool(is_actor)),
            ])?;
        }
        ControlFlow::Continue(())
    }
}

/// The last segment of a reference, such as `user=u-1` of `crn://confluent.cloud/organization=o/user=u-1` and `u-1` of
/// `https://api.confluent.cloud/iam/v2/users/u-1`.
fn last_of_reference(word: &str) -> &str {
    let is_reference = word.contains("://") || word.starts_with('/');
    let end = word.find(['?', '#']).filter(|_| is_reference);
    let path = word[..end.unwrap_or(word.len())].trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((_, last)) if is_reference => last,
        _ => word,
    }
}

fn same(words: &[&str], word: &str) -> bool {
    words.contains(&folded(word).as_str())
}

/// What a place says of the principal in it.
fn relation(names: &[Name]) -> Option<&'static str> {
    let (last, before) = names.split_last()?;
    let of = |name: &str| match name {
        name if OWNERS.contains(&name) => Some(OWNER),
        name if PRINCIPALS.contains(&name) => Some(PRINCIPAL),
        _ => None,
    };
    of(last.folded()).or_else(|| {
        let parent = before.last()?;
        IDENTIFIERS
            .contains(&last.folded())
            .then(|| of(parent.folded()))?
    })
}

/// The type of a principal, from the beginning of its identifier and from the word before it. A number may be that of a
/// user or of a service account, which both are `User` for Kafka; where an owner is expected it is a user's.
fn kind_of(relation: &str, said: Option<&str>, uid: &str) -> &'static str {
    let uid = uid.to_ascii_lowercase();
    let prefix = uid.split_once('-').map(|(prefix, _)| prefix);
    let said = said.map(folded);
    match (prefix, said.as_deref()) {
        (Some("u"), _) => "User",
        (Some("sa"), _) => "ServiceAccount",
        (Some("pool"), _) => "IdentityPool",
        (Some("group"), _) => "Group",
        (_, Some("serviceaccount")) => "ServiceAccount",
        (_, Some("group")) => "Group",
        _ if relation == OWNER && uid.bytes().all(|digit| digit.is_ascii_digit()) => "User",
        _ => "Unknown",
    }
}
