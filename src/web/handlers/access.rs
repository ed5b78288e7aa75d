//! Who may read the page and do what.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::config::{LoginWay, Role};
use crate::page::{AccessPage, Arranged, RoleAccess, Section, WayIn, access_page};
use crate::web::app::Web;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// The page of who may do what; how it is arranged is for admins.
pub(in crate::web) async fn access(State(web): State<Web>, user: User, reader: Reader) -> Response {
    let access = &web.0.page.access;
    let roles = Role::ALL.map(|role| RoleAccess {
        name: role.name(),
        groups: access.roles.of(role),
        policy: access.policy_of(role).map(|policy| &*policy.name),
    });
    let way = match &access.login {
        None => WayIn::None,
        Some(LoginWay::Oidc(provider)) => WayIn::Provider(&provider.issuer),
        Some(LoginWay::Header(header)) => WayIn::Header(&header.user),
        Some(LoginWay::Token(token)) => WayIn::Token(&token.name),
    };
    let arranged = user.may(Role::Admin).then(|| Arranged {
        way,
        lifetime_s: access.lifetime.as_secs(),
        idle_s: access.idle.map(|idle| idle.as_secs()),
    });
    let page = AccessPage {
        own_role: user.role.name(),
        roles: &roles,
        arranged,
    };
    let frame = reader.frame(reader.language.words().who_may, Section::Other);
    html(StatusCode::OK, access_page(frame, &page))
}
