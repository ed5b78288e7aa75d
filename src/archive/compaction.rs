//! Which data files are merged: those of one day and about one size, so that a row is merged a few times only, however
//! many files there are.

use std::collections::BTreeMap;

use super::file_entry::FileEntry;

/// Size of a merged file; one of half of it is not merged again.
pub const TARGET_BYTES: u64 = 64 * 1024 * 1024;

/// So many files of one size are merged.
const FILES: usize = 8;

/// Most files that are merged at a time.
const MOST_FILES: usize = 64;

/// Sizes of one class differ by less than this factor.
const CLASS_BITS: u32 = 3;

/// A day whose last file is older than this gets no further ones soon: all its small files are merged. What claims to be
/// written later than now was so by a clock that was ahead, and says nothing.
const QUIET_MS: i64 = 60 * 60 * 1_000;

/// The files that are merged into one, for each merge that is due at this time (milliseconds since the Unix epoch).
pub fn due_merges(files: Vec<FileEntry>, now_ms: i64) -> Vec<Vec<FileEntry>> {
    let mut days: BTreeMap<String, Vec<FileEntry>> = BTreeMap::new();
    for file in files
        .into_iter()
        .filter(|file| file.size < TARGET_BYTES / 2)
    {
        days.entry(file.day.clone()).or_default().push(file);
    }
    let mut due = Vec::new();
    for mut of_day in days.into_values() {
        of_day.sort_by_key(|file| file.written_ms);
        let newest = of_day
            .iter()
            .map(|file| file.written_ms)
            .filter(|written_ms| *written_ms <= now_ms)
            .max();
        if newest.is_none_or(|newest| now_ms - newest >= QUIET_MS) {
            due.extend(filled(of_day, 2));
            continue;
        }
        let mut classes: BTreeMap<u32, Vec<FileEntry>> = BTreeMap::new();
        for file in of_day {
            classes.entry(class(file.size)).or_default().push(file);
        }
        due.extend(
            classes
                .into_values()
                .flat_map(|of_class| filled(of_class, FILES)),
        );
    }
    due
}

/// Groups of files in their order, each with about the size of a merged file and at least so many files.
fn filled(files: Vec<FileEntry>, least: usize) -> Vec<Vec<FileEntry>> {
    let mut groups = Vec::new();
    let (mut group, mut bytes) = (Vec::new(), 0);
    for file in files {
        if bytes + file.size > TARGET_BYTES || group.len() >= MOST_FILES {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
        bytes += file.size;
        group.push(file);
    }
    groups.push(group);
    // A group that is full has fewer large files.
    let is_due = |group: &Vec<FileEntry>| {
        let bytes: u64 = group.iter().map(|file| file.size).sum();
        group.len() >= least || group.len() >= 2 && bytes > TARGET_BYTES / 2
    };
    groups.retain(is_due);
    groups
}

/// The class of a size.
fn class(size: u64) -> u32 {
    (u64::BITS - size.leading_zeros()) / CLASS_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000_000_000;

    fn file(number: usize, day: &str, size: u64) -> FileEntry {
        FileEntry {
            path: format!("{number}"),
            day: day.into(),
            size,
            written_ms: NOW - 1_000 + number as i64,
            statistics: serde_json::Value::Null,
        }
    }

    fn sizes(merges: &[Vec<FileEntry>]) -> Vec<usize> {
        merges.iter().map(Vec::len).collect()
    }

    #[test]
    fn eight_small_files_of_a_day_are_merged_and_large_ones_stay() {
        let seven = || {
            (0..7)
                .map(|number| file(number, "2026-03-14", 5_000))
                .collect::<Vec<_>>()
        };
        assert_eq!(due_merges(seven(), NOW), Vec::<Vec<FileEntry>>::new());
        let mut files = seven();
        files.push(file(8, "2026-03-15", 5_000));
        files.push(file(9, "2026-03-14", 5_000_000));
        assert_eq!(due_merges(files.clone(), NOW), Vec::<Vec<FileEntry>>::new());
        files.push(file(10, "2026-03-14", 5_100));
        assert_eq!(sizes(&due_merges(files.clone(), NOW)), [8]);
        files.push(file(11, "2026-03-14", TARGET_BYTES / 2));
        // Nothing was written for an hour: what is left of the day becomes one file.
        assert_eq!(sizes(&due_merges(files, NOW + QUIET_MS)), [9]);
    }

    #[test]
    fn files_that_a_clock_ahead_has_written_do_not_hold_up_a_merge() {
        let mut files = vec![file(0, "2026-03-14", 5_000), file(1, "2026-03-14", 5_000)];
        files[1].written_ms = NOW + 10 * 365 * 24 * QUIET_MS;
        let merges = due_merges(files.clone(), NOW);
        assert_eq!(merges, Vec::<Vec<FileEntry>>::new());
        assert_eq!(sizes(&due_merges(files, NOW + QUIET_MS)), [2]);
    }

    /// Files come one after the other: each row is merged at most once for each class of sizes.
    #[test]
    fn a_row_is_merged_a_few_times_however_many_files_there_are() {
        let (size, mut files) = (40_000_u64, Vec::new());
        let mut rewritten = 0;
        for number in 0..5_000 {
            files.push(file(number, "2026-03-14", size));
            for merge in due_merges(files.clone(), NOW + number as i64) {
                let bytes: u64 = merge.iter().map(|file| file.size).sum();
                rewritten += bytes;
                files.retain(|file| !merge.contains(file));
                files.push(file(number + 100_000, "2026-03-14", bytes));
            }
        }
        let written = 5_000 * size;
        assert!(rewritten < 5 * written, "{rewritten} of {written}");
        assert!(files.len() < 50, "{}", files.len());
        assert!(files.iter().all(|file| file.size <= TARGET_BYTES));
        assert_eq!(files.iter().map(|file| file.size).sum::<u64>(), written);
    }
}
