//! Where a source stands: for each partition the position, the end, and how far behind it is.

use maud::{Markup, html};

use super::frame::Frame;
use super::histogram::grouped;
use super::moment::moment;
use super::words::Words;
use crate::kafka::session::{Same, SeenPosition};
use crate::view::shown;

/// Most partitions that are listed by themselves; those that are furthest behind come first.
const MOST_LISTED: usize = 100;

/// Where a source stands, as Kafka has last said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its partitions; none if Kafka has not answered.
    pub positions: Vec<SeenPosition>,
    /// When Kafka said it, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Why it is not newer, for a person; `None` if it is as new as can be.
    pub trouble: Option<String>,
    /// Whether the clusters are being asked and have not answered yet.
    pub is_late: bool,
}

impl Standing {
    /// The lag of all partitions: the sum of the records, and the most seconds.
    fn lag(&self) -> (Option<u64>, u64) {
        let lags = self
            .positions
            .iter()
            .filter_map(|seen| lag(seen, self.at_ms));
        lags.fold((None, 0), |(sum, most), (records, seconds)| {
            let sum: Option<u64> = sum.into_iter().chain(records).reduce(|sum, one| sum + one);
            (sum, most.max(seconds))
        })
    }

    /// What is known.
    pub(super) fn show(&self, frame: Frame<'_>) -> Markup {
        let words = frame.words();
        let mut listed: Vec<&SeenPosition> = self.positions.iter().collect();
        if listed.len() > MOST_LISTED {
            listed.sort_by_key(|seen| std::cmp::Reverse(lag(seen, self.at_ms)));
            listed.truncate(MOST_LISTED);
            listed.sort_by_key(|seen| seen.partition);
        }
        let unlisted = self.positions.len() - listed.len();
        html! {
            @if let Some(trouble) = &self.trouble {
                p.note { (words.kafka_refuses) " " (shown(trouble)) }
            } @else if self.is_late {
                p.note { (words.kafka_is_silent) }
            }
            @if !self.positions.is_empty() {
                @let (records, seconds) = self.lag();
                p.seen {
                    (words.lag) ": "
                    @if let Some(records) = records { (grouped(records)) " " (words.records) " · " }
                    (grouped(seconds)) " s · "
                    (words.as_of) " " (moment(self.at_ms, frame.zone))
                }
                div.table {
                    table.records.standing {
                        thead { tr {
                            @for head in [words.partition, words.position, words.end, words.lag_records, words.lag_seconds, words.last_read] {
                                th scope="col" { (head) }
                            }
                        } }
                        tbody { @for seen in listed { (self.row(frame, seen)) } }
                    }
                }
                @if unlisted > 0 { p.faint { (words.and_more) " " (grouped(unlisted as u64)) } }
            }
        }
    }

    fn row(&self, frame: Frame<'_>, seen: &SeenPosition) -> Markup {
        let words = frame.words();
        let lag = lag(seen, self.at_ms);
        html! {
            tr {
                td { (seen.partition.0) }
                td { @if let Some(position) = seen.position { (position.0) } @else { (words.no_position) } }
                td { (seen.end.0) }
                td {
                    @match odd(seen, words) {
                        Some(text) => span.bad { (text) },
                        None => @if let Some((Some(records), _)) = lag { (grouped(records)) },
                    }
                }
                td { @if let Some((_, seconds)) = lag { (grouped(seconds)) } }
                td.time { @if let Some(time_ms) = seen.last_read_ms { (moment(time_ms, frame.zone)) } }
            }
        }
    }
}

/// Offsets from the position to the end, unless their number says nothing, and seconds; `None` without a position.
fn lag(seen: &SeenPosition, now_ms: i64) -> Option<(Option<u64>, u64)> {
    let distance = u64::try_from(seen.distance()?).unwrap_or(0);
    let seconds = seen.waiting(now_ms)?.as_secs();
    Some(((!seen.offsets_jump).then_some(distance), seconds))
}

/// What keeps the source from being read on from the position.
fn odd(seen: &SeenPosition, words: &Words) -> Option<&'static str> {
    let position = seen.position?;
    match () {
        () if seen.source == Same::No || seen.last == Same::No => Some(words.other_topic),
        () if position > seen.end => Some(words.past_the_end),
        () if position < seen.oldest => Some(words.expired),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{NextOffset, Partition};
    use crate::page::frame::TEST_FRAME;

    const NOW_MS: i64 = 1_790_000_000_000;

    fn seen(partition: i32, position: Option<i64>) -> SeenPosition {
        SeenPosition {
            partition: Partition(partition),
            position: position.map(NextOffset),
            noted: None,
            oldest: NextOffset(10),
            end: NextOffset(2_000),
            time_ms: None,
            last_read_ms: None,
            source: Same::Yes,
            last: Same::Yes,
            offsets_jump: false,
        }
    }

    fn shown(standing: &Standing) -> String {
        standing.show(TEST_FRAME).into_string()
    }

    fn of(positions: Vec<SeenPosition>) -> Standing {
        Standing {
            positions,
            at_ms: NOW_MS,
            trouble: None,
            is_late: false,
        }
    }

    #[test]
    fn lag_is_the_records_to_the_end_and_the_age_of_the_first_of_them() {
        let waiting = SeenPosition {
            time_ms: Some(NOW_MS - 61_500),
            last_read_ms: Some(NOW_MS - 70_000),
            ..seen(0, Some(500))
        };
        let page = shown(&of(vec![waiting, seen(1, Some(2_000)), seen(2, None)]));
        let lag = format!("Lag: {} records · 61 s", grouped(1_500));
        assert!(page.contains(&lag), "{page}");
        let row =
            "<td>0</td><td>500</td><td>2000</td><td>{}</td><td>61</td><td class=\"time\"><time";
        assert!(page.contains(&row.replace("{}", &grouped(1_500))), "{page}");
        let caught_up = "<td>1</td><td>2000</td><td>2000</td><td>0</td><td>0</td>";
        assert!(page.contains(caught_up), "{page}");
        assert!(
            page.contains("<td>2</td><td>none</td><td>2000</td><td></td><td></td>"),
            "{page}"
        );
    }

    #[test]
    fn where_offsets_jump_the_time_alone_is_shown() {
        let jumping = SeenPosition {
            offsets_jump: true,
            time_ms: Some(NOW_MS - 5_000),
            ..seen(0, Some(500))
        };
        let page = shown(&of(vec![jumping]));
        assert!(page.contains("Lag: 5 s"), "{page}");
        assert!(page.contains("<td></td><td>5</td>"), "{page}");
    }

    #[test]
    fn a_position_from_which_nothing_can_be_read_says_why() {
        let other = SeenPosition {
            source: Same::No,
            ..seen(0, Some(500))
        };
        for (position, text) in [
            (other, "the position is of another topic"),
            (seen(0, Some(2_001)), "the position is past the end"),
            (
                seen(0, Some(9)),
                "records have expired before they were read",
            ),
        ] {
            let page = shown(&of(vec![position]));
            assert!(page.contains(text), "{page}");
        }
    }

    #[test]
    fn of_many_partitions_those_furthest_behind_are_listed_and_all_are_summed_up() {
        let positions = (0..150).map(|number| seen(number, Some(2_000 - i64::from(number))));
        let page = shown(&of(positions.collect()));
        assert_eq!(page.matches("<tr>").count(), MOST_LISTED + 1);
        assert!(
            page.contains("<td>149</td>") && !page.contains("<tr><td>0</td>"),
            "{page}"
        );
        let lag = format!("Lag: {} records", grouped(11_175));
        assert!(page.contains(&lag), "{page}");
        assert!(page.contains(" 50</p>"), "{page}");
    }

    #[test]
    fn what_kafka_does_not_say_is_said_in_words_beside_what_is_known() {
        let mut standing = of(vec![seen(0, Some(500))]);
        standing.is_late = true;
        let page = shown(&standing);
        assert!(
            page.contains("Kafka has not answered yet") && page.contains(&grouped(1_500)),
            "{page}"
        );
        standing.trouble = Some("<b>refused</b>".into());
        let page = shown(&standing);
        assert!(
            page.contains("does not give them: &lt;b&gt;refused"),
            "{page}"
        );
        assert!(!shown(&Standing::default()).contains("<table"));
    }
}
