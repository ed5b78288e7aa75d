//! `demo --serve`: the page is filled with the events of the demo and takes decisions. The pictures of README.md come from here:
//! `WATCHBELL_BLESS=1 cargo test --features archive --test page demo` takes them anew.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::Locator;

use super::browser::{Browser, Looks, USUAL};

/// The demo, which ends with its value.
pub struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the demo, and waits until it says where the page is.
pub fn demo() -> (Demo, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.args(["demo", "--serve", "--listen", "127.0.0.1:0"]);
    command.args(["--page", "127.0.0.1:0"]);
    let mut demo = Demo(
        command
            .stdout(Stdio::piped())
            .spawn()
            .expect("run watchbell"),
    );
    let mut lines = BufReader::new(demo.0.stdout.take().expect("its output")).lines();
    let mut told = String::new();
    let url = loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("the demo does not say where the page is:\n{told}");
        };
        if let Some((url, _)) = line.trim().split_once("/  the page") {
            break url.to_owned();
        }
        told += &line;
        told.push('\n');
    };
    // A full pipe would stop it.
    std::thread::spawn(move || lines.for_each(drop));
    (demo, url)
}

/// Takes a picture for README.md, if asked to; there is one in any case.
async fn picture(browser: &Browser, name: &str) {
    let taken = browser.picture(name).await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/images/{name}.png"));
    if std::env::var_os("WATCHBELL_BLESS").is_some() {
        std::fs::copy(taken, &kept).expect("a file");
    }
    let readme = include_str!("../../README.md");
    let shown = format!("docs/images/{name}.png");
    assert!(kept.exists() && readme.contains(&shown), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_demo_opens_with_a_filled_page_which_takes_decisions() {
    let (_demo, url) = demo();
    let browser = Browser::start(Looks {
        size: (1280, 800),
        ..USUAL
    })
    .await;
    browser
        .go(&format!("{url}/events?when=24h&access=write"))
        .await;
    browser.find(".records tbody tr").await;
    browser.find("figure svg").await;
    let notes = browser.texts(".note").await.join(" ");
    assert!(notes.contains("There is no archive"), "{notes}");
    let rows = browser.texts(".records tbody tr").await;
    let granted = |row: &String| row.contains("Grace Moreau") && row.contains("Success");
    assert!(rows.iter().any(granted), "{rows:?}");
    picture(&browser, "page-events").await;

    browser
        .go(&format!("{url}/alerts?text=Administrator"))
        .await;
    let title = Locator::Css("a[href^=\"/incident\"]");
    browser.find("a[href^=\"/incident\"]").await;
    let incident = browser.client().find(title).await.expect("an incident");
    incident.click().await.expect("a click");
    browser.find("button[name=\"take\"]").await;
    let page = browser.text("main").await;
    for expected in ["Administrator role granted", "New", "OrganizationAdmin"] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    picture(&browser, "page-incident").await;

    // Two others have the list open; one of them is about to decide on it.
    let (other, busy) = (Browser::start(USUAL).await, Browser::start(USUAL).await);
    for reader in [&other, &busy] {
        reader.go(&format!("{url}/alerts?text=Administrator")).await;
        reader.find(".incident[data-state=new]").await;
    }
    let choice = busy.find(".incident input[type=checkbox]").await;
    choice.click().await.expect("a click");
    let take = browser.find("button[name=\"take\"]").await;
    take.click().await.expect("a click");
    let taken = super::eventually(async || {
        let page = browser.text("main").await;
        (page.contains("In progress") && page.contains("local")).then_some(())
    });
    assert!(taken.await.is_some(), "{}", browser.text("main").await);
    other.find(".incident[data-state=in_progress]").await;
    busy.find("#changes:not([hidden])").await;
    assert_eq!(busy.texts(".incident[data-state=new]").await.len(), 1);
    busy.link("Show it").await.click().await.expect("a click");
    busy.find(".incident[data-state=in_progress]").await;
    for browser in [browser, other, busy] {
        browser.end().await;
    }
}
