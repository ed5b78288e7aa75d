//! Who acted: a string such as `User:u-5r7t9w` in the old dialect and Confluent Platform, an
//! object such as `{confluentUser: {resourceId}}` in the new one.
//! A stripped prefix is a change, so such an identifier is a copy and its original stays.

use memchr::{memchr, memchr2};

use super::data::{AuthenticationInfo, Principal};
use crate::event::json::{Document, Kind, NodeId};
use crate::event::{Text, Unmapped, User, UserKind};
use crate::normalize::{crn, walk};

/// The vendor itself, in access-transparency events.
const VENDOR: &str = "confluent.privileged";

/// Reads and moves the acting principal. One without identifier and name goes by its address, and
/// is `unknown` without that: a failed sign-in may tell no more.
pub(super) fn user<'a>(unmapped: &mut Unmapped<'a>, info: &AuthenticationInfo) -> User<'a> {
    let mut user = authenticated(unmapped, info);
    if user.uid.is_none() && user.name.is_none() {
        user.name = user.email_addr.clone().or(Some(Text::plain("unknown")));
    }
    user
}

fn authenticated<'a>(unmapped: &mut Unmapped<'a>, info: &AuthenticationInfo) -> User<'a> {
    // Empty for the string of the old dialect.
    let members = Principal::of(&unmapped.document, info.principal);
    let mut user = named(unmapped, info.principal_resource_id);
    if user.uid.is_none() {
        user = principal(unmapped, info.principal, &members);
    }
    user.email_addr = take_email(unmapped, members.email).or_else(|| {
        let node = walk::descend(&unmapped.document, members.user, &["email"]);
        take_email(unmapped, node)
    });
    if let Some(identity) = walk::take(unmapped, info.identity) {
        identify(&mut user, &identity, &unmapped.document, info);
        user.uid_alt = Some(identity);
    }
    user.credential_uid = walk::take_at(unmapped, info.metadata, &["identifier"]).or_else(|| {
        let path = ["idSecretCredentials", "credentialId"];
        walk::take_at(unmapped, info.credentials, &path)
    });
    user
}

/// Fills in what the identity's CRN tells: an address where a person signs on elsewhere, an id
/// where the principal is absent or a number, which no other API of the vendor understands.
fn identify<'a>(
    user: &mut User<'a>,
    identity: &Text<'a>,
    document: &Document<'_>,
    info: &AuthenticationInfo,
) {
    let lacks_id = match &user.uid {
        None => user.name.is_none(),
        // A number is replaced only where it is a copy.
        Some(uid) => {
            uid.bytes().all(|byte| byte.is_ascii_digit())
                && walk::text(document, info.principal)
                    .is_some_and(|principal| principal.strip_prefix("User:") == Some(uid))
        }
    };
    let may_be_email = || memchr2(b'@', b'%', identity.as_bytes()).is_some();
    if !lacks_id && (user.email_addr.is_some() || !may_be_email()) {
        // Nothing to learn, as of most.
        return;
    }
    let Some(id) = crn::id_of(identity, "identity") else {
        return;
    };
    if is_email(&id) {
        user.email_addr.get_or_insert(id);
    } else if lacks_id {
        user.kind = kind_of(&id);
        user.uid = Some(id);
    }
}

fn take_email<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    let text = walk::text(&unmapped.document, node).filter(|text| is_email(text))?;
    unmapped.mark_moved(node?);
    Some(text)
}

/// Whether OCSF's type `email_t` takes it: one `@`, a domain with a dot, no other than these signs.
fn is_email(text: &str) -> bool {
    let in_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+,-./=?^_`{|}~".contains(byte);
    let in_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
    let Some(at) = memchr(b'@', text.as_bytes()) else {
        return false;
    };
    let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
    let dot = memchr(b'.', domain);
    !local.is_empty()
        && local.iter().all(in_local)
        && domain.iter().all(in_domain)
        && dot.is_some_and(|dot| dot > 0 && dot + 1 < domain.len())
}

/// The mechanism of a login.
pub(super) fn auth_protocol<'a>(
    unmapped: &mut Unmapped<'a>,
    info: &AuthenticationInfo,
) -> Option<Text<'a>> {
    [info.metadata, info.credentials]
        .iter()
        .find_map(|place| walk::take_at(unmapped, *place, &["mechanism"]))
}

/// The principal on whose behalf the acting one acts.
pub(super) fn invoked_by<'a>(
    unmapped: &mut Unmapped<'a>,
    info: &AuthenticationInfo,
) -> Option<Text<'a>> {
    let node = info.original_principal?;
    let members = Principal::of(&unmapped.document, node);
    let original = principal(unmapped, Some(node), &members);
    original.uid.or(original.name)
}

fn principal<'a>(
    unmapped: &mut Unmapped<'a>,
    node: Option<NodeId>,
    members: &Principal,
) -> User<'a> {
    if node.is_none_or(|node| unmapped.document.kind(node) == Kind::String) {
        return named(unmapped, node);
    }
    let identified = [
        (members.user, Some(UserKind::User)),
        (members.service_account, Some(UserKind::Service)),
        (members.identity_pool, Some(UserKind::Service)),
        (members.group, None),
    ];
    for (member, kind) in identified {
        let id = walk::descend(&unmapped.document, member, &["resourceId"]);
        let user = named(unmapped, id);
        if user.uid.is_some() || user.name.is_some() {
            let kind = if user.kind == Some(UserKind::System) {
                user.kind
            } else {
                kind
            };
            return User { kind, ..user };
        }
    }
    external(unmapped, members.external)
}

/// An account of the customer's identity provider. Its namespace makes it unique, so the two
/// together are its other identifier until the event gives a CRN.
fn external<'a>(unmapped: &mut Unmapped<'a>, account: Option<NodeId>) -> User<'a> {
    let Some(subject) = walk::take_at(unmapped, account, &["subject"]) else {
        return User::default();
    };
    let document = &unmapped.document;
    let mut parts: Vec<Text<'_>> = walk::descend(document, account, &["namespace"])
        .into_iter()
        .flat_map(|namespace| document.children(namespace))
        .filter_map(|part| walk::text(document, part))
        .collect();
    let uid_alt = (!parts.is_empty()).then(|| {
        parts.push(subject.clone());
        parts.join("/").into()
    });
    User {
        uid: Some(subject),
        uid_alt,
        ..User::default()
    }
}

/// `User:x` gives x, `None:x` a name without an identifier; anything else is an identifier.
fn named<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> User<'a> {
    let Some((node, text)) = node.zip(walk::text(&unmapped.document, node)) else {
        return User::default();
    };
    if let Some(name) = stripped(&text, "None:") {
        return User {
            name: Some(name),
            ..User::default()
        };
    }
    let uid = match stripped(&text, "User:") {
        Some(uid) => uid,
        None => {
            unmapped.mark_moved(node);
            text
        }
    };
    User {
        kind: kind_of(&uid),
        uid: Some(uid),
        ..User::default()
    }
}

fn stripped<'a>(text: &Text<'a>, prefix: &str) -> Option<Text<'a>> {
    text.part(|text| text.strip_prefix(prefix).filter(|rest| !rest.is_empty()))
}

fn kind_of(uid: &str) -> Option<UserKind> {
    if uid == VENDOR {
        Some(UserKind::System)
    } else if uid.starts_with("u-") {
        Some(UserKind::User)
    } else if uid.starts_with("sa-") || uid.starts_with("pool-") {
        Some(UserKind::Service)
    } else {
        None
    }
}
