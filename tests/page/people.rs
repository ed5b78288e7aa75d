//! The page for everybody: what axe-core finds, narrow and dark screens, languages, zones, without the script.

use serde_json::{Value, json};

use super::browser::{AXE, Browser, Looks, USUAL};
use super::site::{Site, documented};

/// The pages, by what leads to them.
async fn pages(site: &Site, browser: &Browser) -> Vec<String> {
    browser
        .go(&format!("{}/events?operation=DeleteStatement", site.url))
        .await;
    let record = browser.find(".records td a").await;
    let record = record.prop("href").await.unwrap().expect("an address");
    browser.go(&format!("{}/alerts", site.url)).await;
    let alert = browser.find(".incident a").await;
    let alert = alert.prop("href").await.unwrap().expect("an address");
    let paths = [
        "/events",
        "/events?text=nothing-has-this",
        "/events?actor=lin&operation=Delete*&when=someday",
        "/alerts",
        "/rules",
        "/rules?order=alerts&attack=T1485",
        "/rules?attack=T9999",
        "/rules/rule?id=c6c488e7-369c-4286-a8cc-d81b69940fda",
        "/rules/rule?id=nothing",
        "/rules/try?id=c6c488e7-369c-4286-a8cc-d81b69940fda",
        "/sources",
        "/access",
        "/actor?id=lin&when=all",
        "/resource?id=orders-enrich-prod&when=all",
        "/record?id=nowhere",
        "/nowhere",
    ];
    let paths = paths.iter().map(|path| format!("{}{path}", site.url));
    paths.chain([record, alert]).collect()
}

/// What axe-core finds on a page.
pub async fn faults(browser: &Browser) -> Vec<String> {
    browser
        .run(&format!("{}; window.axe = axe;", *AXE), Vec::new())
        .await;
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
            .then((found) => done(found.violations.map((one) =>
                one.id + ': ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '))),
                (error) => done([String(error)]))";
    let found = browser.run_async(script, Vec::new()).await;
    serde_json::from_value(found).expect("texts")
}

/// By how many pixels a page is wider than the window.
pub async fn too_wide(browser: &Browser) -> Value {
    let script = "return Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)";
    browser.run(script, Vec::new()).await
}

/// How much of the window has moved since the page began to appear, what has moved, and when it began to appear, in
/// milliseconds.
async fn movement(browser: &Browser) -> (f64, Vec<String>, f64) {
    let script = "const done = arguments[arguments.length - 1];
        let [moved, what] = [0, []];
        new PerformanceObserver((list) => {
            for (const one of list.getEntries()) {
                moved += one.value;
                for (const part of one.sources) {
                    const name = part.node ? (part.node.outerHTML ?? part.node.textContent).slice(0, 80) : '';
                    what.push(`${part.previousRect.y} to ${part.currentRect.y}: ${name}`);
                }
            }
        }).observe({type: 'layout-shift', buffered: true});
        const paint = performance.getEntriesByName('first-contentful-paint')[0];
        requestAnimationFrame(() => setTimeout(() => done([moved, what, paint ? paint.startTime : 0]), 200))";
    let found = browser.run_async(script, Vec::new()).await;
    serde_json::from_value(found).expect("numbers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_moves_while_a_page_appears() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    let (mut paints, mut most): (Vec<f64>, f64) = (Vec::new(), 0.0);
    for url in pages(&site, &browser).await {
        browser.go(&url).await;
        let (moved, what, paint) = movement(&browser).await;
        assert!(moved < 0.02, "{url}: {moved} {what:#?}");
        paints.push(paint);
        most = most.max(moved);
    }
    // The browser does not tell it of every page.
    paints.retain(|paint| *paint > 0.0);
    paints.sort_by(f64::total_cmp);
    println!(
        "first contentful paint: median {:.0} ms, last {:.0} ms; layout shift at most {most:.3}",
        paints[paints.len() / 2],
        paints[paints.len() - 1]
    );
    // The histogram of a large archive comes seconds after the rows.
    browser.go(&format!("{}/events", site.url)).await;
    let script = "const table = document.querySelector('table.records');
        const before = table.getBoundingClientRect().top;
        document.querySelector('.histogram').remove();
        return table.getBoundingClientRect().top - before";
    assert_eq!(browser.run(script, Vec::new()).await, json!(0));
    browser.end().await;
}

async fn look(looks: Looks, name: &str) {
    let site = Site::of(&documented());
    let browser = Browser::start(looks).await;
    for (number, url) in pages(&site, &browser).await.iter().enumerate() {
        browser.go(url).await;
        browser.find("main").await;
        let faults = faults(&browser).await;
        assert!(faults.is_empty(), "{name} {url}: {faults:#?}");
        assert_eq!(
            too_wide(&browser).await,
            json!(0),
            "{name} {url} is wider than the window"
        );
        browser.picture(&format!("{name}-{number}")).await;
    }
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_page_is_accessible_on_a_light_screen() {
    look(USUAL, "light").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_page_is_accessible_on_a_dark_screen() {
    let dark = Looks {
        is_dark: true,
        ..USUAL
    };
    look(dark, "dark").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_page_fits_a_narrow_screen() {
    let narrow = Looks {
        size: (320, 640),
        ..USUAL
    };
    look(narrow, "narrow").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn times_are_those_of_the_readers_zone_with_utc_beside() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    browser
        .go(&format!("{}/events?operation=DeleteStatement", site.url))
        .await;
    let in_zone = super::eventually(async || {
        let zones = browser.texts(".zone").await;
        (zones == ["Europe/Berlin"]).then_some(())
    });
    assert!(
        in_zone.await.is_some(),
        "{:?}",
        browser.texts(".zone").await
    );
    let time = browser.find("td.time time").await;
    assert_eq!(time.text().await.unwrap(), "2026-03-14 10:26:53");
    let utc = time.attr("title").await.unwrap().expect("a title");
    assert!(utc.starts_with("2026-03-14T09:26:53"), "{utc}");
    // A day is a day of the zone.
    browser
        .go(&format!(
            "{}/events?when=2026-03-14+10:00+to+11:00",
            site.url
        ))
        .await;
    let rows = browser.texts(".records tbody tr").await;
    assert!(!rows.is_empty());
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_speaks_chinese_where_the_browser_does_and_where_it_is_told_to() {
    let site = Site::of(&documented());
    let chinese = Looks {
        language: "zh-CN",
        ..USUAL
    };
    let browser = Browser::start(chinese).await;
    browser.go(&format!("{}/events", site.url)).await;
    assert_eq!(
        browser.texts("nav[aria-label=watchbell] a").await,
        ["事件", "告警", "规则", "来源状态"]
    );
    assert_eq!(
        browser
            .run("return document.documentElement.lang", Vec::new())
            .await,
        "zh-Hans"
    );
    browser
        .find("button[value=en]")
        .await
        .click()
        .await
        .unwrap();
    browser.link("Events").await;
    assert!(browser.url().await.ends_with("/events"));
    browser.go(&format!("{}/alerts", site.url)).await;
    assert_eq!(browser.text("h1").await, "Incidents");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn searching_and_reading_work_without_the_script() {
    let site = Site::of(&documented());
    let plain = Looks {
        has_script: false,
        ..USUAL
    };
    let browser = Browser::start(plain).await;
    browser.go(&format!("{}/events", site.url)).await;
    browser
        .find("#search")
        .await
        .send_keys("orders-enrich-prod\u{e007}")
        .await
        .unwrap();
    browser.find(".chips li").await;
    let rows = browser
        .client()
        .find_all(fantoccini::Locator::Css(".records tbody tr"))
        .await;
    assert!(!rows.unwrap().is_empty());
    browser.find(".records td a").await.click().await.unwrap();
    browser.find("#record-json").await;
    let text = browser.text("main").await;
    assert!(text.contains("orders-enrich-prod"), "{text}");
    browser.end().await;
}

/// On paper nothing can be clicked or scrolled, and the paper is white, also where the screen is dark.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_page_can_be_printed() {
    const LIGHT_TEXT: &str = "
        const bright = (color) => {
            const [red, green, blue, alpha = 1] = color.match(/[\\d.]+/g).map(Number);
            return alpha === 0 ? 1 : (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
        };
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        for (let text = walker.nextNode(); text; text = walker.nextNode()) {
            const element = text.parentElement;
            const box = element.getBoundingClientRect();
            if (!text.data.trim() || box.width < 2 || !element.checkVisibility()) continue;
            if (bright(getComputedStyle(element).color) > 0.5) found.push(text.data.trim());
        }
        return found";
    const CUT_OFF: &str = "
        return [...document.querySelectorAll('main, main *')].filter((one) => {
            const style = getComputedStyle(one);
            const isCut = (overflow) => ['auto', 'scroll', 'hidden', 'clip'].includes(overflow);
            const box = one.getBoundingClientRect();
            if (box.width < 2 || !one.checkVisibility()) return false;
            return isCut(style.overflowY) && one.scrollHeight > one.clientHeight + 1
                || isCut(style.overflowX) && one.scrollWidth > one.clientWidth + 1;
        }).map((one) => one.outerHTML.slice(0, 200))";
    const CONTROLS: &str = "
        return [...document.querySelectorAll('nav, .pager, button, input, select, textarea')]
            .filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 200))";
    let site = Site::of(&documented());
    // The width of A4 at 96 pixels per inch.
    let paper = Looks {
        size: (794, 1_123),
        is_dark: true,
        ..USUAL
    };
    let browser = Browser::start(paper).await;
    let pages = pages(&site, &browser).await;
    browser.show_as_printed().await;
    for url in pages {
        browser.go(&url).await;
        let light = browser.run(LIGHT_TEXT, Vec::new()).await;
        assert_eq!(light, json!([]), "{url}: text that is hardly seen on paper");
        let cut = browser.run(CUT_OFF, Vec::new()).await;
        assert_eq!(cut, json!([]), "{url}: parts that are cut off on paper");
        assert_eq!(too_wide(&browser).await, 0, "{url} is wider than the paper");
        let controls = browser.run(CONTROLS, Vec::new()).await;
        assert_eq!(controls, json!([]), "{url}: what is of no use on paper");
    }
    // Somebody who reads it knows what was asked.
    let asked = "/events?actor=lin&operation=Delete*&when=2026-03-14";
    browser.go(&format!("{}{asked}", site.url)).await;
    let asked = browser.text("search").await;
    for part in ["lin", "Delete*", "When: 2026-03-14"] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_asked_of_anybody_else() {
    let site = Site::of(&documented());
    let browser = Browser::start(USUAL).await;
    for url in pages(&site, &browser).await {
        browser.go(&url).await;
        let asked = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let asked: Vec<String> =
            serde_json::from_value(browser.run(asked, Vec::new()).await).unwrap();
        let others: Vec<_> = asked
            .iter()
            .filter(|name| !name.starts_with(&site.url))
            .collect();
        assert!(others.is_empty(), "{url}: {others:?}");
        let inline = "return document.querySelectorAll('style, [style], script:not([src]), [onclick]').length";
        assert_eq!(
            browser.run(inline, Vec::new()).await,
            Value::from(0),
            "{url}"
        );
    }
    browser.end().await;
}
