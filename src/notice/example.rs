//! Invented alerts: one with every part, which `fire` sends, and one of every kind, on which templates
//! are tried.

use super::words::{MAX_LIST, MAX_PROSE, MAX_WORD};
use super::{Notice, NoticeError, Origin, ResourceNotice, Who};
use crate::alert::RECORDS_EXPIRED;
use crate::event::{Offset, Partition, Position};
use crate::sigma::Level;

impl Notice {
    /// Jane Doe deletes a statement that does not exist, at `now_ms`; marked as a test.
    pub fn example(now_ms: i64) -> Notice {
        let some = |text: &str| Some(text.to_owned());
        Notice {
            uid: format!("watchbell-test-{now_ms}"),
            // Unique, because a test that joins the open incident of an earlier one notifies nobody.
            group_key: format!("watchbell-test-{now_ms}"),
            summary: None,
            level: Level::High,
            rule_id: "00000000-0000-4000-8000-000000000000".into(),
            rule: "watchbell delivery test".into(),
            rule_version: "test".into(),
            description: some("A test of watchbell: nothing happened."),
            who: Who {
                name: some("Jane Doe"),
                uid: some("u-example"),
                email: some("jane.doe@example.com"),
                kind: some("User"),
                credential: some("EXAMPLEKEY"),
                team: some("streaming"),
            },
            operation: "DeleteStatement".into(),
            service: some("flink"),
            product: some("Confluent Cloud"),
            activity: some("Delete"),
            outcome: "Success".into(),
            outcome_detail: None,
            resources: vec![ResourceNotice {
                name: some("orders-agg"),
                uid: some("orders-agg"),
                kind: some("STATEMENT"),
                environment: some("prod"),
                region: some("aws.us-west-2"),
                owner: some("orders-oncall@example.com"),
                team: some("orders"),
            }],
            resource_count: 1,
            origin: Origin {
                ip: some("192.0.2.10"),
                ..Origin::default()
            },
            client: None,
            time_ms: now_ms,
            detected_ms: now_ms,
            logged_ms: None,
            changes: Vec::new(),
            catalog_entry: None,
            why: vec!["api.operation = DeleteStatement".into()],
            count: 1,
            first_ms: now_ms,
            last_ms: now_ms,
            events: vec!["example".into()],
            runbook: some("Nothing to do: this is a test."),
            links: Vec::new(),
            falsepositives: vec!["Always: this is a test.".into()],
            attack: Vec::new(),
            tags: Vec::new(),
            rule_set: "test".into(),
            position: "none".into(),
            record: some("{\"test\":true}"),
            experimental: false,
            suppressed: false,
            replayed: false,
            history: false,
            test: true,
        }
    }
    /// Each kind of alert in words, as `an alert without a runbook`, and an alert of it.
    pub fn examples() -> Vec<(&'static str, Notice)> {
        let read = || Notice {
            test: false,
            position: "watchbell.alerts/0@7".into(),
            ..Notice::example(0)
        };
        let but = |change: fn(&mut Notice)| {
            let mut notice = read();
            change(&mut notice);
            notice
        };
        vec![
            ("a test alert", Notice::example(0)),
            ("an alert with every part", but(with_every_part)),
            ("an alert without a runbook", but(|n| n.runbook = None)),
            ("an alert without an actor", but(|n| n.who = Who::default())),
            (
                "an alert without a resource",
                but(|n| {
                    n.resources.clear();
                    n.resource_count = 0;
                }),
            ),
            (
                "an alert with a hundred resources",
                but(|n| {
                    n.resources = vec![n.resources[0].clone(); MAX_LIST];
                    n.resource_count = 100;
                }),
            ),
            ("an alert with nothing but what is required", but(bare)),
            ("an alert with the longest texts", but(longest)),
            ("a built-in alert", but(built_in)),
            ("an alert that could not be read", unreadable()),
        ]
    }
}

fn with_every_part(notice: &mut Notice) {
    notice.outcome = "Failure".into();
    notice.outcome_detail = Some("Not allowed.".into());
    notice.origin.name = Some("192.0.2.0/24".into());
    notice.origin.network = Some("office-berlin".into());
    notice.origin.zone = Some("corporate".into());
    notice.origin.city = Some("Berlin".into());
    notice.origin.country = Some("DE".into());
    notice.origin.autonomous_system = Some("AS64500 Example Networks".into());
    notice.client = Some("Terraform 2.1.0".into());
    notice.links = vec!["https://example.com/runbook".into()];
    notice.attack = vec!["Impact (TA0040)".into()];
    notice.tags = vec!["attack.t1485".into()];
}

fn bare(notice: &mut Notice) {
    let resources = vec![ResourceNotice::default()];
    *notice = Notice {
        level: notice.level,
        uid: notice.uid.clone(),
        group_key: notice.group_key.clone(),
        rule_id: notice.rule_id.clone(),
        rule: notice.rule.clone(),
        resources,
        resource_count: 1,
        ..unreadable()
    };
    notice.summary = None;
    notice.description = None;
    notice.runbook = None;
}

/// Every text and list as long as one that is read can be.
fn longest(notice: &mut Notice) {
    let word = || "W".repeat(MAX_WORD);
    let words = || vec![word(); MAX_LIST];
    with_every_part(notice);
    notice.rule = word();
    notice.operation = word();
    notice.who.name = Some(word());
    notice.description = Some("x ".repeat(MAX_PROSE / 2));
    notice.runbook = notice.description.clone();
    notice.changes = words();
    notice.why = words();
    notice.links = words();
    notice.tags = words();
    notice.attack = words();
    notice.falsepositives = words();
    notice.events = words();
    let resource = ResourceNotice {
        name: Some(word()),
        uid: Some(word()),
        ..notice.resources[0].clone()
    };
    notice.resources = vec![resource; MAX_LIST];
    notice.resource_count = MAX_LIST;
}

fn built_in(notice: &mut Notice) {
    bare(notice);
    notice.rule_id = RECORDS_EXPIRED.id.into();
    notice.rule = RECORDS_EXPIRED.title.into();
    notice.description = Some(RECORDS_EXPIRED.description.into());
    notice.runbook = Some(RECORDS_EXPIRED.runbook.into());
    notice.summary = Some("7 audit records of confluent/partition 3 expired".into());
    notice.resources[0].name = Some("confluent".into());
}

fn unreadable() -> Notice {
    let position = Position {
        topic: "watchbell.alerts",
        partition: Partition(0),
        offset: Offset(7),
        element: None,
    };
    let error = NoticeError::NotJson("expected value at line 1 column 1".into());
    Notice::unreadable(position, 0, &error)
}
