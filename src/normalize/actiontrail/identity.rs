//! Who acted, with which credential, in which session.

use super::data::Data;
use crate::event::{Session, Unmapped, User, UserKind};
use crate::json::{Document, NodeId, Text};
use crate::normalize::email::is_email;
use crate::normalize::time::{milliseconds, plausible};
use crate::normalize::walk;

/// Label of an event whose credential was issued for a session.
const TEMPORARY: &str = "credential:temporary";

/// What keys begin with that were issued for a session: by the console, and by Security Token Service.
const TEMPORARY_KEYS: [&str; 2] = ["TMP.", "STS."];

/// Reads and moves the user. One without identifier and name is `unknown`.
pub(super) fn user<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> User<'a> {
    let identity = &data.identity;
    let kind = walk::text(&unmapped.document, identity.kind);
    let login_account = walk::text(&unmapped.document, data.additional.login_account);
    let uid = take_set(unmapped, identity.principal_id);
    let name = take_set(unmapped, identity.user_name);
    // The session of a role is often named by the address of whoever assumed it.
    let session = name
        .as_ref()
        .and_then(|name| name.part(|name| name.rsplit(':').next()));
    let email_addr = [session, login_account]
        .into_iter()
        .flatten()
        .find(|text| is_email(text));
    let is_nobody = uid.is_none() && name.is_none();
    User {
        uid,
        name: match is_nobody {
            true => email_addr.clone().or(Some(Text::from("unknown"))),
            false => name,
        },
        email_addr,
        kind: kind.as_deref().and_then(user_kind),
        credential_uid: take_set(unmapped, identity.access_key_id),
        account_uid: take_set(unmapped, identity.account_id),
        ..User::default()
    }
}

/// Moves a text, but for `null` as a text, with which some products say that there is none.
fn take_set<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    let is_null = walk::text(&unmapped.document, node).as_deref() == Some("null");
    match is_null {
        true => None,
        false => walk::take(unmapped, node),
    }
}

/// What the words of `userIdentity.type` stand for.
const KINDS: [(&str, UserKind); 8] = [
    ("ram-user", UserKind::User),
    ("assumed-role", UserKind::AssumedRole),
    ("root-account", UserKind::Admin),
    ("system", UserKind::System),
    ("saml-user", UserKind::User),
    ("oidc-user", UserKind::User),
    ("cloudsso-user", UserKind::User),
    ("alibaba-cloud-account", UserKind::Account),
];

/// What `userIdentity.type` stands for, whatever its case, hyphens and underscores.
fn user_kind(word: &str) -> Option<UserKind> {
    let mut kinds = KINDS.iter();
    let (_, kind) = kinds.find(|(known, _)| letters(known).eq(letters(word)))?;
    Some(*kind)
}

/// A word in lower case, without hyphens and underscores.
fn letters(word: &str) -> impl Iterator<Item = u8> {
    let bytes = word.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    bytes.map(|byte| byte.to_ascii_lowercase())
}

/// The session: of a role its name and the role, whether a second factor was given, and since when it lasts.
pub(super) fn session<'a>(document: &Document<'a>, data: &Data, user: &User<'a>) -> Session<'a> {
    let is_role = user.kind == Some(UserKind::AssumedRole);
    let name = user.name.as_ref().filter(|_| is_role);
    // `role:session`; an incomplete one names only the role.
    let role = name.and_then(|name| name.part(|name| name.split(':').next()));
    let of_role = name.and_then(|name| name.part(|name| Some(name.split_once(':')?.1)));
    let said = |part: &Text<'_>| !part.is_empty();
    let (attributes, additional) = (&data.attributes, &data.additional);
    let is_mfa = [
        additional.is_mfa_checked,
        additional.mfa_checked,
        attributes.mfa_authenticated,
    ];
    let created = walk::text(document, attributes.creation_date);
    Session {
        uid: of_role.filter(said),
        issuer: role.filter(said),
        is_mfa: is_mfa
            .into_iter()
            .flatten()
            .find_map(|node| walk::flag(document, node)),
        created_ms: created.and_then(|text| plausible(milliseconds(&text)?)),
    }
}

/// Label of what the credential is.
pub(super) fn credential_label(user: &User<'_>) -> Option<&'static str> {
    let key = user.credential_uid.as_deref()?;
    let is_temporary = TEMPORARY_KEYS.iter().any(|start| key.starts_with(start));
    is_temporary.then_some(TEMPORARY)
}
