//! A person looks at a rule, and tries it before it notifies anybody.

use serde_json::json;

use super::browser::{Browser, Looks, USUAL};
use super::people::{faults, too_wide};
use super::site::{Site, documented};

/// Writes a rule into the form.
const WRITE: &str = "document.querySelector('textarea').value = arguments[0]";

/// Sends the form for so many days.
async fn send(browser: &Browser, days: &str) {
    let set = "document.querySelector('input[name=days]').value = arguments[0]";
    browser.run(set, vec![days.into()]).await;
    browser.find(".try button").await.click().await.unwrap();
}

async fn counted(browser: &Browser, what: &str) -> String {
    let counted = format!("#tried [data-count={what}] strong");
    browser.find(&counted).await;
    browser.text(&counted).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_rule_is_picked_tried_changed_and_tried_again() {
    let site = Site::of(&documented());
    // Everything works without the script.
    let plain = Looks {
        has_script: false,
        ..USUAL
    };
    let browser = Browser::start(plain).await;
    browser.go(&format!("{}/", site.url)).await;
    browser.link("Rules").await.click().await.unwrap();
    browser
        .link("Flink statement deleted")
        .await
        .click()
        .await
        .unwrap();
    let page = browser.text("main").await;
    for expected in [
        "c6c488e7-369c-4286-a8cc-d81b69940fda",
        "in force",
        "Ask the actor whether the deletion was meant.",
        "A deployment that replaces a statement by another.",
        "T1489",
        "api.operation: DeleteStatement",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    let alerts = browser.find(".related a[href*=record]").await;
    assert!(
        alerts
            .text()
            .await
            .unwrap()
            .starts_with("Flink statement deleted")
    );
    browser
        .find("form[action='/rules/try'] button")
        .await
        .click()
        .await
        .unwrap();
    let form = browser.find("textarea").await;
    let written = form.prop("value").await.unwrap().expect("the rule");
    assert!(
        written.starts_with("title: Flink statement deleted\n"),
        "{written}"
    );
    send(&browser, "90").await;
    assert_eq!(counted(&browser, "matches").await, "1");
    assert_eq!(counted(&browser, "groups").await, "1");
    let rows = browser.text("#tried .records tbody").await;
    assert!(rows.contains("DeleteStatement"), "{rows}");
    let answer = browser.text("#tried").await;
    assert!(answer.contains("2026-03-14: 1"), "{answer}");
    assert!(
        answer.contains("These are all events of this time."),
        "{answer}"
    );
    let link = browser.find("#tried .records tbody a").await;
    let link = link.prop("href").await.unwrap().expect("an address");

    let none = written.replace("DeleteStatement", "CreateStatement");
    browser.run(WRITE, vec![none.into()]).await;
    send(&browser, "90").await;
    assert_eq!(counted(&browser, "matches").await, "0");
    let answer = browser.text("#tried").await;
    assert!(
        answer.contains("It matches none of these events."),
        "{answer}"
    );
    assert_ne!(counted(&browser, "events").await, "0");

    let faulty = written.replace("status: Failure", "statsu: Failure");
    let line = faulty.lines().position(|line| line.contains("statsu"));
    let line = line.expect("the line") + 1;
    browser.run(WRITE, vec![faulty.clone().into()]).await;
    send(&browser, "90").await;
    browser.find(".fault").await;
    let told = browser.text(".fault").await;
    assert!(told.contains(&format!("line {line}:5")), "{told}");
    assert!(told.contains("unknown field `statsu`"), "{told}");
    assert!(told.contains("did you mean `status`?"), "{told}");
    let kept = browser.find("textarea").await.prop("value").await.unwrap();
    assert_eq!(kept.as_deref(), Some(&*faulty));

    browser.go(&link).await;
    browser.find("#record-json").await;
    assert!(browser.text("main").await.contains("DeleteStatement"));
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_list_is_sorted_and_narrowed_by_the_matrix() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser.go(&format!("{}/rules", site.url)).await;
    let levels = browser.texts(".rules td.level").await;
    assert!(levels.len() > 150, "{}", levels.len());
    let rank = |level: &String| {
        let levels = ["critical", "high", "medium", "low", "informational", ""];
        levels.iter().position(|one| *one == level)
    };
    assert!(levels.iter().map(rank).is_sorted(), "{levels:?}");
    browser.link("title").await.click().await.unwrap();
    browser.find("a[href*='order=title'][aria-current]").await;
    let titles = browser.texts(".rules th[scope=row]").await;
    let folded = titles.iter().map(|title| title.to_lowercase());
    assert!(folded.is_sorted(), "{titles:?}");
    let count = "const row = [...document.querySelectorAll('.matrix tbody tr')].find((one) =>
        one.querySelector('th').innerText === 'T1489'); return row.querySelector('td').innerText";
    let count = browser.run(count, Vec::new()).await;
    browser.link("T1489").await.click().await.unwrap();
    browser.find("a[href='/rules']:not([aria-current])").await;
    let narrowed = browser.texts(".rules th[scope=row]").await;
    assert_eq!(count, json!(narrowed.len().to_string()));
    assert!(
        narrowed.contains(&"Flink statement deleted".to_owned()),
        "{narrowed:?}"
    );
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_is_accessible_and_fits_a_narrow_screen() {
    let site = Site::of(&documented());
    let narrow = Looks {
        size: (320, 640),
        ..USUAL
    };
    for (looks, name) in [(USUAL, "tried"), (narrow, "tried-narrow")] {
        let browser = Browser::start(looks).await;
        browser.go(&format!("{}/rules/try", site.url)).await;
        let all = "title: Everything that is written\nid: 44444444-4444-4444-8444-444444444444\n\
            status: experimental\nlogsource: {}\n\
            detection: {s: {api.operation|exists: true}, condition: s}\n";
        browser.run(WRITE, vec![all.into()]).await;
        send(&browser, "90").await;
        assert_ne!(counted(&browser, "matches").await, "0");
        assert!(!browser.texts("#also li").await.is_empty());
        let faults = faults(&browser).await;
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        assert_eq!(too_wide(&browser).await, json!(0), "{name}");
        browser.picture(name).await;
        browser.end().await;
    }
}
