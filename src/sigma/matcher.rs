//! Compares one expected value with one value of an event. Total: every pair has an answer.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use regex::Regex;

use super::pattern::{Pattern, fold_into};
use super::time::TimeCheck;
use super::value::{Bound, Number, Value};
use crate::diagnostic::Mark;

/// What a test expects of a field.
#[derive(Debug, Clone)]
pub enum Check {
    /// Whether the field exists, whatever its value.
    Exists(bool),
    /// Some value of the field is one of these.
    Any(Vec<Expected>),
    /// Each of these matches some value of the field (`all`).
    Every(Vec<Expected>),
    /// Some value of the field relates to some value of another field (`fieldref`).
    Field(FieldReference),
    /// One element of the field, which is a list, meets all lines of one of these groups.
    Element(ElementLines),
}

/// Lines about one element of a list.
#[derive(Debug, Clone)]
pub struct ElementLines {
    /// How many segments the name of the list has; the names of the lines' fields begin with them.
    pub depth: usize,
    /// Groups of lines.
    pub groups: Vec<Vec<Test>>,
}

/// One line of a selection: compares a field, or every string of the event, with expected values.
#[derive(Debug, Clone)]
pub struct Test {
    /// The field's name; `None` searches every string (keywords).
    pub field: Option<String>,
    /// What is expected.
    pub check: Check,
    /// `neq`: the test holds if the check does not.
    pub negated: bool,
    /// Position of the field's name.
    pub mark: Mark,
}

impl Test {
    /// The name of its field without the first `depth` segments, as a line about an element has it.
    pub(super) fn name_below(&self, depth: usize) -> &str {
        let name = self.field.as_deref().unwrap_or_default();
        let mut rest = name.splitn(depth + 1, '.');
        rest.nth(depth).unwrap_or(name)
    }

    /// The test itself, or the lines about an element that it consists of.
    pub fn lines(&self) -> Vec<&Test> {
        match &self.check {
            Check::Element(element) => element.groups.iter().flatten().collect(),
            _ => vec![self],
        }
    }
}

impl Check {
    /// Whether a field that is missing is one of the values that it accepts.
    pub fn accepts_missing(&self) -> bool {
        match self {
            Check::Any(expected) => expected.iter().any(Expected::is_null),
            Check::Every(expected) => expected.iter().all(Expected::is_null),
            Check::Exists(exists) => !exists,
            Check::Field(_) | Check::Element(_) => false,
        }
    }
}

/// A comparison between two fields of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReference {
    /// Names of the other fields.
    pub fields: Vec<String>,
    /// How the texts relate.
    pub relation: Relation,
    /// Whether letter case matters.
    pub cased: bool,
    /// Whether every named field must relate (`all`), or one is enough.
    pub every: bool,
}

/// How the text of one field relates to that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The texts are equal.
    Equal,
    /// The text contains the other one.
    Contains,
    /// The text begins with the other one.
    StartsWith,
    /// The text ends with the other one.
    EndsWith,
}

impl Relation {
    /// Whether `text` relates to `other` in this way.
    pub fn holds(self, text: &str, other: &str) -> bool {
        match self {
            Relation::Equal => text == other,
            Relation::Contains => text.contains(other),
            Relation::StartsWith => text.starts_with(other),
            Relation::EndsWith => text.ends_with(other),
        }
    }
}

/// One expected value.
#[derive(Debug, Clone)]
pub enum Expected {
    /// A null, or a field that is missing.
    Null,
    /// A boolean, or a string with its text.
    Bool(bool),
    /// A number, or a string with its decimal text.
    Number(Number),
    /// A text with wildcards.
    Text(Pattern),
    /// A regular expression found anywhere in the text.
    Regex(Regex),
    /// A number that is less or greater than a bound.
    Compare(Bound, Number),
    /// An address within a network.
    Network(Network),
    /// A part of a time.
    Time(Box<TimeCheck>),
    /// One of several forms of a value, such as its three forms in Base64.
    OneOf(Vec<Expected>),
}

/// An IPv4 or IPv6 network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// The prefix of the IPv6 network that holds the IPv4 addresses, bits.
const MAPPED_PREFIX: u32 = 96;

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor address/prefix.
    #[error("not a network in CIDR notation")]
    Malformed,
    /// Bits beyond the prefix are set. The value is the network that was probably meant.
    #[error("the address has bits beyond its prefix")]
    HostBits(String),
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    ///
    /// # Errors
    /// The text is not a network, or its address has bits beyond the prefix.
    pub fn parse(text: &str) -> Result<Network, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let width = width(address);
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Malformed)?
            }
            Some(_) => return Err(NetworkError::Malformed),
            None => width,
        };
        if prefix > width {
            return Err(NetworkError::Malformed);
        }
        let network = bits(address) & mask(width, prefix);
        if network != bits(address) {
            let meant = match address {
                IpAddr::V4(_) => IpAddr::V4((network as u32).into()),
                IpAddr::V6(_) => IpAddr::V6(network.into()),
            };
            return Err(NetworkError::HostBits(format!("{meant}/{prefix}")));
        }
        Ok(
            match (address.to_canonical(), prefix.checked_sub(MAPPED_PREFIX)) {
                (v4 @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => Network {
                    address: v4,
                    prefix,
                },
                _ => Network { address, prefix },
            },
        )
    }

    /// Whether the text is an address of this network. IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) are
    /// IPv4 addresses, also in the network itself.
    pub fn contains(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else {
            return false;
        };
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && bits(address) & mask(width(address), self.prefix) == bits(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The upper `prefix` of `width` bits.
fn mask(width: u32, prefix: u32) -> u128 {
    let ones = |n: u32| 1u128.checked_shl(n).map_or(u128::MAX, |bit| bit - 1);
    ones(width) & !ones(width - prefix)
}

/// A value that is compared with several expectations: its text is converted to lower case only once.
pub struct Subject<'v, 'b> {
    value: Value<'v>,
    buffer: &'b mut String,
    folded: bool,
}

impl<'v, 'b> Subject<'v, 'b> {
    /// Wraps a value; the buffer is overwritten.
    pub fn new(value: Value<'v>, buffer: &'b mut String) -> Subject<'v, 'b> {
        Subject {
            value,
            buffer,
            folded: false,
        }
    }

    /// The lower-cased text, if the value has one.
    pub fn folded(&mut self) -> Option<&str> {
        if !self.folded {
            let buffer = &mut *self.buffer;
            self.value.with_text(|text| {
                buffer.clear();
                fold_into(text, buffer);
            })?;
            self.folded = true;
        }
        Some(self.buffer)
    }
}

impl Expected {
    /// Whether it is met by a null, and by a field that is missing.
    pub fn is_null(&self) -> bool {
        matches!(self, Expected::Null)
    }

    /// Whether it is met by a value.
    pub fn accepts(&self, value: Value<'_>) -> bool {
        self.is_met(&mut Subject::new(value, &mut String::new()))
    }

    /// A value that is compared as a time, as a person reads a time.
    pub(super) fn time_of(&self, value: Value<'_>) -> Option<String> {
        match self {
            Expected::Time(check) => check.shown(value),
            _ => None,
        }
    }

    /// Whether the value meets the expectation.
    pub fn is_met(&self, subject: &mut Subject<'_, '_>) -> bool {
        let value = subject.value;
        let text_is = |test: &dyn Fn(&str) -> bool| value.with_text(test) == Some(true);
        match self {
            Expected::Null => value == Value::Null,
            Expected::Bool(expected) => match value {
                Value::Bool(bool) => bool == *expected,
                Value::String(text) => {
                    text.eq_ignore_ascii_case(if *expected { "true" } else { "false" })
                }
                _ => false,
            },
            Expected::Number(expected) => {
                self::compare(value, *expected).is_some_and(Ordering::is_eq)
            }
            Expected::Compare(bound, limit) => {
                self::compare(value, *limit).is_some_and(|ordering| bound.holds(ordering))
            }
            Expected::Text(pattern) if pattern.is_cased() => text_is(&|text| pattern.matches(text)),
            Expected::Text(pattern) => {
                let unfolded = match value {
                    Value::String(text) => pattern.matches_unfolded(text),
                    _ => None,
                };
                unfolded
                    .unwrap_or_else(|| subject.folded().is_some_and(|text| pattern.matches(text)))
            }
            Expected::Regex(regex) => text_is(&|text| regex.is_match(text)),
            Expected::Network(network) => text_is(&|text| network.contains(text)),
            Expected::Time(check) => check.is_met(value),
            Expected::OneOf(forms) => forms.iter().any(|form| form.is_met(subject)),
        }
    }
}

fn compare(value: Value<'_>, limit: Number) -> Option<Ordering> {
    Some(value.number()?.compare(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expected: &Expected, value: Value<'_>) -> bool {
        expected.is_met(&mut Subject::new(value, &mut String::new()))
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let v4 = Network::parse("192.168.0.0/23").unwrap();
        assert!(v4.contains("192.168.1.255"));
        assert!(v4.contains("::ffff:192.168.0.1"));
        assert!(!v4.contains("192.168.2.0"));
        assert!(!v4.contains("::1"));
        assert!(!v4.contains("nonsense"));
        let v6 = Network::parse("2001:db8::/33").unwrap();
        assert!(v6.contains("2001:db8:7fff::1"));
        assert!(!v6.contains("2001:db8:8000::1"));
        assert!(!v6.contains("192.168.1.1"));
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("8.8.8.8"));
        assert!(Network::parse("::/0").unwrap().contains("2001::1"));
        assert!(Network::parse("10.1.2.3").unwrap().contains("10.1.2.3"));
        let mapped = Network::parse("::ffff:10.0.0.0/104").unwrap();
        let all_v6 = Network::parse("::/0").unwrap();
        for same in ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"] {
            assert!(mapped.contains(same), "{same}");
            assert!(!all_v6.contains(same), "{same}");
        }
        assert!(!mapped.contains("11.1.2.3"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "a/8",
        ] {
            assert_eq!(Network::parse(text), Err(NetworkError::Malformed), "{text}");
        }
        assert_eq!(
            Network::parse("10.1.2.3/8"),
            Err(NetworkError::HostBits("10.0.0.0/8".to_owned()))
        );
    }

    #[test]
    fn numbers_and_strings_of_digits_are_the_same() {
        let number = Expected::Number(Number::Int(4104));
        assert!(met(&number, Value::Int(4104)));
        assert!(met(&number, Value::String("4104")));
        assert!(met(&number, Value::Number("4104.0")));
        assert!(!met(&number, Value::String("0x1008")));
        let text = Expected::Text(Pattern::exactly("4104", false));
        assert!(met(&text, Value::Int(4104)));
        assert!(met(&text, Value::Number("4104")));
        assert!(!met(&text, Value::Number("4104.0")), "text as written");
    }

    #[test]
    fn null_empty_string_and_composites_are_three_things() {
        let empty = Expected::Text(Pattern::exactly("", false));
        assert!(met(&Expected::Null, Value::Null));
        assert!(!met(&Expected::Null, Value::String("")));
        assert!(!met(&Expected::Null, Value::String("null")));
        assert!(met(&empty, Value::String("")));
        assert!(!met(&empty, Value::Null));
        assert!(!met(&empty, Value::Composite));
        assert!(!met(&Expected::Null, Value::Composite));
    }

    #[test]
    fn booleans_match_their_text() {
        assert!(met(&Expected::Bool(true), Value::Bool(true)));
        assert!(met(&Expected::Bool(true), Value::String("True")));
        assert!(!met(&Expected::Bool(true), Value::Int(1)));
        assert!(!met(&Expected::Bool(false), Value::Null));
        let text = Expected::Text(Pattern::exactly("TRUE", false));
        assert!(met(&text, Value::Bool(true)));
    }

    #[test]
    fn bounds_are_open_or_closed_as_named() {
        let at = |bound, value| met(&Expected::Compare(bound, Number::Int(5)), Value::Int(value));
        assert_eq!([4, 5, 6].map(|v| at(Bound::Less, v)), [true, false, false]);
        assert_eq!([4, 5, 6].map(|v| at(Bound::AtMost, v)), [true, true, false]);
        assert_eq!(
            [4, 5, 6].map(|v| at(Bound::Greater, v)),
            [false, false, true]
        );
        assert_eq!(
            [4, 5, 6].map(|v| at(Bound::AtLeast, v)),
            [false, true, true]
        );
        let text = Expected::Compare(Bound::Less, Number::Int(5));
        assert!(met(&text, Value::String("4.5")));
        assert!(!met(&text, Value::String("four")));
    }
}
