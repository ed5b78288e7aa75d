//! What the client's statistics say of the partitions that are read; pure.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::statistics::{Broker, Statistics};

use crate::event::{NextOffset, Partition};

/// How far a partition can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionFigures {
    pub(super) partition: Partition,
    /// The end of what is committed in the partition; `None` before it is known.
    pub(super) end: Option<NextOffset>,
    /// Since the statistics before, the client has asked the partition's leader for records, has got
    /// answers and no record, and holds none back.
    pub(super) idle: bool,
}

/// The latest figures.
#[derive(Debug, Default)]
pub(super) struct Figures {
    latest: Vec<PartitionFigures>,
    /// How many records each partition had delivered by then.
    delivered: BTreeMap<Partition, u64>,
}

/// A leader that answers has been heard this recently: a request for records is answered after
/// `fetch.wait.max.ms` at the latest.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

impl Figures {
    /// New statistics have arrived.
    pub(super) fn update(&mut self, statistics: &Statistics) {
        let before = std::mem::take(&mut self.delivered);
        self.latest.clear();
        let topics = statistics.topics.values();
        let partitions = topics.flat_map(|topic| topic.partitions.values());
        // -1 and below stand for "not known".
        for of in partitions.filter(|of| of.partition >= 0) {
            let partition = Partition(of.partition);
            let leader = statistics.brokers.values().find(|b| b.nodeid == of.leader);
            let asks = of.fetch_state == "active" && of.fetchq_cnt == 0;
            let nothing_came = before.get(&partition) == Some(&of.rxmsgs);
            self.delivered.insert(partition, of.rxmsgs);
            self.latest.push(PartitionFigures {
                partition,
                end: (of.ls_offset >= 0).then_some(NextOffset(of.ls_offset)),
                idle: asks && nothing_came && leader.is_some_and(answers),
            });
        }
    }

    /// The latest figures, if new ones have arrived since the last call.
    pub(super) fn take(&mut self) -> Vec<PartitionFigures> {
        std::mem::take(&mut self.latest)
    }
}

fn answers(broker: &Broker) -> bool {
    let since_answer = u64::try_from(broker.rxidle).map(Duration::from_micros);
    broker.state == "UP" && since_answer.is_ok_and(|since| since < ANSWERS_WITHIN)
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{Partition as PartitionStatistics, Topic};

    use super::*;

    fn leader() -> Broker {
        Broker {
            nodeid: 1,
            state: "UP".into(),
            rxidle: 90_000,
            ..Broker::default()
        }
    }

    fn partition(rxmsgs: u64) -> PartitionStatistics {
        PartitionStatistics {
            partition: 3,
            leader: 1,
            fetch_state: "active".into(),
            ls_offset: 7,
            rxmsgs,
            ..PartitionStatistics::default()
        }
    }

    /// Whether the partition is idle by these statistics, after others with five records.
    fn idle(broker: Broker, partition_now: PartitionStatistics) -> bool {
        let statistics = |broker: &Broker, partition: PartitionStatistics| Statistics {
            brokers: [("one".to_owned(), broker.clone())].into(),
            topics: [(
                "audit".to_owned(),
                Topic {
                    partitions: [(3, partition)].into(),
                    ..Topic::default()
                },
            )]
            .into(),
            ..Statistics::default()
        };
        let mut figures = Figures::default();
        figures.update(&statistics(&broker, partition(5)));
        let first = figures.take();
        assert!(!first[0].idle, "nothing to compare with");
        assert!(figures.take().is_empty(), "no new ones");
        figures.update(&statistics(&broker, partition_now));
        let [figures] = figures.take()[..] else {
            panic!("one partition");
        };
        assert_eq!(figures.partition, Partition(3));
        figures.idle
    }

    #[test]
    fn a_partition_is_idle_if_its_leader_answers_and_sends_no_records() {
        assert!(idle(leader(), partition(5)));
        assert!(!idle(leader(), partition(6)), "a record came");
        let held_back = PartitionStatistics {
            fetchq_cnt: 1,
            ..partition(5)
        };
        assert!(!idle(leader(), held_back));
        let not_asked = PartitionStatistics {
            fetch_state: "offset-query".into(),
            ..partition(5)
        };
        assert!(!idle(leader(), not_asked));
        let down = Broker {
            state: "CONNECT".into(),
            ..leader()
        };
        assert!(!idle(down, partition(5)));
        for rxidle in [2_000_000, -1] {
            let silent = Broker { rxidle, ..leader() };
            assert!(!idle(silent, partition(5)), "{rxidle}");
        }
        let elsewhere = PartitionStatistics {
            leader: 2,
            ..partition(5)
        };
        assert!(!idle(leader(), elsewhere));
    }

    #[test]
    fn an_end_that_is_not_known_is_none() {
        let end = |ls_offset| {
            let of = PartitionStatistics {
                ls_offset,
                ..partition(5)
            };
            let topic = Topic {
                partitions: [(3, of)].into(),
                ..Topic::default()
            };
            let mut figures = Figures::default();
            figures.update(&Statistics {
                topics: [("audit".to_owned(), topic)].into(),
                ..Statistics::default()
            });
            figures.take()[0].end
        };
        assert_eq!((end(-1), end(7)), (None, Some(NextOffset(7))));
    }
}
