//! An alert with every part, invented: what `fire` sends, and what templates are tried on.

use super::notice::{Notice, Origin, ResourceNotice, Who};
use crate::sigma::Level;

impl Notice {
    /// Jane Doe deletes a statement of nobody's, at `now_ms`; marked as a test.
    pub fn example(now_ms: i64) -> Notice {
        let some = |text: &str| Some(text.to_owned());
        Notice {
            uid: format!("watchbell-test-{now_ms}"),
            group_key: "watchbell-test".into(),
            summary: None,
            level: Level::High,
            rule_id: "00000000-0000-4000-8000-000000000000".into(),
            rule: "Test of the way to you".into(),
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
            time_ms: now_ms,
            detected_ms: now_ms,
            logged_ms: None,
            why: vec!["api.operation = DeleteStatement".into()],
            count: 1,
            first_ms: now_ms,
            last_ms: now_ms,
            correlation: None,
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
            replayed: false,
            history: false,
            test: true,
        }
    }
}
