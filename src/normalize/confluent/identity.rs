//! Who acted: a string such as `User:u-5r7t9w` in the old dialect and Confluent Platform, an
//! object such as `{confluentUser: {resourceId}}` in the new one.
//! A stripped prefix is a change, so such an identifier is a copy and its original stays.

use memchr::{memchr, memchr2};

use super::data::{AuthenticationInfo, Principal};
use super::labels::Labels;
use super::words;
use crate::event::{Unmapped, User, UserKind};
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::normalize::email::is_email;
use crate::normalize::{crn, walk};

/// The vendor itself, in access-transparency events.
const VENDOR: &str = "confluent.privileged";

/// Reads and moves the acting principal. One without identifier and name goes by its address, and
/// is `unknown` without that: a failed sign-in may tell no more.
pub(super) fn user<'a>(
    unmapped: &mut Unmapped<'a>,
    info: &AuthenticationInfo,
    labels: &mut Labels,
) -> User<'a> {
    let mut user = authenticated(unmapped, info, labels);
    if user.uid.is_none() && user.name.is_none() {
        user.name = user.email_addr.clone().or(Some(Text::from("unknown")));
    }
    user
}

fn authenticated<'a>(
    unmapped: &mut Unmapped<'a>,
    info: &AuthenticationInfo,
    labels: &mut Labels,
) -> User<'a> {
    // Empty for the string of the old dialect.
    let members = Principal::of(&unmapped.document, info.principal);
    let mut user = named(unmapped, info.principal_resource_id, labels);
    if user.uid.is_none() {
        user = principal(unmapped, info.principal, &members, labels);
    }
    user.email_addr = take_email(unmapped, members.email).or_else(|| {
        let node = walk::descend(&unmapped.document, members.user, &["email"]);
        take_email(unmapped, node)
    });
    if let Some(identity) = walk::take(unmapped, info.identity) {
        identify(&mut user, &identity, &unmapped.document, info);
        user.uid_alt = Some(identity);
    }
    if user.email_addr.is_none() {
        // Also where another identifier was found beside the principal's.
        let written = walk::text(&unmapped.document, info.principal);
        let texts = [&user.uid, &user.name, &written];
        user.email_addr = texts.into_iter().flatten().find_map(email_within);
    }
    if user.kind == Some(UserKind::External) {
        user.kind = external_kind(user.email_addr.as_ref());
    }
    user.credential_uid = walk::take_at(unmapped, info.metadata, &["identifier"])
        .or_else(|| credential(unmapped, info.credentials));
    user
}

/// The key or token used; which member of `credentials` says it depends on their sort, and new ones
/// come without notice.
fn credential<'a>(unmapped: &mut Unmapped<'a>, credentials: Option<NodeId>) -> Option<Text<'a>> {
    let document = &unmapped.document;
    let path = ["idSecretCredentials", "credentialId"];
    let node = walk::descend(document, credentials, &path).or_else(|| {
        let mut sorts = document.children(credentials?);
        sorts.find_map(|sort| document.member_folded(sort, "credentialId"))
    });
    walk::take(unmapped, node)
}

/// The sort of an account of the customer's identity provider: a person has an address, and so has
/// a service account of Google Cloud.
fn external_kind(email_addr: Option<&Text<'_>>) -> Option<UserKind> {
    Some(match email_addr {
        Some(address) if address.ends_with(".gserviceaccount.com") => UserKind::Service,
        Some(_) => UserKind::User,
        None => UserKind::External,
    })
}

/// Fills in what the identity's CRN tells: an address where a person signs on elsewhere, an id
/// where the principal is absent or a number, which no other API of the vendor accepts.
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
        // Most identities hold nothing more.
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

/// An address that an identifier is, `User:` taken off, or that a distinguished name holds, as of a
/// client with a certificate: `CN=ann,emailAddress=ann@example.com`.
fn email_within<'a>(text: &Text<'a>) -> Option<Text<'a>> {
    memchr(b'@', text.as_bytes())?;
    text.part(|text| {
        let is_prefix = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
        let whole = match text.split_once(':') {
            Some((prefix, rest)) if is_prefix(prefix) => rest,
            _ => text,
        };
        let parts = whole.split([',', '+', '/', ';']);
        let values = parts.filter_map(|part| Some(part.split_once('=')?.1.trim()));
        std::iter::once(whole)
            .chain(values)
            .find(|text| is_email(text))
    })
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
    let original = principal(unmapped, Some(node), &members, &mut Labels::default());
    original.uid.or(original.name)
}

fn principal<'a>(
    unmapped: &mut Unmapped<'a>,
    node: Option<NodeId>,
    members: &Principal,
    labels: &mut Labels,
) -> User<'a> {
    let Some(node) = node.filter(|node| unmapped.document.kind(*node) != ValueKind::String) else {
        return named(unmapped, node, labels);
    };
    let identified = [
        (members.user, UserKind::User),
        (members.service_account, UserKind::Service),
        (members.identity_pool, UserKind::Service),
        (members.group, UserKind::Group),
    ];
    for (member, kind) in identified {
        let id = walk::descend(&unmapped.document, member, &["resourceId"]);
        let user = named(unmapped, id, labels);
        if user.uid.is_some() || user.name.is_some() {
            let is_vendor = user.kind == Some(UserKind::System);
            let kind = if is_vendor { user.kind } else { Some(kind) };
            return User { kind, ..user };
        }
    }
    let user = external(unmapped, members.external);
    if user.uid.is_some() {
        return user;
    }
    unknown_sort(unmapped, node, labels)
}

/// A principal of a sort that no documentation names, by whichever member has an identifier.
fn unknown_sort<'a>(
    unmapped: &mut Unmapped<'a>,
    principal: NodeId,
    labels: &mut Labels,
) -> User<'a> {
    let document = &unmapped.document;
    let identified = document.children(principal).find_map(|member| {
        let id = document.member_folded(member, "resourceId");
        let id = id.or_else(|| document.member_folded(member, "subject"))?;
        walk::text(document, id)?;
        Some((id, words::principal(&document.key(member))))
    });
    let Some((id, kind)) = identified else {
        return User::default();
    };
    labels.add(Labels::PRINCIPAL);
    let user = named(unmapped, Some(id), labels);
    User {
        kind: user.kind.or(kind),
        ..user
    }
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
        kind: Some(UserKind::External),
        ..User::default()
    }
}

/// `User:x` gives x, and so does `ServiceAccount:x`; `None:x` gives a name without an identifier.
/// Anything else is an identifier as it stands: a group and a user may have the same name.
fn named<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>, labels: &mut Labels) -> User<'a> {
    let Some((node, text)) = node.zip(walk::text(&unmapped.document, node)) else {
        return User::default();
    };
    if let Some(uid) = stripped(&text, "User:") {
        return User {
            kind: kind_of(&uid),
            uid: Some(uid),
            ..User::default()
        };
    }
    if let Some(name) = stripped(&text, "None:") {
        return User {
            name: Some(name),
            ..User::default()
        };
    }
    if let Some(uid) = stripped(&text, "ServiceAccount:") {
        return User {
            uid: Some(uid),
            kind: Some(UserKind::Service),
            ..User::default()
        };
    }
    unmapped.mark_moved(node);
    let kind = kind_of(&text).or_else(|| kind_by_prefix(&text, labels));
    User {
        uid: Some(text),
        kind,
        ..User::default()
    }
}

/// What comes behind a prefix, whatever its case.
fn stripped<'a>(text: &Text<'a>, prefix: &str) -> Option<Text<'a>> {
    text.part(|text| {
        let (start, rest) = text.split_at_checked(prefix.len())?;
        (start.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
    })
}

/// What the prefix of a principal says of its sort, as in `Group:admins`.
fn kind_by_prefix(text: &str, labels: &mut Labels) -> Option<UserKind> {
    let (prefix, _) = text.split_once(':')?;
    if prefix.eq_ignore_ascii_case("Group") {
        return Some(UserKind::Group);
    }
    let is_word = prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
    let kind = words::principal(prefix).filter(|_| is_word)?;
    labels.add(Labels::PRINCIPAL);
    Some(kind)
}

fn kind_of(uid: &str) -> Option<UserKind> {
    if uid == VENDOR {
        Some(UserKind::System)
    } else if uid.starts_with("u-") {
        Some(UserKind::User)
    } else if uid.starts_with("sa-") || uid.starts_with("pool-") {
        Some(UserKind::Service)
    } else if uid.starts_with("group-") {
        Some(UserKind::Group)
    } else {
        None
    }
}
