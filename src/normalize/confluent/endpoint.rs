//! Where a request came from: only a literal address of one host is an `ip`; a masked address, a
//! network and a host's name are a `name`. Further addresses of the same event stay where they were.

use std::net::IpAddr;

use super::data::{Address, Data};
use crate::event::{Endpoint, Unmapped};
use crate::json::{NodeId, Text, ValueKind};
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
        .or_else(|| {
            let node = walk::descend(&unmapped.document, filtered, &["clientIp"]);
            text_endpoint(unmapped, node)
        })
        .map_or_else(
            || Endpoint {
                name: Some(Text::from("unknown")),
                ..Endpoint::default()
            },
            |Place { ip, name, port }| Endpoint {
                ip,
                name,
                port,
                ..Endpoint::default()
            },
        )
}

/// What an event says about an endpoint: that part of an [`Endpoint`] that is cheap to pass on.
#[derive(Debug, Default)]
struct Place<'a> {
    ip: Option<Text<'a>>,
    name: Option<Text<'a>>,
    port: Option<u16>,
}

fn address<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Place<'a>> {
    let node = node?;
    let document = &unmapped.document;
    match document.kind(node) {
        ValueKind::String => text_endpoint(unmapped, Some(node)),
        ValueKind::Array => {
            let first = document.children(node).next();
            address(unmapped, first).or_else(|| {
                let others: Vec<NodeId> = unmapped.document.children(node).skip(1).collect();
                others
                    .into_iter()
                    .find_map(|other| address(unmapped, Some(other)))
            })
        }
        ValueKind::Object => {
            let address = Address::of(document, node);
            let place = text_endpoint(unmapped, address.ip)?;
            let port = port(unmapped, address.port).or(place.port);
            Some(Place { port, ..place })
        }
        _ => None,
    }
}

/// What a text says about an endpoint. Where it is only a literal address, or only a name, it moves
/// there; otherwise the parts are copies and the text stays.
fn text_endpoint<'a>(unmapped: &mut Unmapped<'a>, node: Option<NodeId>) -> Option<Place<'a>> {
    let text = walk::text(&unmapped.document, node)?;
    let endpoint = endpoint(&text)?;
    let is_whole = [&endpoint.ip, &endpoint.name].contains(&&Some(text));
    if is_whole && let Some(node) = node {
        unmapped.mark_moved(node);
    }
    Some(endpoint)
}

fn endpoint<'a>(text: &Text<'a>) -> Option<Place<'a>> {
    // The form of nearly all addresses.
    if let Ok(address) = text.parse::<IpAddr>()
        && address == address.to_canonical()
    {
        return Some(Place {
            ip: Some(text.clone()),
            ..Place::default()
        });
    }
    let Parts { host, ip, port } = Parts::of(text)?;
    Some(Place {
        ip: ip.map(|ip| ip.to_string().into()),
        name: host.map(|host| match host == &**text {
            true => text.clone(),
            false => host.to_owned().into(),
        }),
        port,
    })
}

/// The parts of an address that is not only a literal one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts<'t> {
    /// A host's name, a mask, a network.
    host: Option<&'t str>,
    ip: Option<IpAddr>,
    port: Option<u16>,
}

impl<'t> Parts<'t> {
    /// Java writes `host/address:port`, with an empty host where none is known; others add the
    /// length of a network's prefix, or list the proxies on the way after a comma. `None` if nothing
    /// is said.
    fn of(text: &'t str) -> Option<Self> {
        let first = text.split(',').next().unwrap_or_default().trim();
        if first.is_empty() {
            return None;
        }
        let named = |name: &'t str| Self {
            host: (!name.is_empty()).then_some(name),
            ..Self::default()
        };
        let (host, rest) = first.split_once('/').unwrap_or(("", first));
        if let Some((ip, port)) = literal(rest) {
            return Some(Self {
                ip: Some(ip.to_canonical()),
                port,
                ..named(host)
            });
        }
        if let Some((ip, port)) = literal(host).filter(|(ip, _)| is_one_host(*ip, rest)) {
            return Some(Self {
                ip: Some(ip.to_canonical()),
                port,
                ..Self::default()
            });
        }
        // Java's word for a name that has no address.
        if let Some(port) = rest.strip_prefix("<unresolved>") {
            let port = port.strip_prefix(':').and_then(|port| port.parse().ok());
            return (!host.is_empty()).then(|| Self {
                port,
                ..named(host)
            });
        }
        match (host, rest) {
            (_, "") => None,
            // Behind the slash, a mask or an address with a prefix.
            ("", rest) if rest.len() < first.len() => Self::of(rest.trim_start_matches('/')),
            _ => Some(named(first)),
        }
    }
}

/// A literal address, also in brackets, with a zone or with a port.
fn literal(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let without_zone = |text: &str| -> Option<IpAddr> {
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let may_have_zone = address.is_ipv6() && zone != Some("");
        (zone.is_none() || may_have_zone).then_some(address)
    };
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']')?;
        let address = without_zone(address)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((address, None)),
        };
    }
    if let Some(address) = without_zone(text) {
        return Some((address, None));
    }
    // Older Java writes the port of an IPv6 address without brackets, too.
    let (address, port) = text.rsplit_once(':')?;
    Some((without_zone(address)?, Some(port.parse().ok()?)))
}

/// Whether an address with a prefix of that length is one host and not a network: a network has no
/// bits after its prefix.
fn is_one_host(address: IpAddr, prefix: &str) -> bool {
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit());
    match prefix.parse::<u32>() {
        Ok(length) if is_number && length <= width => {
            length == width || bits.checked_shl(length).is_some_and(|rest| rest != 0)
        }
        _ => prefix.is_empty(),
    }
}

fn port(unmapped: &mut Unmapped<'_>, node: Option<NodeId>) -> Option<u16> {
    let document = &unmapped.document;
    let node = node.filter(|node| document.kind(*node) == ValueKind::Number)?;
    let port = document.raw(node).parse().ok()?;
    unmapped.mark_moved(node);
    Some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name ip port`, with `-` for what is not there.
    fn shown(text: &str) -> String {
        let Some(found) = endpoint(&text.into()) else {
            return "nothing".to_owned();
        };
        let port = found.port.map(|port| port.to_string().into());
        let part = |part: &Option<Text<'_>>| part.as_deref().unwrap_or("-").to_owned();
        [&found.name, &found.ip, &port].map(part).join(" ")
    }

    #[test]
    fn a_literal_address_is_an_ip_whatever_stands_around_it() {
        let cases = [
            ("198.51.100.7", "- 198.51.100.7 -"),
            ("/198.51.100.7", "- 198.51.100.7 -"),
            ("198.51.100.7/32", "- 198.51.100.7 -"),
            ("/198.51.100.7/32", "- 198.51.100.7 -"),
            ("198.51.100.7/24", "- 198.51.100.7 -"),
            ("198.51.100.7:9092", "- 198.51.100.7 9092"),
            ("/198.51.100.7:9092", "- 198.51.100.7 9092"),
            (
                "client-7.example.com/198.51.100.7",
                "client-7.example.com 198.51.100.7 -",
            ),
            ("client-7/198.51.100.7:9092", "client-7 198.51.100.7 9092"),
            ("198.51.100.7, 10.0.0.1", "- 198.51.100.7 -"),
            (" 198.51.100.7 ", "- 198.51.100.7 -"),
            ("2001:db8::7", "- 2001:db8::7 -"),
            ("2001:db8::7/128", "- 2001:db8::7 -"),
            ("2001:db8::7/64", "- 2001:db8::7 -"),
            ("/2001:db8:0:0:0:0:0:7", "- 2001:db8::7 -"),
            ("[2001:db8::7]", "- 2001:db8::7 -"),
            ("[2001:db8::7]:9092", "- 2001:db8::7 9092"),
            ("/[2001:db8:0:0:0:0:0:7]:9092", "- 2001:db8::7 9092"),
            ("/2001:db8:0:0:0:0:0:7:9092", "- 2001:db8::7 9092"),
            ("fe80::7%eth0", "- fe80::7 -"),
            ("[fe80::7%2]:9092", "- fe80::7 9092"),
            ("::ffff:198.51.100.7", "- 198.51.100.7 -"),
            ("[::ffff:198.51.100.7]:9092", "- 198.51.100.7 9092"),
            ("::ffff:198.51.100.7/128", "- 198.51.100.7 -"),
            ("198.51.100.7/", "- 198.51.100.7 -"),
            ("///198.51.100.7", "- 198.51.100.7 -"),
            ("localhost/127.0.0.1", "localhost 127.0.0.1 -"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mask_a_network_and_a_name_are_names() {
        for text in [
            "198.51.100.***",
            "198.51.100.x",
            "198.51.*.*",
            "198.51.100.0/24",
            "0.0.0.0/0",
            "2001:db8::/64",
            "198.51.100.7/33",
            "198.51.100.7/+32",
            "198.51.100.7%eth0",
            "198.51.100.007",
            "flink-control-plane",
            "32",
            "client-7.example.com:port",
        ] {
            assert_eq!(shown(text), format!("{text} - -"), "{text}");
        }
        assert_eq!(shown("/198.51.100.***"), "198.51.100.*** - -");
        assert_eq!(shown("/198.51.100.0/24"), "198.51.100.0/24 - -");
        let slashes = "/".repeat(1_000_000);
        assert_eq!(shown(&slashes), "nothing");
        assert_eq!(shown("client-7/<unresolved>:9092"), "client-7 - 9092");
        for nothing in ["/", "host/", "/<unresolved>", " ", ",198.51.100.7"] {
            assert_eq!(shown(nothing), "nothing", "{nothing:?}");
        }
    }
}
