//! The pages of logging in and out.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};

use super::identify::peer_of;
use super::oidc::{Answer, CALLBACK, Failure, LOGIN_S};
use super::token::Checked;
use super::user::User;
use super::ways::{BEGUN, SESSION, Way, now_s};
use crate::config::Role;
use crate::page::{LoginPage, LoginStep, login_page};
use crate::web::app::Web;
use crate::web::audit::Deed;
use crate::web::cookie::cookie;
use crate::web::handlers::{is_own_path, not_found};
use crate::web::posted::Form;
use crate::web::reader::Reader;
use crate::web::respond::{html, see_other};

/// Where people are led who asked for no page.
const FIRST_PAGE: &str = "/";

/// The page to log in: the form for the token, or the way to the provider.
pub(in crate::web) async fn start(
    State(web): State<Web>,
    reader: Reader,
    extensions: Extensions,
) -> Response {
    let back = back_of(&reader);
    let peer = peer_of(&extensions);
    match &web.0.login.way {
        // Nobody has to, or the proxy has done it.
        Way::Open | Way::Header(_) => see_other(&back),
        Way::Token(_) => form(&web, &reader, &back, (StatusCode::OK, None)),
        Way::Oidc(_) if reader.parameter("again").is_some() => {
            link(&reader, &back, (StatusCode::OK, None))
        }
        Way::Oidc(oidc) => match oidc.begin(back.clone(), now_s()).await {
            Ok((url, sealed)) => {
                let cookie = web.0.login.set_cookie(BEGUN, &sealed, LOGIN_S);
                ([(header::SET_COOKIE, cookie)], see_other(&url)).into_response()
            }
            Err(failure) => failed(&web, (&reader, peer), &back, &failure),
        },
    }
}

/// Takes the token of the form.
pub(in crate::web) async fn log_in(
    State(web): State<Web>,
    reader: Reader,
    extensions: Extensions,
    sent: Form,
) -> Response {
    let login = &web.0.login;
    let Way::Token(check) = &login.way else {
        return not_found(reader).await;
    };
    let peer = peer_of(&extensions);
    let back = match sent.field("back") {
        back if is_own_path(back) => back.to_owned(),
        _ => FIRST_PAGE.to_owned(),
    };
    let words = reader.language.words();
    match check.check(sent.field("token").trim(), peer, Instant::now()) {
        Checked::Right => {
            let name = check.login.name.clone();
            web.0.audit.note(Deed::login(&name, None, peer));
            let cookie = login.begin_session((name, None), Role::Admin, now_s());
            ([(header::SET_COOKIE, cookie)], see_other(&back)).into_response()
        }
        Checked::Wrong(delay) => {
            web.0
                .audit
                .note(Deed::refused_login(&check.login.name, peer, "wrong token"));
            tokio::time::sleep(delay).await;
            form(
                &web,
                &reader,
                &back,
                (StatusCode::FORBIDDEN, Some(words.wrong_token)),
            )
        }
        Checked::TooEarly => form(
            &web,
            &reader,
            &back,
            (StatusCode::TOO_MANY_REQUESTS, Some(words.too_early)),
        ),
    }
}

/// Takes the answer of the provider.
pub(in crate::web) async fn callback(
    State(web): State<Web>,
    reader: Reader,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let login = &web.0.login;
    let Way::Oidc(oidc) = &login.way else {
        return not_found(reader).await;
    };
    let error =
        reader
            .parameter("error")
            .map(|error| match reader.parameter("error_description") {
                Some(description) => format!("{error}: {description}"),
                None => error,
            });
    let answer = Answer {
        code: reader.parameter("code"),
        state: reader.parameter("state"),
        issuer: reader.parameter("iss"),
        error,
    };
    let peer = peer_of(&extensions);
    let begun = cookie(&headers, &login.cookie_name(BEGUN));
    let forget = login.set_cookie(BEGUN, "", 0);
    let response = match oidc.finish(&answer, begun, now_s()).await {
        Err(failure) => failed(&web, (&reader, peer), FIRST_PAGE, &failure),
        Ok(person) => match login.roles.role_of(&person.groups) {
            None => {
                web.0
                    .audit
                    .note(Deed::refused_login(&person.name, peer, "no role"));
                let words = reader.language.words();
                let problem = Some(words.no_role_hint);
                link(&reader, FIRST_PAGE, (StatusCode::FORBIDDEN, problem))
            }
            Some(role) => {
                web.0
                    .audit
                    .note(Deed::login(&person.name, Some(&person.uid), peer));
                let who = (person.name, Some(person.uid));
                let cookie = login.begin_session(who, role, now_s());
                let back = Some(person.back).filter(|back| is_own_path(back));
                let back = back.unwrap_or_else(|| FIRST_PAGE.to_owned());
                ([(header::SET_COOKIE, cookie)], see_other(&back)).into_response()
            }
        },
    };
    (AppendHeaders([(header::SET_COOKIE, forget)]), response).into_response()
}

/// Ends the session in this browser.
pub(in crate::web) async fn log_out(State(web): State<Web>, user: User) -> Response {
    if user.session.is_some() {
        web.0.audit.note(Deed::logout(&user));
    }
    let forget = web.0.login.set_cookie(SESSION, "", 0);
    ([(header::SET_COOKIE, forget)], see_other("/logged-out")).into_response()
}

/// Says that the session has ended. It does not lead to the provider by itself, which would log in again at once.
pub(in crate::web) async fn logged_out(reader: Reader) -> Response {
    link(
        &reader,
        FIRST_PAGE,
        (StatusCode::OK, Some(reader.language.words().logged_out)),
    )
}

/// The page that was asked for, if it is one of ours.
fn back_of(reader: &Reader) -> String {
    let back = reader.parameter("back").filter(|back| is_own_path(back));
    // Else the login would lead to itself.
    let back = back.filter(|back| !back.starts_with("/login") && !back.starts_with(CALLBACK));
    back.unwrap_or_else(|| FIRST_PAGE.to_owned())
}

fn form(
    web: &Web,
    reader: &Reader,
    back: &str,
    (status, said): (StatusCode, Option<&str>),
) -> Response {
    // Who is logged in may log in again.
    let token = match reader.user() {
        Ok(user) => user.form_token.clone(),
        Err(_) => web.0.login.login_form_token(),
    };
    let step = LoginStep::Token { form_token: &token };
    page(reader, back, status, said, step)
}

fn link(reader: &Reader, back: &str, (status, said): (StatusCode, Option<&str>)) -> Response {
    page(reader, back, status, said, LoginStep::Link)
}

fn page(
    reader: &Reader,
    back: &str,
    status: StatusCode,
    said: Option<&str>,
    step: LoginStep<'_>,
) -> Response {
    let page = LoginPage { back, said, step };
    html(status, login_page(reader.login_frame(), &page))
}

/// Says why nobody has logged in. What exactly is wrong with a token is for the log.
fn failed(
    web: &Web,
    (reader, peer): (&Reader, Option<IpAddr>),
    back: &str,
    failure: &Failure,
) -> Response {
    tracing::warn!(%failure, "a login to the page failed");
    let words = reader.language.words();
    if failure.is_outage() {
        return link(
            reader,
            back,
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Some(words.provider_is_down),
            ),
        );
    }
    web.0
        .audit
        .note(Deed::refused_login("", peer, &failure.to_string()));
    let said = match failure {
        Failure::Refused(_) => words.provider_refuses,
        Failure::Unasked => words.login_took_long,
        _ => words.login_failed,
    };
    link(reader, back, (StatusCode::FORBIDDEN, Some(said)))
}
