//! Where a request came from: only a literal address is an `ip`, anything else a `name`.
//! Further addresses of the same event stay where they were.

use std::net::IpAddr;

use super::Data;
use crate::event::json::{Kind, NodeId};
use crate::event::{Endpoint, Text, Unmapped};
use crate::normalize::walk;

/// The address an IP filter looked at, for events that give no other.
const FILTERED: [&str; 2] = ["ipfilterAuthorization", "clientIp"];

/// Reads and moves the first address; `unknown` if there is none.
pub(super) fn read<'a>(unmapped: &mut Unmapped<'a>, data: Data) -> Endpoint<'a> {
    let places: [(_, &[&str]); 3] = [
        (Some(data.root), &["clientAddress"]),
        (data.request_metadata, &["clientAddress"]),
        (data.authorization, &["requestMetadata", "clientAddress"]),
    ];
    places
        .iter()
        .find_map(|(part, path)| {
            let node = walk::descend(&unmapped.document, *part, path)?;
            address(unmapped, node)
        })
        .or_else(|| walk::take_at(unmapped, data.authorization, &FILTERED).map(endpoint))
        .unwrap_or_else(|| endpoint("unknown".into()))
}

fn address<'a>(unmapped: &mut Unmapped<'a>, node: NodeId) -> Option<Endpoint<'a>> {
    let document = &unmapped.document;
    match document.kind(node) {
        Kind::String => java_address(unmapped, node),
        Kind::Array => {
            let first = document.children(node).next()?;
            address(unmapped, first)
        }
        Kind::Object => {
            let ip = walk::take_at(unmapped, node, &["ip"])?;
            let port = port(unmapped, node);
            Some(Endpoint {
                port,
                ..endpoint(ip)
            })
        }
        _ => None,
    }
}

/// Java writes an address as `host/address` with an empty host: `/10.1.1.1`.
fn java_address<'a>(unmapped: &mut Unmapped<'a>, node: NodeId) -> Option<Endpoint<'a>> {
    let text = walk::text(&unmapped.document, node)?;
    match text.rsplit_once('/') {
        Some((_, "")) => None,
        Some((_, literal)) => Some(endpoint(Text::Owned(literal.to_owned()))),
        None => {
            unmapped.mark_moved(node);
            Some(endpoint(text))
        }
    }
}

fn endpoint(address: Text<'_>) -> Endpoint<'_> {
    if address.parse::<IpAddr>().is_ok() {
        Endpoint {
            ip: Some(address),
            ..Endpoint::default()
        }
    } else {
        Endpoint {
            name: Some(address),
            ..Endpoint::default()
        }
    }
}

fn port(unmapped: &mut Unmapped<'_>, address: NodeId) -> Option<u16> {
    let document = &unmapped.document;
    let node = document.member_folded(address, "port")?;
    if document.kind(node) != Kind::Number {
        return None;
    }
    let port = document.raw(node).parse().ok()?;
    unmapped.mark_moved(node);
    Some(port)
}
