//! The demo's input: the vendors' documented events, one truncated event, one without its braces, and typical events.
//! As in a real audit log, nearly all of the typical events are granted logins and permission checks.

use jiff::Timestamp;
use serde_json::Value;

/// The events of Confluent's documentation.
const DOCUMENTED: &str = include_str!("../../../tests/data/confluent/seed.ndjson");

/// The events of Alibaba Cloud's documentation: of Realtime Compute for Apache Flink, and of Flink Serverless.
const ACTIONTRAIL: &str = include_str!("../../../tests/data/actiontrail/seed.ndjson");

/// The event of Flink Serverless as another page of that documentation prints it: without its braces.
const WITHOUT_BRACES: &str =
    include_str!("../../../tests/data/actiontrail/seed-without-braces.txt");

/// Invented events of ActionTrail, one for every known shape.
const ACTIONTRAIL_SHAPES: &str = include_str!("../../../tests/data/actiontrail/shapes.ndjson");

/// Events of DataWorks, as 0-based line numbers of `ACTIONTRAIL_SHAPES`. They are invented, because the documentation
/// gives only the names of these events.
const DATAWORKS: [usize; 2] = [5, 6];

/// Invented events of Confluent, one for every known shape.
const SHAPES: &str = include_str!("../../../tests/data/confluent/shapes.ndjson");

/// A truncated event.
const TRUNCATED: &str = "{\"specversion\":\"1.0\",\"id\":\"cut off in the mid";

/// Routine events, as 0-based line numbers of `SHAPES`: logins of API keys and permission checks.
const ROUTINE: [usize; 7] = [0, 2, 2, 5, 2, 0, 13];

/// One event in this many is not routine: a change, a refusal or an attempt.
const UNUSUAL_EVERY: usize = 20;

/// How the time of one event begins that is far in the future on purpose; this event keeps its time.
const FAR_FUTURE_YEAR: &str = "+999999999";

/// An endless supply of records.
#[derive(Debug)]
pub(super) struct Feed {
    routine: Vec<Value>,
    unusual: Vec<Value>,
    made: usize,
}

impl Feed {
    pub(super) fn new() -> serde_json::Result<Feed> {
        let shapes = SHAPES.lines().map(serde_json::from_str);
        let shapes: Vec<Value> = shapes.collect::<serde_json::Result<_>>()?;
        let unusual = shapes.iter().enumerate();
        let unusual = unusual.filter(|(index, _)| !ROUTINE.contains(index));
        Ok(Feed {
            unusual: unusual.map(|(_, event)| event.clone()).collect(),
            routine: ROUTINE.map(|index| shapes[index].clone()).into(),
            made: 0,
        })
    }

    /// The events of Confluent's documentation, unchanged.
    pub(super) fn documented() -> Vec<Vec<u8>> {
        DOCUMENTED.lines().map(Vec::from).collect()
    }

    /// The events of ActionTrail, and one that cannot be parsed.
    pub(super) fn actiontrail() -> Vec<Vec<u8>> {
        let shapes: Vec<&str> = ACTIONTRAIL_SHAPES.lines().collect();
        let events = ACTIONTRAIL
            .lines()
            .chain(DATAWORKS.map(|line| shapes[line]));
        events.chain([WITHOUT_BRACES]).map(Vec::from).collect()
    }

    /// The first half of an event, which cannot be parsed.
    pub(super) fn truncated() -> Vec<u8> {
        TRUNCATED.into()
    }

    /// The next typical events, with the time `now` and unique ids.
    pub(super) fn typical(&mut self, count: usize, now: Timestamp) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.next(now)).collect()
    }

    fn next(&mut self, now: Timestamp) -> Vec<u8> {
        let (round, turn) = (self.made / UNUSUAL_EVERY, self.made % UNUSUAL_EVERY);
        let mut event = match turn {
            0 => self.unusual[round % self.unusual.len()].clone(),
            _ => self.routine[turn % self.routine.len()].clone(),
        };
        self.made += 1;
        if let Some(id) = event.get_mut("id") {
            *id = format!("demo-{:08}", self.made).into();
        }
        if let Some(time) = event.get_mut("time")
            && !time
                .as_str()
                .unwrap_or_default()
                .starts_with(FAR_FUTURE_YEAR)
        {
            *time = now.to_string().into();
        }
        event.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_shape_comes_up_and_every_event_has_an_id_of_its_own() {
        let mut feed = Feed::new().unwrap();
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let events: Vec<Value> = feed
            .typical(20 * 25, now)
            .iter()
            .map(|event| serde_json::from_slice(event).unwrap())
            .collect();
        let ids: HashSet<&str> = events
            .iter()
            .map(|event| event["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), events.len());
        let kinds: HashSet<String> = events
            .iter()
            .map(|event| {
                let mut event = event.clone();
                event["id"].take();
                event["time"].take();
                event.to_string()
            })
            .collect();
        assert_eq!(kinds.len(), SHAPES.lines().count());
        assert!(events.iter().any(|event| event["time"] == now.to_string()));
    }
}
