//! Audit events as a busy organization makes them (`events.tsv`: nine of ten are logins and permission checks, 2 KB
//! on average, in all dialects), and as a quiet one does (`quiet.tsv`: 96 of 100 are routine). The same seed gives the
//! same events. Each line holds a weight and an event; `<kind>` stands for a value drawn once per event, `<kind1>`,
//! `<kind2>`, … for several of a kind.

use std::fmt::Write;

use jiff::Timestamp;

const BUSY: &str = include_str!("events.tsv");
const QUIET: &str = include_str!("quiet.tsv");

/// Distinct people, accounts, clusters and addresses.
const PEOPLE: u64 = 400;
const ACCOUNTS: u64 = 150;
const CLUSTERS: u64 = 20;
const ADDRESSES: u64 = 3_000;

/// An endless, seeded sequence of events.
pub struct Corpus {
    state: u64,
    time_ms: i64,
    /// Milliseconds from one event to the next.
    step_ms: i64,
    templates: Vec<Template>,
    values: Vec<String>,
}

struct Template {
    /// Sum of the weights up to and including this one.
    up_to: u64,
    method: &'static str,
    /// Text, and the number of the value that follows it.
    parts: Vec<(&'static str, usize)>,
    tail: &'static str,
    /// The kind of each value.
    kinds: Vec<&'static str>,
}

impl Corpus {
    /// Events of a busy organization.
    pub fn new(seed: u64) -> Corpus {
        Corpus::of(BUSY, seed)
    }

    /// Events of a quiet organization.
    pub fn quiet(seed: u64) -> Corpus {
        Corpus::of(QUIET, seed)
    }

    fn of(events: &'static str, seed: u64) -> Corpus {
        let mut up_to = 0;
        let template = |line: &'static str| {
            let (weight, text) = line.split_once('\t').expect("a weight and an event");
            up_to += weight.parse::<u64>().expect("a weight");
            Template::parse(up_to, text)
        };
        Corpus {
            state: seed,
            // 2026-11-01T00:00:00Z.
            time_ms: 1_793_491_200_000,
            step_ms: 1,
            templates: events.lines().map(template).collect(),
            values: Vec::new(),
        }
    }

    /// The same events at other times: the first one after `time_ms`, in milliseconds since the Unix epoch, the others
    /// `step_ms` after each other.
    #[cfg(feature = "archive")]
    pub fn at(mut self, time_ms: i64, step_ms: i64) -> Corpus {
        (self.time_ms, self.step_ms) = (time_ms, step_ms);
        self
    }

    /// The time of the last event.
    #[cfg(feature = "archive")]
    pub fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// The next event, a millisecond after the last one.
    pub fn next(&mut self) -> String {
        let all = self.templates.last().expect("a template").up_to;
        let drawn = self.draw(all);
        let chosen = self.templates.iter().position(|one| drawn < one.up_to);
        self.write(chosen.expect("a template"))
    }

    /// An event of this method, and its id.
    pub fn next_of(&mut self, method: &str) -> (String, String) {
        let known = self.templates.iter().position(|one| one.method == method);
        let chosen = known.expect("a method of the corpus");
        let event = self.write(chosen);
        let kinds = &self.templates[chosen].kinds;
        let id = kinds.iter().position(|kind| *kind == "id").expect("an id");
        (self.values[id].clone(), event)
    }

    fn write(&mut self, chosen: usize) -> String {
        self.time_ms += self.step_ms;
        let mut values = std::mem::take(&mut self.values);
        let count = self.templates[chosen].kinds.len();
        values.resize_with(values.len().max(count), String::new);
        for (number, value) in values.iter_mut().enumerate().take(count) {
            value.clear();
            self.value(self.templates[chosen].kinds[number], value);
        }
        let template = &self.templates[chosen];
        let mut out = String::with_capacity(4_096);
        for (text, number) in &template.parts {
            out.push_str(text);
            out.push_str(&values[*number]);
        }
        out.push_str(template.tail);
        self.values = values;
        out
    }

    fn value(&mut self, kind: &str, out: &mut String) {
        let written = match kind {
            "id" | "uuid" => {
                let (high, low) = (self.random(), self.random());
                let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
                let (d, e) = (low >> 52 | 0x8000, low & 0xffff_ffff_ffff);
                write!(out, "{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
            }
            "hex" => write!(out, "{:016x}{:016x}", self.random(), self.random()),
            "time" => {
                let time = Timestamp::from_millisecond(self.time_ms).expect("a time");
                write!(
                    out,
                    "{}{:06}Z",
                    time.strftime("%Y-%m-%dT%H:%M:%S.%3f"),
                    self.draw(1_000_000)
                )
            }
            "org" => write!(out, "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f"),
            "env" => write!(out, "env-q7x{:02}k", self.skewed(12)),
            "lkc" => out.write_str(&cluster(self.skewed(CLUSTERS))),
            "user" => out.write_str(&person(self.skewed(PEOPLE))),
            "account" => out.write_str(&account(self.skewed(ACCOUNTS))),
            "number" => write!(out, "{}", 3_958_000 + self.skewed(ACCOUNTS)),
            "email" => write!(out, "person{}%40example.com", self.skewed(PEOPLE)),
            "service" => write!(out, "svc-billing-{}", self.skewed(40)),
            "pool" => write!(out, "pool-{:04x}", self.draw(4_000)),
            "key" => write!(
                out,
                "{:016X}",
                self.skewed(300).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1
            ),
            "ip" => write!(
                out,
                "10.{}.{}.{}",
                self.draw(4),
                self.skewed(256),
                self.draw(254) + 1
            ),
            "address" => out.write_str(&address(self.skewed(ADDRESSES))),
            "principals" => {
                let count = 40 + self.draw(65);
                (0..count).try_for_each(|number| {
                    let comma = if number > 0 { "," } else { "" };
                    write!(out, "{comma}\"User:pool-{:04x}\"", self.draw(4_000))
                })
            }
            "port" => write!(out, "{}", 1_024 + self.draw(60_000)),
            "connection" => write!(out, "Tz0-{}-{:x}", self.draw(100_000), self.draw(4_096)),
            "topic" => write!(out, "orders.v{}", self.skewed(300)),
            "statement" => write!(
                out,
                "{:08x}-{:04x}-{:04x}",
                self.draw(1 << 32),
                self.draw(1 << 16),
                self.draw(1 << 16)
            ),
            unknown => panic!("the corpus has <{unknown}>"),
        };
        written.expect("memory");
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random() % below
    }

    /// A few come often, most come rarely.
    fn skewed(&mut self, below: u64) -> u64 {
        let unit = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
        (unit(self.random()).powi(3) * below as f64) as u64
    }
}

impl Template {
    fn parse(up_to: u64, text: &'static str) -> Template {
        let (mut parts, mut names, mut rest) = (Vec::new(), Vec::new(), text);
        while let Some((before, after)) = rest.split_once('<') {
            let (name, after) = after.split_once('>').expect("a closing bracket");
            let number = names.iter().position(|known| *known == name);
            parts.push((before, number.unwrap_or(names.len())));
            if number.is_none() {
                names.push(name);
            }
            rest = after;
        }
        let method = text
            .split_once(r#""methodName":""#)
            .map_or("", |(_, rest)| rest);
        Template {
            up_to,
            method: method.split('"').next().unwrap_or_default(),
            parts,
            tail: rest,
            kinds: names
                .iter()
                .map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()))
                .collect(),
        }
    }
}

fn person(number: u64) -> String {
    format!("u-{:06x}", number * 7_919 + 0x51_0000)
}

fn account(number: u64) -> String {
    format!("sa-{:06x}", number * 6_101 + 0x42_0000)
}

fn cluster(number: u64) -> String {
    format!("lkc-{:06x}", number * 5_003 + 0x33_0000)
}

/// Every third address is private.
fn address(number: u64) -> String {
    let host = number % 254 + 1;
    match number % 3 {
        0 => format!("10.{}.{}.{host}", number % 4, number * 31 % 256),
        _ => format!(
            "{}.{}.{}.{host}",
            34 + number * 7 % 16,
            number * 37 % 256,
            number % 32
        ),
    }
}

/// The public networks in which half of the public addresses are: the first two octets of prefixes of 20 bits.
pub fn public_networks() -> impl Iterator<Item = (u64, u64)> {
    (0..3_976).map(|number| (34 + number / 256, number % 256))
}

/// A networks file of 5,000 prefixes: 1,024 private ones, in which all private addresses are, and public ones.
pub fn networks() -> String {
    let private = (0..1_024).map(|n| (format!("10.{}.{}.0/24", n / 256, n % 256), n));
    let public = public_networks().zip(1_024..);
    let public = public.map(|((first, second), n)| (format!("{first}.{second}.0.0/20"), n));
    let zones = ["corporate", "production", "guest"];
    let line = |(prefix, n): (String, usize)| {
        let (zone, trusted) = (zones[n % 3], n % 3 < 2);
        format!(
            "{prefix}: {{name: network-{n}, zone: {zone}, trusted: {trusted}, owner: netops}}\n"
        )
    };
    private.chain(public).map(line).collect()
}

/// A names file for half of the people, all accounts and all clusters.
pub fn names() -> String {
    let people = (0..PEOPLE)
        .step_by(2)
        .map(|n| (person(n), format!("Person {n}"), "human"));
    let accounts = (0..ACCOUNTS).map(|n| (account(n), format!("Pipeline {n}"), "service"));
    let clusters = (0..CLUSTERS).map(|n| (cluster(n), format!("Cluster {n}"), "service"));
    let all = people.chain(accounts).chain(clusters);
    all.map(|(id, name, kind)| {
        format!("{id}: {{name: {name}, owner: ops, team: data, kind: {kind}}}\n")
    })
    .collect()
}
