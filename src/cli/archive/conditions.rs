//! The options of a search that say which rows are meant.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::filters::{self, NamedText};
use crate::cli::output_topic::OutputTopic;
use crate::config::Config;
use crate::query::PastTime;
use crate::query::archive::{Attribute, Conditions, table_of};
use crate::roles::rulebook::read_placeholders;
use crate::sigma::Level;
use crate::vendors::VENDORS;
use crate::view::Filter;

/// Conditions. All of them must hold; of several values of one option, one has to fit. In values, `*` stands for any
/// text and `?` for any character; letter case is ignored.
#[derive(Debug, Args)]
#[command(next_help_heading = "Conditions")]
pub(super) struct ConditionArgs {
    /// Only what happened since this time: how long ago, such as 12h or 30d, or when, such as 2026-03-14,
    /// 2026-03-14T09:00+08:00 or 2026-03-14T09:00[Asia/Shanghai].
    #[arg(long, visible_alias = "since", value_name = "TIME")]
    from: Option<PastTime>,
    /// Only what happened before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<PastTime>,
    /// Only reads, or only writes.
    #[arg(long)]
    access: Option<Access>,
    /// Who acted: id, name or e-mail address.
    #[arg(long, value_name = "ACTOR")]
    actor: Vec<String>,
    /// The audited service.
    #[arg(long, value_name = "SERVICE")]
    service: Vec<String>,
    /// The method, such as DeleteStatement.
    #[arg(long, value_name = "OPERATION")]
    operation: Vec<String>,
    /// The type of a resource, such as STATEMENT.
    #[arg(long, value_name = "TYPE")]
    resource_type: Vec<String>,
    /// The id or the name of a resource.
    #[arg(long, value_name = "RESOURCE")]
    resource: Vec<String>,
    /// The API key or access key that was used.
    #[arg(long, value_name = "KEY")]
    access_key: Vec<String>,
    /// Only operations of this sensitivity or a higher one.
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "high")]
    sensitive: Option<Sensitivity>,
    /// The id of the event.
    #[arg(long, value_name = "ID")]
    event_id: Vec<String>,
    /// The address of the client, or a network such as 10.0.0.0/8.
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<String>,
    /// The outcome, such as Failure, or its code, such as PERMISSION_DENIED.
    #[arg(long, value_name = "STATUS")]
    status: Vec<String>,
    /// The vendor: confluent, actiontrail, redpanda.
    #[arg(long, value_name = "PRODUCT")]
    product: Vec<String>,
    /// The environment or project.
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Vec<String>,
    /// A text anywhere in the record; `*` and `?` are characters like others in it.
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// The id or the title of a rule: of alerts their rule, of events that of an alert which they raised.
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// The level of alerts: informational, low, medium, high, critical.
    #[arg(long, value_name = "LEVEL")]
    level: Vec<String>,
    /// Why records are dead letters, such as not_json.
    #[arg(long, value_name = "REASON")]
    reason: Vec<String>,
    /// A selection in the syntax of rules, such as 'api.operation|startswith: Delete'; if given several times, all must
    /// match.
    #[arg(long = "where", value_name = "SELECTION")]
    selection: Vec<String>,
    /// The detection in this file, which may be a rule: what it would have found.
    #[arg(long, value_name = "FILE")]
    where_file: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Access {
    Read,
    Write,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sensitivity {
    Medium,
    High,
}

impl ConditionArgs {
    /// The conditions on the rows of a table.
    ///
    /// # Errors
    /// A filter has faults, or the table has no such attribute.
    pub(super) fn read(&self, output: OutputTopic, config: &Config) -> Result<Conditions, Failure> {
        let now = Timestamp::now();
        let mut conditions = Conditions {
            from_ms: self.from.map(|time| time.time_ms(now)),
            to_ms: self.to.map(|time| time.time_ms(now)),
            filter: self.filter(output, config)?,
            contained: self.text.clone(),
            ..Conditions::default()
        };
        if let (Some(from), Some(to)) = (conditions.from_ms, conditions.to_ms)
            && from >= to
        {
            return Err(Failure::Usage(
                "--from is not before --to: no time is between them".into(),
            ));
        }
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let access = match self.access {
            None => Vec::new(),
            Some(Access::Read) => words(&["read"]),
            Some(Access::Write) => words(&["write"]),
        };
        let sensitivity = match self.sensitive {
            None => Vec::new(),
            Some(Sensitivity::Medium) => words(&["medium", "high"]),
            Some(Sensitivity::High) => words(&["high"]),
        };
        let levels = Level::ALL.map(Level::as_str);
        check_words("--level", &self.level, &levels)?;
        let products = VENDORS.map(|vendor| vendor.product);
        check_words("--product", &self.product, &products)?;
        let (networks, addresses) = self.addresses()?;
        conditions.networks = networks;
        let given = [
            ("--access", Attribute::Access, &access),
            ("--actor", Attribute::Actor, &self.actor),
            ("--service", Attribute::Service, &self.service),
            ("--operation", Attribute::Operation, &self.operation),
            (
                "--resource-type",
                Attribute::ResourceType,
                &self.resource_type,
            ),
            ("--resource", Attribute::Resource, &self.resource),
            ("--access-key", Attribute::AccessKey, &self.access_key),
            ("--sensitive", Attribute::Sensitivity, &sensitivity),
            ("--event-id", Attribute::EventId, &self.event_id),
            ("--ip", Attribute::Address, &addresses),
            ("--status", Attribute::Status, &self.status),
            ("--product", Attribute::Product, &self.product),
            ("--environment", Attribute::Environment, &self.environment),
            ("--rule", Attribute::Rule, &self.rule),
            ("--level", Attribute::Level, &self.level),
            ("--reason", Attribute::Reason, &self.reason),
        ];
        let table = table_of(output.content());
        for (option, attribute, patterns) in given {
            if patterns.is_empty()
                && (attribute != Attribute::Address || conditions.networks.is_empty())
            {
                continue;
            }
            if !attribute.is_of(table) {
                return Err(Failure::Usage(format!(
                    "{option}: the table {} does not have it; --where and --text look at whole records",
                    table.name()
                )));
            }
            if !patterns.is_empty() {
                conditions.attributes.push((attribute, patterns.clone()));
            }
        }
        Ok(conditions)
    }

    /// Whether the alerts that events raised are asked, too.
    pub(super) fn asks_alerts(&self) -> bool {
        !self.rule.is_empty() || !self.level.is_empty()
    }

    /// The networks, and the addresses that are none; not both, since one of them has to fit.
    fn addresses(&self) -> Result<(Vec<IpNet>, Vec<String>), Failure> {
        let network = |text: &String| match text.parse::<IpNet>() {
            Ok(network) => Some(network),
            Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
        };
        let networks: Vec<Option<IpNet>> = self.ip.iter().map(network).collect();
        if networks.iter().all(Option::is_some) {
            return Ok((networks.into_iter().flatten().collect(), Vec::new()));
        }
        if self.ip.iter().any(|text| text.contains('/')) {
            let text = self
                .ip
                .iter()
                .find(|text| text.contains('/') && text.parse::<IpNet>().is_err());
            let text = text.map_or_else(|| self.ip.join(" "), Clone::clone);
            return Err(Failure::Usage(format!(
                "--ip {text}: write an address such as 10.1.2.3, a network such as 10.0.0.0/8, or a pattern such as 10.1.*; networks and patterns not together"
            )));
        }
        Ok((Vec::new(), self.ip.clone()))
    }

    /// The filter of `--where`, `--where-file` and `--text`.
    fn filter(&self, output: OutputTopic, config: &Config) -> Result<Option<Arc<Filter>>, Failure> {
        let placeholders = read_placeholders(config.placeholders.as_deref());
        let placeholders = placeholders.map_err(Failure::configuration)?;
        let mut texts: Vec<NamedText> = Vec::new();
        texts.extend(
            self.selection
                .iter()
                .map(|text| ("--where".to_owned(), text.clone())),
        );
        for path in &self.where_file {
            texts.push(filters::of_file(path)?);
        }
        if !self.text.is_empty() {
            let keywords: Vec<String> = self
                .text
                .iter()
                .map(|text| format!("*{}*", literal(text)))
                .collect();
            // JSON is YAML. One of the texts suffices.
            texts.push((
                "--text".to_owned(),
                json!({"texts": keywords, "condition": "texts"}).to_string(),
            ));
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let filter = filters::parse(output.kind(), &texts, &placeholders)?;
        Ok(Some(Arc::new(filter)))
    }
}

/// Whether each of these is one of the words that there are, or a pattern.
fn check_words(option: &str, given: &[String], known: &[&str]) -> Result<(), Failure> {
    let is_known = |word: &String| {
        word.contains(['*', '?']) || known.iter().any(|known| known.eq_ignore_ascii_case(word))
    };
    match given.iter().find(|word| !is_known(word)) {
        Some(word) => Err(Failure::Usage(format!(
            "{option} {word}: there is no such one; write one of {}, or a pattern",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

/// A text in which no character has a meaning of its own in a rule.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
