//! The options of a search that say which rows are meant.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::failure::Failure;
use crate::cli::filters::{self, NamedText};
use crate::cli::output_topic::OutputTopic;
use crate::cli::say::say;
use crate::config::Config;
use crate::query::PastTime;
use crate::query::archive::{Attribute, Conditions, Unwantable, Wanted, table_of};
use crate::roles::rulebook::read_placeholders;

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
    /// The conditions on the rows of a table, and whether the alerts that events raised are asked, too.
    ///
    /// # Errors
    /// A filter has faults, or the table has no such attribute.
    pub(super) fn read(
        &self,
        output: OutputTopic,
        config: &Config,
    ) -> Result<(Conditions, bool), Failure> {
        let placeholders = read_placeholders(config.placeholders.as_deref());
        let placeholders = placeholders.map_err(Failure::configuration)?;
        let wanted = self.wanted()?;
        let of = (table_of(output.content()), output.kind());
        let (conditions, warnings) = wanted.conditions(of, &placeholders, Timestamp::now())?;
        warnings.iter().for_each(say);
        Ok((conditions, wanted.asks_alerts()))
    }

    fn wanted(&self) -> Result<Wanted, Failure> {
        let access = self.access.map(|access| match access {
            Access::Read => "read",
            Access::Write => "write",
        });
        let sensitivity = self.sensitive.map(|sensitivity| match sensitivity {
            Sensitivity::Medium => "medium",
            Sensitivity::High => "high",
        });
        let one = |word: Option<&str>| Vec::from_iter(word.map(str::to_owned));
        let patterns = |attribute| match attribute {
            Attribute::Access => one(access),
            Attribute::Actor => self.actor.clone(),
            Attribute::Service => self.service.clone(),
            Attribute::Operation => self.operation.clone(),
            Attribute::ResourceType => self.resource_type.clone(),
            Attribute::Resource => self.resource.clone(),
            Attribute::AccessKey => self.access_key.clone(),
            Attribute::Sensitivity => one(sensitivity),
            Attribute::EventId => self.event_id.clone(),
            Attribute::Address => self.ip.clone(),
            Attribute::Status => self.status.clone(),
            Attribute::Product => self.product.clone(),
            Attribute::Environment => self.environment.clone(),
            Attribute::Rule => self.rule.clone(),
            Attribute::Level => self.level.clone(),
            Attribute::Reason => self.reason.clone(),
        };
        let selections = self.selection.iter();
        let mut filters: Vec<NamedText> = selections
            .map(|text| ("--where".to_owned(), text.clone()))
            .collect();
        for path in &self.where_file {
            filters.push(filters::of_file(path)?);
        }
        Ok(Wanted {
            from: self.from,
            to: self.to,
            attributes: Attribute::ALL.map(|of| (of, patterns(of))).into(),
            texts: self.text.clone(),
            filters,
        })
    }
}

impl From<Unwantable> for Failure {
    fn from(error: Unwantable) -> Failure {
        match error {
            Unwantable::Value {
                attribute,
                given,
                message,
            } => {
                let given = given.map_or_else(String::new, |given| format!(" {given}"));
                Failure::Usage(format!("--{}{given}: {message}", attribute.name()))
            }
            Unwantable::NoTime => {
                Failure::Usage("--from is not before --to: no time is between them".into())
            }
            Unwantable::Filter(faults) => Failure::configuration(faults),
        }
    }
}
