//! A form that a person has sent. Before, `login::forged` has waited for the whole form, and checked that it is one of the
//! page.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

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
