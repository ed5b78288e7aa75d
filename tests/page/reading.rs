//! A person looks for what happened, and understands it.

use super::browser::{Browser, USUAL};
use super::site::{Site, documented};
use crate::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_deletion_is_found_from_its_alert_in_four_clicks_and_the_address_can_be_shared() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/", site.url)).await;
    browser.link("Alerts").await.click().await.unwrap();
    let incident = browser.find(".incident a[href*='incident']").await;
    assert!(!incident.text().await.unwrap().is_empty());
    let titles = browser.texts(".incident a.title").await;
    let statement = titles
        .iter()
        .find(|title| title.starts_with("Flink statement deleted"));
    let statement = statement.unwrap_or_else(|| panic!("{titles:?}"));
    browser.link(statement).await.click().await.unwrap();
    let why = browser.texts(".reasons li").await;
    assert!(!why.is_empty(), "the incident does not say why");
    browser
        .find(".related a[href*='record']")
        .await
        .click()
        .await
        .unwrap();
    browser.find("#record-json").await;
    let page = browser.text("main").await;
    for expected in [
        "DeleteStatement",
        "orders-enrich-prod",
        "sa-4t6y8u",
        "192.0.2.10",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    let url = browser.url().await;
    let other = Browser::start(USUAL).await;
    other.go(&url).await;
    assert_eq!(other.text("h1").await, browser.text("h1").await);
    browser
        .link("about this resource")
        .await
        .click()
        .await
        .unwrap();
    assert_eq!(browser.text("h1").await, "orders-enrich-prod");
    other.end().await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_of_an_actor_shows_the_rights_given_and_received() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    // Confluent names the principal, Alibaba Cloud the user, whom nobody has seen act.
    for (giver, taker, operation, other) in [
        ("u-5r7t9w", "u-9k2m4n", "BindRoleForPrincipal", "lin"),
        ("lin", "temp", "AttachPolicyToUser", "u-5r7t9w"),
    ] {
        for (actor, title) in [
            (giver, "Rights given and taken away"),
            (taker, "Rights received and lost, by others"),
        ] {
            let url = format!("{}/actor?id={actor}&when=all", site.url);
            // A slow machine may need longer than a reader waits for them.
            let looked = async || {
                browser.go(&url).await;
                let are_all = browser.texts("main > p.note").await.is_empty();
                are_all.then_some(())
            };
            eventually(looked).await.expect("all rights");
            assert_eq!(browser.texts(".grants h2").await, [title], "{actor}");
            let rows = browser.texts(".grants tbody tr").await;
            let found = rows.iter().any(|row| row.contains(operation));
            assert!(
                found && rows.iter().all(|row| !row.contains(other)),
                "{rows:?}"
            );
            // All of them are a list of events.
            let all = browser.find(".grants p a").await;
            all.click().await.expect("a click");
            browser.wait_for("main > .list tbody tr", rows.len()).await;
        }
    }
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conditions_are_added_and_removed_and_stand_in_the_address() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/events", site.url)).await;
    let all = browser.texts(".records tbody tr").await.len();
    assert!(all > 40, "{all}");
    browser.press("/").await;
    browser.press("orders-enrich-prod\u{e007}").await;
    browser.wait_for(".chips li:not(.all)", 1).await;
    assert!(
        browser
            .url()
            .await
            .ends_with("/events?text=orders-enrich-prod")
    );
    let with_text = browser.texts(".records tbody tr").await;
    assert!(
        !with_text.is_empty() && with_text.len() < all,
        "{with_text:?}"
    );
    let operation = browser
        .find("select[name=add] option[value=operation]")
        .await;
    operation.click().await.unwrap();
    browser
        .find("input[name=value]")
        .await
        .send_keys("Delete*\u{e007}")
        .await
        .unwrap();
    browser.wait_for(".chips li:not(.all)", 2).await;
    let rows = browser.texts(".records tbody tr").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("DeleteStatement"), "{rows:?}");
    assert!(
        browser
            .url()
            .await
            .ends_with("/events?text=orders-enrich-prod&operation=Delete*")
    );
    browser
        .find(".chips li:first-child a")
        .await
        .click()
        .await
        .unwrap();
    browser.wait_for(".chips li:not(.all)", 1).await;
    let deletions = browser.texts(".records td.operation").await;
    assert!(deletions.len() > 4, "{deletions:?}");
    assert!(
        deletions.iter().all(|one| one.starts_with("Delete")),
        "{deletions:?}"
    );
    let shown = browser.text(".histogram figcaption strong").await;
    assert_eq!(shown, deletions.len().to_string());
    browser.client().back().await.unwrap();
    browser.wait_for(".chips li:not(.all)", 2).await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_question_is_said_where_it_was_asked() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    for (query, expected) in [
        ("when=someday", "This is no range of time."),
        (
            "from=2026-03-15&to=2026-03-14",
            "The beginning is not before the end",
        ),
        ("level=severe", "there is no such one; write one of"),
        ("ip=10.0.0.0%2F99", "write an address such as 10.1.2.3"),
        ("where=%5B", "where"),
    ] {
        browser.go(&format!("{}/events?{query}", site.url)).await;
        let told = browser.text(".fault").await;
        assert!(told.contains(expected), "{query}: {told}");
    }
    browser.go(&format!("{}/record?id=nowhere", site.url)).await;
    assert_eq!(browser.text("h1").await, "There is no such record.");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_span_is_chosen_on_the_histogram_and_columns_are_chosen() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/events", site.url)).await;
    let all = browser.texts(".records tbody tr").await.len();
    // Over the right half, where the newest bar is.
    let drag = "const svg = document.querySelector('.histogram svg'); const box = svg.getBoundingClientRect();
        svg.setPointerCapture = () => {};
        const at = (type, share) => svg.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0, pointerId: 1,
            clientX: box.left + box.width * share, clientY: box.top + 20}));
        at('pointerdown', 0.6); at('pointermove', 0.8); at('pointermove', 0.999); at('pointerup', 0.999);";
    browser.run(drag, Vec::new()).await;
    browser.find("a[href='/events']").await;
    let chosen = super::eventually(async || {
        let url = browser.url().await;
        url.contains("from=").then_some(url)
    });
    let url = chosen.await.expect("a span of time in the address");
    assert!(url.contains("&to="), "{url}");
    browser.find(".histogram").await;
    let rows = browser.texts(".records tbody tr").await.len();
    assert!(0 < rows && rows < all, "{rows} of {all}");
    browser
        .find("details.columns summary")
        .await
        .click()
        .await
        .unwrap();
    browser.link("Event id").await.click().await.unwrap();
    browser.find("th.event-id").await;
    assert!(
        browser.url().await.contains("columns="),
        "{}",
        browser.url().await
    );
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_are_walked_by_keys_and_a_record_is_searched_and_copied() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser
        .go(&format!("{}/events?operation=DeleteStatement", site.url))
        .await;
    browser.press("?").await;
    assert!(browser.text("dialog").await.contains("next row"));
    browser.press("\u{e00c}").await;
    browser.press("j").await;
    browser.press("\u{e007}").await;
    browser.find("#record-json").await;
    let search = browser.find(".json-tools input").await;
    search.send_keys("deletestatement").await.unwrap();
    let marks = browser.texts("#record-json mark").await;
    assert!(!marks.is_empty(), "no mark");
    assert!(
        marks.iter().all(|mark| mark == "DeleteStatement"),
        "{marks:?}"
    );
    let json = browser.text("#record-json").await;
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["api"]["operation"], "DeleteStatement");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn values_are_completed_from_the_archive() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/events", site.url)).await;
    browser
        .find("select[name=add] option[value=operation]")
        .await
        .click()
        .await
        .unwrap();
    browser
        .find("input[name=value]")
        .await
        .send_keys("statement")
        .await
        .unwrap();
    let offered = "return [...document.querySelectorAll('#values option')].map((one) => one.value)";
    let found = super::eventually(async || {
        let values = browser.run(offered, Vec::new()).await;
        let values: Vec<String> = serde_json::from_value(values).unwrap();
        let all = values
            .iter()
            .all(|value| value.to_lowercase().contains("statement"));
        (all && values.iter().any(|value| value == "DeleteStatement")).then_some(())
    });
    assert!(
        found.await.is_some(),
        "{:?}",
        browser.run(offered, Vec::new()).await
    );
    browser.end().await;
}
