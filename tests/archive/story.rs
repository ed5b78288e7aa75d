//! A quarter of an organisation, as an archive: what the questions of docs/queries.md are asked of.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::fixture::Archive;
use super::mmdb;

const NAMES: &str = "\
u-5r7t9w: {name: Grace}\n\
u-9k2m4n: {name: Mallory}\n\
sa-4t6y8u: {name: orders-pipeline}\n\
";

/// The archive of the story.
pub fn archive() -> Archive {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, content: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    };
    let lines: Vec<String> = events().iter().map(Value::to_string).collect();
    let events = file("events.ndjson", lines.join("\n").as_bytes());
    let names = file("names.yaml", NAMES.as_bytes());
    let city = file("city.mmdb", &mmdb::city());
    let lookups = [
        "--names",
        names.to_str().unwrap(),
        "--geoip-city",
        city.to_str().unwrap(),
    ];
    Archive::with(&[events], &lookups)
}

fn events() -> Vec<Value> {
    let mut story = Story::default();
    // Grace sets a pipeline up, and keys for it, of which one is never used.
    story.grace(
        "2026-01-12T09:12:00Z",
        "CreateStatement",
        "STATEMENT",
        "orders-enrich-prod",
        json!({}),
    );
    story.grace(
        "2026-01-12T09:20:00Z",
        "CreateAPIKey",
        "API_KEY",
        "PIPELINEKEY00001",
        json!({"owner": {"id": "sa-4t6y8u"}}),
    );
    story.grace(
        "2026-01-12T09:21:00Z",
        "CreateAPIKey",
        "API_KEY",
        "FORGOTTENKEY0002",
        json!({"owner": {"id": "u-5r7t9w"}}),
    );
    for day in ["2026-01-13", "2026-02-03", "2026-03-02", "2026-03-14"] {
        story.login(
            &format!("{day}T00:05:00Z"),
            "PIPELINEKEY00001",
            "203.0.113.77",
            true,
        );
        story.statement(&format!("{day}T00:06:00Z"), "GetStatement");
    }
    // She grants Mallory a role, who comes from another country in March.
    story.grace(
        "2026-02-20T15:00:00Z",
        "BindRoleForPrincipal",
        "ORGANIZATION",
        "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f",
        json!({"role_name": "OrganizationAdmin", "principal": "User:u-9k2m4n"}),
    );
    story.mallory(
        "2026-02-23T10:00:00Z",
        "66.159.216.5",
        "GetStatement",
        "STATEMENT",
        "orders-enrich-prod",
        true,
    );
    story.mallory(
        "2026-03-14T02:40:00Z",
        "134.238.193.7",
        "DeleteStatement",
        "STATEMENT",
        "orders-enrich-prod",
        true,
    );
    story.mallory(
        "2026-03-14T02:41:00Z",
        "134.238.193.7",
        "DeleteKafkaCluster",
        "KAFKA_CLUSTER",
        "lkc-8w3m5p",
        false,
    );
    story.mallory(
        "2026-03-14T02:43:00Z",
        "134.238.193.7",
        "DeleteKafkaCluster",
        "KAFKA_CLUSTER",
        "lkc-8w3m5p",
        false,
    );
    // Somebody guesses passwords, with one key from two addresses.
    for minute in 0..6 {
        let address = if minute < 4 {
            "198.51.100.23"
        } else {
            "198.51.100.99"
        };
        story.login(
            &format!("2026-03-13T23:0{minute}:00Z"),
            "ZZZZYYYYXXXXWWWW",
            address,
            false,
        );
    }
    story.grace(
        "2026-03-14T08:30:00Z",
        "DeleteAPIKey",
        "API_KEY",
        "FORGOTTENKEY0002",
        json!({}),
    );
    story.grace(
        "2026-03-14T08:35:00Z",
        "CreateStatement",
        "STATEMENT",
        "orders-enrich-prod",
        json!({}),
    );
    story.events
}

#[derive(Default)]
struct Story {
    events: Vec<Value>,
}

impl Story {
    fn grace(&mut self, time: &str, method: &str, kind: &str, resource: &str, request: Value) {
        self.request(
            time,
            method,
            ("u-5r7t9w", "2001:db8::17"),
            (kind, resource),
            request,
            true,
        );
    }

    fn mallory(
        &mut self,
        time: &str,
        address: &str,
        method: &str,
        kind: &str,
        resource: &str,
        succeeded: bool,
    ) {
        self.request(
            time,
            method,
            ("u-9k2m4n", address),
            (kind, resource),
            json!({}),
            succeeded,
        );
    }

    fn statement(&mut self, time: &str, method: &str) {
        self.request(
            time,
            method,
            ("sa-4t6y8u", "203.0.113.77"),
            ("STATEMENT", "orders-enrich-prod"),
            json!({}),
            true,
        );
    }

    /// A request to Confluent Cloud.
    fn request(
        &mut self,
        time: &str,
        method: &str,
        (who, address): (&str, &str),
        (kind, resource): (&str, &str),
        request: Value,
        succeeded: bool,
    ) {
        let person = if who.starts_with("sa-") {
            "confluentServiceAccount"
        } else {
            "confluentUser"
        };
        self.add(time, "io.confluent.cloud/request", json!({
            "serviceName": "crn://confluent.cloud/",
            "methodName": method,
            "cloudResources": [{
                "resource": {"type": kind, "resourceId": resource},
                "scope": {"resources": [
                    {"type": "ORGANIZATION", "resourceId": "9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f"},
                    {"type": "ENVIRONMENT", "resourceId": "env-q7x2k9"},
                ]},
            }],
            "authenticationInfo": {"principal": {person: {"resourceId": who}}, "result": "SUCCESS"},
            "requestMetadata": {"clientAddress": [{"ip": address}]},
            "request": {"accessType": "MODIFICATION", "data": request},
            "result": {"status": if succeeded { "SUCCESS" } else { "FAILURE" }},
        }));
    }

    /// A login to a Kafka cluster.
    fn login(&mut self, time: &str, key: &str, address: &str, succeeded: bool) {
        let mut data = json!({
            "methodName": "kafka.Authentication",
            "serviceName": "crn://confluent.cloud/kafka=lkc-8w3m5p",
            "resourceName": "crn://confluent.cloud/kafka=lkc-8w3m5p",
            "authenticationInfo": {
                "principal": "None:UNKNOWN_USER",
                "metadata": {"mechanism": "SASL_SSL/PLAIN", "identifier": key},
            },
            "clientAddress": [{"ip": address}],
            "result": {"status": "UNAUTHENTICATED", "message": format!("Bad password for user {key}")},
        });
        if succeeded {
            data["authenticationInfo"]["principal"] = "User:812345".into();
            data["authenticationInfo"]["principalResourceId"] = "sa-4t6y8u".into();
            data["result"] = json!({"status": "SUCCESS"});
        }
        self.add(time, "io.confluent.kafka.server/authentication", data);
    }

    fn add(&mut self, time: &str, kind: &str, data: Value) {
        let id = format!("event-{:02}", self.events.len() + 1);
        self.events.push(json!({
            "specversion": "1.0",
            "id": id,
            "source": "crn://confluent.cloud/",
            "subject": "crn://confluent.cloud/organization=9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f",
            "type": kind,
            "time": time,
            "datacontenttype": "application/json",
            "data": data,
        }));
    }
}
