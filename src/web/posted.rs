//! A form that a person has sent: who it was, and that it was sent from a page of ours. Every change goes through here.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use tokio::time::timeout;

use super::reader::Reader;
use super::respond::html;
use crate::page::{Section, message_page};

/// Most bytes of a form: a comment, and the names of all incidents of a page.
const MAX_BYTES: usize = 256 * 1024;

/// How long a form may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Who decides where nobody has to log in.
const LOCAL: &str = "local";

/// A form that was sent.
pub(super) struct Posted {
    /// Who sent it.
    pub(super) user: String,
    /// Its fields.
    fields: Vec<(String, String)>,
}

impl Posted {
    /// The value of a field; empty if there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        let mut named = self.fields.iter().filter(|(known, _)| known == name);
        named.next().map_or("", |(_, value)| value)
    }

    /// Each value of a field.
    pub(super) fn fields<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let named = self.fields.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Posted, Response> {
        let (mut parts, body) = request.into_parts();
        let user = match allowed(&parts) {
            Some(user) => user,
            None => {
                let Ok(reader) = Reader::from_request_parts(&mut parts, state).await;
                let words = reader.language.words();
                let frame = reader.frame(words.unavailable, Section::Other);
                let page = message_page(frame, words.unavailable, words.not_from_here);
                return Err(html(StatusCode::FORBIDDEN, page));
            }
        };
        let body: Bytes = match timeout(BODY_TIMEOUT, to_bytes(body, MAX_BYTES)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
            Err(_) => return Err(StatusCode::REQUEST_TIMEOUT.into_response()),
        };
        let fields = form_urlencoded::parse(&body);
        Ok(Posted {
            user,
            fields: fields
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        })
    }
}

/// Who sends a request that may change something; `None` if it may not.
fn allowed(parts: &Parts) -> Option<String> {
    is_own(&parts.headers).then(|| actor(parts))
}

/// Who sends a request.
fn actor(_parts: &Parts) -> String {
    LOCAL.to_owned()
}

/// Whether a request comes from a page of ours, and not from one of another site that a person looks at. Browsers say so;
/// what is no browser acts for whoever runs it.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let host = text(header::HOST.as_str());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let origin = origin.split_once("://").map(|(_, host)| host);
            origin.is_some() && origin == host
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_refused() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "audit.example:9465".parse().unwrap());
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_own(&headers)
        };
        let (site, origin) = ("sec-fetch-site", "origin");
        assert!(of(&[]));
        assert!(of(&[
            (site, "same-origin"),
            (origin, "http://audit.example:9465")
        ]));
        assert!(of(&[(origin, "https://audit.example:9465")]));
        for foreign in ["cross-site", "same-site", "none", ""] {
            assert!(
                !of(&[(site, foreign), (origin, "http://audit.example:9465")]),
                "{foreign}"
            );
        }
        for foreign in [
            "null",
            "http://evil.example",
            "http://audit.example",
            "",
            "audit.example:9465",
        ] {
            assert!(!of(&[(origin, foreign)]), "{foreign}");
        }
    }
}
