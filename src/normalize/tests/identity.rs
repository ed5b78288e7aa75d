//! Who did it, as the vendors write it.

use super::*;

#[test]
fn a_failed_login_tells_why_and_of_nobody() {
    let event = shape("a2");
    assert_eq!(event.status, Status::Failure);
    assert_eq!(event.status_code.as_deref(), Some("UNAUTHENTICATED"));
    assert_eq!(
        event.status_detail.as_deref(),
        Some("Bad password for user ZZZZYYYYXXXXWWWW")
    );
    assert_eq!(event.user.name.as_deref(), Some("UNKNOWN_USER"));
    assert_eq!(event.user.uid, None);
    assert_eq!(event.src_endpoint.name.as_deref(), Some("unknown"));
}

#[test]
fn an_external_account_is_its_subject_in_its_namespace() {
    let event = shape("b11");
    assert_eq!(event.user.uid.as_deref(), Some("svc-42"));
    assert_eq!(event.user.uid_alt.as_deref(), Some("idp/corp/svc-42"));
}

#[test]
fn the_identity_tells_what_the_principal_does_not() {
    let read = |info: &str| {
        let text = format!(r#"{{"data":{{"methodName":"x","authenticationInfo":{info}}}}}"#);
        let event = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap();
        let User {
            uid,
            name,
            email_addr,
            ..
        } = event.user;
        [uid, name, email_addr].map(|part| part.map(|text| text.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    let by_number = r#"{"principal":"User:42","identity":"crn://c/identity=sa-1"}"#;
    assert_eq!(read(by_number), [some("sa-1"), None, None]);
    // Not a copy: it would be lost.
    let bare_number = r#"{"principal":"42","identity":"crn://c/identity=sa-1"}"#;
    assert_eq!(read(bare_number), [some("42"), None, None]);
    let absent = r#"{"identity":"crn://c/identity-provider=op-1/identity=u-7"}"#;
    assert_eq!(read(absent), [some("u-7"), None, None]);
    let signed_on =
        r#"{"principal":"User:u-1","identity":"crn://c/sso-connection=x/identity=a%40b.c"}"#;
    assert_eq!(read(signed_on), [some("u-1"), None, some("a@b.c")]);
    let no_address = r#"{"principal":{"email":"a@b","confluentUser":{"resourceId":"u-1"}}}"#;
    assert_eq!(read(no_address), [some("u-1"), None, None]);
    let nobody = r#"{"principal":"None:UNKNOWN_USER","identity":"crn://c/identity=u-1"}"#;
    assert_eq!(read(nobody), [None, some("UNKNOWN_USER"), None]);
    assert_eq!(read("{}"), [None, some("unknown"), None]);
}

#[test]
fn a_group_acts_for_a_person() {
    let event = shape("c2");
    assert_eq!(event.user.uid.as_deref(), Some("group-7y8u"));
    assert_eq!(event.user.kind, Some(UserKind::Group));
    assert_eq!(event.invoked_by.as_deref(), Some("u-5r7t9w"));
    assert_eq!(event.src_endpoint.ip.as_deref(), Some("203.0.113.78"));
    let policies = shape("c4").authorizations;
    let kinds: Vec<_> = policies.iter().map(|a| a.policy_kind.as_deref()).collect();
    assert_eq!(kinds, [Some("IP_FILTER"), Some("PRIVATE_LINK")]);
}

#[test]
fn whoever_has_only_an_address_goes_by_it() {
    let event = normal(
        r#"{"data":{"methodName":"SignIn","authenticationInfo":{"result":"FAILURE",
            "principal":{"email":"grace@example.com"}}}}"#,
    );
    assert_eq!(event.class, &AUTHENTICATION);
    assert_eq!(event.status, Status::Failure);
    assert_eq!(event.user.uid, None);
    assert_eq!(event.user.name.as_deref(), Some("grace@example.com"));
    assert_eq!(event.user.email_addr, event.user.name);
}

#[test]
fn only_an_address_is_an_email() {
    let email = |text: &str| {
        let text = format!(
            r#"{{"data":{{"methodName":"x","authenticationInfo":{{"principal":{{"email":"{text}"}}}}}}}}"#
        );
        let event = event_of(&record(Some(text.as_bytes())), Catalogs::NONE, None).unwrap();
        event.user.email_addr.is_some()
    };
    for text in ["grace@example.com", "a+b.c@x-y.co.uk", "o'hara@a.b"] {
        assert!(email(text), "{text}");
    }
    for text in [
        "", "grace", "@a.b", "a@b", "a@.b", "a@b.", "a@b@c.d", "a b@c.d", "ü@a.b", "a@b_c.d",
    ] {
        assert!(!email(text), "{text}");
    }
}

/// Who acted, by what `authenticationInfo` says.
fn user(info: &str) -> User<'static> {
    let text = format!(r#"{{"data":{{"methodName":"x","authenticationInfo":{info}}}}}"#);
    normal(String::leak(text)).user
}

#[test]
fn an_address_in_the_principal_is_an_address() {
    let email = |principal: &str| {
        let user = user(&format!(r#"{{"principal":"{principal}"}}"#));
        let address = user.email_addr.as_deref().unwrap_or("-").to_owned();
        (user.uid.as_deref().unwrap_or("-").to_owned(), address)
    };
    for (principal, uid, address) in [
        (
            "User:admin@example.com",
            "admin@example.com",
            "admin@example.com",
        ),
        (
            "admin@example.com",
            "admin@example.com",
            "admin@example.com",
        ),
        (
            "User:CN=ann@example.com,O=Example",
            "CN=ann@example.com,O=Example",
            "ann@example.com",
        ),
        (
            "User:CN=ann, emailAddress=ann@example.com, C=DE",
            "CN=ann, emailAddress=ann@example.com, C=DE",
            "ann@example.com",
        ),
        ("User:ann@localhost", "ann@localhost", "-"),
        ("User:alice", "alice", "-"),
    ] {
        assert_eq!(email(principal), (uid.to_owned(), address.to_owned()));
    }
    let beside = r#"{"principal":"User:ann@example.com","principalResourceId":"u-7"}"#;
    assert_eq!(user(beside).email_addr.as_deref(), Some("ann@example.com"));
    let nobody = user(r#"{"principal":"None:ann@example.com"}"#);
    assert_eq!(nobody.email_addr, nobody.name);
}

#[test]
fn every_sort_of_principal_has_an_identifier_and_what_is_known_has_a_type() {
    let shown = |principal: &str| {
        let user = user(&format!(r#"{{"principal":{principal}}}"#));
        let kind = user.kind.map_or("-", UserKind::name);
        format!("{} {kind}", user.uid.as_deref().unwrap_or("-"))
    };
    for (principal, expected) in [
        (r#""User:u-1""#, "u-1 User"),
        (r#""user:u-1""#, "u-1 User"),
        (r#""ServiceAccount:sa-1""#, "sa-1 Service"),
        (r#""ServiceAccount:billing""#, "billing Service"),
        (r#""Group:admins""#, "Group:admins Group"),
        (r#""IdentityPool:pool-1""#, "IdentityPool:pool-1 Service"),
        (r#""alice""#, "alice -"),
        (r#"{"group":{"resourceId":"group-1"}}"#, "group-1 Group"),
        (
            r#"{"externalAccount":{"subject":"svc-42"}}"#,
            "svc-42 External Account",
        ),
        (
            r#"{"externalAccount":{"namespace":["idp"],"subject":"ann@example.com"}}"#,
            "ann@example.com User",
        ),
        (
            r#"{"externalAccount":{"subject":"s"},"email":"ann@example.com"}"#,
            "s User",
        ),
        (
            r#"{"externalAccount":{"subject":"ci@p.iam.gserviceaccount.com"}}"#,
            "ci@p.iam.gserviceaccount.com Service",
        ),
        (
            r#"{"confluentAgent":{"resourceId":"agent-1"}}"#,
            "agent-1 Service",
        ),
        (r#"{"partner_user":{"resource_id":"p-1"}}"#, "p-1 User"),
        (r#"{"newThing":{"resourceId":"n-1"}}"#, "n-1 -"),
    ] {
        assert_eq!(shown(principal), expected, "{principal}");
    }
}

#[test]
fn the_key_that_was_used_is_found_whatever_its_sort() {
    let credential = |credentials: &str| {
        let user = user(&format!(r#"{{"credentials":{credentials}}}"#));
        user.credential_uid.map(|uid| uid.to_string())
    };
    let some = |text: &str| Some(text.to_owned());
    let secret = r#"{"mechanism":"x","idSecretCredentials":{"credentialId":"K"}}"#;
    assert_eq!(credential(secret), some("K"));
    let new = r#"{"mechanism":"x","otherCredentials":{"credential_id":"K"}}"#;
    assert_eq!(credential(new), some("K"));
    assert_eq!(credential(r#"{"idTokenCredentials":{"type":"t"}}"#), None);
}
