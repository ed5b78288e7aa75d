//! Tries a rule on what is archived: how often it would have matched, and on what, with the filters and suppressions of the
//! configuration. Days are read from the newest on.
//! Invariant: what was found so far is right for the events that were looked at, whenever the search is ended; memory is
//! bounded, however much the rule matches.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, ScalarUDF, ident};
use futures::StreamExt;

use super::conditions::Conditions;
use super::engine::Engine;
use super::functions::Matches;
use super::grouping::Grouping;
use super::pruning::day;
use super::records::{Records, record_columns};
use crate::alert::{NOBODY, WHO, group_key};
use crate::archive::TableKind;
use crate::diagnostic::Diagnostic;
use crate::event;
use crate::event::RawRecord;
use crate::kafka::Stored;
use crate::rules::{LoadedRule, RuleSet, TRIED};
use crate::sigma::{Fields, LogsourceDetection, RuleId, Scratch, UnknownField};
use crate::view::{Emitted, FieldPath, Filter, RecordKind};

/// How many of the newest matches are kept.
const NEWEST: usize = 50;

/// Most groups that are told apart.
const MOST_GROUPS: usize = 100_000;

/// A rule to be tried, among the rules in force.
pub struct Trial {
    /// The tried rule is the first of them.
    rules: RuleSet<FieldPath>,
    filter: Arc<Filter>,
    who: Vec<FieldPath>,
}

impl Trial {
    /// Reads a rule, as it would be with the rules in force and what applies to them.
    ///
    /// # Errors
    /// What is wrong with the text, and with the other files if this rule is added.
    pub fn new<P>(in_force: &RuleSet<P>, text: &str) -> Result<Trial, Vec<Diagnostic>> {
        let resolve = |name: &str| -> Result<FieldPath, UnknownField> {
            // Records have more fields than rules may name.
            event::Path::parse(name)?;
            FieldPath::parse(RecordKind::Event, name)
        };
        let rules = in_force.with_tried(text, &resolve)?;
        let located = |problem| Diagnostic {
            file: TRIED.into(),
            problem,
        };
        let filter = match rules.rules().first() {
            Some(LoadedRule { rule, .. }) => Filter::of_events(LogsourceDetection {
                logsource: &rule.logsource,
                detection: &rule.detection,
            }),
            None => Err(Vec::new()),
        };
        let filter =
            filter.map_err(|problems| problems.into_iter().map(located).collect::<Vec<_>>())?;
        let who = WHO.iter().filter_map(|name| resolve(name).ok());
        Ok(Trial {
            filter: Arc::new(filter),
            who: who.collect(),
            rules,
        })
    }

    /// The rule, with its overrides.
    pub fn rule(&self) -> Option<&LoadedRule<FieldPath>> {
        self.rules.rules().first()
    }

    /// What is probably not meant, of the text alone.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.rules.warnings()
    }

    /// Who acted, as the group key has it.
    fn who(&self, event: &Emitted<'_>) -> String {
        let first = self.who.iter().find_map(|path| {
            let mut first = None;
            event.values(path, &mut |value| {
                first = value.text().map(|text| text.into_owned());
                ControlFlow::Break(())
            });
            first
        });
        first.unwrap_or_else(|| NOBODY.to_owned())
    }
}

/// An event that a tried rule matches.
#[derive(Debug, Clone)]
pub struct TriedMatch {
    /// Its time, in microseconds since the Unix epoch.
    pub time_us: i64,
    /// Its record.
    pub record: Stored,
}

/// What was found so far.
#[derive(Debug, Clone, Default)]
pub struct TriedSoFar {
    /// How many events were looked at.
    pub events: u64,
    /// How many of them the rule matches.
    pub matches: u64,
    /// Of how many of these a suppression keeps the alert from people.
    pub suppressed: u64,
    /// How many matches there are on each day, in days since the Unix epoch.
    pub days: BTreeMap<i32, u64>,
    /// The newest matches, the newest first.
    pub newest: Vec<TriedMatch>,
    /// The other rules in force that match some of these events: the title, and how many.
    pub also: BTreeMap<RuleId, (String, u64)>,
    /// The oldest day that was looked at whole, in days since the Unix epoch.
    pub whole_from: Option<i32>,
    /// Whether everything was looked at.
    pub is_whole: bool,
    groups: HashSet<String>,
}

impl TriedSoFar {
    /// How many groups the alerts make, and whether there may be more.
    pub fn groups(&self) -> (usize, bool) {
        (self.groups.len(), self.groups.len() >= MOST_GROUPS)
    }

    /// Takes a match.
    fn take(
        &mut self,
        trial: &Trial,
        (time_us, record): (i64, &RawRecord<'_>),
        now_ms: i64,
        scratch: &mut Scratch,
    ) {
        let emitted = Emitted::new(record.clone());
        let rules = &trial.rules;
        let Some(rule) = rules.rules().first() else {
            return;
        };
        for number in rules.matches(&emitted, scratch) {
            if let Some(other) = rules.rules().get(*number).filter(|_| *number != 0) {
                let also = self.also.entry(other.rule.id.clone());
                also.or_insert_with(|| (other.rule.title.clone(), 0)).1 += 1;
            }
        }
        let is_suppressed = rules.suppression(0, &emitted, now_ms, scratch).is_some();
        self.matches += 1;
        self.suppressed += u64::from(is_suppressed);
        if self.groups.len() < MOST_GROUPS {
            let who = trial.who(&emitted);
            self.groups.insert(group_key(rule, &emitted, &who));
        }
        let place = self.newest.partition_point(|one| one.time_us > time_us);
        if place < NEWEST {
            self.newest.truncate(NEWEST - 1);
            let one = TriedMatch {
                time_us,
                record: Stored::from(record),
            };
            self.newest.insert(place, one);
        }
    }
}

impl Engine {
    /// Tries a rule on the events of a span of time, and writes into `found` what it finds. It can be ended at any time by
    /// dropping it. `now_ms` decides which suppressions have expired.
    ///
    /// # Errors
    /// The archive cannot be read, or the memory does not suffice.
    pub async fn try_rule(
        &self,
        trial: &Trial,
        (from_ms, to_ms): (i64, i64),
        now_ms: i64,
        found: &mut TriedSoFar,
    ) -> Result<()> {
        let conditions = Conditions {
            from_ms: Some(from_ms),
            to_ms: Some(to_ms),
            ..Conditions::default()
        };
        let days: Vec<i32> = self.days(TableKind::Events).collect();
        let in_time = days.into_iter().filter(|day| conditions.has_rows_of(*day));
        for of_day in in_time.collect::<Vec<i32>>() {
            let rows = self.rows(TableKind::Events, &conditions).await?;
            let rows = rows.filter(ident("day").eq(day(of_day)))?;
            let mut rows = rows
                .select(columns(&trial.filter))?
                .execute_stream()
                .await?;
            while let Some(batch) = rows.next().await {
                look_at(&batch?, trial, (of_day, now_ms), found)?;
            }
            found.whole_from = Some(of_day);
        }
        found.is_whole = true;
        Ok(())
    }

    /// How many alerts each rule has raised on each day since a time, by the rules' ids; days since the Unix epoch.
    ///
    /// # Errors
    /// The archive cannot be read, or the memory does not suffice.
    pub async fn raised_by_day(
        &self,
        from_ms: i64,
    ) -> Result<BTreeMap<String, BTreeMap<i32, u64>>> {
        let conditions = Conditions {
            from_ms: Some(from_ms),
            ..Conditions::default()
        };
        let by = ["rule_id", "day"].map(|name| Grouping::of(TableKind::Alerts, name));
        let by: Vec<Grouping> = by.into_iter().flatten().collect();
        let counts = self
            .count_by(TableKind::Alerts, &conditions, &by, None)
            .await?;
        let mut raised: BTreeMap<String, BTreeMap<i32, u64>> = BTreeMap::new();
        for batch in counts.collect().await? {
            let ids = batch.column(0).as_string_view();
            let days = batch.column(1).as_primitive::<Date32Type>();
            let counts = batch.column(2).as_primitive::<Int64Type>();
            for row in (0..batch.num_rows()).filter(|row| ids.is_valid(*row)) {
                let of_rule = raised.entry(ids.value(row).to_owned()).or_default();
                of_rule.insert(days.value(row), counts.value(row).unsigned_abs());
            }
        }
        Ok(raised)
    }
}

/// What a record is made of, its time, and whether the rule matches it.
fn columns(filter: &Arc<Filter>) -> Vec<Expr> {
    let of_record = || {
        record_columns(TableKind::Events)
            .iter()
            .map(|name| ident(*name))
    };
    let matches = ScalarUDF::from(Matches::new(TableKind::Events, filter.clone()));
    let matches = matches.call(of_record().collect()).alias("matches");
    of_record().chain([ident("time"), matches]).collect()
}

fn look_at(
    rows: &RecordBatch,
    trial: &Trial,
    (of_day, now_ms): (i32, i64),
    found: &mut TriedSoFar,
) -> Result<()> {
    let of_record = record_columns(TableKind::Events).len();
    let records = Records::new(TableKind::Events, &rows.columns()[..of_record])?;
    let times = rows
        .column(of_record)
        .as_primitive::<TimestampMicrosecondType>();
    let matches = rows.column(of_record + 1).as_boolean();
    let mut scratch = Scratch::default();
    found.events += rows.num_rows() as u64;
    for row in (0..rows.num_rows()).filter(|row| matches.value(*row)) {
        *found.days.entry(of_day).or_default() += 1;
        let time_us = times.value(row);
        records.with(row, |record| {
            found.take(trial, (time_us, record), now_ms, &mut scratch);
        });
    }
    Ok(())
}
