//! A day of the archive, compared with the ledger part by part, so that memory holds what one part has published.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::days::Days;
use super::error::VerifyError;
use super::reader::{ArchiveReader, Effort};
use super::report::Report;
use crate::archive::verify::{
    Continuity, Coverage, Expectation, Judgement, Link, Neighbors, Of, Selection, Terms, Topics,
    backfilled, compare, follow, read_ledger,
};
use crate::archive::{FileEntry, OpenFile, TableKind, day_of, day_text};
use crate::config::{Archive, Config};
use crate::kafka::session::Delivery;
use crate::ledger::Sum;
use crate::pipeline::Content;
use crate::query::archive::StoredFile;
use crate::view::At;

/// Most outputs that are looked for at a time.
const MOST_OUTPUTS: u64 = 2_000_000;

/// Beside two intervals of the archive: what the ledger has known for longer must be archived.
const SETTLING: Duration = Duration::from_secs(60);

/// The tables that are compared with the ledger.
const COMPARED: [TableKind; 2] = [TableKind::Events, TableKind::DeadLetters];

const DAY_MS: i64 = 86_400_000;

type Result<T> = std::result::Result<T, VerifyError>;

/// What to verify.
pub struct Verification<'v> {
    /// The configuration, which names the outputs and says what is hidden in them.
    pub config: &'v Config,
    /// The archive.
    pub archive: &'v Archive,
    /// The source, with those that have the same topic; all sources if none is named.
    pub source: Option<&'v str>,
    /// The day in UTC on which ingest committed the records, in days since the Unix epoch.
    pub day: i32,
    /// The current time, which says what may not be archived yet and what the retention has removed.
    pub now: Timestamp,
    /// How much it may take of the machine, and for how long.
    pub effort: Effort,
}

impl Verification<'_> {
    /// Compares the day with the ledger.
    ///
    /// # Errors
    /// The archive cannot be read, has no ledger, or somebody has asked to stop.
    pub fn report(&self) -> Result<Report> {
        let reader = ArchiveReader::open(self.archive, self.effort.clone())?;
        let mut report = Report::new(self.day);
        let check = Check::new(&reader, self)?;
        check.begin(&mut report)?;
        report.backfilled = check.backfilled()?;
        let continuity = check.follow(self.archive, &mut report)?;
        check.compare(&continuity, &mut report)?;
        Ok(report)
    }
}

/// The day that is verified.
struct Check<'c> {
    asked: &'c Verification<'c>,
    reader: &'c ArchiveReader,
    days: Days<'c>,
    day: i32,
    /// The rows of the ledger of the day.
    links: Vec<Link>,
    source: ChosenSource<'c>,
}

/// The source, and the topics of sources that are looked at; all if none is named.
type ChosenSource<'c> = Option<(&'c str, BTreeSet<String>)>;

impl<'c> Check<'c> {
    fn new(reader: &'c ArchiveReader, asked: &'c Verification<'c>) -> Result<Check<'c>> {
        let days = Days::new(reader);
        let day = asked.day;
        let all = days.links(day)?;
        let source = asked.source.map(|name| {
            let own = all.iter().filter(|link| *link.of.source == *name);
            let topics = own.map(|link| link.of.topic.to_string());
            (name, topics.collect())
        });
        let mut check = Check {
            asked,
            reader,
            days,
            day,
            links: Vec::new(),
            source,
        };
        let meant = all
            .iter()
            .filter(|link| Check::has_topic(&check.source, &link.of.topic));
        check.links = meant.cloned().collect();
        Ok(check)
    }

    /// Two sources can have topics of one name, and rows know the topic alone.
    fn has_topic(source: &ChosenSource<'_>, topic: &str) -> bool {
        let topics = source.as_ref().map(|(_, topics)| topics);
        topics.is_none_or(|topics| topics.contains(topic))
    }

    fn begin(&self, report: &mut Report) -> Result<()> {
        for link in &self.links {
            report.add(link);
        }
        let days = self.days.all();
        let day = day_text(self.day);
        if self.links.is_empty() {
            report.notice(match days.first() {
                Some(first) if *first > self.day => {
                    format!("the ledger begins on {}", day_text(*first))
                }
                _ => format!("the ledger has no rows of {day}"),
            });
        }
        if day_of(self.asked.now.as_millisecond()) <= self.day {
            report.notice(format!("{day} is not over"));
        }
        Ok(())
    }

    /// Follows the chains from the days before to the days after.
    fn follow(&self, archive: &Archive, report: &mut Report) -> Result<Continuity> {
        let days = self.days.all();
        let earlier = || days.iter().rev().copied().filter(|day| *day < self.day);
        let later = || days.iter().copied().filter(|day| *day > self.day);
        let mut known: BTreeSet<Of> = BTreeSet::new();
        for day in earlier().take(1).chain(later().take(1)) {
            let links = self.days.links(day)?;
            let meant = links.iter().filter(|link| match &self.source {
                Some((name, _)) => *link.of.source == **name,
                None => true,
            });
            known.extend(meant.map(|link| link.of.clone()));
        }
        let failure = std::cell::Cell::new(None);
        let note = |found: Result<Vec<Link>>| match found {
            Ok(links) => links,
            Err(error) => {
                failure.set(Some(error));
                Vec::new()
            }
        };
        let mut neighbors = Neighbors {
            before: &mut |of| note(self.days.nearest(earlier(), of)),
            after: &mut |of| note(self.days.nearest(later(), of)),
            are_removed: archive.retention.contains_key(TableKind::Ledger.name()),
        };
        let known: Vec<Of> = known.into_iter().collect();
        let continuity = follow(&self.links, &known, &mut neighbors, &mut report.faults);
        report.notices.extend(continuity.notices.iter().cloned());
        match failure.take() {
            Some(error) => Err(error),
            None => Ok(continuity),
        }
    }

    /// How many rows of the day, by the time of the events, came from files.
    fn backfilled(&self) -> Result<u64> {
        let day = day_text(self.day);
        let mut count = 0;
        for kind in COMPARED {
            let files = self.reader.files(kind).iter();
            let files: Vec<&FileEntry> = files.filter(|file| file.day == day).collect();
            let found = self.reader.each(files.len(), |number| {
                let stored = self.reader.stored(kind, files[number])?;
                Ok(backfilled(kind, (&stored, files[number]))?)
            })?;
            count += found.iter().sum::<u64>();
        }
        Ok(count)
    }

    /// Compares the tables with the ledger, one part of the day after the other.
    fn compare(&self, continuity: &Continuity, report: &mut Report) -> Result<()> {
        let config = self.asked.config;
        let mut terms = self.terms();
        let topics = Mutex::new(Topics::default());
        for output in config.outputs.iter() {
            lock(&topics).number(&output.topic);
        }
        let mut twice = HashMap::new();
        let mut asked = BTreeSet::new();
        for span in parts(&self.links) {
            let expectation = self.expectation((&span, continuity), &topics, &mut twice, report)?;
            let topics = lock(&topics).clone();
            for topic in topics.names() {
                if config.outputs.in_topic(topic).is_none() && asked.insert(topic.to_owned()) {
                    let is_source = self.links.iter().any(|link| *link.of.topic == *topic);
                    if !is_source && !self.reader.has_topic(&COMPARED, topic)? {
                        terms.unarchived.push(topic.to_owned());
                    }
                }
            }
            let in_span = |link: &&Link| span.contains(&link.time_ms);
            let covered = Coverage::new(self.links.iter().filter(in_span));
            let expectation = self.scan((&covered, &topics), expectation, report)?;
            let judgement = self.judge(expectation, &topics, &terms, report)?;
            report.judged(judgement);
        }
        Ok(())
    }

    fn terms(&self) -> Terms {
        let (config, archive) = (self.asked.config, self.asked.archive);
        let now_ms = self.asked.now.as_millisecond();
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let end_ms = (i64::from(self.day) + 1) * DAY_MS;
        let is_retired = |kind: &TableKind| {
            let retention = archive.retention.get(kind.name());
            retention.is_some_and(|kept| end_ms <= now_ms.saturating_sub(ms(*kept)) + DAY_MS)
        };
        Terms {
            at_least_once: config.session.delivery == Delivery::AtLeastOnce,
            settled_until_ms: now_ms.saturating_sub(ms(archive.interval * 2 + SETTLING)),
            retired: COMPARED.into_iter().filter(is_retired).collect(),
            unarchived: Vec::new(),
            hidden: config
                .privacy
                .all()
                .iter()
                .flat_map(|policy| policy.archive.clone())
                .collect(),
            dead_letters: config.outputs.of(Content::DeadLetters).topic.to_string(),
        }
    }

    /// What the ledger says was published in a part of the day.
    fn expectation(
        &self,
        (span, continuity): (&Range<i64>, &Continuity),
        topics: &Mutex<Topics>,
        twice: &mut HashMap<(u16, i32, i64), Sum>,
        report: &mut Report,
    ) -> Result<Expectation> {
        let is_twice = |topic: &str, partition: i32, offset: i64| {
            let mut ranges = continuity.twice.iter();
            ranges.any(|(of, number, range)| {
                of == topic && *number == partition && range.contains(&offset)
            })
        };
        let source = &self.source;
        let selection = Selection {
            span: span.clone(),
            has_topic: &|topic| Check::has_topic(source, topic),
            is_twice: &is_twice,
        };
        let files = self.stored(TableKind::Ledger, self.days.files(self.day).into_iter())?;
        let read = self.each_group(&files, |file, open, group| {
            Ok(read_ledger((open, group, file.day), &selection, topics)?)
        })?;
        let mut all = Expectation::default();
        for rows in read {
            all.extend(rows.expectation);
            report.faults.extend(rows.faults);
            for (place, value) in rows.twice {
                if *twice.entry(place).or_insert(value) != value {
                    let (topic, partition, offset) = place;
                    let topic = lock(topics).name(topic).to_owned();
                    report.read_twice(&At {
                        topic,
                        partition,
                        offset,
                        element: None,
                    });
                }
            }
        }
        all.sort();
        Ok(all)
    }

    /// Compares the rows of the tables.
    fn scan(
        &self,
        (covered, topics): (&Coverage, &Topics),
        expectation: Expectation,
        report: &mut Report,
    ) -> Result<Expectation> {
        let expectation = Mutex::new(expectation);
        for kind in COMPARED {
            let files = self.reader.files(kind).iter();
            let files = files.filter(|file| can_hold(file, covered));
            let files = self.stored(kind, files)?;
            let found = self.each_group(&files, |file, open, group| {
                let of = (kind, file.day);
                Ok(compare(of, (open, group), (covered, topics), &expectation)?)
            })?;
            for faults in found {
                report.faults.extend(faults);
            }
        }
        Ok(expectation
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }

    /// What is not there, and what fits nothing.
    fn judge(
        &self,
        expectation: Expectation,
        topics: &Topics,
        terms: &Terms,
        report: &mut Report,
    ) -> Result<Judgement> {
        let mut known: HashMap<i32, Coverage> = HashMap::new();
        let mut failure = None;
        let elsewhere = |written_ms: i64, at: &At| {
            // A record that is written just before midnight can be in the ledger of the next day.
            let day = day_of(written_ms);
            let mut days = [day, day + 1].into_iter().filter(|day| *day != self.day);
            days.any(|day| {
                let covered = known.entry(day).or_insert_with(|| {
                    let links = self.days.links(day);
                    let links = links.map_err(|error| failure = Some(error));
                    links.map_or_else(
                        |()| Coverage::default(),
                        |links| Coverage::new(links.iter()),
                    )
                });
                covered.has(&at.topic, at.partition, at.offset)
            })
        };
        let judgement = expectation.judge(topics, terms, elsewhere, &mut report.faults);
        match failure {
            Some(error) => Err(error),
            None => Ok(judgement),
        }
    }

    /// Does the work for each row group of these files.
    fn each_group<T: Send>(
        &self,
        files: &[DayFile<'_>],
        work: impl Fn(&DayFile<'_>, &OpenFile<'_>, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let opened = self.reader.each(files.len(), |number| {
            Ok((number, OpenFile::open(&files[number].stored)?))
        })?;
        let groups = opened
            .iter()
            .flat_map(|(number, open)| (0..open.groups()).map(move |group| (*number, open, group)));
        let groups: Vec<(usize, &OpenFile<'_>, usize)> = groups.collect();
        self.reader.each(groups.len(), |number| {
            let (file, open, group) = groups[number];
            work(&files[file], open, group)
        })
    }

    fn stored<'f>(
        &'f self,
        kind: TableKind,
        files: impl Iterator<Item = &'f FileEntry>,
    ) -> Result<Vec<DayFile<'f>>> {
        let stored = files.map(|file| {
            Ok(DayFile {
                day: &file.day,
                stored: self.reader.stored(kind, file)?,
            })
        });
        stored.collect()
    }
}

/// A file with the day of its rows.
struct DayFile<'f> {
    day: &'f str,
    stored: StoredFile<'f>,
}

/// Whether a file can have rows of these source records, by what the Delta log says of it.
fn can_hold(file: &FileEntry, covered: &Coverage) -> bool {
    let number = |bound: &str| file.statistics[bound]["source_offset"].as_i64();
    match (number("minValues"), number("maxValues")) {
        (Some(first), Some(last)) => covered.meets((first, last)),
        _ => true,
    }
}

/// Spans of time in which so much was published that it can be looked for at once.
fn parts(links: &[Link]) -> Vec<Range<i64>> {
    let mut times: Vec<(i64, u64)> = links
        .iter()
        .map(|link| (link.time_ms, link.counts[0] + link.counts[1]))
        .collect();
    times.sort_unstable();
    let mut parts: Vec<Range<i64>> = Vec::new();
    let mut outputs = 0;
    for (time, count) in times {
        match parts.last_mut() {
            Some(last) if outputs < MOST_OUTPUTS || time < last.end => last.end = time + 1,
            _ => {
                parts.push(time..time + 1);
                outputs = 0;
            }
        }
        outputs += count;
    }
    parts
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
