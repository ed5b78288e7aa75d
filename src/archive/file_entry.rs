//! The data files of a table as the Delta log has them.

use std::collections::HashMap;

use deltalake_core::kernel::{Add, LogicalFileView, Remove};
use serde_json::Value;

use super::day::{DAY_MS, day_number};

/// A data file that was stored and is not committed.
#[derive(Debug, Clone)]
pub struct NewFile {
    pub(super) path: String,
    pub(super) day: String,
    pub(super) size: usize,
    pub(super) statistics: String,
}

impl NewFile {
    /// Its path below the table's folder.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn added(&self, data_change: bool, now: i64) -> Add {
        Add {
            path: self.path.clone(),
            partition_values: HashMap::from([("day".to_owned(), Some(self.day.clone()))]),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            modification_time: now,
            data_change,
            stats: Some(self.statistics.clone()),
            ..Add::default()
        }
    }
}

/// A data file of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEntry {
    /// Its path below the table's folder.
    pub path: String,
    /// The day of its rows, such as `2026-03-14`.
    pub day: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in milliseconds since the Unix epoch.
    pub written_ms: i64,
    /// Its statistics in the Delta log.
    pub statistics: Value,
}

impl FileEntry {
    pub(super) fn new(file: &LogicalFileView) -> FileEntry {
        let day = file.partition_values_map().remove("day").flatten();
        let statistics = file.stats();
        let statistics = statistics.and_then(|text| serde_json::from_str(&text).ok());
        FileEntry {
            path: file.path().into_owned(),
            day: day.unwrap_or_default(),
            size: u64::try_from(file.size()).unwrap_or_default(),
            written_ms: file.modification_time(),
            statistics: statistics.unwrap_or_default(),
        }
    }

    /// The time of its newest row in milliseconds since the Unix epoch, or that of its day where the log does not say it.
    pub fn newest_ms(&self) -> Option<i64> {
        let time = self.statistics["maxValues"]["time"].as_str();
        let time = time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let day = || {
            let is_day = self.day.parse::<jiff::civil::Date>().is_ok();
            is_day.then(|| i64::from(day_number(&self.day)) * DAY_MS)
        };
        time.map(jiff::Timestamp::as_millisecond).or_else(day)
    }

    pub(super) fn removed(&self, now: i64) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change: false,
            // By a clock that is behind, the file would be old at once, and be deleted under those who read it.
            deletion_timestamp: Some(now.max(self.written_ms)),
            extended_file_metadata: Some(true),
            partition_values: Some(HashMap::from([("day".to_owned(), Some(self.day.clone()))])),
            size: i64::try_from(self.size).ok(),
            ..Remove::default()
        }
    }
}
