//! Who may retry dead letters on the page, and what is recorded of those who may not.

use super::BY_HEADER;
use super::site::{Answer, Site, encoded};

/// A policy hides fields from admins.
const HIDDEN: &str = "  privacy: {admin: people}\n\
    privacy:\n  policies: [{name: people, fields: {actor.user.name: mask}}]\n";

/// Retries the dead letter at a position; the token is that of a form that everybody has.
fn retry(site: &Site, group: &str, position: &str) -> Answer {
    let token = site.as_group("admins", "/rules/try", None);
    let token = token.field("form-token");
    let form = [("form-token", &*token), ("position", position)];
    site.as_group(group, "/retry", Some(&encoded(&form)))
}

fn assert_recorded(site: &Site, role: &str, what: &str) {
    let label = format!("role:{role}");
    let attempt = site.audited(|event| {
        event["api"]["operation"] == "RetryDeadLetters"
            && event["metadata"]["labels"][1] == *label
            && event["resources"][0]["uid"] == what
    });
    assert_eq!(attempt["status"], "Failure");
}

#[test]
fn only_an_admin_from_whom_nothing_is_hidden_retries_dead_letters() {
    const LETTER: &str = "watchbell.dead-letters/0@0";
    let site = Site::of(BY_HEADER, &[]);
    for (group, role) in [("viewers", "viewer"), ("responders", "responder")] {
        let refused = retry(&site, group, LETTER);
        assert_eq!(refused.status, 403);
        let words = format!("It needs the role admin. Your role is {role}.");
        assert!(refused.body.contains(&words), "{}", refused.body);
        assert_recorded(&site, role, LETTER);
    }
    // A dead letter of another topic is none.
    let none = retry(&site, "admins", "watchbell.events/0@0");
    assert_eq!(none.status, 404, "{}", none.body);
    assert!(
        none.body.contains("has no such dead letter"),
        "{}",
        none.body
    );
    // Reloading the answer sends nothing.
    let reloaded = site.as_group("admins", "/retry", None);
    assert_eq!((reloaded.status, reloaded.location()), (303, "/sources"));
    let forged = site.as_group(
        "admins",
        "/retry",
        Some("position=watchbell.dead-letters%2F0%400"),
    );
    assert_eq!(forged.status, 403, "{}", forged.body);

    let site = Site::of(&format!("{BY_HEADER}{HIDDEN}"), &[]);
    let refused = retry(&site, "admins", LETTER);
    assert_eq!(refused.status, 403);
    assert!(
        refused
            .body
            .contains("Dead letters are hidden from your role."),
        "{}",
        refused.body
    );
    assert_recorded(&site, "admin", LETTER);
}
