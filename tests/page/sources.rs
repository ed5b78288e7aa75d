//! A person looks whether what was read is all there.

use super::browser::{Browser, USUAL};
use super::demo::demo;
use super::ledgered;
use super::people::{faults, too_wide};
use super::site::Site;

/// A page over an archive with a ledger, and the day on which it was read.
fn site() -> (Site, String) {
    let mut day = String::new();
    let site = Site::over(|_, archive| {
        // It has a runtime of its own.
        let written = std::thread::scope(|scope| scope.spawn(|| ledgered::write(archive)).join());
        day = written.expect("an archive");
    });
    (site, day)
}

/// Chooses the day of a source in its calendar, and verifies it.
async fn verify(browser: &Browser, site: &Site, source: &str) -> String {
    browser.go(&format!("{}/sources", site.url)).await;
    let day = format!("a.mark[href*='source={source}&']");
    browser.find(&day).await.click().await.unwrap();
    browser
        .find("#day .verify button")
        .await
        .click()
        .await
        .unwrap();
    browser.find(".findings").await;
    browser.text("main").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_day_is_verified_with_two_clicks_and_the_calendar_remembers_it() {
    let (site, day) = site();
    let browser = Browser::start(USUAL).await;
    let said = verify(&browser, &site, "one").await;
    assert!(said.contains("Complete and unaltered."), "{said}");
    assert!(said.contains("20 rows are there and unaltered"), "{said}");
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    browser.link("Sources").await.click().await.unwrap();
    let complete = browser.find("a.mark[data-state=complete]").await;
    let title = complete.attr("title").await.unwrap().expect("a title");
    assert_eq!(title, format!("{day}: verified: complete, 20 records"));
    let said = verify(&browser, &site, "two").await;
    assert!(said.contains("Not complete and unaltered."), "{said}");
    assert!(said.contains("row watchbell.events/0@27"), "{said}");
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    browser.go(&format!("{}/sources", site.url)).await;
    browser.find("a.mark[data-state=altered]").await;
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    browser.picture("sources").await;
    assert_eq!(too_wide(&browser).await, 0);
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dead_letter_is_retried_with_a_click_and_the_answer_says_why_it_stays() {
    let (_demo, url) = demo();
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{url}/sources")).await;
    browser.wait_for("td.retry button", 2).await;
    let all = browser.texts("form.several button").await;
    assert!(
        all.iter()
            .all(|text| text.starts_with("Retry all with this reason: ")),
        "{all:?}"
    );
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    assert_eq!(too_wide(&browser).await, 0);
    browser.picture("letters").await;
    let retry = browser.find("td.retry button").await;
    retry.click().await.expect("a click");
    browser.find("table.retried").await;
    let said = browser.text("main").await;
    let expected = [
        "Retried: 0",
        "Stay dead letters: 1",
        "stays a dead letter: ",
    ];
    assert!(expected.iter().all(|text| said.contains(text)), "{said}");
    assert_eq!(faults(&browser).await, Vec::<String>::new());
    assert_eq!(too_wide(&browser).await, 0);
    browser.picture("retried").await;
    browser
        .link("Sources")
        .await
        .click()
        .await
        .expect("a click");
    browser.find("td.retry button").await;
    browser.end().await;
}
