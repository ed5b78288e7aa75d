//! What the page hides from a role: it is not shown, and it cannot be found out by asking for it.

use super::site::{Answer, Browser, Site};

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
