//! What a names file adds to an event, and what it leaves as it is.

use std::sync::Arc;

use super::*;
use crate::catalog::Catalogs;
use crate::enrich::LookupOutcome;
use crate::event::{Offset, Partition, Position, RawRecord};
use crate::normalize::event_of;

const NAMES: &str = "
u-1: {name: Jane Doe, owner: jane@example.com, team: streaming, kind: human, environment: office}
sa-1: {name: deployer, kind: service}
812345: {name: A robot, kind: service}
lkc-1: {name: prod-main, owner: platform@example.com, team: platform}
orders: {name: Order stream}
UNKNOWN_USER: {name: Nobody}
";

fn names() -> Lookups {
    Names::parse_yaml(NAMES, "names.yaml").unwrap().into()
}

fn event(text: &str) -> AuditEvent<'_> {
    let record = RawRecord {
        position: Position {
            topic: "audit",
            partition: Partition(0),
            offset: Offset(0),
            element: None,
        },
        timestamp_ms: None,
        key: None,
        value: Some(text.as_bytes()),
        headers: Vec::new(),
    };
    event_of(&record, Catalogs::NONE, None).unwrap()
}

const DELETION: &str = r#"{"data":{"methodName":"DeleteKafkaCluster",
    "cloudResources":[
        {"resource":{"type":"KAFKA_CLUSTER","resourceId":"lkc-1"}},
        {"resource":{"type":"KAFKA_CLUSTER","resourceId":"lkc-2"}}],
    "authenticationInfo":{"principal":{"confluentUser":{"resourceId":"u-1"}}}}}"#;

#[test]
fn actor_and_resources_get_names_and_say_from_what() {
    let names = names();
    let mut event = event(DELETION);
    apply(&mut event, &names, &mut LookupMemory::default());
    assert_eq!(event.user.name.as_deref(), Some("Jane Doe"));
    assert_eq!(event.user.team.as_deref(), Some("streaming"));
    let [known, unknown] = &event.resources[..] else {
        panic!("two resources");
    };
    assert_eq!(known.name.as_deref(), Some("prod-main"));
    assert_eq!(known.owner.as_deref(), Some("platform@example.com"));
    assert_eq!(known.team.as_deref(), Some("platform"));
    assert_eq!(
        (&unknown.name, &unknown.owner, &unknown.team),
        (&None, &None, &None)
    );
    let said = event
        .enrichments
        .iter()
        .map(|e| (e.name, &*e.value, e.data.as_str()));
    let said: Vec<_> = said.collect();
    let actor = concat!(
        r#"{"name":"Jane Doe","owner":"jane@example.com","team":"streaming","#,
        r#""environment":"office","kind":"human"}"#
    );
    let cluster = r#"{"name":"prod-main","owner":"platform@example.com","team":"platform"}"#;
    let expected = [
        ("actor.user.uid", "u-1", actor),
        ("resources.uid", "lkc-1", cluster),
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_the_event_says_itself_is_kept() {
    let names = names();
    let text = r#"{"data":{"methodName":"kafka.DeleteTopics",
        "authenticationInfo":{"principal":"None:UNKNOWN_USER"},
        "resourceName":"crn:///kafka=K/topic=orders",
        "authorizationInfo":{"resourceName":"orders"}}}"#;
    let mut event = event(text);
    apply(&mut event, &names, &mut LookupMemory::default());
    // A name without an identifier is not looked up.
    assert_eq!(event.user.name.as_deref(), Some("UNKNOWN_USER"));
    assert_eq!(event.resources[0].name.as_deref(), Some("orders"));
    assert_eq!(event.enrichments.len(), 1);
    let data = r#"{"name":"Order stream"}"#;
    assert_eq!(event.enrichments[0].data.as_str(), data);
}

#[test]
fn the_kind_given_decides_and_none_changes_nothing() {
    let names = names();
    let kind_of = |principal: &str| {
        let text = format!(
            r#"{{"data":{{"methodName":"x","authenticationInfo":{{"principal":"User:{principal}"}}}}}}"#
        );
        let mut event = event(&text);
        apply(&mut event, &names, &mut LookupMemory::default());
        event.user.kind
    };
    assert_eq!(kind_of("812345"), Some(UserKind::Service));
    assert_eq!(kind_of("u-1"), Some(UserKind::User));
    assert_eq!(kind_of("u-2"), Some(UserKind::User));
    assert_eq!(kind_of("alice"), None);
}

#[test]
fn the_cluster_of_a_login_is_its_service() {
    let names = names();
    let text = r#"{"type":"io.confluent.kafka.server/authentication",
        "data":{"methodName":"kafka.Authentication","resourceName":"crn://c/kafka=lkc-1"}}"#;
    let mut event = event(text);
    apply(&mut event, &names, &mut LookupMemory::default());
    let found: Vec<_> = event.enrichments.iter().map(|one| one.name).collect();
    assert_eq!(found, ["service.uid"]);
}

#[test]
fn without_names_nothing_happens() {
    let nobody = Lookups::default();
    let mut event = event(DELETION);
    let before = event.user.clone();
    apply(&mut event, &nobody, &mut LookupMemory::default());
    assert_eq!(event.user, before);
    assert!(event.enrichments.is_empty());
}

#[test]
fn an_address_gets_its_network_and_only_an_address_is_looked_up() {
    let networks = "203.0.113.0/24: {name: office, zone: corporate, trusted: true, owner: netops}";
    let lookups = Lookups {
        networks: Arc::new(Networks::parse_yaml(networks, "networks.yaml").unwrap()),
        ..Lookups::default()
    };
    let mut memory = LookupMemory::default();
    let cases = [
        ("203.0.113.9", Some("corporate")),
        ("::ffff:203.0.113.9", Some("corporate")),
        ("198.51.100.1", None),
        ("203.0.**.9", None),
        ("ecs.aliyuncs.com", None),
    ];
    for (address, zone) in cases {
        let text = format!(
            r#"{{"data":{{"methodName":"x","requestMetadata":{{"clientAddress":[{{"ip":"{address}"}}]}}}}}}"#
        );
        let mut event = event(&text);
        apply(&mut event, &lookups, &mut memory);
        assert_eq!(event.src_endpoint.zone.as_deref(), zone, "{address}");
        let owner = event.src_endpoint.owner.as_deref();
        assert_eq!(owner, zone.and(Some("netops")), "{address}");
        let said: Vec<_> = event.enrichments.iter().map(|e| (e.name, e.kind)).collect();
        let expected = zone.map(|_| ("src_endpoint.ip", EnrichmentKind::Network));
        assert_eq!(said, expected.into_iter().collect::<Vec<_>>(), "{address}");
    }
    let [hits, misses, errors] =
        LookupOutcome::ALL.map(|of| memory.counts.of(LookupFile::Networks, of));
    assert_eq!((hits, misses, errors), (2, 1, 0));
    assert_eq!(memory.counts.of(LookupFile::Names, LookupOutcome::Miss), 0);
}

#[test]
fn accounts_organizations_environments_and_roles_have_names() {
    let names = "\
'1000': {name: Main account}
'2000': {name: Partner account}
'r-1': {name: Deployer, team: platform, kind: service}
";
    let names = Names::parse_yaml(names, "names.yaml").unwrap().into();
    let text = r#"{"eventId":"e","eventVersion":"1","eventName":"DeleteInstance","eventSource":"ecs",
        "eventTime":"2026-01-01T00:00:00Z","serviceName":"Ecs","eventType":"ApiCall",
        "recipientAccountId":"2000","userIdentity":{"type":"assumed-role","accountId":"1000",
        "principalId":"r-1:session","userName":"deploy:session"}}"#;
    let mut event = event(text);
    let mut memory = LookupMemory::default();
    apply(&mut event, &names, &mut memory);
    assert_eq!(event.user.account_name.as_deref(), Some("Main account"));
    let cloud = event.cloud.unwrap();
    assert_eq!(cloud.account_name.as_deref(), Some("Partner account"));
    // The event's own name stays.
    assert_eq!(event.user.name.as_deref(), Some("deploy:session"));
    assert_eq!(event.user.team.as_deref(), Some("platform"));
    let said: Vec<_> = event
        .enrichments
        .iter()
        .map(|e| (e.name, &*e.value))
        .collect();
    let expected = [
        ("actor.user.uid", "r-1"),
        ("actor.user.account.uid", "1000"),
        ("cloud.account.uid", "2000"),
    ];
    assert_eq!(said, expected);
    let [hits, misses, errors] =
        LookupOutcome::ALL.map(|of| memory.counts.of(LookupFile::Names, of));
    assert_eq!((hits, misses, errors), (3, 1, 0));
}
