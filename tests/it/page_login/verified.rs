//! A day of the archive is verified on the page: by whom, what is said, and what is remembered and recorded of it.

use super::BY_HEADER;
use super::site::{Answer, Site, encoded, eventually};
use crate::ledgered;

/// A page over an archive with a ledger, and the day on which it was read.
fn site() -> (Site, String) {
    let page = format!("{BY_HEADER}archive: {{url: \"file://{{folder}}/archive\"}}\n");
    let mut day = String::new();
    let site = Site::prepared(&page, |folder| {
        day = ledgered::write(&folder.join("archive"))
    });
    (site, day)
}

/// What a member of a group is answered.
fn send(site: &Site, group: &str, method: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let origin = format!("http://{}", site.address);
    let headers = [
        ("accept", "text/html"),
        ("origin", &origin),
        ("x-forwarded-user", "vic"),
        ("x-forwarded-groups", group),
    ];
    site.browser().send(method, path, &headers, &encoded(form))
}

/// Sends the form with which a day is verified, with the token of the page.
fn verify(site: &Site, group: &str, source: &str, day: &str) -> Answer {
    // The token is that of the person, and only pages on which something can be changed have it.
    let token = send(site, "admins", "GET", "/sources", &[]).field("form-token");
    let form = [("form-token", &*token), ("source", source), ("day", day)];
    send(site, group, "POST", "/sources", &form)
}

/// The page of the sources with a day of a source.
fn sources(site: &Site, group: &str, source: &str, day: &str) -> String {
    let path = format!("/sources?source={source}&day={day}");
    let answer = send(site, group, "GET", &path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[test]
fn a_day_is_verified_by_an_admin_alone_and_the_attempt_of_others_is_recorded() {
    let (site, day) = site();
    for (group, role) in [("viewers", "viewer"), ("responders", "responder")] {
        let page = sources(&site, group, "one", &day);
        assert!(!page.contains("action=\"/sources\""), "{page}");
        let refused = verify(&site, group, "one", &day);
        let words = format!("It needs the role admin. Your role is {role}.");
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains(&words), "{}", refused.body);
        let label = format!("role:{role}");
        let attempt = site.audited(|event| {
            event["api"]["operation"] == "VerifyLedger" && event["metadata"]["labels"][1] == *label
        });
        assert_eq!(attempt["status"], "Failure");
        assert_eq!(attempt["resources"][0]["uid"], format!("one {day}"));
    }
    let page = sources(&site, "admins", "one", &day);
    assert!(page.contains("action=\"/sources\""), "{page}");
    assert!(page.contains("read, not verified"), "{page}");
    let verified = verify(&site, "admins", "one", &day);
    assert_eq!(verified.status, 200, "{}", verified.body);
    for expected in [
        "Complete and unaltered.",
        "20 source records of 1 partitions in 2 rows of the ledger; 20 events, 0 dead letters, 0 dropped; 20 rows \
         are there and unaltered",
        "Took",
    ] {
        assert!(verified.body.contains(expected), "{}", verified.body);
    }
    let done = site.audited(|event| {
        event["api"]["operation"] == "VerifyLedger" && event["status"] == "Success"
    });
    assert_eq!(done["actor"]["user"]["name"], "vic");
    assert_eq!(done["metadata"]["labels"][1], "role:admin");
    // Everybody sees what was found out, and that nothing is known of the other source.
    let page = sources(&site, "viewers", "one", &day);
    assert!(page.contains("verified: complete ("), "{page}");
    let other = sources(&site, "viewers", "two", &day);
    assert!(other.contains("read, not verified"), "{other}");
}

#[test]
fn a_row_that_was_changed_is_named_as_the_command_names_it_and_no_value_is_shown() {
    let (site, day) = site();
    let found = verify(&site, "admins", "two", &day);
    assert_eq!(found.status, 200, "{}", found.body);
    for expected in [
        "Not complete and unaltered.",
        "Faults: 1",
        "changed  events  row watchbell.events/0@27  source two-audit/0@17  event two-17  ",
    ] {
        assert!(found.body.contains(expected), "{}", found.body);
    }
    assert!(!found.body.contains("u-2"), "{}", found.body);
    let page = sources(&site, "admins", "two", &day);
    assert!(page.contains("verified: not as it was"), "{page}");
    assert!(
        page.contains("<a class=\"mark\" data-state=\"altered\""),
        "{page}"
    );
}

#[test]
fn a_day_that_the_ledger_does_not_have_is_refused_and_not_remembered() {
    let (site, day) = site();
    for (source, day) in [
        ("three", &*day),
        ("one", "2020-01-01"),
        ("one", "today"),
        ("", ""),
    ] {
        let answer = verify(&site, "admins", source, day);
        assert_eq!(answer.status, 404, "{source} {day}: {}", answer.body);
        let words = "The ledger has no such day of this source.";
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let page = sources(&site, "admins", "one", &day);
    assert!(page.contains("read, not verified"), "{page}");
}

#[test]
fn a_form_without_the_token_of_the_session_verifies_nothing() {
    let (site, day) = site();
    let form = [("source", "one"), ("day", &*day)];
    let answer = send(&site, "admins", "POST", "/sources", &form);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("The form was not accepted."),
        "{}",
        answer.body
    );
    let page = sources(&site, "admins", "one", &day);
    assert!(page.contains("read, not verified"), "{page}");
}

#[test]
fn where_a_source_does_not_answer_its_days_are_shown_and_it_is_said() {
    let (site, day) = site();
    // Its clusters are not there: first nobody has answered, and then the client says so.
    let page = sources(&site, "viewers", "one", &day);
    // The source of the configuration, which the ledger does not know.
    assert!(page.contains("<bdi>audit</bdi>"), "{page}");
    let is_said = |page: &str| {
        page.contains("Kafka has not answered yet") || page.contains("Kafka does not give them:")
    };
    assert!(is_said(&page), "{page}");
    assert!(page.contains(&day), "{page}");
    let said = eventually(|| {
        let page = sources(&site, "viewers", "one", &day);
        page.contains("because Kafka does not give them:")
            .then_some(())
    });
    assert!(said.is_some(), "{}", sources(&site, "viewers", "one", &day));
}
