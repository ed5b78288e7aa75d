//! Writes databases in MaxMind's format, version 2.0: small ones, for tests.

use std::net::IpAddr;

use serde_json::{Value, json};

/// Writes a database of that type: prefixes, as address and length, and what is said of each.
pub fn database(database_type: &str, entries: &[(&str, u32, Value)]) -> Vec<u8> {
    let mut tree = Tree::default();
    let mut data = Vec::new();
    for (address, length, said) in entries {
        let at = data.len();
        value(said, &mut data);
        let address: IpAddr = address.parse().expect("an address");
        let (bits, length) = match address {
            // IPv4 is at ::/96.
            IpAddr::V4(address) => (u128::from(address.to_bits()), length + 96),
            IpAddr::V6(address) => (address.to_bits(), *length),
        };
        tree.insert(bits, length, at);
    }
    let mut file = tree.written();
    let nodes = tree.nodes.len();
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    value(
        &json!({
            "binary_format_major_version": {"u16": 2},
            "binary_format_minor_version": {"u16": 0},
            "build_epoch": {"u64": 1_767_225_600},
            "database_type": database_type,
            "description": {"en": "a test"},
            "ip_version": {"u16": 6},
            "languages": ["en"],
            "node_count": {"u32": nodes},
            "record_size": {"u16": 32},
        }),
        &mut file,
    );
    file
}

/// A record of the search tree.
#[derive(Clone, Copy, Default)]
enum Record {
    #[default]
    Nothing,
    Node(usize),
    /// The offset in the data section.
    Data(usize),
}

struct Tree {
    nodes: Vec<[Record; 2]>,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            nodes: vec![[Record::Nothing; 2]],
        }
    }
}

impl Tree {
    fn insert(&mut self, bits: u128, length: u32, data: usize) {
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                self.nodes[node][side] = Record::Data(data);
                return;
            }
            node = match self.nodes[node][side] {
                Record::Node(next) => next,
                _ => {
                    self.nodes.push([Record::Nothing; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[node][side] = Record::Node(next);
                    next
                }
            };
        }
    }

    fn written(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let number = |record: &Record| match record {
            Record::Nothing => count,
            Record::Node(node) => *node,
            Record::Data(offset) => count + 16 + offset,
        };
        let records = self.nodes.iter().flatten();
        let numbers = records.map(|record| u32::try_from(number(record)).expect("a small tree"));
        numbers.flat_map(u32::to_be_bytes).collect()
    }
}

/// Appends a value. JSON has one kind of whole numbers and MaxMind's format several: `{"u16": 2}` is one of 16 bits.
fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) => {
            control(3, 8, out);
            out.extend(number.as_f64().expect("a number").to_be_bytes());
        }
        Value::Array(elements) => {
            control(11, elements.len(), out);
            elements
                .iter()
                .for_each(|element| self::value(element, out));
        }
        Value::Object(members) => match number(members) {
            Some((kind, number)) => {
                let bytes = number.to_be_bytes();
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                control(kind, 8 - zeros, out);
                out.extend(&bytes[zeros..]);
            }
            None => {
                control(7, members.len(), out);
                for (name, member) in members {
                    self::value(&Value::from(name.as_str()), out);
                    self::value(member, out);
                }
            }
        },
        other => panic!("a test database has no {other}"),
    }
}

fn number(members: &serde_json::Map<String, Value>) -> Option<(usize, u64)> {
    let (name, number) = members.iter().next()?;
    let kind = match name.as_str() {
        "u16" => 5,
        "u32" => 6,
        "u64" => 9,
        _ => return None,
    };
    Some((kind, number.as_u64()?))
}

fn control(kind: usize, length: usize, out: &mut Vec<u8>) {
    let (first, more) = match length {
        0..29 => (length, None),
        _ => (29, Some(length - 29)),
    };
    let extended = kind > 7;
    let kind_bits = if extended { 0 } else { kind << 5 };
    out.push(u8::try_from(kind_bits | first).expect("a control byte"));
    if extended {
        out.push(u8::try_from(kind - 7).expect("a type"));
    }
    out.extend(more.map(|more| u8::try_from(more).expect("a short value")));
}

/// A City database with the places of two of the addresses in the vendors' documents, and of one that nobody has; all invented.
pub fn city() -> Vec<u8> {
    let place = |city: &str, region: &str, country: &str, continent: &str, lat: f64, long: f64| {
        json!({
            "city": {"names": {"en": city, "de": "anders"}},
            "continent": {"code": "EU", "names": {"en": continent}},
            "country": {"iso_code": country, "names": {"en": "Somewhere"}},
            "location": {"latitude": lat, "longitude": long, "accuracy_radius": {"u16": 5}},
            "subdivisions": [{"iso_code": region, "names": {"en": "A region"}}],
        })
    };
    let entries = [
        (
            "134.238.192.0",
            18,
            place("Berlin", "BE", "DE", "Europe", 52.5, 13.25),
        ),
        ("66.159.216.0", 24, json!({"country": {"iso_code": "US"}})),
        (
            "2d00:1::",
            32,
            place("Hamburg", "HH", "DE", "Europe", 50.5, 12.25),
        ),
    ];
    database("GeoLite2-City", &entries)
}

/// An ASN database for the same, with numbers that are reserved for documents.
pub fn asn() -> Vec<u8> {
    let system = |number: u32, name: &str| {
        json!({
            "autonomous_system_number": {"u32": number},
            "autonomous_system_organization": name,
        })
    };
    let entries = [
        ("134.238.0.0", 16, system(64_496, "Example \"Networks\"")),
        ("2d00:1::", 32, system(64_497, "Example Cloud")),
    ];
    database("GeoLite2-ASN", &entries)
}
