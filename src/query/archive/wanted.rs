//! What a person looks for, as they write it: the options of a search, or the filter bar of the page.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::json;

use super::conditions::{Attribute, Conditions};
use crate::archive::TableKind;
use crate::diagnostic::Diagnostic;
use crate::query::PastTime;
use crate::sigma::{Level, Placeholders, escaped};
use crate::vendors::products;
use crate::view::{Filter, FilterText, RecordKind};

/// The name of the texts that a record must have, in options and URLs.
pub const TEXT: &str = "text";

/// The sensitivities, the lowest first; each stands for itself and those above it.
pub const SENSITIVITIES: [&str; 2] = ["medium", "high"];

/// The words for access.
pub const ACCESSES: [&str; 2] = ["read", "write"];

/// What a person looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Not before this time.
    pub from: Option<PastTime>,
    /// Before this time.
    pub to: Option<PastTime>,
    /// Attributes, each with the patterns of which one has to fit.
    pub attributes: Vec<(Attribute, Vec<String>)>,
    /// Texts of which a record has to have one; no character in them stands for another.
    pub texts: Vec<String>,
    /// Filters in the syntax of rules, each with its name for messages; all must match.
    pub filters: Vec<(String, String)>,
}

/// What is wanted cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum Unwantable {
    /// A value is none of the attribute.
    #[error("{}{message}", .given.as_ref().map(|given| format!("`{given}`: ")).unwrap_or_default())]
    Value {
        /// The attribute.
        attribute: Attribute,
        /// The value that is none, if it is one alone.
        given: Option<String>,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// No time is between the beginning and the end.
    #[error("the beginning is not before the end: no time is between them")]
    NoTime,
    /// The filters have faults.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Filter(Vec<Diagnostic>),
}

impl Wanted {
    /// The conditions on the rows of a table, and warnings about the filters.
    ///
    /// # Errors
    /// A value is none of its attribute, the table lacks the attribute, or a filter has faults.
    pub fn conditions(
        &self,
        (table, kind): (TableKind, RecordKind),
        placeholders: &Placeholders,
        now: Timestamp,
    ) -> Result<(Conditions, Vec<Diagnostic>), Unwantable> {
        let (filter, warnings) = self.filter(kind, placeholders)?;
        let mut conditions = Conditions {
            from_ms: self.from.map(|time| time.time_ms(now)),
            to_ms: self.to.map(|time| time.time_ms(now)),
            filter: filter.map(Arc::new),
            contained: self.texts.clone(),
            ..Conditions::default()
        };
        if let (Some(from), Some(to)) = (conditions.from_ms, conditions.to_ms)
            && from >= to
        {
            return Err(Unwantable::NoTime);
        }
        for (attribute, patterns) in &self.attributes {
            if patterns.is_empty() {
                continue;
            }
            if !attribute.is_of(table) {
                let table = table.name();
                let message = format!(
                    "the table {table} does not have it; --where and --text look at whole records"
                );
                return Err(value(*attribute, None, message));
            }
            let mut patterns = patterns.clone();
            match attribute {
                Attribute::Access => check_words(*attribute, &patterns, &ACCESSES)?,
                Attribute::Sensitivity => {
                    check_words(*attribute, &patterns, &SENSITIVITIES)?;
                    patterns = at_least(&patterns);
                }
                Attribute::Level => {
                    check_words(*attribute, &patterns, &Level::ALL.map(Level::as_str))?;
                }
                Attribute::Product => {
                    let products: Vec<&str> = products().collect();
                    check_words(*attribute, &patterns, &products)?;
                }
                Attribute::Address => {
                    let (networks, addresses) = addresses(&patterns)?;
                    conditions.networks = networks;
                    patterns = addresses;
                }
                _ => {}
            }
            if !patterns.is_empty() {
                conditions.attributes.push((*attribute, patterns));
            }
        }
        Ok((conditions, warnings))
    }

    /// Whether the alerts that events raised are asked, too.
    pub fn asks_alerts(&self) -> bool {
        let mut given = self.attributes.iter();
        given.any(|(attribute, patterns)| {
            matches!(attribute, Attribute::Rule | Attribute::Level) && !patterns.is_empty()
        })
    }

    /// The filter of texts and filters, and warnings about them.
    fn filter(
        &self,
        kind: RecordKind,
        placeholders: &Placeholders,
    ) -> Result<(Option<Filter>, Vec<Diagnostic>), Unwantable> {
        let mut written: Vec<FilterText<'_>> = self
            .filters
            .iter()
            .map(|(name, text)| FilterText { name, text })
            .collect();
        let keywords = self.texts.iter().map(|text| format!("*{}*", escaped(text)));
        let keywords: Vec<String> = keywords.collect();
        // JSON is YAML. One of the texts suffices.
        let keywords = json!({"texts": keywords, "condition": "texts"}).to_string();
        if !self.texts.is_empty() {
            written.push(FilterText {
                name: TEXT,
                text: &keywords,
            });
        }
        if written.is_empty() {
            return Ok((None, Vec::new()));
        }
        let parsed = Filter::parse(kind, &written, placeholders);
        let (filter, warnings) = parsed.map_err(Unwantable::Filter)?;
        Ok((Some(filter), warnings))
    }
}

fn value(attribute: Attribute, given: Option<&str>, message: String) -> Unwantable {
    let given = given.map(str::to_owned);
    Unwantable::Value {
        attribute,
        given,
        message,
    }
}

/// These sensitivities and the higher ones; a pattern stays as it is.
fn at_least(words: &[String]) -> Vec<String> {
    let lowest = SENSITIVITIES.iter().position(|known| {
        let mut words = words.iter();
        words.any(|word| word.eq_ignore_ascii_case(known))
    });
    let higher = lowest.map_or(&[][..], |lowest| &SENSITIVITIES[lowest..]);
    let higher = higher.iter().map(|word| (*word).to_owned());
    higher.chain(words.iter().cloned()).collect()
}

/// The networks, and the addresses that are none; not both, since one of them has to fit.
fn addresses(texts: &[String]) -> Result<(Vec<IpNet>, Vec<String>), Unwantable> {
    let network = |text: &String| match text.parse::<IpNet>() {
        Ok(network) => Some(network),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    };
    let networks: Vec<Option<IpNet>> = texts.iter().map(network).collect();
    if networks.iter().all(Option::is_some) {
        return Ok((networks.into_iter().flatten().collect(), Vec::new()));
    }
    if texts.iter().any(|text| text.contains('/')) {
        let text = texts
            .iter()
            .find(|text| text.contains('/') && text.parse::<IpNet>().is_err());
        let text = text.map_or_else(|| texts.join(" "), Clone::clone);
        let message = "write an address such as 10.1.2.3, a network such as 10.0.0.0/8, or a pattern such as 10.1.*; networks and patterns not together";
        return Err(value(Attribute::Address, Some(&text), message.into()));
    }
    Ok((Vec::new(), texts.to_vec()))
}

/// Whether each of these is one of the words that there are, or a pattern.
fn check_words(attribute: Attribute, given: &[String], known: &[&str]) -> Result<(), Unwantable> {
    let is_known = |word: &String| {
        word.contains(['*', '?']) || known.iter().any(|known| known.eq_ignore_ascii_case(word))
    };
    match given.iter().find(|word| !is_known(word)) {
        Some(word) => Err(value(
            attribute,
            Some(word),
            format!(
                "there is no such one; write one of {}, or a pattern",
                known.join(", ")
            ),
        )),
        None => Ok(()),
    }
}
