//! What a line of a rule expects, and a log source, as one line of text for people.

use std::fmt;

use super::matcher::{Check, ElementLines, Expected, FieldReference, Relation, Test};
use super::pattern::Pattern;
use super::rule::Logsource;
use super::value::{Bound, Number};

impl fmt::Display for Logsource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("product", &self.product),
            ("service", &self.service),
            ("category", &self.category),
        ];
        let parts = parts.iter().filter_map(|(name, value)| {
            let value = value.as_deref()?;
            Some(format!("{name} {value}"))
        });
        match parts.collect::<Vec<_>>().as_slice() {
            [] => f.write_str("no product and no service"),
            parts => f.write_str(&parts.join(", ")),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.shown_field().unwrap_or("any text");
        let not = if self.negated { "not " } else { "" };
        write!(f, "{field}: {not}{}", self.check)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Exists(true) => f.write_str("exists"),
            Check::Exists(false) => f.write_str("does not exist"),
            Check::Any(expected) => listed(f, "one of ", expected),
            Check::Every(expected) => listed(f, "all of ", expected),
            Check::Field(reference) => reference.fmt(f),
            Check::Element(lines) => lines.fmt(f),
        }
    }
}

impl fmt::Display for ElementLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, lines) in self.groups.iter().enumerate() {
            let or = if number > 0 {
                " or "
            } else {
                "an element with "
            };
            f.write_str(or)?;
            for (number, line) in lines.iter().enumerate() {
                let and = if number > 0 { " and " } else { "" };
                let not = if line.negated { "not " } else { "" };
                let name = line.name_below(self.depth);
                write!(f, "{and}{name}: {not}{}", line.check)?;
            }
        }
        Ok(())
    }
}

fn listed(f: &mut fmt::Formatter<'_>, quantity: &str, items: &[impl fmt::Display]) -> fmt::Result {
    if items.len() > 1 {
        f.write_str(quantity)?;
    }
    for (number, item) in items.iter().enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

impl fmt::Display for FieldReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.relation {
            Relation::Equal => "the value of ",
            Relation::Contains => "contains the value of ",
            Relation::StartsWith => "starts with the value of ",
            Relation::EndsWith => "ends with the value of ",
        })?;
        let quantity = if self.every { "all of " } else { "one of " };
        listed(f, quantity, &self.fields)?;
        cased(f, self.cased)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Null => f.write_str("null"),
            Expected::Bool(bool) => bool.fmt(f),
            Expected::Number(number) => number.fmt(f),
            Expected::Text(pattern) => {
                text(f, pattern)?;
                cased(f, pattern.is_cased())
            }
            Expected::Regex(regex) => write!(f, "/{regex}/"),
            Expected::Compare(bound, limit) => write!(f, "{bound} {limit}"),
            Expected::Network(network) => write!(f, "in {network}"),
            Expected::Time(check) => check.fmt(f),
            Expected::OneOf(forms) => {
                f.write_str("(")?;
                listed(f, "one of ", forms)?;
                f.write_str(")")
            }
        }
    }
}

/// A text in quotes if it could be taken for another value, or for several.
fn text(f: &mut fmt::Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    let text = pattern.to_string();
    let is_other_value =
        matches!(text.as_str(), "" | "null" | "true" | "false") || Number::parse(&text).is_some();
    if is_other_value || text.contains(", ") || text.trim() != text {
        write!(f, "'{text}'")
    } else {
        f.write_str(&text)
    }
}

fn cased(f: &mut fmt::Formatter<'_>, is_cased: bool) -> fmt::Result {
    match is_cased {
        true => f.write_str(" (letter case matters)"),
        false => Ok(()),
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::Less => "less than",
            Bound::AtMost => "at most",
            Bound::Greater => "greater than",
            Bound::AtLeast => "at least",
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(int) => int.fmt(f),
            Number::Float(float) => float.fmt(f),
        }
    }
}
