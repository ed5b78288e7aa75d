//! Who may read the page: the ways to log in, sessions, roles, and what is recorded of it.

/// What a role does not see.
mod hiding;
/// Login by OpenID Connect, with a provider that the test is.
mod oidc;
/// The provider.
mod provider;
/// Who may retry dead letters.
mod retried;
/// The page, and a browser.
mod site;
/// Who may verify, and what is said of a day.
mod verified;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use site::{Site, encoded, eventually};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const BY_TOKEN: &str = "  login: {token_file: \"{folder}/token\", name: Jane}\n";

/// Who reads through a proxy on this machine; the groups are the roles.
const BY_HEADER: &str = "  login: {header: {proxies: [127.0.0.1]}}\n  \
    roles: {viewer: [viewers], responder: [responders], admin: [admins]}\n";

fn by_token(more: &str) -> Site {
    Site::of(&format!("{BY_TOKEN}{more}"), &[("token", TOKEN)])
}

/// A browser that has logged in with the token.
fn logged_in(site: &Site) -> site::Browser {
    let mut browser = site.browser();
    let form = browser.get("/login?back=%2Fevents");
    let fields = [
        ("form-token", &*form.field("form-token")),
        ("back", "/events"),
        ("token", TOKEN),
    ];
    let answer = browser.post("/login", &fields);
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/events"),
        "{answer:?}"
    );
    browser
}

#[test]
fn with_the_token_a_person_reads_until_they_log_out_and_both_are_recorded() {
    let site = by_token("");
    let mut browser = site.browser();
    let sent = browser.get("/events?actor=ann");
    assert_eq!(
        (sent.status, sent.location()),
        (303, "/login?back=%2Fevents%3Factor%3Dann")
    );
    // What is no page is refused with words.
    let values = browser.send("GET", "/values?of=actor&part=", &[], "");
    assert_eq!(
        (values.status, &*values.body),
        (401, "You are not logged in.\n")
    );
    let form = browser.get(sent.location());
    assert_eq!(form.field("back"), "/events?actor=ann");
    let mut browser = logged_in(&site);
    let page = browser.get("/events");
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("DeleteTopic") && page.body.contains("<bdi>Jane</bdi>"),
        "{}",
        page.body
    );
    let login = site.audited(|event| event["class_uid"] == 3002 && event["activity_id"] == 1);
    assert_eq!(login["status"], "Success");
    assert_eq!(login["user"]["name"], "Jane");
    assert_eq!(login["src_endpoint"]["ip"], "127.0.0.1");
    let out = browser.post("/logout", &[("form-token", &page.field("form-token"))]);
    assert_eq!((out.status, out.location()), (303, "/logged-out"));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert_eq!(browser.get("/events").status, 303);
    let logout = site.audited(|event| event["class_uid"] == 3002 && event["activity_id"] == 2);
    assert_eq!(logout["actor"]["user"]["name"], "Jane");
    assert_eq!(logout["metadata"]["labels"][0], "role:admin");
}

#[test]
fn a_wrong_token_is_answered_late_and_recorded() {
    let site = by_token("");
    let mut browser = site.browser();
    let form = browser.get("/login").field("form-token");
    let begun = std::time::Instant::now();
    let wrong = browser.post("/login", &[("form-token", &form), ("token", "guess")]);
    assert_eq!(wrong.status, 403);
    assert!(wrong.body.contains("The token is wrong."), "{}", wrong.body);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert!(browser.cookies.is_empty());
    let failed = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        (&failed["status"], &failed["status_detail"]),
        (&"Failure".into(), &"wrong token".into())
    );
    assert!(!site.log().contains("guess"), "{}", site.log());
}

#[test]
fn the_way_back_leads_to_no_other_host() {
    let site = by_token("");
    let mut browser = site.browser();
    for back in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/login?back=/login",
    ] {
        let form = browser.get(&format!("/login?{}", encoded(&[("back", back)])));
        assert_eq!(form.field("back"), "/", "{back}");
        let fields = [
            ("form-token", &*form.field("form-token")),
            ("back", back),
            ("token", TOKEN),
        ];
        let answer = browser.post("/login", &fields);
        assert!(
            ["/", "/login?back=/login"].contains(&answer.location()),
            "{back}: {answer:?}"
        );
    }
}

#[test]
fn a_session_ends_by_its_lifetime_and_by_a_changed_cookie() {
    // Long enough for two requests on a busy machine.
    let site = by_token("  session: {lifetime: 10s}\n");
    let mut browser = logged_in(&site);
    assert_eq!(browser.get("/events").status, 200);
    let mut forged = browser.clone();
    let value = &mut forged.cookies[0].1;
    let first = if value.starts_with('A') { "B" } else { "A" };
    value.replace_range(..1, first);
    assert_eq!(forged.get("/events").status, 303);
    let ended = eventually(|| {
        let answer = browser.clone().get("/events");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(ended.expect("it ends").location(), "/login?back=%2Fevents");
}

#[test]
fn sessions_outlive_a_restart_only_with_a_key() {
    let key = ("key", "fedcba9876543210fedcba9876543210");
    let section = format!("{BY_TOKEN}  session_key_file: \"{{folder}}/key\"\n");
    let with_key = |files: &[(&str, &str)]| Site::of(&section, files);
    let files = [("token", TOKEN), key];
    let (one, other) = (with_key(&files), with_key(&files));
    let mut browser = logged_in(&one);
    browser.address = other.address.clone();
    assert_eq!(browser.get("/events").status, 200);
    assert!(!one.log().contains("session_key_file"), "{}", one.log());
    let random = by_token("");
    browser.address = random.address.clone();
    assert_eq!(browser.get("/events").status, 303);
    assert!(
        random.log().contains("page.session_key_file is not set"),
        "{}",
        random.log()
    );
}

#[test]
fn a_form_that_another_site_sends_is_refused() {
    let site = by_token("");
    let mut browser = logged_in(&site);
    let token = browser.get("/events").field("form-token");
    let own = format!("http://{}", site.address);
    let with = encoded(&[("form-token", &token)]);
    for (headers, body) in [
        (&[("origin", "https://evil.example")][..], &*with),
        (&[("origin", "null")], &with),
        (&[("sec-fetch-site", "cross-site"), ("origin", &own)], &with),
        (&[], &with),
        (&[("origin", &own)], ""),
        (&[("origin", &own)], &encoded(&[("form-token", "guess")])),
        (
            &[("origin", &own)],
            &encoded(&[(
                "form-token",
                &logged_in(&site).get("/events").field("form-token"),
            )]),
        ),
    ] {
        let answer = browser.send("POST", "/logout", headers, body);
        assert_eq!(answer.status, 403, "{headers:?} {body}");
        assert!(
            answer.body.contains("The form was not accepted."),
            "{}",
            answer.body
        );
        assert_eq!(browser.get("/events").status, 200);
    }
    let answer = browser.send("POST", "/logout", &[("origin", &own)], &with);
    assert_eq!(answer.status, 303);
}

#[test]
fn methods_that_no_page_has_are_refused_with_those_that_there_are() {
    let site = by_token("");
    let mut browser = logged_in(&site);
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = browser.send(method, "/events", &[], "");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    }
}

#[test]
fn a_viewer_may_read_and_not_download_and_the_attempt_is_recorded() {
    let site = Site::of(BY_HEADER, &[]);
    let mut browser = site.browser();
    let mut get = |path: &str, group: &str| {
        let headers = [
            ("accept", "text/html"),
            ("x-forwarded-user", "vic"),
            ("x-forwarded-groups", group),
            ("x-forwarded-for", "192.0.2.9"),
        ];
        browser.send("GET", path, &headers, "")
    };
    let page = get("/events", "viewers");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<bdi>vic</bdi>"), "{}", page.body);
    // The proxy has logged them in, so it logs them out.
    assert!(!page.body.contains("/logout"), "{}", page.body);
    let refused = get("/download?format=ndjson&actor=ann", "viewers");
    assert_eq!(refused.status, 403);
    let words = "It needs the role responder. Your role is viewer.";
    assert!(refused.body.contains(words), "{}", refused.body);
    let attempt = site.audited(|event| event["api"]["operation"] == "Download");
    assert_eq!(attempt["status"], "Failure");
    assert_eq!(attempt["resources"][0]["uid"], "/events?actor=ann");
    assert_eq!(attempt["src_endpoint"]["ip"], "192.0.2.9");
    let taken = get("/download?format=ndjson&actor=ann", "responders");
    assert_eq!(
        (taken.status, taken.header("content-type")),
        (200, Some("application/zip"))
    );
    let done = site
        .audited(|event| event["api"]["operation"] == "Download" && event["status"] == "Success");
    assert_eq!(done["actor"]["user"]["name"], "vic");
    assert_eq!(done["metadata"]["labels"][1], "role:responder");
    let shown = get("/record?id=e-1", "viewers");
    assert_eq!(shown.status, 200);
    let view = site.audited(|event| event["api"]["operation"] == "ViewRecord");
    assert_eq!(view["resources"][0]["uid"], "watchbell.events/0@0");
    assert_eq!(get("/events", "others").status, 403);
    let no_role = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        (&no_role["status"], &no_role["status_detail"]),
        (&"Failure".into(), &"no role".into())
    );
}

#[test]
fn a_responder_decides_and_a_viewer_may_not_and_both_are_recorded() {
    let site = Site::of(BY_HEADER, &[]);
    site.raises_now();
    let list = site.incidents("responders");
    let (token, reference) = (list.field("form-token"), list.field("incident"));
    let fields = encoded(&[
        ("form-token", &*token),
        ("incident", &*reference),
        ("state", "resolved"),
        ("comment", "done"),
    ]);
    let key = reference.split(' ').next().expect("a key");
    let incident = format!("/incident?{}", encoded(&[("key", key)]));
    for path in ["/alerts", &incident] {
        let viewed = site.as_group("viewers", path, None);
        assert!(viewed.body.contains("annabel deleted"), "{}", viewed.body);
        assert!(
            !viewed.body.contains("name=\"incident\""),
            "{}",
            viewed.body
        );
        let may = site.as_group("responders", path, None);
        assert!(may.body.contains("name=\"incident\""), "{}", may.body);
    }
    let refused = site.as_group("viewers", "/alerts", Some(&fields));
    assert_eq!(refused.status, 403);
    let attempt = site.audited(|event| event["api"]["operation"] == "DecideIncident");
    assert_eq!(
        (&attempt["status"], &attempt["resources"][0]["uid"]),
        (&"Failure".into(), &key.into())
    );
    let asked = serde_json::json!({"state": "resolved", "comment": "done"});
    assert_eq!(attempt["api"]["request"]["data"], asked);
    let decided = site.as_group("responders", "/alerts", Some(&fields));
    assert_eq!(decided.status, 303, "{}", decided.body);
    let deed = site.audited(|event| {
        event["api"]["operation"] == "DecideIncident" && event["status"] == "Success"
    });
    let decision = serde_json::json!({"state": "resolved", "assignee": "", "comment": "done"});
    assert_eq!(deed["api"]["request"]["data"], decision);
    assert_eq!(deed["resources"][0]["uid"], key);
    assert_eq!(deed["activity_name"], "Update");
    assert_eq!(deed["actor"]["user"]["name"], "vic");
}

#[test]
fn everybody_sees_what_their_role_may_and_an_admin_who_has_which_role() {
    let site = Site::of(BY_HEADER, &[]);
    let viewer = site.as_group("viewers", "/access", None);
    assert!(
        viewer.body.contains("Your role is <strong>viewer</strong>"),
        "{}",
        viewer.body
    );
    assert!(!viewer.body.contains("responders"), "{}", viewer.body);
    let admin = site.as_group("admins", "/access", None);
    for told in [
        "responders",
        "x-forwarded-user",
        "12h",
        "/events?product=watchbell",
    ] {
        assert!(admin.body.contains(told), "{told}: {}", admin.body);
    }
}

#[test]
fn a_form_that_does_not_arrive_is_not_waited_for_longer_than_half_a_minute() {
    let site = Site::of("", &[]);
    let mut stream = TcpStream::connect(&site.address).expect("a connection");
    let address = &site.address;
    let begin = format!(
        "POST /alerts HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nform-token="
    );
    stream.write_all(begin.as_bytes()).expect("the beginning");
    let limit = Some(Duration::from_secs(90));
    stream.set_read_timeout(limit).expect("a limit");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 408");
}

const ANY_RULE: &str = "title: Orders\nid: 44444444-4444-4444-8444-444444444444\nlogsource: {}\n\
    detection: {s: {resources.name: orders}, condition: s}\n";

#[test]
fn a_viewer_sees_the_rules_and_tries_one_with_the_form_of_the_page_alone_and_it_is_recorded() {
    let site = Site::of(BY_HEADER, &[]);
    site.deletes_now();
    let rules = site.as_group("viewers", "/rules", None);
    assert_eq!(rules.status, 200);
    assert!(
        rules.body.contains("A source has stopped"),
        "{}",
        rules.body
    );
    let form = site.as_group("viewers", "/rules/try", None);
    let token = form.field("form-token");
    let fields = |token: &str| encoded(&[("form-token", token), ("rule", ANY_RULE), ("days", "7")]);
    let forged = site.as_group("viewers", "/rules/try", Some(&fields("wrong")));
    assert_eq!(forged.status, 403);
    let tried = site.as_group("viewers", "/rules/try", Some(&fields(&token)));
    assert_eq!(tried.status, 200);
    let one = "<li data-count=\"matches\"><strong>1</strong>";
    assert!(tried.body.contains(one), "{}", tried.body);
    let deed = site.audited(|event| event["api"]["operation"] == "TryRule");
    assert_eq!(deed["status"], "Success");
    assert_eq!(deed["actor"]["user"]["name"], "vic");
    assert_eq!(
        (&deed["resources"][0]["uid"], &deed["resources"][0]["type"]),
        (
            &"44444444-4444-4444-8444-444444444444".into(),
            &"rule".into()
        )
    );
    for days in ["0", "91", "x", ""] {
        let fields = encoded(&[("form-token", &*token), ("rule", ANY_RULE), ("days", days)]);
        let refused = site.as_group("viewers", "/rules/try", Some(&fields));
        assert_eq!(refused.status, 400, "{days}");
        assert!(
            refused.body.contains("from 1 to 90"),
            "{days}: {}",
            refused.body
        );
    }
    assert_eq!(site.as_group("others", "/rules", None).status, 403);
}

#[test]
fn without_the_proxy_its_headers_are_worth_nothing() {
    let section = BY_HEADER.replace("127.0.0.1", "10.0.0.7");
    let site = Site::of(&section, &[]);
    let headers = [
        ("x-forwarded-user", "vic"),
        ("x-forwarded-groups", "admins"),
    ];
    let answer = site.browser().send("GET", "/events", &headers, "");
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("through a proxy"), "{}", answer.body);
    assert!(!answer.body.contains("DeleteTopic"), "{}", answer.body);
}

#[test]
fn details_are_refused_with_words_while_kafka_takes_no_record_of_it() {
    let site = Site::of(BY_HEADER, &[]);
    let headers = [
        ("x-forwarded-user", "vic"),
        ("x-forwarded-groups", "admins"),
    ];
    let mut browser = site.browser();
    assert_eq!(
        browser.send("GET", "/record?id=e-1", &headers, "").status,
        200
    );
    let address = site.address.clone();
    let mut site = site;
    // Kafka ends; the page has what it read.
    drop(site.kafka.take());
    let mut browser = site::Browser {
        address,
        cookies: Vec::new(),
    };
    let answer = browser.send("GET", "/record?id=e-1", &headers, "");
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("could not be recorded"),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("DeleteTopic"), "{}", answer.body);
    site.assert_logs("refused on the page");
}

#[test]
fn where_nobody_logs_in_details_are_shown_without_kafka() {
    let site = Site::without_kafka("", &[]);
    let answer = site.browser().get("/record?id=e-1");
    // Without an archive there is nothing to read; what matters is that the answer is not about the record of it.
    assert!(
        !answer.body.contains("could not be recorded"),
        "{}",
        answer.body
    );
}
