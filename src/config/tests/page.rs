use std::fs;
use std::time::Duration;

use super::*;
use crate::config::page::Page;

fn with(section: &str) -> String {
    format!("{SMALLEST}page:\n{section}")
}

fn page(section: &str) -> Page {
    loaded(&with(section), &[]).config.page.expect("a page")
}

const OIDC: &str = "  public_url: https://Audit.example.com/\n  \
    login: {oidc: {issuer: \"https://login.example/realms/main\", client_id: watchbell}}\n";
const ROLES: &str = "  roles: {viewer: [\"*\"], responder: [on-call], admin: [security]}\n";

#[test]
fn without_a_login_the_page_is_for_this_machine_alone() {
    let open = page("  listen: 127.0.0.1:9465\n");
    assert_eq!(open.access.login, None);
    assert_eq!(open.access.lifetime, Duration::from_secs(12 * 60 * 60));
    assert_eq!(open.access.idle, None);
    let said = refused(&with("  listen: 0.0.0.0:9465\n"), &[]);
    assert!(
        said.contains("w.yaml:7:11: error: page.listen: 0.0.0.0:9465"),
        "{said}"
    );
    assert!(said.contains("page.login"), "{said}");
    let said = refused(&with(&format!("  listen: 127.0.0.1:9465\n{ROLES}")), &[]);
    assert!(
        said.contains("nobody logs in, so nobody is in a group"),
        "{said}"
    );
}

#[test]
fn a_login_by_oidc_has_defaults_and_its_host_is_one_of_the_pages() {
    let page = page(&format!("  listen: 0.0.0.0:9465\n{OIDC}{ROLES}"));
    let Some(LoginWay::Oidc(oidc)) = &page.access.login else {
        panic!("{:?}", page.access.login);
    };
    assert_eq!(oidc.issuer, "https://login.example/realms/main");
    assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
    assert_eq!(oidc.groups_claim, "groups");
    assert_eq!((&oidc.client_secret, &oidc.name_claim), (&None, &None));
    assert_eq!(
        page.access.public_url.as_deref(),
        Some("https://audit.example.com")
    );
    assert_eq!(page.hosts, ["audit.example.com"]);
}

#[test]
fn somebody_in_several_groups_has_the_highest_of_their_roles() {
    let roles = page(&format!("{OIDC}{ROLES}")).access.roles;
    for (groups, expected) in [
        (&["on-call", "security"][..], Some(Role::Admin)),
        (&["on-call"], Some(Role::Responder)),
        (&["others"], Some(Role::Viewer)),
        (&[], Some(Role::Viewer)),
    ] {
        assert_eq!(roles.role_of(groups), expected, "{groups:?}");
    }
    let some = page(&format!("{OIDC}  roles: {{viewer: [auditors]}}\n"))
        .access
        .roles;
    assert_eq!(some.role_of(&["Auditors", "*"]), None);
    assert_eq!(some.role_of(&["auditors"]), Some(Role::Viewer));
}

#[test]
fn a_header_is_believed_from_named_addresses_alone() {
    let header = "  login: {header: {proxies: [10.0.0.7, 10.1.0.0/24], user: X-Email}}\n";
    let Some(LoginWay::Header(read)) = page(&format!("{header}{ROLES}")).access.login else {
        panic!("no header");
    };
    let proxies: Vec<String> = read.proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.7/32", "10.1.0.0/24"]);
    assert_eq!(
        (&*read.user, &*read.groups),
        ("x-email", "x-forwarded-groups")
    );
    for (proxies, expected) in [
        ("[]", "page.login.header.proxies: no proxy is named"),
        (
            "[0.0.0.0/0]",
            "w.yaml:7:29: error: page.login.header.proxies: with 0.0.0.0/0 anybody",
        ),
        (
            "[proxy.example]",
            "`proxy.example` is neither an address nor a network",
        ),
    ] {
        let section =
            format!("  login: {{header: {{proxies: {proxies}, user: X-Email}}}}\n{ROLES}");
        let said = refused(&with(&section), &[]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_token_is_long_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let long = file("long", "0123456789abcdef0123456789abcdef\n");
    let text = with(&format!("  login: {{token_file: {long}, name: Jane}}\n"));
    let loaded = loaded(&text, &[]);
    let shown = format!("{:?}{}", loaded.config.page, loaded.print());
    assert!(!shown.contains("0123456789"), "{shown}");
    let Some(LoginWay::Token(token)) = loaded.config.page.and_then(|page| page.access.login) else {
        panic!("no token");
    };
    assert_eq!(token.token.expose(), "0123456789abcdef0123456789abcdef");
    assert_eq!(token.name, "Jane");
    let short = file("short", "secret");
    let said = refused(&with(&format!("  login: {{token_file: {short}}}\n")), &[]);
    assert!(
        said.contains("page.login.token_file: the token has fewer than 32"),
        "{said}"
    );
    assert!(said.contains("openssl rand -hex 32"), "{said}");
    let said = refused(&with(&format!("  session_key_file: {short}\n")), &[]);
    assert!(said.contains("page.session_key_file"), "{said}");
    assert!(said.contains("fewer than 32"), "{said}");
    let said = refused(
        &with(&format!("  login: {{token_file: {long}}}\n{ROLES}")),
        &[],
    );
    assert!(said.contains("who has the token is admin"), "{said}");
}

#[test]
fn what_contradicts_itself_or_lacks_a_part_is_refused_with_the_remedy() {
    for (section, message, remedy) in [
        (
            format!("{OIDC}  roles: {{viewer: []}}\n"),
            "page.roles: no group has a role",
            "page.roles: {viewer: [\"*\"]",
        ),
        (
            format!(
                "  login: {{oidc: {{issuer: \"https://login.example\", client_id: w}}}}\n{ROLES}"
            ),
            "page.public_url: the provider sends people back to this address",
            "<public_url>/login/callback",
        ),
        (
            format!(
                "  public_url: https://a.example\n  login: {{oidc: {{issuer: \"http://login.example\", client_id: w}}}}\n{ROLES}"
            ),
            "w.yaml:8:26: error: page.login.oidc.issuer: `http://login.example` is not an address of a provider",
            "https://",
        ),
        (
            format!(
                "  public_url: https://a.example\n  login: {{oidc: {{issuer: \"https://login.example\"}}}}\n{ROLES}"
            ),
            "page.login.oidc.client_id: a value is required",
            "WATCHBELL__PAGE__LOGIN__OIDC__CLIENT_ID",
        ),
        (
            format!(
                "  login: {{header: {{proxies: [10.0.0.7]}}, oidc: {{issuer: \"https://login.example\", client_id: w}}}}\n  public_url: https://a.example\n{ROLES}"
            ),
            "page.login: more than one way to log in: oidc, header",
            "keep one of them",
        ),
        (
            "  login: {name: Jane}\n".to_owned(),
            "w.yaml:7:17: error: page.login.name: it is the name of the person who has the token",
            "page.login.token_file",
        ),
        (
            format!(
                "{}{ROLES}",
                OIDC.replace("client_id: watchbell", "client_id: w, scopes: [email]")
            ),
            "without the scope openid",
            "add openid",
        ),
        (
            "  public_url: https://a.example/watchbell\n".to_owned(),
            "page.public_url: `https://a.example/watchbell` has a path",
            "without a path",
        ),
        (
            "  public_url: http://a.example\n".to_owned(),
            "page.public_url: `http://a.example` is not an address under which people could log in safely",
            "https://",
        ),
        (
            "  session: {lifetime: 1h, idle: 2h}\n".to_owned(),
            "w.yaml:7:33: error: page.session.idle: it is longer than the lifetime",
            "a shorter time",
        ),
        (
            "  session: {lifetime: 0s}\n".to_owned(),
            "page.session.lifetime: nobody could stay logged in",
            "12h",
        ),
    ] {
        let said = refused(&with(&section), &[]);
        assert!(said.contains(message), "{said}\nlacks\n{message}");
        assert!(said.contains(remedy), "{said}\nlacks\n{remedy}");
    }
}

#[test]
fn a_policy_for_a_role_alone_hides_nothing_that_is_written() {
    let policy = "privacy:\n  policies: [{name: people, fields: {actor.user.name: mask}}]\n";
    let section = with(&format!("  privacy: {{viewer: people}}\n{policy}"));
    let config = loaded(&section, &[]).config;
    assert!(!config.privacy.seals_dead_letters());
    let access = config.page.expect("a page").access;
    let name = |role| access.policy_of(role).map(|policy| policy.name.clone());
    assert_eq!(name(Role::Viewer).as_deref(), Some("people"));
    assert_eq!((name(Role::Responder), name(Role::Admin)), (None, None));
    let said = refused(&with("  privacy: {viewer: people}\n"), &[]);
    assert!(
        said.contains("w.yaml:7:21: error: page.privacy.viewer: there is no policy `people`"),
        "{said}"
    );
    assert!(said.contains("privacy.policies"), "{said}");
    let said = refused(&format!("{SMALLEST}{policy}"), &[]);
    assert!(said.contains("`people` is for no output"), "{said}");
}
