//! The noise budget of the shipped packs: a seeded month of a quiet organization on Confluent Cloud raises few alerts.
//! The mix is tests/data/confluent/quiet-month.tsv.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use watchbell::event::OutputBuffer;
use watchbell::pipeline::{Outcome, Pipeline};
use watchbell::sigma::Level;

use crate::pipeline::{NOW_MS, pipeline_with, record};

/// Incidents of a week, which is what pages a person, at level high or above, and at level medium.
const MOST_HIGH_INCIDENTS: usize = 5;
const MOST_MEDIUM_INCIDENTS: usize = 40;

const DAYS: u64 = 28;
const ORG: &str = "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f";

/// The mix; its first lines explain it.
const MIX: &str = include_str!("../data/confluent/quiet-month.tsv");

/// What happens.
struct Act {
    times: u64,
    often: &'static str,
    who: &'static str,
    method: &'static str,
    kind: &'static str,
    fails_percent: u64,
    request: &'static str,
}

fn acts() -> Vec<Act> {
    let lines = MIX.lines().filter(|line| !line.starts_with('#'));
    let act = |line: &'static str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [times, often, who, method, kind, fails, request] = columns[..] else {
            panic!("{line}");
        };
        Act {
            times: times.parse().unwrap(),
            often,
            who,
            method,
            kind,
            fails_percent: fails.parse().unwrap(),
            request,
        }
    };
    lines.map(act).collect()
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    /// How often something that happens so often in five days happens in one.
    fn of_a_week(&mut self, often: u64) -> u64 {
        (0..often).filter(|_| self.draw(5) == 0).count() as u64
    }
}

fn principal(who: &str, dice: &mut Dice) -> (Value, String) {
    let (member, id) = match who {
        "person" => ("confluentUser", format!("u-p{:02}abc", dice.draw(25))),
        "operator" => ("confluentUser", format!("u-p{:02}abc", dice.draw(3))),
        "terraform" => ("confluentServiceAccount", "sa-terra0".to_owned()),
        "pipeline" => (
            "confluentServiceAccount",
            format!("sa-ci{}abc", dice.draw(3)),
        ),
        "deployer" => ("confluentServiceAccount", "sa-flink0".to_owned()),
        "application" => (
            "confluentServiceAccount",
            format!("sa-app{:02}", dice.draw(40)),
        ),
        unknown => panic!("{unknown}"),
    };
    (json!({member: {"resourceId": id}}), id)
}

/// The records of an act: the check that goes before it, if there is one, and the act.
fn records(number: u64, act: &Act, dice: &mut Dice) -> Vec<Value> {
    let (method, kind) = (act.method, act.kind);
    let (principal, id) = principal(act.who, dice);
    let mut request: Value = serde_json::from_str(act.request).unwrap();
    if request["owner"] == "own" {
        request["owner"] = json!({"id": id});
    }
    let is_scratch = kind == "SCRATCH";
    let (kind, name) = match is_scratch {
        true => ("STATEMENT", format!("workspace-2026-{}", dice.draw(1_000))),
        false => {
            let mut names = ["topic", "subject"].iter().map(|part| &request[*part]);
            let named = names.find_map(Value::as_str).map(str::to_owned);
            let name =
                named.unwrap_or_else(|| format!("{}-{}", kind.to_lowercase(), dice.draw(200)));
            (kind, name)
        }
    };
    let failed = dice.draw(100) < act.fails_percent;
    let service = method.split('.').next().unwrap_or_default();
    let part = match service {
        "kafka" => "kafka.server",
        "schema-registry" => "sg.server",
        "flink" | "mcp" => "flink.server",
        _ => "cloud",
    };
    let family = match method {
        _ if method.contains("Authenticat") || method == "SignIn" => "authentication",
        _ if method.ends_with("Authorize") => "authorization",
        "confluent.privileged.access" => "access-transparency",
        _ => "request",
    };
    let mut event = json!({
        "specversion": "1.0", "id": format!("m-{number}"), "source": "crn://confluent.cloud/",
        "type": format!("io.confluent.{part}/{family}"),
        "time": "2026-11-01T09:26:53.589793238Z", "datacontenttype": "application/json",
        "subject": format!("crn://confluent.cloud/organization={ORG}"),
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": method,
            "cloudResources": [{
                "resource": {"type": kind, "resourceId": name},
                "scope": {"resources": [
                    {"type": "ORGANIZATION", "resourceId": ORG},
                    {"type": "ENVIRONMENT", "resourceId": format!("env-{}", dice.draw(3))},
                ]},
            }],
            "authenticationInfo": {"principal": principal, "result": "SUCCESS"},
            "requestMetadata": {
                "requestId": [format!("r-{number}")], "clientAddress": [{"ip": "198.51.100.23"}],
            },
        },
    });
    let data = &mut event["data"];
    match family {
        "authentication" => {
            data["authenticationInfo"]["result"] =
                json!(if failed { "FAILURE" } else { "SUCCESS" });
            return vec![event];
        }
        "authorization" => {
            data["authorizationInfo"] = json!({"result": if failed { "DENY" } else { "ALLOW" }});
            return vec![event];
        }
        _ => {}
    }
    let access = match ["Get", "List", "kafka.Fetch", "TableflowLoad"] {
        verbs if verbs.iter().any(|verb| method.starts_with(verb)) => "READ_ONLY",
        _ => "MODIFICATION",
    };
    data["request"] = json!({"accessType": access, "data": request});
    data["result"] = json!({"status": if failed { "FAILURE" } else { "SUCCESS" }});
    let mut check = event.clone();
    check["id"] = json!(format!("m-{number}-check"));
    check["type"] = json!(format!("io.confluent.{part}/authorization"));
    check["data"]["result"].take();
    check["data"]["authorizationInfo"] = json!({"result": "ALLOW", "operation": "Alter"});
    vec![check, event]
}

/// What a week raised: alerts by rule, and the incidents (`metadata.correlation_uid`), by level.
#[derive(Default)]
struct Week {
    alerts: BTreeMap<(Level, String), usize>,
    incidents: BTreeMap<Level, BTreeSet<String>>,
}

impl Week {
    fn take(&mut self, pipeline: &Pipeline, event: &Value) {
        let mut out = OutputBuffer::default();
        let value = event.to_string();
        let outcome = pipeline
            .begin()
            .process(&record(Some(value.as_bytes())), NOW_MS, &mut out);
        let Outcome::Event { alerts, .. } = outcome else {
            panic!("{outcome:?}: {event}");
        };
        if alerts.is_empty() {
            return;
        }
        let records = out.to_records();
        let values = records.iter().filter_map(|record| record.value.as_deref());
        let values = values.map(|value| serde_json::from_slice::<Value>(value).unwrap());
        let findings: Vec<Value> = values.filter(|value| value["class_uid"] == 2004).collect();
        assert_eq!(findings.len(), alerts.len(), "{event}");
        for (finding, alert) in findings.iter().zip(&alerts) {
            let rule = finding["finding_info"]["analytic"]["name"]
                .as_str()
                .unwrap();
            *self
                .alerts
                .entry((alert.level, rule.to_owned()))
                .or_default() += 1;
            let incident = finding["metadata"]["correlation_uid"].as_str().unwrap();
            self.incidents
                .entry(alert.level)
                .or_default()
                .insert(incident.to_owned());
        }
    }

    /// Alerts and incidents of these levels.
    fn count(&self, is_meant: impl Fn(Level) -> bool) -> (usize, usize) {
        let alerts = self
            .alerts
            .iter()
            .filter(|((level, _), _)| is_meant(*level));
        let incidents = self.incidents.iter().filter(|(level, _)| is_meant(**level));
        (
            alerts.map(|(_, count)| count).sum(),
            incidents.map(|(_, keys)| keys.len()).sum(),
        )
    }
}

#[test]
fn a_month_of_a_quiet_organization_stays_within_the_noise_budget() {
    let pipeline = pipeline_with("", 1_000_000);
    let (acts, mut dice) = (acts(), Dice(28));
    let (mut number, mut seen) = (0, 0);
    let mut weeks: Vec<Week> = (0..DAYS / 7).map(|_| Week::default()).collect();
    for day in 0..DAYS {
        let week = &mut weeks[(day / 7) as usize];
        let is_workday = day % 7 < 5;
        for act in &acts {
            let times = match act.often {
                "day" => act.times,
                "week" if is_workday => dice.of_a_week(act.times),
                "planned" => u64::from(act.times == day),
                _ => 0,
            };
            for _ in 0..times {
                number += 1;
                for event in records(number, act, &mut dice) {
                    seen += 1;
                    week.take(&pipeline, &event);
                }
            }
        }
    }
    println!("{seen} events in {DAYS} days");
    let mut excess = Vec::new();
    for (at, week) in (1..).zip(&weeks) {
        let high = week.count(|level| level >= Level::High);
        let medium = week.count(|level| level == Level::Medium);
        println!(
            "week {at}: high and above {} alerts, {} incidents; medium {} alerts, {} incidents",
            high.0, high.1, medium.0, medium.1
        );
        for ((level, rule), count) in &week.alerts {
            println!("    {level:?} {count:4}  {rule}");
        }
        // What is planned is meant to be seen.
        assert!(high.0 >= 1, "week {at} has nothing planned");
        if high.1 > MOST_HIGH_INCIDENTS || medium.1 > MOST_MEDIUM_INCIDENTS {
            excess.push(at);
        }
    }
    assert!(excess.is_empty(), "over the budget in weeks {excess:?}");
}
