//! Networks and addresses, however they are written: with a prefix or a mask, as a range from one address to another, as
//! IPv4 within IPv6, or as a word for all. Bits beyond the prefix are zero.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use super::fact::{CIDR, GiveFact, PREFIX_LENGTH, VERSION, Visited};
use super::names::Name;
use super::object::Object;
use super::reading::{Place, Reader};
use crate::sigma::Value;

/// IPv6 networks in which IPv4 has a place, in their last 32 bits: mapped, compatible, and translated.
const WITH_IPV4: [u128; 3] = [0xffff_0000_0000, 0, 0x64_ff9b << 96];

/// Members that are the first and the last address of a range.
const RANGES: [[&str; 2]; 4] = [
    ["start", "end"],
    ["from", "to"],
    ["first", "last"],
    ["min", "max"],
];

/// Networks within an organization, which open nothing to others.
const PRIVATE: [(IpAddr, u8); 5] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
];

/// Gives the networks of a request.
pub(super) struct Networks<'g, 'f> {
    give: &'g mut GiveFact<'f>,
    /// Those that are not private, of IPv4 and of IPv6.
    seen: [Vec<Span>; 2],
}

/// The first and the last address of a network of IPv4, or of IPv6 the first half of their bits.
type Span = (u64, u64);

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl<'g, 'f> Networks<'g, 'f> {
    pub(super) fn new(give: &'g mut GiveFact<'f>) -> Self {
        Networks {
            give,
            seen: [Vec::new(), Vec::new()],
        }
    }

    /// Gives, if there are several networks, one that is as large as all of them together.
    pub(super) fn together(mut self) -> Visited {
        for (mut spans, bits) in std::mem::take(&mut self.seen).into_iter().zip([32, 64]) {
            if spans.len() < 2 {
                continue;
            }
            spans.sort_unstable();
            let mut size = 0_u128;
            let mut next = 0_u128;
            for (first, last) in &spans {
                let first = next.max(u128::from(*first));
                let after = u128::from(*last) + 1;
                size += after.saturating_sub(first);
                next = next.max(after);
            }
            let Some(within) = size.checked_ilog2() else {
                continue;
            };
            let first = spans[0].0;
            let address = match bits {
                32 => IpAddr::V4(Ipv4Addr::from_bits(first as u32)),
                _ => IpAddr::V6(Ipv6Addr::from_bits(u128::from(first) << 64)),
            };
            let prefix = u8::try_from(bits - within.min(bits)).unwrap_or(0);
            self.give(Network { address, prefix })?;
        }
        ControlFlow::Continue(())
    }

    fn network(&mut self, network: Network) -> Visited {
        if let Some(within) = network.of_ipv4() {
            self.network(within)?;
        }
        if let Some(span) = network.span().filter(|_| !network.is_private()) {
            let place = usize::from(network.address.is_ipv6());
            // The same network again takes no more room.
            if self.seen[place].last() != Some(&span) {
                self.seen[place].push(span);
            }
        }
        self.give(network)
    }

    fn give(&mut self, network: Network) -> Visited {
        let masked = network.masked();
        let cidr = format!("{}/{}", masked.address, masked.prefix);
        (self.give)(&[
            (CIDR, Value::String(&cidr)),
            (PREFIX_LENGTH, Value::Int(masked.prefix.into())),
            (
                VERSION,
                Value::Int(if masked.address.is_ipv4() { 4 } else { 6 }),
            ),
        ])
    }
}

impl Reader for Networks<'_, '_> {
    /// An address beside the length of its prefix, or the first address of a range beside the last one.
    /// A network may also be the name of a member: `{"198.51.100.0/24": "office"}`.
    fn object(&mut self, names: &[Name], object: Object<'_, '_>) -> Visited {
        let mut prefix = None;
        let mut address = None;
        let mut has_place = names.last().is_some_and(is_of_networks);
        let mut ends = [[None; 2]; RANGES.len()];
        for (name, member) in object.members() {
            if name.contains(['/', ':', '.']) && !object.is_off(member) {
                let found = name
                    .split(is_between)
                    .filter_map(|word| of_word(word, None));
                for network in found.collect::<Vec<_>>() {
                    self.network(network)?;
                }
            }
            let name = Name::new(name);
            has_place |= is_of_networks(&name);
            let name = name.folded();
            let _ = object.scalars(member, &mut |value| {
                let text = value.text().unwrap_or_default();
                if matches!(name, "prefix" | "prefixlength" | "prefixlen" | "masklength") {
                    prefix = prefix.or_else(|| text.trim_start_matches('/').parse::<u8>().ok());
                }
                let found = self::address(&text);
                address = address.or(found);
                for (range, ends) in RANGES.iter().zip(&mut ends) {
                    for (end, place) in range.iter().zip(ends) {
                        // `startAddress` is a start, too.
                        if name.starts_with(end) && (name.len() == end.len() || found.is_some()) {
                            *place = place.or(found);
                        }
                    }
                }
                ControlFlow::Continue(())
            });
        }
        // Beside no address, a prefix may be that of anything.
        if let Some(prefix) = prefix.filter(|_| has_place || address.is_some()) {
            let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            if let Some(network) = Network::new(address, prefix) {
                self.network(network)?;
            }
        }
        for ends in ends {
            if let [Some(first), Some(last)] = ends
                && let Some(network) = range(first, last)
            {
                self.network(network)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn value(&mut self, place: Place<'_>, value: Value<'_>) -> Visited {
        let Value::String(text) = value else {
            return ControlFlow::Continue(());
        };
        let last = place.names.last();
        let is_for_people =
            last.is_some_and(|name| name.is_for_people() || name.folded().ends_with("name"));
        let mut found = Vec::new();
        let mut has_words = false;
        let text = joined_ranges(text);
        for word in text.split(is_between) {
            match of_word(word, last) {
                Some(network) => found.push(network),
                None => has_words |= !word.is_empty(),
            }
        }
        // What people write of addresses opens nothing.
        if has_words && is_for_people {
            return ControlFlow::Continue(());
        }
        found
            .into_iter()
            .try_for_each(|network| self.network(network))
    }
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || ",;|\"'[](){}=<>".contains(c)
}

/// Whether a name is that of networks or addresses.
fn is_of_networks(name: &Name) -> bool {
    let name = name.folded();
    ["cidr", "address", "network", "range", "ipblock"]
        .iter()
        .any(|of| name.contains(of))
        || matches!(name, "ip" | "ips" | "ipgroup" | "ipfilter")
}

impl Network {
    fn new(address: IpAddr, prefix: u8) -> Option<Network> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Network { address, prefix })
    }

    /// Everything.
    const ALL: Network = Network {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        prefix: 0,
    };

    fn masked(self) -> Network {
        let address = match self.address {
            IpAddr::V4(address) => {
                let bits = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & bits))
            }
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
                address.to_bits() & mask_of_ipv6(self.prefix),
            )),
        };
        Network { address, ..self }
    }

    /// Its first and last address; `None` if so many of its size are no risk as a request can hold.
    fn span(self) -> Option<Span> {
        match self.masked().address {
            IpAddr::V4(first) => {
                let first = u64::from(first.to_bits());
                let rest = u64::from(u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0));
                Some((first, first + rest))
            }
            IpAddr::V6(first) => {
                let first = (first.to_bits() >> 64) as u64;
                let rest = u64::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                (self.prefix <= 64).then_some((first, first | rest))
            }
        }
    }

    fn is_private(self) -> bool {
        let mut private = PRIVATE.into_iter();
        private.any(|(address, prefix)| {
            let within = Network {
                address: self.address,
                prefix,
            };
            self.address.is_ipv4() == address.is_ipv4()
                && self.prefix >= prefix
                && within.masked().address == address
        })
    }

    /// The IPv4 addresses in a network of IPv6: all of them, or a network.
    fn of_ipv4(self) -> Option<Network> {
        let IpAddr::V6(address) = self.address else {
            return None;
        };
        let shared = mask_of_ipv6(self.prefix.min(96));
        let mut places = WITH_IPV4.iter();
        places.find(|place| (address.to_bits() ^ **place) & shared == 0)?;
        if self.prefix <= 96 {
            return Some(Network::ALL);
        }
        let address = Ipv4Addr::from_bits(address.to_bits() as u32);
        Network::new(IpAddr::V4(address), self.prefix - 96)
    }
}

fn mask_of_ipv6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

/// A text in which a range is one word: `a - b`, `a to b` and `a..b` are `a-b`.
fn joined_ranges(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let is_sign = matches!(word, "-" | "–" | "—" | ".." | "to" | "TO");
        if is_sign && words.peek().is_some() && !joined.is_empty() {
            joined.truncate(joined.trim_end().len());
            joined.push('-');
            continue;
        }
        let ends_open = word.ends_with(['-', '–', '—']);
        joined += &word.replace(['–', '—'], "-").replace("..", "-");
        let goes_on = words
            .peek()
            .is_some_and(|next| next.len() > 1 && next.starts_with(['-', '–']));
        if !ends_open && !goes_on {
            joined.push(' ');
        }
    }
    joined
}

/// The network that a word stands for.
fn of_word(word: &str, name: Option<&Name>) -> Option<Network> {
    if word.is_empty() || word.len() > 100 {
        return None;
    }
    if word.split('.').all(|part| part == "*") {
        return Some(Network::ALL);
    }
    if let Some((first, last)) = word.split_once('-') {
        return range(address(first)?, address(last)?);
    }
    if let Some((written, length)) = word.split_once('/') {
        return with_prefix(written, length);
    }
    if let Some(address) = address(word) {
        let is_all = address.is_unspecified();
        let most = if address.is_ipv4() { 32 } else { 128 };
        return Network::new(address, if is_all { 0 } else { most });
    }
    let is_word_for_all = ["any", "all", "internet"]
        .iter()
        .any(|all| word.eq_ignore_ascii_case(all));
    (is_word_for_all && name.is_some_and(is_of_networks)).then_some(Network::ALL)
}

/// A network of an address and the length of its prefix, or its mask.
fn with_prefix(written: &str, length: &str) -> Option<Network> {
    if written.bytes().all(|byte| byte == b'0') && !written.is_empty() {
        return length
            .bytes()
            .all(|byte| byte == b'0')
            .then_some(Network::ALL);
    }
    let address = match written.contains(['.', ':']) {
        true => address(written)?,
        false => return None,
    };
    if let (IpAddr::V4(address), Some(IpAddr::V4(mask))) = (
        address,
        self::address(length).filter(|_| length.contains('.')),
    ) {
        // Whether a mask or its complement is meant, all zeros are all.
        let prefix = if address.is_unspecified() {
            0
        } else {
            mask.to_bits().leading_ones()
        };
        return Network::new(IpAddr::V4(address), u8::try_from(prefix).ok()?);
    }
    Network::new(address, length.parse().ok()?)
}

/// An address. Of IPv4 parts may be left out at the end, and digits may have zeros before them.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if text.contains(':') {
        return text.parse().ok().map(IpAddr::V6);
    }
    let mut bytes = [0; 4];
    let mut count = 0;
    for part in text.split('.') {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *bytes.get_mut(count)? = part.parse::<u8>().ok().filter(|_| is_number)?;
        count += 1;
    }
    (count > 1).then(|| IpAddr::V4(bytes.into()))
}

/// The smallest network that is as large as the range between two addresses.
fn range(first: IpAddr, last: IpAddr) -> Option<Network> {
    let (bits, size) = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            (32, u128::from(last.to_bits().checked_sub(first.to_bits())?))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            (128, last.to_bits().checked_sub(first.to_bits())?)
        }
        _ => return None,
    };
    let within = size.checked_add(1).map_or(128, u128::ilog2);
    Network::new(first, u8::try_from(bits - within.min(bits)).ok()?)
}
