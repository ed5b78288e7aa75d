//! The page in a real browser: cargo test --features archive --test page (needs chromium, chromedriver and npm).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Chromium, driven over WebDriver.
mod browser;
/// The demo's page, and the pictures of README.md.
mod demo;
/// Downloads and other answers that are no pages.
mod files;
/// Records that are to do harm.
mod hostile;
/// An archive with a ledger.
#[path = "../ledgered/mod.rs"]
mod ledgered;
/// New rows without a reload.
mod live;
/// For everybody: accessibility, narrow and dark screens, languages, zones, without the script.
mod people;
/// The main way on each page.
mod reading;
/// The rules, and one that is tried.
mod rules;
/// A page that is served over an archive.
mod site;
/// What was read, and whether it is all there.
mod sources;

use std::time::{Duration, Instant};

/// Longest wait for what must happen; a busy machine may need many times what a quiet one needs.
const LIMIT: Duration = Duration::from_secs(180);

/// Waits until something is there; `None` if it has not come.
async fn eventually<T>(look: impl AsyncFn() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let found = look().await;
        if found.is_some() || begun.elapsed() > LIMIT {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
