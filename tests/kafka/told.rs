//! A model of the expected alerts: for which records, by which rule, with which level and group, and which of
//! them a webhook must have received. It is derived from the records of the source, without watchbell's code.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::audit::{
    Audit, Fate, ORGANIZATION_ADMIN_BOUND, SCRATCH_STATEMENT_DELETED, STATEMENT_DELETED,
};
use super::broker::Clusters;
use super::daemon::Deployment;
use super::records::{Read, read_committed};
use super::stub::Stub;

/// The built-in rules about dead letters; the second is for those that name a method of high
/// sensitivity.
const DEAD_LETTER: &str = "3f2b8c61-5d0e-4a7a-9c1f-8e6d27b4a053";
const SENSITIVE_DEAD_LETTER: &str = "b7d4e0f9-61c2-4f38-a5be-2c90d7135e8a";

/// Levels of rules as OCSF counts them.
const LOW: i64 = 2;
const MEDIUM: i64 = 3;
const HIGH: i64 = 4;
const CRITICAL: i64 = 5;

/// Partition and offset of a source record.
type Place = (usize, usize);

/// An alert as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    rule: &'static str,
    severity_id: i64,
    /// What belongs together has the same name here, and nothing else has.
    group: String,
}

/// An alert as in the topic.
#[derive(Debug)]
struct Alert {
    uid: String,
    group_key: String,
}

/// Every record must raise exactly one alert, unless it is an event that no rule matches. `sensitive`
/// are the dead letters that name a method of high sensitivity.
fn expected(audit: &Audit, sensitive: &HashSet<Place>) -> HashMap<Place, Expected> {
    let alert = |place: Place, fate: Fate| {
        let (rule, severity_id, why) = match fate {
            Fate::Event | Fate::Expired => return None,
            Fate::Alert(rule) => (rule, severity(rule), ""),
            Fate::DeadLetter(reason) if sensitive.contains(&place) => {
                (SENSITIVE_DEAD_LETTER, CRITICAL, reason)
            }
            Fate::DeadLetter(reason) => (DEAD_LETTER, MEDIUM, reason),
        };
        let expected = Expected {
            rule,
            severity_id,
            group: format!("{rule} {why}"),
        };
        Some((place, expected))
    };
    audit
        .fates()
        .filter_map(|(place, fate)| alert(place, fate))
        .collect()
}

/// Of the rules whose alerts this source raises.
fn severity(rule: &str) -> i64 {
    match rule {
        STATEMENT_DELETED | ORGANIZATION_ADMIN_BOUND => HIGH,
        SCRATCH_STATEMENT_DELETED => LOW,
        _ => panic!("the model does not know rule {rule}"),
    }
}

/// The record that an alert is about: its event's, or the dead letter's.
fn place(alert: &Value, topic: &str) -> Option<Place> {
    let number = |value: &Value| value.as_u64().map(|number| number as usize);
    if let Some(id) = alert["finding_info"]["related_events"][0]["uid"].as_str() {
        let (partition, offset) = id.strip_prefix(topic)?.strip_prefix('/')?.split_once('/')?;
        return Some((partition.parse().ok()?, offset.parse().ok()?));
    }
    let evidence = &alert["evidences"][0]["data"];
    let is_ours = evidence["topic"] == topic && evidence["reason"].is_string();
    is_ours.then_some(())?;
    Some((
        number(&evidence["partition"])?,
        number(&evidence["offset"])?,
    ))
}

/// The alerts of the topic, in order, by the model's groups.
pub struct Told {
    groups: BTreeMap<String, Vec<Alert>>,
}

impl Told {
    /// The topic holds exactly the alerts of the model, each once, as they must be.
    pub fn check_topic(
        clusters: &Clusters,
        deployment: &Deployment,
        audit: &Audit,
        sensitive: &HashSet<Place>,
    ) -> Told {
        let mut expected = expected(audit, sensitive);
        let count = expected.len();
        let mut groups: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
        let mut uids = HashSet::new();
        for read in read_committed(&clusters.destination, &deployment.alerts) {
            let (alert, value) = parsed(&read);
            assert!(uids.insert(alert.uid.clone()), "twice: {value}");
            let place = place(&value, &audit.topic);
            let known = place.and_then(|place| expected.remove(&place));
            let Some(known) = known else {
                panic!("an alert that must not be, or twice: {value}");
            };
            let rule = value["finding_info"]["analytic"]["uid"].as_str();
            assert_eq!(rule, Some(known.rule), "{value}");
            assert_eq!(value["severity_id"], known.severity_id, "{value}");
            groups.entry(known.group).or_default().push(alert);
        }
        let missing: Vec<_> = expected.iter().take(5).collect();
        assert!(
            missing.is_empty(),
            "{} missing, such as {missing:?}",
            expected.len()
        );
        let mut keys = HashSet::new();
        for (group, alerts) in &groups {
            let of_group: BTreeSet<&str> = alerts.iter().map(|a| a.group_key.as_str()).collect();
            assert_eq!(of_group.len(), 1, "{group} is several groups");
            for key in of_group {
                assert!(
                    keys.insert(key.to_owned()),
                    "{group} is part of another group"
                );
            }
        }
        println!(
            "  {count} alerts as the model has them, in {} groups",
            groups.len()
        );
        Told { groups }
    }

    /// How many alerts the webhook has not accepted, alone or in a digest. A notification shows the
    /// first alert that it covers, and says how many it covers.
    pub fn untold(&self, stub: &Stub) -> Vec<&str> {
        let mut covered: HashMap<&str, Vec<bool>> = HashMap::new();
        let mut index: HashMap<&str, (&str, usize)> = HashMap::new();
        for alerts in self.groups.values() {
            let key = alerts[0].group_key.as_str();
            covered.insert(key, vec![false; alerts.len()]);
            for (number, alert) in alerts.iter().enumerate() {
                index.insert(&alert.uid, (key, number));
            }
        }
        for received in stub.accepted() {
            let data = &received.json()["data"];
            let uid = data["alert"]["uid"].as_str().expect("the alert shown");
            let Some((key, first)) = index.get(uid) else {
                panic!("told of an alert that is not in the topic: {data}");
            };
            assert_eq!(data["group_key"], **key, "told as of another group: {data}");
            let count = data["count"].as_u64().expect("a count") as usize;
            let covered = covered.get_mut(key).expect("a group");
            let end = first + count;
            assert!(end <= covered.len(), "more than there are: {data}");
            covered[*first..end].fill(true);
        }
        let untold = |alerts: &&Vec<Alert>| {
            let covered = &covered[alerts[0].group_key.as_str()];
            covered.iter().any(|told| !told)
        };
        let groups = self.groups.values().filter(untold);
        groups.map(|alerts| alerts[0].group_key.as_str()).collect()
    }

    /// How often something was told again, which only a crash in the moment of telling may cause.
    pub fn repeats(&self, stub: &Stub) -> u64 {
        let count = |message: Value| message["data"]["count"].as_u64().expect("a count");
        let told: u64 = stub.accepted().iter().map(|r| count(r.json())).sum();
        let alerts: usize = self.groups.values().map(Vec::len).sum();
        told.saturating_sub(alerts as u64)
    }
}

fn parsed(read: &Read) -> (Alert, Value) {
    let value = read.value.as_deref().expect("an alert's value");
    let value: Value = serde_json::from_slice(value).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let alert = Alert {
        uid: text(&value["finding_info"]["uid"]),
        group_key: text(&value["metadata"]["correlation_uid"]),
    };
    assert_eq!(read.header("ce_id").as_deref(), Some(alert.uid.as_str()));
    let key = read.key.as_deref().map(String::from_utf8_lossy);
    assert_eq!(key.as_deref(), Some(alert.group_key.as_str()));
    (alert, value)
}
