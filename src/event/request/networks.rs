//! Networks and addresses, however they are written: with a prefix or a mask, as a range from one address to another, as
//! IPv4 within IPv6, or as a word for all. Bits beyond the prefix are zero.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use super::fact::{CIDR, GiveFact, PREFIX_LENGTH, VERSION, Visited};
use super::names::{Name, folded};
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

/// Gives the networks of a request.
pub(super) struct Networks<'g, 'f> {
    give: &'g mut GiveFact<'f>,
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl<'g, 'f> Networks<'g, 'f> {
    pub(super) fn new(give: &'g mut GiveFact<'f>) -> Self {
        Networks { give }
    }

    fn network(&mut self, network: Network) -> Visited {
        if let Some(within) = network.of_ipv4() {
            self.network(within)?;
        }
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
    fn object(&mut self, _names: &[Name], object: Object<'_, '_>) -> Visited {
        let mut prefix = None;
        let mut address = None;
        let mut ends = [[None; 2]; RANGES.len()];
        for (name, member) in object.members() {
            let name = folded(&name);
            let _ = object.scalars(member, &mut |value| {
                let text = value.text().unwrap_or_default();
                if matches!(
                    name.as_str(),
                    "prefix" | "prefixlength" | "prefixlen" | "masklength"
                ) {
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
        if let Some(prefix) = prefix {
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
        for word in text.split(|c: char| c.is_whitespace() || ",;|\"'[](){}=<>".contains(c)) {
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
    let is_of_networks = |name: &Name| {
        let name = name.folded();
        ["cidr", "address", "network", "range", "ipblock"]
            .iter()
            .any(|of| name.contains(of))
    };
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
