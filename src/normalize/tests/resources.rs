//! What it was done to, and under which names.

use super::*;

#[test]
fn one_key_in_two_scopes_is_two_resources() {
    let event = shape("b2");
    let [first, second] = &event.resources[..] else {
        panic!("two resources");
    };
    assert_eq!(first.uid, second.uid);
    assert_eq!(first.namespace, None);
    assert_eq!(second.namespace.as_deref(), Some("env-q7x2k9"));
    assert_eq!(event.user.email_addr.as_deref(), Some("grace@example.com"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("2001:db8::17"));
}

#[test]
fn a_full_name_goes_to_the_one_resource_that_it_names() {
    let named = shape("b3");
    let crn = named.resources[0].uid_alt.as_deref().unwrap();
    assert!(crn.ends_with("/kafka=lkc-8w3m5p"), "{crn}");
    assert!(!stays(&named, &["data", "resourceName"]));
    // The event has no resourceName: its subject does as well, and stays.
    let by_subject = shape("b4");
    let crn = by_subject.resources[0].uid_alt.as_deref().unwrap();
    assert!(crn.ends_with("/statement=orders-enrich-prod"), "{crn}");
    assert!(stays(&by_subject, &["subject"]));
    // A list names the region; one key in two scopes is two resources.
    let listed = normal(FLINK.lines().last().unwrap());
    assert!(listed.resources.iter().all(|r| r.uid_alt.is_none()));
    assert!(stays(&listed, &["data", "resourceName"]));
    assert!(shape("b2").resources.iter().all(|r| r.uid_alt.is_none()));
}

#[test]
fn the_word_for_a_kind_of_resource_is_no_name() {
    let environment = shape("a3");
    assert_eq!(environment.resources[0].name, None);
    assert_eq!(environment.resources[0].namespace, None);
    let word = ["data", "authorizationInfo", "resourceName"];
    assert!(stays(&environment, &word));
    let topic = shape("a4");
    assert_eq!(topic.resources[0].name.as_deref(), Some("orders.v2"));
    assert!(!stays(&topic, &word));
}

/// What a permission check was about: the authorized type and name, and the CRN in `subject`.
fn authorized(info: &str, subject: &str) -> AuditEvent<'static> {
    let text = format!(
        r#"{{"specversion":"1.0","id":"e1","source":"crn://confluent.cloud/","subject":"{subject}",
            "type":"io.confluent.kafka.server/authorization","data":{{"methodName":"kafka.Fetch",
            "authorizationInfo":{{"granted":true,{info}}}}}}}"#
    );
    normal(String::leak(text))
}

#[test]
fn a_check_that_names_its_resource_only_in_authorization_info_is_about_that_resource() {
    let cluster = "crn://confluent.cloud/environment=env-1/cloud-cluster=lkc-7/kafka=lkc-7";
    let shown = |info: &str, subject: &str| {
        let event = authorized(info, subject);
        let [resource] = event.resources.as_slice() else {
            panic!("{:?}", event.resources);
        };
        let part = |part: &Option<Text<'_>>| part.as_deref().unwrap_or("-").to_owned();
        [
            &resource.kind,
            &resource.uid,
            &resource.name,
            &resource.uid_alt,
        ]
        .map(part)
        .join(" ")
    };
    let topic = r#""resourceType":"Topic","resourceName":"orders-eu""#;
    assert_eq!(shown(topic, cluster), "Topic orders-eu orders-eu -");
    assert_eq!(shown(topic, ""), "Topic orders-eu orders-eu -");
    let own = format!("{cluster}/topic=orders-eu");
    assert_eq!(
        shown(topic, &own),
        format!("Topic orders-eu orders-eu {own}")
    );
    // The type of something else is not the cluster's.
    let type_alone = r#""resourceType":"Topic""#;
    assert_eq!(
        shown(type_alone, cluster),
        format!("kafka lkc-7 - {cluster}")
    );
    // A word for the type is no name, whatever the type is called.
    for (kind, word, at) in [
        ("Cluster", "kafka-cluster", cluster),
        (
            "CloudCluster",
            "cloud-cluster",
            "crn://confluent.cloud/cloud-cluster=lkc-7",
        ),
        (
            "KsqlCluster",
            "ksql-cluster",
            "crn://confluent.cloud/ksql=lkc-7",
        ),
        (
            "FlinkComputePool",
            "pool",
            "crn://confluent.cloud/compute-pool=lkc-7",
        ),
    ] {
        let info = format!(r#""resourceType":"{kind}","resourceName":"{word}""#);
        assert_eq!(shown(&info, at), format!("{kind} lkc-7 - {at}"));
    }
    let group = r#""resource_type":"Group","resource_name":"billing""#;
    assert_eq!(shown(group, cluster), "Group billing billing -");
}
