//! The networks file: names, zones and owners that an operator gives to prefixes of addresses, and which of them are
//! trusted. Parses text only; other modules read and reload the file. A file with an error gives no networks.
//! An IPv6 address that stands for an IPv4 one (`::ffff:10.1.2.3`) is that IPv4 address, as is a prefix of such.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::HashMap;
use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;

use super::ranges::Ranges;
use super::table::Columns;
use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::json::{Phrase, Written};
use crate::yaml::{self, Entry, Node, Value, YamlReader};

/// The keys of an entry.
const KEYS: [&str; 4] = ["name", "zone", "trusted", "owner"];

/// The columns of a CSV file.
const COLUMNS: Columns = Columns {
    known: &["cidr", "name", "zone", "trusted", "owner"],
    required: &["cidr", "name"],
};

/// What is said of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkEntry {
    /// The name to show.
    #[serde(rename = "network")]
    pub name: Phrase,
    /// The zone that it belongs to, such as `corporate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Phrase>,
    /// Whether requests from it are expected.
    pub trusted: bool,
    /// The person or address that is responsible for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Phrase>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its addresses.
    pub cidr: IpNet,
    /// Its entry.
    pub facts: NetworkEntry,
    /// Both as a JSON object, serialized once for all events.
    pub json: Written,
}

/// Networks by their addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<Network>,
    v4: Ranges<Ipv4Addr>,
    v6: Ranges<Ipv6Addr>,
}

impl Networks {
    /// Reads a map from prefix to network; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse_yaml(text: &str, file: &str) -> Result<Networks, Vec<Diagnostic>> {
        let mut reader = YamlReader::default();
        let mut list = NetworkList::default();
        match yaml::document(text) {
            Ok(root) => {
                for entry in reader.map(&root) {
                    let facts = yaml_facts(&mut reader, entry);
                    list.add(&mut reader, (&entry.key, entry.key_mark), facts);
                }
            }
            Err(problem) => reader.report(problem),
        }
        list.finish(reader, file)
    }

    /// Reads CSV with a header; `cidr` and `name` are required, the other columns may be absent and their cells
    /// empty. `file` is its name in diagnostics.
    ///
    /// # Errors
    /// All problems of the file, up to an error in the CSV itself.
    pub fn parse_csv(text: &str, file: &str) -> Result<Networks, Vec<Diagnostic>> {
        let mut reader = YamlReader::default();
        let mut list = NetworkList::default();
        COLUMNS.rows(text, &mut reader, |row, reader| {
            let mut facts = NetworkEntry::default();
            for (key, cell) in row.cells() {
                set(&mut facts, key, cell);
                if key == "trusted" {
                    let known = [("true", true), ("false", false)];
                    let trusted = reader.word(cell, row.mark, "value of `trusted`", known);
                    facts.trusted = trusted.unwrap_or_default();
                }
            }
            match row.cell("cidr") {
                // Reported as empty before.
                "" => {}
                cidr => list.add(reader, (cidr, row.mark), facts),
            }
        });
        list.finish(reader, file)
    }

    /// The network with the longest prefix that contains the address.
    pub fn lookup(&self, address: IpAddr) -> Option<&Network> {
        let index = match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address),
            IpAddr::V6(address) => self.v6.find(address),
        }?;
        self.networks.get(usize::try_from(index).ok()?)
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there is no network.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

/// The networks of a file that is being read.
#[derive(Default)]
struct NetworkList {
    networks: Vec<Network>,
    /// The line of each prefix.
    lines: HashMap<IpNet, u32>,
    /// The line of the first network of each name, and its number.
    named: HashMap<String, (u32, usize)>,
}

impl NetworkList {
    fn add(&mut self, reader: &mut YamlReader, (text, mark): (&str, Mark), facts: NetworkEntry) {
        let cidr = match prefix(text) {
            Ok(cidr) => cidr,
            Err((message, remedy)) => {
                return reader.report(Problem::error(mark, message).remedy(remedy));
            }
        };
        if let Some(line) = self.lines.insert(cidr, mark.line) {
            let message = format!("the prefix {cidr} is already on line {line}");
            let remedy = "keep one of them, or write a longer prefix for a part of it";
            return reader.report(Problem::error(mark, message).remedy(remedy));
        }
        let first = (mark.line, self.networks.len());
        let (line, number) = *self.named.entry(facts.name.to_string()).or_insert(first);
        let differs = self
            .networks
            .get(number)
            .is_some_and(|one| one.facts != facts);
        if differs && !facts.name.is_empty() {
            let name = &*facts.name;
            let message = format!("another network is named `{name}` on line {line}");
            let remedy = "give it another name, or the same zone, trusted and owner if both are one \
                          network with several prefixes";
            return reader.report(Problem::error(mark, message).remedy(remedy));
        }
        #[derive(Serialize)]
        struct Data<'n> {
            cidr: &'n str,
            #[serde(flatten)]
            facts: &'n NetworkEntry,
        }
        let json = Written::of(&Data {
            cidr: &cidr.to_string(),
            facts: &facts,
        });
        self.networks.push(Network { cidr, facts, json });
    }

    fn finish(self, reader: YamlReader, file: &str) -> Result<Networks, Vec<Diagnostic>> {
        if !reader.is_content() {
            return Err(reader.into_diagnostics(file));
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (index, network) in (0..).zip(&self.networks) {
            match network.cidr {
                IpNet::V4(cidr) => v4.push((cidr.network(), cidr.broadcast(), index)),
                IpNet::V6(cidr) => v6.push((cidr.network(), cidr.broadcast(), index)),
            }
        }
        let next_v4 = |address: Ipv4Addr| address.to_bits().checked_add(1).map(Ipv4Addr::from);
        let next_v6 = |address: Ipv6Addr| address.to_bits().checked_add(1).map(Ipv6Addr::from);
        Ok(Networks {
            networks: self.networks,
            v4: Ranges::of(v4, next_v4),
            v6: Ranges::of(v6, next_v6),
        })
    }
}

/// The prefix that a text says, or what is wrong with it and the remedy.
fn prefix(text: &str) -> Result<IpNet, (String, String)> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(address) => (
                format!("`{text}` has no prefix length"),
                format!("write `{}` for this one address", IpNet::from(address)),
            ),
            Err(_) => no_prefix(text),
        });
    };
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let (address, length): (IpAddr, u8) = match (address.parse(), length.parse()) {
        (Ok(address), Ok(length)) if is_number => (address, length),
        _ => return Err(no_prefix(text)),
    };
    let Ok(cidr) = IpNet::new(address, length) else {
        let (kind, most) = match address {
            IpAddr::V4(_) => ("IPv4", 32),
            IpAddr::V6(_) => ("IPv6", 128),
        };
        return Err((
            format!("`{text}`: the prefix length {length} is too large"),
            format!("an {kind} prefix has a length of 0 to {most}"),
        ));
    };
    if cidr.trunc() != cidr {
        return Err((
            format!("`{text}` has bits set after its prefix"),
            format!("write `{}`, or a longer prefix", cidr.trunc()),
        ));
    }
    Ok(canonical(cidr))
}

fn no_prefix(text: &str) -> (String, String) {
    (
        format!("`{text}` is no network in CIDR notation"),
        "write an address and the length of its prefix, such as 10.1.0.0/16 or 2001:db8::/32"
            .into(),
    )
}

/// The IPv4 prefix, if this is an IPv6 prefix of such addresses.
fn canonical(cidr: IpNet) -> IpNet {
    let (IpAddr::V4(address), IpNet::V6(mapped)) = (cidr.addr().to_canonical(), cidr) else {
        return cidr;
    };
    let length = mapped.prefix_len().checked_sub(96);
    let v4 = length.and_then(|length| Ipv4Net::new(address, length).ok());
    v4.map_or(cidr, IpNet::V4)
}

fn yaml_facts(reader: &mut YamlReader, entry: &Entry) -> NetworkEntry {
    let mut facts = NetworkEntry::default();
    for Entry { key, node, .. } in reader.map_of(&entry.node, &KEYS) {
        if key == "trusted" {
            facts.trusted = trusted(reader, node);
        } else if KEYS.contains(&key.as_str())
            && let Some(text) = reader.text(node)
        {
            set(&mut facts, key, text);
        }
    }
    if entry.node.as_map().is_some() && entry.node.entry("name").is_none() {
        let message = format!("`{}` has no `name`", entry.key);
        let problem = Problem::error(entry.key_mark, message);
        reader.report(problem.remedy("write `name:` and what people call it"));
    }
    facts
}

fn trusted(reader: &mut YamlReader, node: &Node) -> bool {
    match node.value {
        Value::Bool(trusted) => trusted,
        _ => {
            let problem = Problem::error(node.mark, "`trusted` is true or false");
            reader.report(problem.remedy("write true or false, without quotes"));
            false
        }
    }
}

/// Sets one key that is a text; unknown keys have been reported before.
fn set(facts: &mut NetworkEntry, key: &str, text: &str) {
    let value = text.into();
    match key {
        "name" => facts.name = value,
        "zone" => facts.zone = Some(value),
        "owner" => facts.owner = Some(value),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
