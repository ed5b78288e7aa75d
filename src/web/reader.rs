//! Who reads, in which language and in which zone, as the request says it.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use super::app::Web;
use super::assets::ASSETS;
use super::cookie::cookie;
use super::login::user::User;
use super::respond::html;
use crate::config::Role;
use crate::page::{Frame, Language, Section, Visitor, message_page};
use crate::sigma;

/// The cookie of the language.
pub(super) const LANGUAGE: &str = "watchbell-language";

/// The cookie of the zone, which the script sets.
const ZONE: &str = "watchbell-zone";

/// Who reads.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) language: Language,
    pub(super) zone: TimeZone,
    /// The path and the query.
    pub(super) url: String,
    /// The query alone.
    pub(super) query: String,
    /// Who it is; nobody on the pages on which people log in.
    user: Option<User>,
}

/// Who reads, of a request that no handler has yet.
pub(super) fn of_request(request: &Request) -> Reader {
    let user = request.extensions().get::<User>();
    Reader::of(request.headers(), request.uri(), user)
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Reader, Infallible> {
        let user = parts.extensions.get::<User>();
        Ok(Reader::of(&parts.headers, &parts.uri, user))
    }
}

impl Reader {
    fn of(headers: &HeaderMap, uri: &Uri, user: Option<&User>) -> Reader {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let language = cookie(headers, LANGUAGE)
            .and_then(Language::of_tag)
            .unwrap_or_else(|| accepted.map_or(Language::default(), Language::accepted));
        let zone = cookie(headers, ZONE).map(|name| name.replace("%2F", "/"));
        let zone = zone.and_then(|name| sigma::time_zone(&name).ok());
        Reader {
            language,
            zone: zone.unwrap_or(TimeZone::UTC),
            url: uri.to_string(),
            query: uri.query().unwrap_or_default().to_owned(),
            user: user.cloned(),
        }
    }

    /// The frame of a page.
    pub(super) fn frame<'f>(&'f self, title: &'f str, section: Section) -> Frame<'f> {
        Frame {
            language: self.language,
            zone: &self.zone,
            title,
            section,
            url: &self.url,
            user: self
                .user
                .as_ref()
                .filter(|user| user.has_logged_in)
                .map(|user| Visitor {
                    name: &user.name,
                    can_log_out: user.session.is_some(),
                }),
            form_token: self.user.as_ref().map_or("", |user| &user.form_token),
            assets: ASSETS.urls(),
        }
    }

    /// Who it is.
    ///
    /// # Errors
    /// It is nobody, for a person.
    pub(super) fn user(&self) -> Result<&User, String> {
        let user = self.user.as_ref();
        user.ok_or_else(|| self.language.words().log_in_first.to_owned())
    }

    /// The frame of a page on which people log in.
    pub(super) fn login_frame(&self) -> Frame<'_> {
        // The language is chosen with a link back to the page, and what a provider sends is not sent twice.
        let url = if self.url.starts_with("/login/callback") {
            "/login?again=1"
        } else {
            &self.url
        };
        Frame {
            url,
            ..self.frame(self.language.words().log_in, Section::Other)
        }
    }

    /// A page that says one thing.
    pub(super) fn message(&self, title: &str, text: &str) -> String {
        self.message_in(Section::Other, title, text)
    }

    /// The same in a section.
    pub(super) fn message_in(&self, section: Section, title: &str, text: &str) -> String {
        message_page(self.frame(title, section), title, text)
    }

    /// The answer to somebody whose role may not do what they ask for; `None` if they may.
    pub(super) fn refuse(&self, user: &User, needed: Role) -> Option<Response> {
        if user.may(needed) {
            return None;
        }
        let words = self.language.words();
        let (needs, has) = (needed.name(), user.role.name());
        let text = format!("{} {needs}. {} {has}.", words.needs_role, words.your_role);
        Some(html(
            StatusCode::FORBIDDEN,
            self.message(words.may_not, &text),
        ))
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        let value = pairs.find_map(|(known, value)| (known == name).then_some(value));
        value.map(|value| value.into_owned())
    }
}

/// Refuses requests whose host is not the page's: another site may have made its own name lead to this machine, so that a
/// browser sends it what it reads here (DNS rebinding).
pub(super) async fn check_host(State(web): State<Web>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host_name(host);
    let is_own = is_loopback(name)
        || web
            .0
            .page
            .hosts
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name));
    match is_own {
        true => next.run(request).await,
        false => {
            let text = format!(
                "The host `{}` is not one of the page's. Add it to page.hosts in the configuration.\n",
                crate::view::printable(name)
            );
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
    }
}

/// The host without its port.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        },
    }
}

/// Whether a host is this machine for the browser, too.
fn is_loopback(name: &str) -> bool {
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_with_and_without_port() {
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "LOCALHOST",
        ] {
            assert!(is_loopback(host_name(host)), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "localhost:80@evil.example",
            "[::2]",
        ] {
            assert!(!is_loopback(host_name(host)), "{host}");
        }
    }
}
