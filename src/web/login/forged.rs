//! Refuses requests that another site has made a browser send (cross-site request forgery): what changes something must
//! come from a form of the page itself, with the token of the session.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::user::User;
use crate::page::FORM_TOKEN;
use crate::web::app::Web;
use crate::web::reader::{Reader, of_request};
use crate::web::respond::html;

/// The header in which a script sends the token.
const TOKEN_HEADER: &str = "x-watchbell-form-token";

/// Most bytes of a form.
const FORM_BYTES: usize = 1024 * 1024;

/// How long a form may take to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// Lets a request through that only reads, and one that comes from the page itself.
pub(in crate::web) async fn refuse_forged(
    State(web): State<Web>,
    request: Request,
    next: Next,
) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    if request.method() != Method::POST {
        let allowed = [(header::ALLOW, "GET, HEAD, POST")];
        return (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response();
    }
    let reader = of_request(&request);
    let public_url = web.0.page.access.public_url.as_deref();
    if !is_same_origin(request.headers(), public_url) {
        return refused(&reader);
    }
    let token = match request.extensions().get::<User>() {
        Some(user) => user.form_token.clone(),
        None => web.0.login.login_form_token(),
    };
    let (parts, body) = request.into_parts();
    // The handlers get the whole body, so that this is the only wait for it.
    let body = match timeout(FORM_TIMEOUT, to_bytes(body, FORM_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return (StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.\n").into_response();
        }
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let in_header = parts.headers.get(TOKEN_HEADER);
    let in_header = in_header
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let in_form = || {
        let mut pairs = form_urlencoded::parse(&body);
        pairs.find_map(|(name, value)| (name == FORM_TOKEN).then(|| value.into_owned()))
    };
    let given = in_header.or_else(in_form).unwrap_or_default();
    match web.0.login.is_same(&token, &given) {
        true => next.run(Request::from_parts(parts, Body::from(body))).await,
        false => refused(&reader),
    }
}

fn refused(reader: &Reader) -> Response {
    let words = reader.language.words();
    html(
        StatusCode::FORBIDDEN,
        reader.message(words.form_is_old, words.form_is_old_hint),
    )
}

/// Whether a browser says that a page of the same origin has sent the request. A browser says it in one of these headers
/// at least; a program that sends none of them has to send `Origin`.
fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return text("sec-fetch-site").is_some();
    };
    if public_url.is_some_and(|url| url.eq_ignore_ascii_case(origin)) {
        return true;
    }
    // The page may also be reached by another of its names, such as by a tunnel to this machine.
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let of_origin = origin.split_once("://").map(|(_, authority)| authority);
    !host.is_empty() && of_origin.is_some_and(|of| of.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(headers: &[(&'static str, &str)], public_url: Option<&str>) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        is_same_origin(&map, public_url)
    }

    #[test]
    fn a_request_of_another_origin_is_found_by_either_header() {
        let host = ("host", "audit.example");
        for headers in [
            &[host, ("origin", "https://audit.example")][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[
                host,
                ("sec-fetch-site", "same-origin"),
                ("origin", "http://audit.example"),
            ],
        ] {
            assert!(is_own(headers, None), "{headers:?}");
        }
        for headers in [
            &[host][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://evil.example")],
            &[host, ("origin", "https://audit.example.evil.example")],
            &[host, ("origin", "https://audit.example:8443")],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "none")],
            &[
                host,
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://audit.example"),
            ],
            &[("origin", "https://")],
        ] {
            assert!(!is_own(headers, None), "{headers:?}");
        }
    }

    #[test]
    fn behind_a_proxy_that_changes_the_host_the_public_address_counts() {
        let headers = [
            ("host", "10.0.0.1:9465"),
            ("origin", "https://audit.example"),
        ];
        assert!(is_own(&headers, Some("https://audit.example")));
        assert!(!is_own(&headers, Some("https://other.example")));
        assert!(!is_own(&headers, None));
    }
}
