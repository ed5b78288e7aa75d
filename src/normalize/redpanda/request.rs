//! Who acted, from where, on what, and what was decided.

use std::net::IpAddr;
use std::sync::Arc;

use super::data::{Authorization, Data, Endpoint, Policy, Resource as Members};
use super::same::take_int;
use crate::event::{self, Place, Resource, Unmapped, User, UserKind};
use crate::json::{Document, NodeId, Phrase, Text, ValueKind};
use crate::normalize::walk;

/// Moves the user. Redpanda knows users by their name, so that is the identifier too. One without is `unknown`.
pub(super) fn user<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> User<'a> {
    let members = &data.user;
    let uid = walk::take(unmapped, members.uid);
    let name = walk::take(unmapped, members.name);
    let type_id = members.type_id.map(|node| unmapped.document.raw(node));
    let kind = match type_id {
        Some("1") => Some(UserKind::User),
        Some("2") => Some(UserKind::Admin),
        Some("3") => Some(UserKind::System),
        _ => None,
    };
    User {
        uid: uid.or_else(|| name.clone()),
        name: name.or_else(|| Some(Text::from("unknown"))),
        kind,
        ..User::default()
    }
}

/// Moves the decisions, and on request the reason of a refusal, which is the detail of the outcome.
pub(super) fn authorizations<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    needs_reason: bool,
) -> (Vec<event::Authorization<'a>>, Option<Text<'a>>) {
    let mut found = Vec::new();
    let mut reason = None;
    for node in elements(&unmapped.document, data.actor.authorizations) {
        let members = Authorization::of(&unmapped.document, node);
        let policy = Policy::of(&unmapped.document, members.policy);
        found.push(event::Authorization {
            decision: walk::take(unmapped, members.decision),
            policy_name: walk::take(unmapped, policy.name),
            policy_kind: None,
        });
        if needs_reason && reason.is_none() {
            reason = walk::take(unmapped, policy.desc);
        }
    }
    found.retain(|given| *given != event::Authorization::default());
    (found, reason)
}

/// Moves the resources that have a name or an identifier. A name identifies a resource, but not an access control entry.
pub(super) fn resources<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Vec<Resource<'a>> {
    let mut found = Vec::new();
    for node in elements(&unmapped.document, data.root.resources) {
        let members = Members::of(&unmapped.document, node);
        let uid = walk::take(unmapped, members.uid);
        let name = walk::take(unmapped, members.name);
        if uid.is_some() || name.is_some() {
            let data = walk::take_whole(unmapped, members.data);
            found.push(Resource {
                uid: uid.or_else(|| name.clone().filter(|_| data.is_none())),
                name,
                kind: walk::take(unmapped, members.kind),
                data,
                ..Resource::default()
            });
        }
    }
    found
}

fn elements(document: &Document<'_>, list: Option<NodeId>) -> Vec<NodeId> {
    let list = list.filter(|node| document.kind(*node) == ValueKind::Array);
    let elements = list.into_iter().flat_map(|node| document.children(node));
    elements.collect()
}

/// Moves where the request came from. Its name is that of the client; without name and address it is `unknown`.
pub(super) fn src_endpoint<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> event::Endpoint<'a> {
    let members = Endpoint::of(&unmapped.document, data.root.src_endpoint);
    let ip = walk::text(&unmapped.document, members.ip);
    let ip = ip.filter(|ip| ip.parse::<IpAddr>().is_ok());
    let ip = ip.and_then(|_| walk::take(unmapped, members.ip));
    let name = walk::take(unmapped, members.name);
    let port = members.port.map(|node| unmapped.document.raw(node));
    let port: Option<u16> = port.and_then(|port| port.parse().ok());
    if let Some(port) = port {
        take_int(unmapped, members.port, port.into());
    }
    event::Endpoint {
        name: match ip.is_none() && name.is_none() {
            // An address that is none is a name.
            true => walk::take(unmapped, members.ip).or(Some(Text::from("unknown"))),
            false => name,
        },
        ip,
        port,
        zone: walk::take_at(unmapped, data.root.src_endpoint, &["zone"]),
        owner: walk::take_at(unmapped, data.root.src_endpoint, &["owner", "name"]),
        place: place(unmapped, data.root.src_endpoint),
        vpc_uid: None,
    }
}

/// The place that an event names itself. Its coordinates stay where they are.
fn place(unmapped: &mut Unmapped<'_>, endpoint: Option<NodeId>) -> Option<Arc<Place>> {
    let [location, system] = ["location", "autonomous_system"]
        .map(|name| walk::descend(&unmapped.document, endpoint, &[name]));
    if location.is_none() && system.is_none() {
        return None;
    }
    let mut take = |node, name| {
        let text = walk::take_at(unmapped, node, &[name])?;
        Some(Phrase::from(&*text))
    };
    let mut place = Place {
        city: take(location, "city"),
        region: take(location, "region"),
        country: take(location, "country"),
        as_name: take(system, "name"),
        ..Place::default()
    };
    // OCSF has no location of a continent alone.
    if place.has_location() {
        place.continent = take(location, "continent");
    }
    let number = walk::descend(&unmapped.document, system, &["number"]);
    let read = number.and_then(|node| unmapped.document.raw(node).parse::<u32>().ok());
    if let Some(read) = read {
        take_int(unmapped, number, read.into());
        place.as_number = Some(read);
    }
    Some(Arc::new(place))
}

/// OCSF `auth_protocol`: moved, or what its number stands for.
pub(super) fn auth_protocol<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Option<Text<'a>> {
    let number = data.root.auth_protocol_id;
    let number = number.map(|node| unmapped.document.raw(node));
    walk::take(unmapped, data.root.auth_protocol).or_else(|| {
        Some(Text::from(match number? {
            "1" => "NTLM",
            "2" => "Kerberos",
            "3" => "Digest",
            "4" => "OpenID",
            "5" => "SAML",
            "6" => "OAUTH 2.0",
            "7" => "PAP",
            "8" => "CHAP",
            "9" => "EAP",
            "10" => "RADIUS",
            _ => return None,
        }))
    })
}
