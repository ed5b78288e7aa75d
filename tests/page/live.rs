//! New rows appear without a reload, at the place of their time, unless the reader has paused.

use serde_json::{Value, json};

use super::browser::{Browser, USUAL};
use super::site::{Site, documented};

/// An event of ActionTrail.
fn event(id: &str, time: &str) -> Value {
    json!({
        "eventId": id, "eventVersion": "1", "eventType": "ApiCall", "eventRW": "Write",
        "eventSource": "realtimecompute.aliyuncs.com", "serviceName": "RealtimeCompute", "eventName": "CreateDeployment",
        "eventTime": time, "acsRegion": "cn-beijing", "requestId": format!("r-{id}"),
        "sourceIpAddress": "203.0.113.9", "resourceType": "ACS::RealtimeCompute::Deployment", "resourceName": id,
        "userIdentity": {"type": "ram-user", "principalId": "2", "accountId": "1", "userName": "fresh"}
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn new_rows_appear_by_themselves_and_not_while_paused() {
    let site = Site::of(&documented());
    site.add(&site.file("first.ndjson", &[event("one", "2026-11-01T10:00:00Z")]));
    let browser = Browser::start(USUAL).await;
    browser
        .go(&format!("{}/events?actor=fresh", site.url))
        .await;
    browser.wait_for(".records tbody tr", 1).await;
    let added = [
        event("two", "2026-11-01T09:59:00Z"),
        event("three", "2026-11-01T10:01:00Z"),
    ];
    site.add(&site.file("second.ndjson", &added));
    browser.wait_for(".records tbody tr", 3).await;
    let resources = browser.texts("td.resource").await;
    let order: Vec<bool> = ["three", "one", "two"]
        .iter()
        .zip(&resources)
        .map(|(name, shown)| shown.contains(name))
        .collect();
    assert_eq!(order, [true; 3], "{resources:?}");
    assert_eq!(browser.text("#live-status").await, "2 new");
    browser.find("#live").await.click().await.unwrap();
    assert_eq!(browser.text("#live").await, "Paused");
    site.add(&site.file("third.ndjson", &[event("four", "2026-11-01T10:02:00Z")]));
    // Another reader sees it.
    let other = Browser::start(USUAL).await;
    let seen = super::eventually(async || {
        other.go(&format!("{}/events?actor=fresh", site.url)).await;
        (other.texts(".records tbody tr").await.len() == 4).then_some(())
    });
    assert!(seen.await.is_some(), "the other reader does not see it");
    other.end().await;
    assert_eq!(browser.texts(".records tbody tr").await.len(), 3);
    browser.find("#live").await.click().await.unwrap();
    browser.wait_for(".records tbody tr", 4).await;
    browser.end().await;
}
