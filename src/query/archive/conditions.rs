//! Conditions on the rows of a table, as people give them to a search, and the predicates that they become.

use std::ops::Range;
use std::sync::Arc;

use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, ScalarUDF, ident, lit};
use ipnet::IpNet;

use super::fits::fits;
use super::functions::{Matches, TextFunction};
use super::pruning::{earlier, not_earlier, text_value, time_scalar};
use super::records::record_columns;
use crate::archive::{TableKind, begin_of_day_ms, day_of};
use crate::view::Filter;

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// read or write.
    Access,
    /// Who acted: the id, the name or the e-mail address.
    Actor,
    /// The audited service.
    Service,
    /// The method.
    Operation,
    /// The type of a resource.
    ResourceType,
    /// The id or the name of a resource.
    Resource,
    /// The API key or access key.
    AccessKey,
    /// The sensitivity.
    Sensitivity,
    /// The event's id.
    EventId,
    /// The address of the client.
    Address,
    /// The outcome or its code.
    Status,
    /// The vendor.
    Product,
    /// The environment.
    Environment,
    /// The id or the title of the rule.
    Rule,
    /// The level of the alert.
    Level,
    /// Why a record is a dead letter.
    Reason,
}

impl Attribute {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Attribute; 16] = [
        Attribute::Access,
        Attribute::Actor,
        Attribute::Service,
        Attribute::Operation,
        Attribute::ResourceType,
        Attribute::Resource,
        Attribute::AccessKey,
        Attribute::Sensitivity,
        Attribute::EventId,
        Attribute::Address,
        Attribute::Status,
        Attribute::Product,
        Attribute::Environment,
        Attribute::Rule,
        Attribute::Level,
        Attribute::Reason,
    ];

    /// Its name in options and URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Attribute::Access => "access",
            Attribute::Actor => "actor",
            Attribute::Service => "service",
            Attribute::Operation => "operation",
            Attribute::ResourceType => "resource-type",
            Attribute::Resource => "resource",
            Attribute::AccessKey => "access-key",
            Attribute::Sensitivity => "sensitive",
            Attribute::EventId => "event-id",
            Attribute::Address => "ip",
            Attribute::Status => "status",
            Attribute::Product => "product",
            Attribute::Environment => "environment",
            Attribute::Rule => "rule",
            Attribute::Level => "level",
            Attribute::Reason => "reason",
        }
    }

    /// The columns that may hold it; none if the table knows nothing of it.
    pub const fn columns(self, table: TableKind) -> &'static [&'static str] {
        match (table, self) {
            // It is asked in SQL.
            (TableKind::Ledger, _) => &[],
            (TableKind::DeadLetters, Attribute::Reason) => &["reason"],
            (TableKind::DeadLetters, _) | (_, Attribute::Reason) => &[],
            (TableKind::Alerts, Attribute::Rule) => &["rule_id", "rule"],
            (TableKind::Alerts, Attribute::Level) => &["level"],
            (TableKind::Events, Attribute::Rule | Attribute::Level) => &[],
            (TableKind::Events, Attribute::Access) => &["access"],
            (TableKind::Events, Attribute::Sensitivity) => &["sensitivity"],
            (TableKind::Alerts, Attribute::Access | Attribute::Sensitivity) => &[],
            (TableKind::Events, Attribute::Status) => &["status", "status_code"],
            (TableKind::Alerts, Attribute::Status) => &["status"],
            (_, Attribute::Actor) => &["actor_uid", "actor_name", "actor_email"],
            (_, Attribute::Service) => &["service"],
            (_, Attribute::Operation) => &["operation"],
            (_, Attribute::ResourceType) => &["resource_type"],
            (_, Attribute::Resource) => &["resource_uid", "resource_name"],
            (_, Attribute::AccessKey) => &["credential"],
            (_, Attribute::EventId) => &["event_id"],
            (_, Attribute::Address) => &["address"],
            (_, Attribute::Product) => &["product"],
            (_, Attribute::Environment) => &["environment"],
        }
    }

    /// Whether the rows of a table have it, or the alerts that they raised.
    pub fn is_of(self, table: TableKind) -> bool {
        !self.columns(table).is_empty() || self.is_of_alerts(table)
    }

    /// Whether it is one of the alerts that the rows of a table raised.
    fn is_of_alerts(self, table: TableKind) -> bool {
        table == TableKind::Events && matches!(self, Attribute::Rule | Attribute::Level)
    }
}

/// The place of a row among the others: by its time, then by its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Its time, in microseconds since the Unix epoch.
    pub time_us: i64,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

impl Before {
    /// Whether a row comes after this one where the newest is first.
    fn predicate(&self) -> Expr {
        let time = lit(time_scalar(Some(self.time_us)));
        let topic = || text_value(&self.topic);
        let less = |column: &str, value: Expr| ident(column).lt(value);
        let equal = |column: &str, value: Expr| ident(column).eq(value);
        let offset = less("offset", lit(self.offset));
        let partition = equal("partition", lit(self.partition)).and(offset);
        let partition = less("partition", lit(self.partition)).or(partition);
        let position = less("topic", topic()).or(equal("topic", topic()).and(partition));
        let is_before = less("time", time.clone()).or(equal("time", time.clone()).and(position));
        // The first part is known for whole files.
        ident("time").lt_eq(time).and(is_before)
    }
}

/// Conditions that all hold for a row.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Not before this time, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub to_ms: Option<i64>,
    /// After this row, where the newest is first.
    pub before: Option<Before>,
    /// The column `kind` has this value.
    pub kind: Option<&'static str>,
    /// Attributes, each with the patterns of which one has to fit; `*` stands for any text, `?` for a character, and
    /// letter case is ignored.
    pub attributes: Vec<(Attribute, Vec<String>)>,
    /// The address is in one of these, if there are any.
    pub networks: Vec<IpNet>,
    /// The whole record is one that the filter takes.
    pub filter: Option<Arc<Filter>>,
    /// Texts of which every record that the filter takes has one, in any letter case, or an escape of JSON in its place;
    /// none if nothing is known.
    pub contained: Vec<String>,
}

impl Conditions {
    /// Whether rows are looked up by their ids.
    pub(super) fn names_ids(&self) -> bool {
        self.attributes.iter().any(|(attribute, patterns)| {
            *attribute == Attribute::EventId && patterns.iter().all(|pattern| is_text(pattern))
        })
    }

    /// The time in which rows may be, in microseconds since the Unix epoch.
    pub(super) fn time_us(&self) -> Range<i64> {
        let until_us = self.to_ms.map(in_us);
        let with_before = self
            .before
            .as_ref()
            .map(|row| row.time_us.saturating_add(1));
        let until_us = until_us.into_iter().chain(with_before).min();
        let from_us = self.from_ms.map_or(i64::MIN, in_us);
        from_us..until_us.unwrap_or(i64::MAX).max(from_us)
    }

    /// Whether rows of a day may be in time.
    pub(super) fn has_rows_of(&self, day: i32) -> bool {
        let of_time = |time_us: i64| day_of(time_us.div_euclid(1_000));
        let wanted_us = self.time_us();
        !wanted_us.is_empty()
            && (of_time(wanted_us.start)..=of_time(wanted_us.end - 1)).contains(&day)
    }

    /// Whether columns of all rows in time have to be read.
    pub fn reads_much(&self) -> bool {
        self.asks_for_values() && !self.names_ids()
    }

    /// Whether the content of rows decides.
    pub(super) fn reads_content(&self) -> bool {
        self.filter.is_some() || !self.contained.is_empty()
    }

    /// Whether there is no condition but the time.
    fn is_time_alone(&self) -> bool {
        self.before.is_none() && !self.asks_for_values()
    }

    /// Whether there is a condition on something else than when or where a row is.
    pub(super) fn asks_for_values(&self) -> bool {
        self.kind.is_some()
            || !self.attributes.is_empty()
            || !self.networks.is_empty()
            || self.reads_content()
    }

    /// The first and the last day of which all rows are meant, if there is no condition but the time.
    pub(super) fn whole_days(&self) -> Option<(i32, i32)> {
        let begins = |time_ms: i64| begin_of_day_ms(day_of(time_ms)) == time_ms;
        let first = self.from_ms.map_or(i32::MIN, |from_ms| {
            day_of(from_ms).saturating_add(i32::from(!begins(from_ms)))
        });
        let last = self
            .to_ms
            .map_or(i32::MAX, |to_ms| day_of(to_ms).saturating_sub(1));
        (self.is_time_alone() && first <= last).then_some((first, last))
    }

    /// The predicate on the alerts of which one has to be about an event; `None` if no alert is needed.
    pub(super) fn alerts(&self) -> Option<Expr> {
        let of_alerts = self.attributes.iter();
        let of_alerts =
            of_alerts.filter(|(attribute, _)| attribute.is_of_alerts(TableKind::Events));
        let of_alerts = Conditions {
            attributes: of_alerts.cloned().collect(),
            ..Conditions::default()
        };
        of_alerts.predicate(TableKind::Alerts)
    }

    /// The predicate on the rows of a table; `None` if it is always true.
    pub(super) fn predicate(&self, table: TableKind) -> Option<Expr> {
        let mut all = Vec::new();
        all.extend(self.from_ms.map(|from_ms| not_earlier(in_us(from_ms))));
        all.extend(self.to_ms.map(|to_ms| earlier(in_us(to_ms))));
        all.extend(self.before.as_ref().map(Before::predicate));
        all.extend(self.kind.map(|kind| ident("kind").eq(text_value(kind))));
        for (attribute, patterns) in self
            .attributes
            .iter()
            .filter(|(attribute, _)| !attribute.is_of_alerts(table))
        {
            all.push(match (attribute, attribute.columns(table)) {
                (_, []) => lit(false),
                (Attribute::EventId, _) => any(patterns.iter().map(|pattern| is_id(pattern))),
                (_, columns) => fits(columns, patterns),
            });
        }
        if !self.networks.is_empty() {
            all.push(any(self.networks.iter().map(in_network)));
        }
        let contained = self.contained.iter();
        let contained: Option<Vec<Expr>> = contained.map(|text| may_contain(table, text)).collect();
        if let Some(contained) = contained.filter(|texts| !texts.is_empty()) {
            all.push(any(contained.into_iter()));
        }
        if let Some(filter) = &self.filter {
            let matches = ScalarUDF::from(Matches::new(table, filter.clone()));
            all.push(
                matches.call(
                    record_columns(table)
                        .iter()
                        .map(|name| ident(*name))
                        .collect(),
                ),
            );
        }
        conjunction(all)
    }
}

/// A time in milliseconds as one in microseconds.
fn in_us(time_ms: i64) -> i64 {
    time_ms.saturating_mul(1_000)
}

/// Whether one of them is true. The expression is as flat as it can be, because it is walked by recursion.
fn any(of: impl Iterator<Item = Expr>) -> Expr {
    let mut level: Vec<Expr> = of.collect();
    while level.len() > 1 {
        let mut halved = Vec::with_capacity(level.len().div_ceil(2));
        let mut rest = level.into_iter();
        while let Some(first) = rest.next() {
            halved.push(match rest.next() {
                Some(second) => first.or(second),
                None => first,
            });
        }
        level = halved;
    }
    level.pop().unwrap_or_else(|| lit(false))
}

/// Whether the id of an event fits a pattern. One without wildcards is looked up by the bloom filter, which knows texts as
/// they are: as it is written, in small letters and in capitals.
fn is_id(pattern: &str) -> Expr {
    const COLUMN: &str = "event_id";
    if !is_text(pattern) {
        return fits(&[COLUMN], &[pattern.to_owned()]);
    }
    let mut forms = vec![
        pattern.to_owned(),
        pattern.to_lowercase(),
        pattern.to_uppercase(),
    ];
    forms.sort();
    forms.dedup();
    let forms = forms.iter().map(|form| text_value(form));
    ident(COLUMN).in_list(forms.collect(), false)
}

/// Whether a pattern is fitted by one text alone, in any letter case.
fn is_text(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '\\'])
}

fn in_network(network: &IpNet) -> Expr {
    let network = text_value(&network.to_string());
    ScalarUDF::from(TextFunction::in_network()).call(vec![ident("address"), network])
}

/// Whether the JSON of a row may have a text in it: it has it as it is, or it has an escape that may hide it.
fn may_contain(table: TableKind, text: &str) -> Option<Expr> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/');
    if !text.bytes().all(is_plain) {
        return None;
    }
    let column = match table {
        TableKind::Events => "event",
        TableKind::Alerts => "alert",
        TableKind::DeadLetters | TableKind::Ledger => return None,
    };
    let like = |pattern: &str, case_insensitive: bool| {
        let pattern = text_value(&format!("%{pattern}%"));
        let (column, pattern) = (Box::new(ident(column)), Box::new(pattern));
        Expr::Like(Like::new(false, column, pattern, None, case_insensitive))
    };
    let escaped = escape(text);
    let null = ident(column).is_null();
    Some(like(&escaped, true).or(like(r"\\u", false)).or(null))
}

/// A text as a pattern of SQL that only this text fits.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
