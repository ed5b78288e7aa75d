//! Finds out who makes a request, before any handler is called.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ways::{Way, Who, now_s};
use crate::web::app::Web;
use crate::web::audit::Deed;
use crate::web::listen::Peer;
use crate::web::reader::of_request;
use crate::web::respond::{html, see_other};

/// Paths that everybody may ask for, so that they can log in.
fn is_open(path: &str) -> bool {
    let is_own = matches!(
        path,
        "/login" | "/login/start" | "/login/callback" | "/logged-out" | "/language"
    );
    is_own || path.starts_with("/assets/")
}

/// Gives the request its user. Who has none is sent to the login, or refused.
pub(in crate::web) async fn identify(
    State(web): State<Web>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = peer_of(request.extensions());
    let login = &web.0.login;
    let who = login.who(request.headers(), peer, now_s());
    let is_open = is_open(request.uri().path());
    match who {
        Who::Known(user, renewed) => {
            request.extensions_mut().insert(*user);
            let mut response = next.run(request).await;
            if let Some(cookie) = renewed.and_then(|cookie| HeaderValue::from_str(&cookie).ok())
                && !response.headers().contains_key(header::SET_COOKIE)
            {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        _ if is_open => next.run(request).await,
        Who::Unknown => unknown(&web, &request),
        Who::NotFromProxy => {
            let reader = of_request(&request);
            let words = reader.language.words();
            html(
                StatusCode::FORBIDDEN,
                reader.message(words.not_by_proxy, words.not_by_proxy_hint),
            )
        }
        Who::NoRole { name, address } => {
            web.0
                .audit
                .note(Deed::refused_login(&name, address, "no role"));
            let reader = of_request(&request);
            let words = reader.language.words();
            html(
                StatusCode::FORBIDDEN,
                reader.message(words.no_role, words.no_role_hint),
            )
        }
    }
}

/// The address that a request came from.
pub(super) fn peer_of(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<Peer>().map(|peer| peer.0)
}

/// Somebody who has to log in: a page that a browser shows leads there, and comes back.
fn unknown(web: &Web, request: &Request) -> Response {
    let reader = of_request(request);
    let words = reader.language.words();
    if matches!(web.0.login.way, Way::Header(_)) {
        return html(
            StatusCode::UNAUTHORIZED,
            reader.message(words.not_by_proxy, words.not_by_proxy_hint),
        );
    }
    let wanted = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_page = match wanted("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => wanted(header::ACCEPT.as_str()).is_some_and(|kinds| kinds.contains("text/html")),
    };
    if request.method() != Method::GET || !is_page {
        return (
            StatusCode::UNAUTHORIZED,
            format!("{}\n", words.log_in_first),
        )
            .into_response();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("back", &reader.url);
    see_other(&format!("/login?{}", query.finish()))
}
