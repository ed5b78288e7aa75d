//! Login by OpenID Connect.

use serde_json::json;

use super::provider::Provider;
use super::site::{Answer, Browser, Site};

fn by(provider: &Provider) -> Site {
    let section = format!(
        "  public_url: \"http://localhost:9465\"\n  \
         login: {{oidc: {{issuer: \"{}\", client_id: watchbell, client_secret_file: \"{{folder}}/secret\"}}}}\n  \
         roles: {{viewer: [auditors], responder: [on-call]}}\n",
        provider.stub.url()
    );
    Site::of(&section, &[("secret", "se:cret\n")])
}

/// Goes to a page and through the provider; the last answer, which is the callback's.
fn log_in(browser: &mut Browser, provider: &Provider, path: &str) -> Answer {
    let sent = browser.get(path);
    let login = browser.get(sent.location());
    assert_eq!(login.status, 303, "{login:?}");
    let callback = provider.authorize(login.location());
    browser.get(&callback)
}

#[test]
fn a_person_logs_in_and_comes_back_to_the_page_that_was_asked_for() {
    let provider = Provider::start();
    let site = by(&provider);
    let mut browser = site.browser();
    let done = log_in(&mut browser, &provider, "/events?actor=ann&when=7d");
    assert_eq!(
        (done.status, done.location()),
        (303, "/events?actor=ann&when=7d"),
        "{}",
        site.log()
    );
    let names: Vec<&str> = browser.cookies.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["watchbell-session"]);
    let page = browser.get("/events");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<bdi>jane</bdi>"), "{}", page.body);
    let login = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        (&login["status"], &login["user"]["uid"]),
        (&"Success".into(), &"u-1".into())
    );
    assert_eq!(browser.get("/download?format=csv").status, 200);
    // Who logs out is not logged in again at once.
    let out = browser.post("/logout", &[("form-token", &page.field("form-token"))]);
    let out = browser.get(out.location());
    assert_eq!(out.status, 200);
    assert!(out.body.contains("You have logged out."), "{}", out.body);
}

#[test]
fn the_answer_of_another_login_is_refused() {
    let provider = Provider::start();
    let site = by(&provider);
    // An attacker's own login, in the browser of somebody else.
    let mut attacker = site.browser();
    let begun = attacker.get("/login");
    let callback = provider.authorize(begun.location());
    let mut browser = site.browser();
    let answer = browser.get(&callback);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("no login of this browser"),
        "{}",
        answer.body
    );
    let mut browser = site.browser();
    browser.get("/login");
    assert_eq!(browser.get(&callback).status, 403);
    assert!(
        browser
            .cookies
            .iter()
            .all(|(name, _)| name != "watchbell-session")
    );
    let failed = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        (&failed["status"], &failed["user"]["name"]),
        (&"Failure".into(), &"unknown".into())
    );
    // A code counts once.
    let mut browser = site.browser();
    let begun = browser.get("/login");
    let callback = provider.authorize(begun.location());
    let before = browser.clone();
    assert_eq!(browser.get(&callback).status, 303);
    assert_eq!(before.clone().get(&callback).status, 403);
    // An answer in the name of another provider.
    let mut browser = site.browser();
    let begun = browser.get("/login");
    let callback = provider
        .authorize(begun.location())
        .replace("iss=http", "iss=https");
    assert_eq!(browser.get(&callback).status, 403);
}

#[test]
fn a_token_with_a_wrong_claim_logs_nobody_in() {
    let provider = Provider::start();
    let site = by(&provider);
    for (name, value, reason) in [
        ("aud", json!("other"), "another client"),
        ("exp", json!(1_000), "expired"),
        ("nonce", json!("other"), "not the answer"),
        ("iss", json!("https://evil.example"), "another issuer"),
    ] {
        let mut claims = json!({"sub": "u-1", "preferred_username": "jane", "groups": ["on-call"]});
        claims[name] = value;
        provider.logs_in(claims);
        let mut browser = site.browser();
        let answer = log_in(&mut browser, &provider, "/events");
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.body.contains("The login failed."), "{}", answer.body);
        site.assert_logs(reason);
        assert_eq!(browser.get("/events").status, 303);
    }
}

#[test]
fn groups_give_the_role_and_may_come_from_the_userinfo_endpoint() {
    let provider = Provider::start();
    let site = by(&provider);
    provider
        .logs_in(json!({"sub": "u-2", "email": "vic@example.com", "groups": "auditors, others"}));
    let mut viewer = site.browser();
    assert_eq!(log_in(&mut viewer, &provider, "/events").status, 303);
    assert_eq!(viewer.get("/events").status, 200);
    assert_eq!(viewer.get("/download?format=csv").status, 403);
    provider.logs_in(json!({"sub": "u-3"}));
    provider.knows(json!({"sub": "u-3", "name": "Rae", "groups": ["on-call"]}));
    let mut responder = site.browser();
    assert_eq!(log_in(&mut responder, &provider, "/events").status, 303);
    assert!(responder.get("/events").body.contains("<bdi>Rae</bdi>"));
    assert_eq!(responder.get("/download?format=csv").status, 200);
    // What is said of somebody else does not count.
    provider.knows(json!({"sub": "u-4", "name": "Rae", "groups": ["on-call"]}));
    let mut nobody = site.browser();
    let answer = log_in(&mut nobody, &provider, "/events");
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("None of your groups has a role"),
        "{}",
        answer.body
    );
    let failed = site.audited(|event| event["status_detail"] == "no role");
    assert_eq!(failed["user"]["name"], "u-3");
}

#[test]
fn a_key_that_the_provider_has_changed_is_fetched() {
    let provider = Provider::start();
    let site = by(&provider);
    assert_eq!(
        log_in(&mut site.browser(), &provider, "/events").status,
        303
    );
    provider.changes_key();
    // Keys are asked for again after a pause, so that nobody can make the page ask all the time.
    let logged_in = super::site::eventually(|| {
        let answer = log_in(&mut site.browser(), &provider, "/events");
        (answer.status == 303).then_some(())
    });
    assert!(logged_in.is_some(), "{}", site.log());
    let keys = provider
        .stub
        .received()
        .iter()
        .filter(|received| received.path == "/keys")
        .count();
    assert_eq!(keys, 2);
}

#[test]
fn while_the_provider_is_down_the_page_says_so_and_logs_in_afterwards() {
    let provider = Provider::start();
    provider.is_down(true);
    let site = by(&provider);
    let mut browser = site.browser();
    let sent = browser.get("/events");
    let down = browser.get(sent.location());
    assert_eq!(down.status, 503);
    assert!(
        down.body.contains("The login provider does not answer"),
        "{}",
        down.body
    );
    assert!(
        down.body.contains("href=\"/login?back=%2Fevents\""),
        "{}",
        down.body
    );
    site.assert_logs("status 503");
    provider.is_down(false);
    assert_eq!(log_in(&mut browser, &provider, "/events").status, 303);
    assert_eq!(browser.get("/events").status, 200);
}

#[test]
fn a_refusal_of_the_provider_is_said_and_recorded() {
    let provider = Provider::start();
    let site = by(&provider);
    let mut browser = site.browser();
    let begun = browser.get("/login");
    let callback = provider.authorize(begun.location());
    let (_, state) = callback.split_once("state=").expect("a state");
    let state = state.split('&').next().expect("a state");
    let answer = browser.get(&format!(
        "/login/callback?error=access_denied&error_description=No+way&state={state}"
    ));
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .body
            .contains("The login provider has refused the login."),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("No way"), "{}", answer.body);
    let failed = site.audited(|event| event["class_uid"] == 3002);
    assert_eq!(
        failed["status_detail"],
        "the provider says: access_denied: No way"
    );
}
