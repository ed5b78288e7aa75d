//! Records whose values are to do harm in a browser: markup, characters that turn the direction of text, texts of a
//! megabyte, ten thousand resources.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::browser::{Browser, USUAL};
use super::site::{Site, write};

/// What a browser would run if it took a value for markup.
const MARKUP: &str = "\"><img src=x onerror=\"window.harmed=1\"><script>window.harmed=1</script>'><a href=javascript:window.harmed=1>";

/// An event of ActionTrail with these values.
fn event(number: u32, name: &str, resource: &str, agent: &str) -> Value {
    json!({
        "eventId": format!("hostile-{number}"), "eventVersion": "1", "eventType": "ApiCall", "eventRW": "Write",
        "eventSource": "realtimecompute.aliyuncs.com", "serviceName": "RealtimeCompute", "eventName": "DeleteDeployment",
        "eventTime": format!("2026-03-14T09:26:{number:02}Z"), "acsRegion": "cn-beijing", "requestId": format!("r-{number}"),
        "sourceIpAddress": "203.0.113.9", "userAgent": agent,
        "resourceType": "ACS::RealtimeCompute::Deployment", "resourceName": resource,
        "userIdentity": {"type": "ram-user", "principalId": "2", "accountId": "1", "userName": name},
        "requestParameters": {"text": name}
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn values_stay_text_on_every_page() {
    let folder = TempDir::new().unwrap();
    let bidi = "gra\u{202e}ecila\u{2066}x\u{2069}\u{200b}z";
    let long = "long-".repeat(200_000);
    let many: Vec<String> = (0..10_000)
        .map(|number| format!("resource-{number}"))
        .collect();
    let events = [
        event(1, MARKUP, MARKUP, MARKUP),
        event(2, bidi, bidi, bidi),
        event(3, &long, "short", "agent"),
        event(4, "busy", &many.join(";"), "agent"),
        event(5, "<!--content-->", "</main></body>", "</script>"),
    ];
    let file = write(folder.path(), "hostile.ndjson", &events);
    let site = Site::of(&[file]);
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/events", site.url)).await;
    browser.wait_for(".records tbody tr", events.len()).await;
    let text = browser.text(".records").await;
    assert!(text.contains("<img src=x onerror="), "{text}");
    assert!(text.contains("<!--content-->"), "{text}");
    for turned in ['\u{202e}', '\u{2066}', '\u{200b}'] {
        assert!(!text.contains(turned), "{turned:?} is on the page");
    }
    let links =
        "return [...document.querySelectorAll('.records td:first-child a')].map((one) => one.href)";
    let links: Vec<String> = serde_json::from_value(browser.run(links, Vec::new()).await).unwrap();
    let name = url_text(MARKUP);
    let mut pages = links;
    pages.push(format!("{}/events?actor={name}&text={name}", site.url));
    pages.push(format!("{}/actor?id={name}&when=all", site.url));
    pages.push(format!("{}/resource?id={name}&when=all", site.url));
    pages.push(format!("{}/{name}", site.url));
    pages.push(format!("{}/alerts", site.url));
    browser.go(&format!("{}/alerts", site.url)).await;
    let links = "return [...document.querySelectorAll('.incident a.title')].map((one) => one.href)";
    let links: Vec<String> = serde_json::from_value(browser.run(links, Vec::new()).await).unwrap();
    assert!(!links.is_empty(), "the events raise no alert");
    pages.extend(links);
    for url in pages {
        browser.go(&url).await;
        browser.find("main").await;
        let harmed = "return window.harmed ?? document.querySelectorAll(
            'img, iframe, main script, [onerror], a[href^=\"javascript\"]').length";
        assert_eq!(browser.run(harmed, Vec::new()).await, json!(0), "{url}");
    }
    // A rule, and the events that it matches.
    browser.go(&format!("{}/rules/try", site.url)).await;
    let rule = format!(
        "title: {}\nid: 44444444-4444-4444-8444-444444444444\nlogsource: {{}}\n\
         detection: {{s: {{api.operation|exists: true}}, condition: s}}\n# </textarea>{MARKUP}\n",
        json!(MARKUP)
    );
    let send = "document.querySelector('textarea').value = arguments[0];
        document.querySelector('.try').requestSubmit()";
    browser.run(send, vec![rule.clone().into()]).await;
    browser
        .wait_for("#tried .records tbody tr", events.len())
        .await;
    let harmed =
        "return window.harmed ?? document.querySelectorAll('img, main script, [onerror]').length";
    assert_eq!(browser.run(harmed, Vec::new()).await, json!(0));
    let kept = browser.find("textarea").await.prop("value").await.unwrap();
    assert_eq!(kept, Some(rule));
    let text = browser.text("#tried").await;
    assert!(!text.contains('\u{202e}'), "{text}");
    browser.end().await;
}

/// A text as a part of an address.
fn url_text(text: &str) -> String {
    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    text.replace('+', "%20")
}
