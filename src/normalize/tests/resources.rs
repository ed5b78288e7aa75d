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
