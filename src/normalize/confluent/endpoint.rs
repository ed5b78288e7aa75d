//! Where a request came from: only a literal address is an `ip`, anything else a `name`.
//! Further addresses of the same event stay where they were.

use std::net::IpAddr;

use super::data::{Address, Data};
use crate::event::json::{Kind, NodeId};
use crate::event::{Endpoint, Text, Unmapped};
use crate::normalize::walk;

/// Reads and moves the first address; `unknown` if there is none. An IP filter's counts for events
/// that give no other.
pub(super) fn read<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Endpoint<'a> {
    let filtered = data.authorization.ip_filter;
    address(unmapped, data.root.client_address)
        .or_else(|| address(unmapped, data.request_metadata.client_address))
        .or_else(|| {
            let checked = data.authorization.request_metadata;
            let node = walk::descend(&unmapped.document, checked, &["clientAddress"]);
            address(unmapped, node)
        })
        .or_else(|| walk::take_at(unmapped, filtered, &["clientIp"]).map(endpoint))
        .unwrap_or_else(|| endpoint(Text::plain("unknown")))
}

fn address<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Endpoint<'a>> {
    let node = node?;
    let document = &unmapped.document;
    match document.kind(node) {
        Kind::String => java_address(unmapped, node),
        Kind::Array => {
            let first = document.children(node).next();
            address(unmapped, first)
        }
        Kind::Object => {
            let address = Address::of(document, node);
            let ip = walk::take(unmapped, address.ip)?;
            let port = port(unmapped, address.port);
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
        Some((_, literal)) => Some(endpoint(literal.to_owned().into())),
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

fn port(unmapped: &mut Unmapped<'_>, node: Option<NodeId>) -> Option<u16> {
    let document = &unmapped.document;
    let node = node.filter(|node| document.kind(*node) == Kind::Number)?;
    let port = document.raw(node).parse().ok()?;
    unmapped.mark_moved(node);
    Some(port)
}
