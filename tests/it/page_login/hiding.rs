//! What the page hides from a role: it is not shown, and it cannot be found out by asking for it.

use super::site::{Answer, Browser, Site, encoded, eventually};

const HIDING: &str = "  login: {header: {proxies: [127.0.0.1]}}\n  \
    roles: {viewer: [viewers], admin: [admins]}\n  privacy: {viewer: people}\n\
    privacy:\n  policies: [{name: people, fields: {actor.user.email_addr: mask, actor.user.name: mask}}]\n";

fn get(site: &Site, group: &str, path: &str) -> Answer {
    let headers = [
        ("accept", "text/html"),
        ("x-forwarded-user", "vic"),
        ("x-forwarded-groups", group),
    ];
    let mut browser: Browser = site.browser();
    browser.send("GET", path, &headers, "")
}

/// How many rows and how large a histogram an answer has.
fn counted(answer: &Answer) -> (usize, bool) {
    let rows = answer.body.matches("href=\"/record?").count();
    (rows, answer.body.contains("class=\"histogram\""))
}

/// Asks for each of these what only some rows have, as viewer and as admin.
fn asserted(site: &Site, hidden: &str, questions: &[String]) {
    for question in questions {
        let path = format!("/events?{question}");
        let open = get(site, "admins", &path);
        assert_eq!(open.status, 200, "{question}");
        assert!(counted(&open).0 > 0, "{question}: {}", open.body);
        let closed = get(site, "viewers", &path);
        assert_eq!(closed.status, 200, "{question}");
        assert_eq!(counted(&closed), (0, false), "{question}: {}", closed.body);
    }
    let all = get(site, "viewers", "/events");
    assert!(counted(&all).0 > 0 && counted(&all).1, "{}", all.body);
    assert!(!all.body.contains(hidden), "{}", all.body);
}

#[test]
fn what_is_hidden_from_a_role_is_neither_shown_nor_found() {
    let site = Site::of(HIDING, &[]);
    asserted(
        &site,
        "annabel",
        &[
            "actor=annabel".to_owned(),
            "actor=a*".to_owned(),
            "text=annabel%40example".to_owned(),
            "where=actor.user.email_addr%7Cendswith%3A+example.com".to_owned(),
        ],
    );
    let values = |group: &str| get(&site, group, "/values?of=actor&part=").body;
    assert!(values("admins").contains("annabel"), "{}", values("admins"));
    assert!(
        !values("viewers").contains("annabel"),
        "{}",
        values("viewers")
    );
    assert!(values("viewers").contains("***"), "{}", values("viewers"));
    let shown = get(&site, "viewers", "/record?id=e-1");
    assert_eq!(shown.status, 200);
    assert!(
        shown.body.contains("DeleteTopic") && shown.body.contains("***"),
        "{}",
        shown.body
    );
    assert!(!shown.body.contains("annabel"), "{}", shown.body);
    assert!(
        get(&site, "admins", "/record?id=e-1")
            .body
            .contains("annabel@example.com")
    );
    // What is not hidden is found as ever.
    assert_eq!(
        counted(&get(&site, "viewers", "/events?operation=DeleteTopic")).0,
        1
    );
    assert_eq!(counted(&get(&site, "viewers", "/events?event-id=e-1")).0, 1);
    // One of several values is judged on what is shown, too.
    let either = get(&site, "viewers", "/events?actor=%5C*%5C*%5C*&actor=nobody");
    assert_eq!(counted(&either).0, 1, "{}", either.body);
}

#[test]
fn a_rule_is_tried_on_what_a_role_may_see() {
    let site = Site::of(HIDING, &[]);
    site.deletes_now();
    let tried = |group: &str, name: &str| {
        let token = get(&site, group, "/rules/try").field("form-token");
        let rule = format!(
            "title: A name\nid: 44444444-4444-4444-8444-444444444444\nlogsource: {{}}\n\
             detection: {{s: {{resources.name: orders, actor.user.name: '{name}'}}, condition: s}}\n"
        );
        let fields = [("form-token", &*token), ("rule", &rule), ("days", "7")];
        site.as_group(group, "/rules/try", Some(&encoded(&fields)))
            .body
    };
    let count = |body: &str, count: usize| {
        body.contains(&format!("data-count=\"matches\"><strong>{count}<"))
    };
    let note = "A policy hides fields from your role.";
    let open = tried("admins", "annabel");
    assert!(count(&open, 1) && !open.contains(note), "{open}");
    let hidden = tried("viewers", "annabel");
    assert!(count(&hidden, 0) && hidden.contains(note), "{hidden}");
    let masked = tried("viewers", "\\*\\*\\*");
    assert!(count(&masked, 1), "{masked}");
    assert!(!masked.contains("annabel"), "{masked}");
}

#[test]
fn rows_of_the_archive_are_hidden_as_those_of_the_topics_are() {
    let site = Site::archived(HIDING);
    let of = |condition: &str| format!("{condition}=grace%40example.com");
    let questions = [of("actor"), of("text"), of("operation=*&actor")];
    asserted(&site, "grace@example.com", &questions);
    let whole = get(&site, "admins", "/events?operation=*");
    let hidden = get(&site, "viewers", "/events?operation=*");
    assert_eq!(counted(&whole), counted(&hidden));
}

#[test]
fn what_others_decided_and_asked_for_shows_a_role_nothing_that_is_hidden_from_it() {
    let site = Site::of(HIDING, &[]);
    site.raises_now();
    let list = site.incidents("admins");
    let (token, reference) = (list.field("form-token"), list.field("incident"));
    let fields = encoded(&[
        ("form-token", &*token),
        ("incident", &*reference),
        ("state", "expected"),
        ("comment", "annabel told us"),
    ]);
    assert_eq!(
        site.as_group("admins", "/alerts", Some(&fields)).status,
        303
    );
    let key = reference.split(' ').next().expect("a key");
    let incident = format!("/incident?{}", encoded(&[("key", key)]));
    let decided = || {
        let page = get(&site, "admins", &incident);
        page.body.contains("annabel told us").then_some(page)
    };
    let open = eventually(decided).expect("the decision");
    assert!(open.body.contains("suppress:"), "{}", open.body);
    assert!(
        get(&site, "admins", "/alerts?text=annabel")
            .body
            .contains(key)
    );
    let hidden = get(&site, "viewers", &incident);
    for said in [
        "A policy hides fields from your role.",
        "Comments may repeat",
    ] {
        assert!(hidden.body.contains(said), "{said}: {}", hidden.body);
    }
    for body in [&hidden.body, &get(&site, "viewers", "/alerts").body] {
        assert!(body.contains("*** deleted the topic orders"), "{body}");
        assert!(
            !body.contains("annabel") && !body.contains("suppress:"),
            "{body}"
        );
    }
    let found = get(&site, "viewers", "/alerts?text=annabel");
    assert!(!found.body.contains(key), "{}", found.body);
    // The question of a download stands in its event, which only those see from whom nothing is hidden.
    let taken = get(&site, "admins", "/download?format=ndjson&actor=annabel");
    assert_eq!(taken.status, 200);
    let path = "/events?operation=Download";
    let recorded = || (counted(&get(&site, "admins", path)).0 > 0).then_some(());
    eventually(recorded).expect("the event of the download");
    assert_eq!(counted(&get(&site, "viewers", path)).0, 0);
}

#[test]
fn a_policy_that_nobody_knows_is_refused_and_one_for_nothing_as_well() {
    for (section, expected) in [
        (
            HIDING.replace("viewer: people", "viewer: peopel"),
            "did you mean `people`?",
        ),
        (
            HIDING.replace("  privacy: {viewer: people}\n", ""),
            "`people` is for no output",
        ),
    ] {
        let said = Site::refused(&section);
        assert!(said.contains(expected), "{said}");
    }
}
