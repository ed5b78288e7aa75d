//! The arguments of `ledger` and `ledger verify`.

use clap::Args;
use jiff::civil::Date;

/// The days to list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this day in UTC, such as 2026-03-14; default: the last seven days.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"])]
    pub(super) day: Option<Date>,
    /// The first day.
    #[arg(long, value_name = "DAY")]
    pub(super) from: Option<Date>,
    /// The last day.
    #[arg(long, value_name = "DAY")]
    pub(super) to: Option<Date>,
    /// Only this source.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

impl List {
    /// Whether no option is given.
    pub(super) fn is_empty(&self) -> bool {
        let List {
            day,
            from,
            to,
            source,
            json,
        } = self;
        day.or(*from).or(*to).is_none() && source.is_none() && !json
    }
}

/// What to verify.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The day in UTC on which ingest committed the records, such as 2026-03-14.
    #[arg(long, value_name = "DAY")]
    pub(super) day: Date,
    /// Only this source, and those that have the same topic.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub(super) json: bool,
}
