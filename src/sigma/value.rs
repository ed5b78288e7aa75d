//! What the language needs from an event: values at compiled field paths, all strings, the log source.
//! The language does not depend on a type of event; any type that implements [`Fields`] can be matched.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::ops::ControlFlow;

/// One value of a field. An array field has one value per element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// An explicit null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The JSON text of a number that was not parsed.
    Number(&'a str),
    /// A string with its escapes decoded.
    String(&'a str),
    /// An object or an empty array: it exists, but equals no value.
    Composite,
}

/// Receives values one by one; `Break` ends the visit.
pub type Visit<'v> = dyn FnMut(Value<'_>) -> ControlFlow<()> + 'v;

/// The values in one element of a list: visits those at a path; with `true`, only those that every reading has.
pub type ElementValues<'v, P> = dyn Fn(&P, bool, &mut Visit<'_>) + 'v;

/// Receives the elements of a list one by one; `Break` ends the visit.
pub type VisitElement<'v, P> = dyn FnMut(&ElementValues<'_, P>) -> ControlFlow<()> + 'v;

/// An event that rules can be evaluated on.
///
/// Some events have several readings: if an object has a name twice, JSON parsers differ in which value
/// they use. `values` and `strings` then visit the values of all readings, and `certain_values` and
/// `certain_strings` only those that every reading has.
pub trait Fields {
    /// A field name, compiled once per rule set.
    type Path;

    /// Visits the values at a path: one for a scalar, each element of an array at any depth of
    /// nesting, [`Value::Composite`] for an object or an empty array, none if the field is missing.
    /// After `Break` no more values are needed; further ones do not change the result.
    fn values(&self, path: &Self::Path, visit: &mut Visit<'_>);

    /// Visits the elements of the list that the first `depth` segments of a path name: the elements of an array at any
    /// depth of nesting, or an object. If the event keeps no list there, it is itself the only element. With `certain`,
    /// only those elements that every reading has. Paths that are then asked for begin with the same segments.
    fn elements(
        &self,
        path: &Self::Path,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Self::Path>,
    );

    /// The number of the list that a path leads into, below 64, and how many segments name it, if each visit of that list
    /// takes long. What several rules ask of such a list is found in one visit.
    fn costly_list(&self, _path: &Self::Path) -> Option<(u32, usize)> {
        None
    }

    /// Visits every string of the event at any depth, for keyword searches.
    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>);

    /// Whether `certain_values` may visit fewer values than `values`; without a path, whether
    /// `certain_strings` may visit fewer than `strings`.
    fn may_vary(&self, _path: Option<&Self::Path>) -> bool {
        false
    }

    /// Visits the values at a path that every reading of the event has.
    fn certain_values(&self, path: &Self::Path, visit: &mut Visit<'_>) {
        self.values(path, visit);
    }

    /// Visits the strings that every reading of the event has.
    fn certain_strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        self.strings(visit);
    }

    /// The log source of the event.
    fn logsource(&self) -> Origin<'_>;
}

/// The log source of an event, in the words of a rule's `logsource`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `product`, such as `confluent`.
    pub product: Option<&'a str>,
    /// `service`, such as `flink`.
    pub service: Option<&'a str>,
    /// `category`.
    pub category: Option<&'a str>,
}

/// A field name that the event type does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The nearest name that it has.
    pub suggestion: Option<String>,
}

impl<'a> Value<'a> {
    /// The value as text, for patterns; `None` for null and composites.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Value::String(text) | Value::Number(text) => Some(Cow::Borrowed(text)),
            Value::Bool(true) => Some(Cow::Borrowed("true")),
            Value::Bool(false) => Some(Cow::Borrowed("false")),
            Value::Int(int) => Some(Cow::Owned(int.to_string())),
            Value::Null | Value::Composite => None,
        }
    }

    /// Calls a function with the value as text, without allocating it; `None` for null and composites.
    pub(super) fn with_text<R>(self, call: impl FnOnce(&str) -> R) -> Option<R> {
        match self {
            Value::Int(int) => {
                let mut digits = Digits::default();
                write!(digits, "{int}").ok()?;
                let text = std::str::from_utf8(&digits.bytes[..digits.len]).ok()?;
                Some(call(text))
            }
            other => other.text().map(|text| call(&text)),
        }
    }

    /// A description of a value without a text.
    pub(super) fn described(self) -> &'static str {
        match self {
            Value::Null => "null",
            _ => "{…}",
        }
    }

    /// The value as a number: a number, or a string that reads as a decimal one.
    pub fn number(self) -> Option<Number> {
        match self {
            Value::Int(int) => Some(Number::Int(int)),
            Value::Number(text) | Value::String(text) => Number::parse(text),
            Value::Null | Value::Bool(_) | Value::Composite => None,
        }
    }
}

/// The decimal text of a whole number.
#[derive(Default)]
struct Digits {
    /// As long as the text of `i64::MIN`.
    bytes: [u8; 20],
    len: usize,
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let free = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// A number. Two whole numbers compare exactly, any other pair as doubles.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A whole number that fits into `i64`.
    Int(i64),
    /// Any other number, never NaN; infinite if it is too large for a double.
    Float(f64),
}

impl Number {
    /// Parses a JSON number; leading zeros and a plus sign are allowed, too.
    pub fn parse(text: &str) -> Option<Number> {
        let number_like =
            |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
        if text.is_empty() || !text.bytes().all(number_like) {
            return None;
        }
        if let Ok(int) = text.parse() {
            return Some(Number::Int(int));
        }
        // A number too large for a double becomes infinite, which is larger than every number that a rule
        // can contain; so is the number itself.
        text.parse().ok().map(Number::Float)
    }

    /// Whether the number is in the range of a double.
    pub fn is_finite(self) -> bool {
        self.as_f64().is_finite()
    }

    /// A key that two numbers have in common if they are equal. Different numbers may have the same key.
    pub(super) fn key(self) -> u64 {
        // Adding zero makes the negative zero positive.
        (self.as_f64() + 0.0).to_bits()
    }

    fn as_f64(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }

    /// Smaller, equal or greater.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            _ => self
                .as_f64()
                .partial_cmp(&other.as_f64())
                .unwrap_or(Ordering::Equal),
        }
    }
}

/// `lt`, `lte`, `gt`, `gte`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
}

impl Bound {
    /// Whether a value of this order relative to the bound is within it.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Bound::Less => ordering.is_lt(),
            Bound::AtMost => ordering.is_le(),
            Bound::Greater => ordering.is_gt(),
            Bound::AtLeast => ordering.is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_decimal_texts_are_numbers() {
        for text in ["4104", "-3", "1.5", "1e3", "007"] {
            assert!(Number::parse(text).is_some(), "{text}");
        }
        for text in ["", "inf", "NaN", "0x17", " 5", "12ab", "-"] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_number_that_no_double_holds_compares_by_its_size() {
        let size = |text: &str, other| Number::parse(text).unwrap().compare(other);
        let digits = "9".repeat(10_000);
        for large in ["1e999", "1E+309", digits.as_str()] {
            assert_eq!(size(large, Number::Float(f64::MAX)), Ordering::Greater);
            assert_eq!(size(large, Number::Int(i64::MAX)), Ordering::Greater);
            let negative = format!("-{large}");
            assert_eq!(size(&negative, Number::Float(f64::MIN)), Ordering::Less);
        }
        assert_eq!(size("1e-999", Number::Int(0)), Ordering::Equal);
    }

    #[test]
    fn equal_numbers_have_one_key() {
        let key = |text: &str| Number::parse(text).unwrap().key();
        assert_eq!(key("0"), key("-0.0"));
        assert_eq!(key("4104"), key("+4104.0"));
        assert_eq!(key("9007199254740993"), key("9007199254740992.0"));
        assert_ne!(key("1"), key("-1"));
    }

    #[test]
    fn the_text_of_every_whole_number_is_written_without_allocation() {
        for int in [i64::MIN, -1, 0, 7, i64::MAX] {
            let text = Value::Int(int).with_text(str::to_owned);
            assert_eq!(text, Some(int.to_string()));
        }
        assert_eq!(Value::Null.with_text(str::to_owned), None);
    }

    #[test]
    fn whole_numbers_compare_exactly_beyond_the_precision_of_a_double() {
        let (a, b) = (9_007_199_254_740_993, 9_007_199_254_740_992);
        assert_eq!(Number::Int(a).compare(Number::Int(b)), Ordering::Greater);
        assert_eq!(Number::Int(2).compare(Number::Float(2.0)), Ordering::Equal);
        assert_eq!(Number::Int(2).compare(Number::Float(2.5)), Ordering::Less);
    }
}
