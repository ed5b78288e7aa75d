//! What `ledger verify` says: faults row by row, what a person should know, and the numbers of the day.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::archive::verify::{Fault, Faults, Judgement, Link, Of, Problem};
use crate::archive::{TableKind, day_text};
use crate::ledger::Kind;
use crate::view::At;

/// What was found out about a day.
pub struct Report {
    /// The day, in days since the Unix epoch.
    pub day: i32,
    /// What is wrong.
    pub faults: Faults,
    pub(super) notices: Vec<String>,
    rows: u64,
    records: u64,
    /// Events, dead letters, and events that were published to no topic.
    counts: [u64; 3],
    partitions: BTreeSet<Of>,
    judgement: Judgement,
    /// Rows that came from files.
    pub(super) backfilled: u64,
}

impl Report {
    pub(super) fn new(day: i32) -> Report {
        Report {
            day,
            faults: Faults::default(),
            notices: Vec::new(),
            rows: 0,
            records: 0,
            counts: [0; 3],
            partitions: BTreeSet::new(),
            judgement: Judgement::default(),
            backfilled: 0,
        }
    }

    /// A row of the ledger.
    pub(super) fn add(&mut self, link: &Link) {
        self.rows += 1;
        self.partitions.insert(link.of.clone());
        if link.kind == Kind::Run.name() {
            self.records += link.records;
            for (sum, count) in self.counts.iter_mut().zip(link.counts) {
                *sum += count;
            }
        }
    }

    pub(super) fn notice(&mut self, text: String) {
        self.notices.push(text);
    }

    /// A source record was read twice, and had another value the second time.
    pub(super) fn read_twice(&mut self, at: &At) {
        self.faults.add(Fault {
            problem: Problem::Ledger,
            table: TableKind::Ledger,
            at: None,
            source: Some(at.clone()),
            id: None,
            detail: "the source record was read twice, with different values".to_owned(),
        });
    }

    /// What became of a part of the day.
    pub(super) fn judged(&mut self, part: Judgement) {
        let sum = &mut self.judgement;
        sum.confirmed += part.confirmed;
        sum.hidden += part.hidden;
        sum.pending += part.pending;
        sum.published_again += part.published_again;
        sum.replayed += part.replayed;
        sum.untold += part.untold;
        for (table, count) in part.retired {
            *sum.retired.entry(table).or_default() += count;
        }
        for (topic, count) in part.unarchived {
            *sum.unarchived.entry(topic).or_default() += count;
        }
    }

    /// What is there or not there without being a fault, in words.
    fn remarks(&self) -> Vec<String> {
        let Judgement {
            confirmed: _,
            hidden,
            pending,
            retired,
            unarchived,
            published_again,
            replayed,
            untold,
        } = &self.judgement;
        let some = |count: &u64, text: &str| (*count > 0).then(|| format!("{count} {text}"));
        let mut remarks: Vec<String> = [
            some(
                hidden,
                "rows are there with another value: the archive has a policy of privacy, so whether they were altered is \
                 not known",
            ),
            some(
                pending,
                "records were published so recently that they may not be archived yet",
            ),
            some(
                published_again,
                "rows are of records that were published again, as delivery: at_least_once may",
            ),
            some(replayed, "rows are of records that `replay` has published"),
            some(
                &self.backfilled,
                "rows of events and dead letters of this day came from files, by `replay --to-archive`: the ledger does \
                 not know them, and they are not compared",
            ),
            some(untold, "further rows fit nothing that the ledger knows"),
        ]
        .into_iter()
        .flatten()
        .collect();
        remarks.extend(retired.iter().map(|(table, count)| {
            format!("{count} rows of {table} are not there; the retention removes rows of that age")
        }));
        remarks.extend(unarchived.iter().map(|(topic, count)| {
            format!("{count} records were published to {topic}, which is not archived: they are not compared")
        }));
        remarks
    }

    /// What a person should know, though it is no fault.
    pub fn notes(&self) -> Vec<String> {
        self.notices.iter().cloned().chain(self.remarks()).collect()
    }

    /// The numbers of the day, in words.
    pub fn summary(&self) -> String {
        let [events, dead_letters, dropped] = self.counts;
        format!(
            "{}: {} source records of {} partitions in {} rows of the ledger; {events} events, {dead_letters} dead \
             letters, {dropped} dropped; {} rows are there and unaltered",
            day_text(self.day),
            self.records,
            self.partitions.len(),
            self.rows,
            self.judgement.confirmed,
        )
    }

    /// Whether the day is complete and unaltered; otherwise why not, in words.
    ///
    /// # Errors
    /// Something is wrong.
    pub fn result(&self) -> Result<(), String> {
        match self.is_sound() {
            true => Ok(()),
            false => Err(format!(
                "the archive of {} is not complete and unaltered: {} faults",
                day_text(self.day),
                self.faults.count
            )),
        }
    }

    /// Whether the ledger has no rows of the day, so that nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the day is complete and unaltered.
    pub fn is_sound(&self) -> bool {
        self.faults.count == 0 && self.judgement.untold == 0
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let faults = self.faults.named.iter().map(|fault| {
            json!({
                "fault": fault.problem.name(),
                "table": fault.table.name(),
                "row": fault.at.as_ref().map(ToString::to_string),
                "source_position": fault.source.as_ref().map(ToString::to_string),
                "event_id": fault.id,
                "detail": fault.detail,
            })
        });
        let [events, dead_letters, dropped] = self.counts;
        json!({
            "day": day_text(self.day),
            "complete_and_unaltered": self.is_sound(),
            "source_records": self.records,
            "partitions": self.partitions.len(),
            "ledger_rows": self.rows,
            "events": events,
            "dead_letters": dead_letters,
            "dropped": dropped,
            "confirmed_rows": self.judgement.confirmed,
            "fault_count": self.faults.count,
            "faults": faults.collect::<Vec<_>>(),
            "notes": self.notes(),
        })
    }
}

/// A fault as a line.
pub fn fault_line(fault: &Fault) -> String {
    let mut line = format!("{}  {}", fault.problem.name(), fault.table.name());
    let at = fault.at.as_ref().map(|at| format!("  row {at}"));
    let source = fault.source.as_ref().map(|at| format!("  source {at}"));
    let id = fault.id.as_ref().map(|id| format!("  event {id}"));
    for part in [at, source, id].into_iter().flatten() {
        line.push_str(&part);
    }
    format!("{line}  {}", fault.detail)
}
