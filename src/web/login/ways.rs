//! The ways to log in, and the sessions of those who have.

use std::net::IpAddr;

use axum::http::HeaderMap;
use jiff::Timestamp;

use super::header::{Named, Unnamed, named};
use super::oidc::Oidc;
use super::random::{random_bytes, random_text};
use super::session::{Session, Sessions};
use super::signer::Signer;
use super::token::TokenCheck;
use super::user::User;
use crate::config::{Access, LoginWay, Role, RoleGroups};
use crate::web::cookie::cookie;

/// The name of who reads without a login.
const NOBODY: &str = "local";

/// The page cannot be made to log people in.
#[derive(Debug, thiserror::Error)]
#[error("prepare logins: {0}")]
pub struct LoginError(String);

/// Logs people in, and knows them again.
pub(in crate::web) struct Login {
    pub(super) way: Way,
    pub(super) roles: RoleGroups,
    sessions: Sessions,
    /// Signs the tokens of forms.
    forms: Signer,
    /// Whether cookies are for https alone.
    is_secure: bool,
}

/// How people log in.
pub(super) enum Way {
    /// Nobody has to: the page is for this machine alone.
    Open,
    Header(crate::config::HeaderLogin),
    Token(TokenCheck),
    Oidc(Box<Oidc>),
}

/// Who makes a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody who may read; with a cookie to be set if the session was signed anew.
    Known(Box<User>, Option<String>),
    /// Somebody who has to log in.
    Unknown,
    /// Somebody whom the proxy names, and who has no role.
    NoRole {
        name: String,
        address: Option<IpAddr>,
    },
    /// Nobody can log in from there: only the proxies may ask.
    NotFromProxy,
}

impl Login {
    /// The login of a configuration.
    ///
    /// # Errors
    /// The certificates of the configuration cannot be used.
    pub(in crate::web) fn new(access: &Access) -> Result<Login, LoginError> {
        let random = random_bytes();
        let key = match &access.session_key {
            Some(key) => key.expose().as_bytes(),
            None => &random,
        };
        let failed = |why: String| LoginError(why);
        let signer = |purpose: &str| {
            let fingerprint = fingerprint(access);
            Signer::new(key, &[purpose, &fingerprint]).ok_or_else(|| failed("no key".to_owned()))
        };
        let way = match access.login.clone() {
            None => Way::Open,
            Some(LoginWay::Header(login)) => Way::Header(login),
            Some(LoginWay::Token(login)) => Way::Token(TokenCheck::new(login, signer("token")?)),
            Some(LoginWay::Oidc(login)) => {
                let url = access.public_url.as_deref().unwrap_or_default();
                Way::Oidc(Box::new(
                    Oidc::new(login, url, signer("oidc")?).map_err(failed)?,
                ))
            }
        };
        let needs_key = matches!(way, Way::Token(_) | Way::Oidc(_));
        if needs_key && access.session_key.is_none() {
            tracing::warn!(
                "page.session_key_file is not set, so sessions are signed with a random key: people have to log in again \
                 after a restart, and several replicas do not know each other's sessions"
            );
        }
        let url = access.public_url.as_deref();
        Ok(Login {
            way,
            roles: access.roles.clone(),
            sessions: Sessions {
                signer: signer("session")?,
                lifetime: access.lifetime,
                idle: access.idle,
            },
            forms: signer("form")?,
            is_secure: url.is_some_and(|url| url.starts_with("https://")),
        })
    }

    /// Who makes a request with these headers, from this address.
    pub(super) fn who(&self, headers: &HeaderMap, peer: Option<IpAddr>, now_s: i64) -> Who {
        match &self.way {
            Way::Open => Who::Known(
                Box::new(self.user(NOBODY.to_owned(), Role::Admin, peer)),
                None,
            ),
            Way::Header(login) => match named(login, headers, peer) {
                Err(Unnamed::NoProxy) => Who::NotFromProxy,
                Err(Unnamed::NoName) => Who::Unknown,
                Ok(Named {
                    name,
                    groups,
                    address,
                }) => match self.roles.role_of(&groups) {
                    Some(role) => {
                        let user = self.user(name, role, address.or(peer));
                        Who::Known(
                            Box::new(User {
                                has_logged_in: true,
                                ..user
                            }),
                            None,
                        )
                    }
                    None => Who::NoRole {
                        name,
                        address: address.or(peer),
                    },
                },
            },
            Way::Token(_) | Way::Oidc(_) => {
                let sealed = cookie(headers, &self.cookie_name(SESSION));
                let open = sealed.and_then(|sealed| self.sessions.open(sealed, now_s));
                let known = open.and_then(|(session, renewed)| {
                    let role = session.role()?;
                    let form_token = self.forms.signature(&format!("session {}", session.id));
                    let user = User {
                        name: session.name,
                        uid: session.uid,
                        role,
                        form_token,
                        session: Some(session.id),
                        has_logged_in: true,
                        address: peer,
                    };
                    Some(Who::Known(
                        Box::new(user),
                        renewed.map(|sealed| self.session_cookie(&sealed)),
                    ))
                });
                known.unwrap_or(Who::Unknown)
            }
        }
    }

    /// Somebody without a session.
    fn user(&self, name: String, role: Role, address: Option<IpAddr>) -> User {
        User {
            form_token: self.forms.signature(&format!("user {name}")),
            name,
            uid: None,
            role,
            session: None,
            has_logged_in: false,
            address,
        }
    }

    /// The cookie of a new session.
    pub(super) fn begin_session(
        &self,
        (name, uid): (String, Option<String>),
        role: Role,
        now_s: i64,
    ) -> String {
        let session = Session::new(name, uid, role, random_text(), now_s);
        self.session_cookie(&self.sessions.seal(&session))
    }

    fn session_cookie(&self, sealed: &str) -> String {
        let lifetime_s = self.sessions.lifetime.as_secs();
        self.set_cookie(
            SESSION,
            sealed,
            i64::try_from(lifetime_s).unwrap_or(i64::MAX),
        )
    }

    /// A header that sets a cookie of ours for so many seconds.
    pub(super) fn set_cookie(&self, name: &str, value: &str, age_s: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.cookie_name(name);
        format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
    }

    /// With this prefix no other host, and nobody without https, can set the cookie.
    pub(super) fn cookie_name(&self, name: &str) -> String {
        let prefix = if self.is_secure { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    /// The token of the form with which people log in, who have no session yet.
    pub(super) fn login_form_token(&self) -> String {
        self.forms.signature("login")
    }

    /// Whether two tokens of forms are the same.
    pub(super) fn is_same(&self, one: &str, other: &str) -> bool {
        self.forms.is_same(one, other)
    }
}

/// The cookie of the session.
pub(super) const SESSION: &str = "watchbell-session";

/// The cookie of a login that has begun.
pub(super) const BEGUN: &str = "watchbell-login";

/// What makes sessions of another configuration invalid: who was admin by the old one is not by the new one.
fn fingerprint(access: &Access) -> String {
    let way = match &access.login {
        None => String::new(),
        Some(LoginWay::Header(login)) => login.user.clone(),
        Some(LoginWay::Token(login)) => format!("{} {}", login.name, login.token.expose()),
        Some(LoginWay::Oidc(login)) => {
            format!(
                "{} {} {}",
                login.issuer, login.client_id, login.groups_claim
            )
        }
    };
    // It only becomes part of a key.
    format!("{way} {:?}", access.roles)
}

pub(super) fn now_s() -> i64 {
    Timestamp::now().as_second()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
