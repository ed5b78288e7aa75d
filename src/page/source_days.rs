//! The days of a source as a calendar, and one of them with its numbers and the button to verify it.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};

use super::form_token::form_token;
use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::words::Words;
use crate::view::shown;

/// Weeks of the calendar.
pub const WEEKS: i64 = 13;

/// What a verification of a day has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the archive was complete and unaltered.
    pub is_sound: bool,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What was read of a source on a day (UTC), as the ledger says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayRead {
    /// Source records.
    pub records: u64,
    /// Events that were published of them.
    pub events: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// How often records had expired before they were read.
    pub gaps: u64,
}

/// What was read of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRead {
    /// Its days.
    pub days: BTreeMap<Date, DayRead>,
    /// What verifications of its days have said.
    pub verdicts: BTreeMap<Date, Verdict>,
    /// When the last commit was, in milliseconds since the Unix epoch.
    pub last_ms: i64,
}

/// What is known of a day: the word for the style sheet, and the text.
fn state(read: &DayRead, verdict: Option<Verdict>, words: &Words) -> (&'static str, &'static str) {
    match (read, verdict.map(|verdict| verdict.is_sound)) {
        (_, Some(false)) => ("altered", words.day_altered),
        (DayRead { gaps: 1.., .. }, _) => ("gap", words.day_gap),
        (_, Some(true)) => ("complete", words.day_complete),
        (
            DayRead {
                dead_letters: 1.., ..
            },
            None,
        ) => ("letters", words.day_letters),
        (DayRead { records: 1.., .. }, None) => ("read", words.day_read),
        _ => ("none", words.day_none),
    }
}

/// The state of a day in words, with whether it was verified.
fn about(read: &DayRead, verdict: Option<Verdict>, words: &Words) -> String {
    let (_, text) = state(read, verdict, words);
    match verdict {
        Some(Verdict { is_sound: true, .. }) if text != words.day_complete => {
            format!("{text}, {}", words.day_complete)
        }
        None if *read != DayRead::default() => format!("{text}, {}", words.not_verified),
        _ => text.to_owned(),
    }
}

/// A source and its days.
pub(super) struct SourceDays<'d> {
    /// The name of the source.
    pub(super) name: &'d str,
    /// What was read of it.
    pub(super) source: &'d SourceRead,
    /// The current day in UTC.
    pub(super) today: Date,
    /// The day that is shown below the calendar, if the reader has chosen one.
    pub(super) chosen: Option<Date>,
    /// Whether the reader may verify.
    pub(super) may_verify: bool,
}

impl SourceDays<'_> {
    /// The calendar and the day below it.
    pub(super) fn show(&self, frame: Frame<'_>) -> Markup {
        html! {
            (self.calendar(frame.words()))
            @if let Some((day, read)) = self.day() { (self.one(frame, day, read)) }
        }
    }

    /// The day that is chosen; else the last one that is over, or the last one.
    fn day(&self) -> Option<(Date, &DayRead)> {
        let days = &self.source.days;
        let chosen = self.chosen.and_then(|day| days.get_key_value(&day));
        let over = || days.range(..self.today).next_back();
        let found = chosen.or_else(over).or_else(|| days.last_key_value());
        found.map(|(day, read)| (*day, read))
    }

    /// The days of the last weeks, a row for each day of the week.
    fn calendar(&self, words: &Words) -> Markup {
        let back = i64::from(self.today.weekday().to_monday_zero_offset()) + (WEEKS - 1) * 7;
        let Ok(first) = self.today.checked_sub(back.days()) else {
            return html! {};
        };
        let day = |number: i64| {
            let day = first.checked_add(number.days()).ok();
            day.filter(|day| *day <= self.today)
        };
        let legend = [
            ("complete", words.day_complete),
            ("read", words.not_verified),
            ("letters", words.day_letters),
            ("gap", words.day_gap),
            ("altered", words.day_altered),
            ("none", words.day_none),
        ];
        html! {
            div.table {
                table.calendar {
                    caption.hidden { (words.days_read) }
                    tbody {
                        @for weekday in 0..7 {
                            tr {
                                @for week in 0..WEEKS { (self.cell(day(week * 7 + weekday), words)) }
                            }
                        }
                    }
                }
            }
            p.legend.faint {
                @for (state, text) in legend { span.mark data-state=(state) {} (text) " " }
            }
        }
    }

    fn cell(&self, day: Option<Date>, words: &Words) -> Markup {
        let Some(day) = day else {
            return html! { td {} };
        };
        let known = self.source.days.get(&day);
        let read = known.copied().unwrap_or_default();
        let verdict = self.source.verdicts.get(&day).copied();
        let (state, _) = state(&read, verdict, words);
        let about = about(&read, verdict, words);
        let about = format!(
            "{day}: {about}, {} {}",
            grouped(read.records),
            words.records
        );
        html! {
            td {
                @if known.is_some() {
                    a.mark data-state=(state) title=(about) href=(self.url(day)) { span.hidden { (about) } }
                } @else {
                    span.mark data-state=(state) title=(about) { span.hidden { (about) } }
                }
            }
        }
    }

    /// The page on which a day is shown below the calendar.
    fn url(&self, day: Date) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("source", self.name);
        query.append_pair("day", &day.to_string());
        format!("/sources?{}#day", query.finish())
    }

    fn one(&self, frame: Frame<'_>, day: Date, read: &DayRead) -> Markup {
        let words = frame.words();
        let verdict = self.source.verdicts.get(&day).copied();
        let counts = [
            (words.records, read.records),
            (words.events, read.events),
            (words.dead_letters, read.dead_letters),
            (words.gaps, read.gaps),
        ];
        let id = self.chosen.map(|_| "day");
        html! {
            div.day id=[id] {
                p {
                    strong { (day) } ": " (about(read, verdict, words))
                    @if let Some(verdict) = verdict { " (" (moment(verdict.at_ms, frame.zone)) ")" }
                    @for (name, count) in counts { " · " (grouped(count)) " " (name) }
                }
                @if self.may_verify {
                    form.verify method="post" action="/sources" {
                        (form_token(frame.form_token))
                        input type="hidden" name="source" value=(self.name);
                        input type="hidden" name="day" value=(day);
                        button type="submit" { (words.verify) " " (day) }
                        span.faint { (words.verify_hint) }
                    }
                }
            }
        }
    }
}

/// What was found out about a day.
pub struct VerifiedDay<'v> {
    /// The name of the source.
    pub source: &'v str,
    /// The day.
    pub day: Date,
    /// How many faults there are.
    pub faults: u64,
    /// The first of them, a line for each.
    pub lines: &'v [String],
    /// Whether it is complete and unaltered.
    pub is_sound: bool,
    /// What a person should know, though it is no fault.
    pub notes: &'v [String],
    /// The numbers of the day.
    pub summary: &'v str,
    /// How long it took, in milliseconds.
    pub took_ms: u128,
}

/// The page that says what was found out about a day.
pub fn verified_page(frame: Frame<'_>, page: &VerifiedDay<'_>) -> String {
    let words = frame.words();
    let more = page.faults.saturating_sub(page.lines.len() as u64);
    let days = SourceDays {
        name: page.source,
        source: &SourceRead::default(),
        today: page.day,
        chosen: None,
        may_verify: false,
    };
    let content = html! {
        h1 { bdi { (shown(page.source)) } ", " (page.day) }
        @if page.is_sound { p.good { strong { (words.complete_and_unaltered) } } }
        @else { p.fault { strong { (words.not_complete) } " " (words.faults) ": " (grouped(page.faults)) } }
        @if !page.lines.is_empty() {
            ul.findings { @for line in page.lines { li { code { (shown(line)) } } } }
        }
        @if more > 0 { p { (words.more_faults) ": " (grouped(more)) } }
        @if !page.notes.is_empty() {
            ul.findings { @for note in page.notes { li { (shown(note)) } } }
        }
        p { (shown(page.summary)) }
        p.faint { (words.took) " " (format!("{}.{:03} s", page.took_ms / 1_000, page.took_ms % 1_000)) }
        p { a href=(days.url(page.day)) { (words.sources) } }
    };
    frame.with(&content).into_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::page::Language;
    use crate::page::frame::TEST_FRAME;

    const EVIL: &str = "\"><script>alert(1)</script>\u{202e}";

    fn read(records: u64, dead_letters: u64, gaps: u64) -> DayRead {
        DayRead {
            records,
            events: records,
            dead_letters,
            gaps,
        }
    }

    fn verdict(is_sound: bool) -> Verdict {
        Verdict {
            is_sound,
            at_ms: 1_790_000_000_000,
        }
    }

    #[test]
    fn a_day_says_what_was_read_and_what_was_found_out() {
        let words = Language::English.words();
        for (read, verdict, mark, text) in [
            (read(0, 0, 0), None, "none", "nothing read"),
            (read(3, 0, 0), None, "read", "read, not verified"),
            (
                read(3, 1, 0),
                None,
                "letters",
                "with dead letters, not verified",
            ),
            (read(3, 1, 2), None, "gap", "gap, not verified"),
            (
                read(3, 1, 0),
                Some(verdict(true)),
                "complete",
                "verified: complete",
            ),
            (
                read(3, 1, 2),
                Some(verdict(true)),
                "gap",
                "gap, verified: complete",
            ),
            (
                read(3, 1, 2),
                Some(verdict(false)),
                "altered",
                "verified: not as it was",
            ),
        ] {
            assert_eq!(state(&read, verdict, words).0, mark, "{read:?} {verdict:?}");
            assert_eq!(about(&read, verdict, words), text, "{read:?} {verdict:?}");
        }
    }

    #[test]
    fn the_form_verifies_the_chosen_day_and_only_who_may_has_it() {
        let mut source = SourceRead::default();
        for day in 12..=14 {
            source.days.insert(date(2026, 3, day), read(3, 0, 0));
        }
        source.verdicts.insert(date(2026, 3, 12), verdict(true));
        let mut days = SourceDays {
            name: EVIL,
            source: &source,
            today: date(2026, 3, 14),
            chosen: None,
            may_verify: true,
        };
        let page = days.show(TEST_FRAME).into_string();
        // The last day that is over.
        assert!(page.contains("name=\"day\" value=\"2026-03-13\""), "{page}");
        assert!(
            page.contains("name=\"form-token\" value=\"the token\""),
            "{page}"
        );
        assert!(
            page.contains("title=\"2026-03-12: verified: complete, 3 records\""),
            "{page}"
        );
        assert!(page.contains("day=2026-03-14#day"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
        days.chosen = Some(date(2026, 3, 12));
        let page = days.show(TEST_FRAME).into_string();
        assert!(page.contains("name=\"day\" value=\"2026-03-12\""), "{page}");
        assert!(page.contains("datetime=\"2026-09-21T"), "{page}");
        days.may_verify = false;
        let page = days.show(TEST_FRAME).into_string();
        assert!(
            page.contains("2026-03-12") && !page.contains("<form"),
            "{page}"
        );
    }

    #[test]
    fn what_was_found_out_is_text_and_what_is_not_listed_is_counted() {
        let lines = [format!("changed  events  {EVIL}")];
        let notes = [EVIL.to_owned()];
        let mut day = VerifiedDay {
            source: EVIL,
            day: date(2026, 3, 14),
            faults: 7,
            lines: &lines,
            is_sound: false,
            notes: &notes,
            summary: EVIL,
            took_ms: 61_024,
        };
        let page = verified_page(TEST_FRAME, &day);
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("Not complete and unaltered."), "{page}");
        assert!(
            page.contains("Faults: 7") && page.contains("names: 6"),
            "{page}"
        );
        assert!(page.contains("61.024 s"), "{page}");
        day = VerifiedDay {
            faults: 0,
            lines: &[],
            is_sound: true,
            ..day
        };
        let page = verified_page(TEST_FRAME, &day);
        assert!(page.contains("Complete and unaltered."), "{page}");
        assert!(!page.contains("Faults"), "{page}");
    }
}
