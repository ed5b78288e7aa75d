//! A form that a person has sent. Every decision goes through `Posted`, which says who it was. Before, `login::forged` has
//! waited for the whole form, and checked that it is one of the page.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::app::Web;
use super::audit::{Action, Deed};
use super::login::user::User;
use super::reader::Reader;
use crate::config::Role;

/// Most bytes of a form: a rule, or a comment and the names of all incidents of a page.
const MAX_BYTES: usize = 256 * 1024;

/// A form that was sent.
pub(super) struct Form {
    /// Its fields.
    fields: Vec<(String, String)>,
}

impl Form {
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

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Form, Response> {
        let Ok(body) = to_bytes(request.into_body(), MAX_BYTES).await else {
            return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response());
        };
        let fields = form_urlencoded::parse(&body);
        Ok(Form {
            fields: fields
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        })
    }
}

/// A form with a decision, from somebody who may decide.
pub(super) struct Posted {
    /// Who sent it.
    pub(super) user: User,
    /// The form.
    pub(super) form: Form,
}

impl FromRequest<Web> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Posted, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(reader) = Reader::from_request_parts(&mut parts, web).await;
        let user = User::from_request_parts(&mut parts, web).await;
        let user = user.map_err(IntoResponse::into_response)?;
        if let Some(refused) = reader.refuse(&user, Role::Responder) {
            let deed = Deed::refused(&user, Action::DECIDE, &reader.url);
            web.0.audit.note(deed);
            return Err(refused);
        }
        let request = Request::from_parts(parts, body);
        Ok(Posted {
            user,
            form: Form::from_request(request, web).await?,
        })
    }
}
