//! Who makes a request, and what they may do.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::config::Role;

/// Who makes a request. A handler that takes it is never called for somebody who has not logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct User {
    /// The name, as the provider, the proxy or the configuration has it.
    pub(in crate::web) name: String,
    /// The id with the provider, if there is one.
    pub(in crate::web) uid: Option<String>,
    /// What they may do.
    pub(in crate::web) role: Role,
    /// The token that forms of the page send back, so that no other site can make this person's browser send them.
    pub(in crate::web) form_token: String,
    /// The id of the session; `None` where there is none.
    pub(in crate::web) session: Option<String>,
    /// Whether they have logged in; nobody has to on loopback without a login.
    pub(in crate::web) has_logged_in: bool,
    /// From where.
    pub(in crate::web) address: Option<IpAddr>,
}

impl User {
    /// Whether they may do what a role may.
    pub(in crate::web) fn may(&self, role: Role) -> bool {
        self.role >= role
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<User, StatusCode> {
        let user = parts.extensions.get::<User>().cloned();
        user.ok_or(StatusCode::UNAUTHORIZED)
    }
}
