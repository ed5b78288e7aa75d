//! Who makes a request, by each way to log in.

use std::time::Duration;

use super::*;
use crate::config::{HeaderLogin, TokenLogin};
use crate::notify::Secret;

const NOW_S: i64 = 1_764_504_000;

fn access(login: Option<LoginWay>, public_url: Option<&str>) -> Access {
    Access {
        login,
        public_url: public_url.map(str::to_owned),
        lifetime: Duration::from_secs(3_600),
        idle: None,
        session_key: Some(Secret::new("0123456789abcdef0123456789abcdef")),
        roles: RoleGroups::default(),
        policies: Vec::new(),
    }
}

fn token(token: &str) -> Option<LoginWay> {
    Some(LoginWay::Token(TokenLogin {
        token: Secret::new(token),
        name: "Jane".to_owned(),
    }))
}

fn headers(cookie: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    headers
}

/// The part of a header `Set-Cookie` that a browser sends back.
fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

#[test]
fn on_loopback_without_a_login_everybody_is_admin() {
    let login = Login::new(&access(None, None)).unwrap();
    let Who::Known(user, None) = login.who(&HeaderMap::new(), None, NOW_S) else {
        panic!("nobody");
    };
    assert_eq!(
        (&*user.name, user.role, user.has_logged_in),
        ("local", Role::Admin, false)
    );
}

#[test]
fn a_session_is_known_by_every_replica_with_the_same_key_and_configuration() {
    let of = |login, url| Login::new(&access(login, url)).unwrap();
    let (one, other) = (of(token("a"), None), of(token("a"), None));
    let cookie = one.begin_session(("Jane".into(), None), Role::Responder, NOW_S);
    let Who::Known(user, None) = other.who(&headers(pair(&cookie)), None, NOW_S) else {
        panic!("unknown");
    };
    assert_eq!((&*user.name, user.role), ("Jane", Role::Responder));
    assert!(user.has_logged_in && user.may(Role::Viewer) && user.may(Role::Responder));
    assert!(!user.may(Role::Admin));
    let changed = of(token("b"), None);
    assert_eq!(
        changed.who(&headers(pair(&cookie)), None, NOW_S),
        Who::Unknown
    );
    let mut other_key = access(token("a"), None);
    other_key.session_key = None;
    let other_key = Login::new(&other_key).unwrap();
    assert_eq!(
        other_key.who(&headers(pair(&cookie)), None, NOW_S),
        Who::Unknown
    );
    assert_eq!(
        other.who(&headers(pair(&cookie)), None, NOW_S + 3_600),
        Who::Unknown
    );
    assert_eq!(other.who(&HeaderMap::new(), None, NOW_S), Who::Unknown);
}

#[test]
fn cookies_are_out_of_reach_of_scripts_and_with_https_of_everybody_without_it() {
    let of = |url| Login::new(&access(token("a"), url)).unwrap();
    let begin = |login: &Login| login.begin_session(("J".into(), None), Role::Admin, NOW_S);
    let cookie = begin(&of(Some("https://audit.example")));
    assert!(cookie.starts_with("__Host-watchbell-session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let cookie = begin(&of(None));
    assert!(cookie.starts_with("watchbell-session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[test]
fn the_token_of_forms_belongs_to_one_session() {
    let login = Login::new(&access(token("a"), None)).unwrap();
    let form_token = |cookie: &str| match login.who(&headers(pair(cookie)), None, NOW_S) {
        Who::Known(user, _) => user.form_token,
        other => panic!("{other:?}"),
    };
    let begin = || login.begin_session(("Jane".into(), None), Role::Admin, NOW_S);
    let (one, other) = (begin(), begin());
    assert_eq!(form_token(&one), form_token(&one));
    assert_ne!(form_token(&one), form_token(&other));
    assert_ne!(form_token(&one), login.login_form_token());
}

#[test]
fn a_header_counts_from_a_proxy_alone_and_gives_the_role_of_the_groups() {
    let way = LoginWay::Header(HeaderLogin {
        proxies: vec!["10.0.0.7/32".parse().unwrap()],
        user: "x-forwarded-user".into(),
        groups: "x-forwarded-groups".into(),
    });
    let login = Login::new(&access(Some(way), None)).unwrap();
    let proxy = Some([10, 0, 0, 7].into());
    let mut named = HeaderMap::new();
    named.insert("x-forwarded-user", "jane".parse().unwrap());
    assert_eq!(
        login.who(&named, Some([10, 0, 0, 8].into()), NOW_S),
        Who::NotFromProxy
    );
    assert_eq!(login.who(&HeaderMap::new(), proxy, NOW_S), Who::Unknown);
    let nobody = Who::NoRole {
        name: "jane".into(),
        address: proxy,
    };
    assert_eq!(login.who(&named, proxy, NOW_S), nobody);
}
