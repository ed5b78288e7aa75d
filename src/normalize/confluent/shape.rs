//! Whether an event reports a login, a permission check, or a request.

use crate::catalog::Method;
use crate::event::Activity;
use crate::json::same_name;

/// What an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportedAct {
    /// A login.
    Authentication,
    /// A permission check; its outcome is the decision.
    Authorization,
    /// Anything else.
    Request,
}

/// Logins that other types than `…/authentication` may carry, of services that no catalogue knows:
/// the method without its service, such as `kafka.Authentication`.
const LOGINS: [&str; 5] = ["Authentication", "Authenticate", "SignIn", "LogIn", "LogOn"];

impl ReportedAct {
    pub(super) fn of(kind: Option<&str>, operation: &str, method: Option<&Method>) -> Self {
        let ends_with = |kind: &str, suffix: &str| {
            let end = kind.len().checked_sub(suffix.len());
            let end = end.and_then(|at| kind.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        let is_kind = |suffix| kind.is_some_and(|kind| ends_with(kind, suffix));
        let name = || operation.rsplit('.').next().unwrap_or(operation);
        let is_login = || match method {
            Some(method) => method.activity == Activity::Logon,
            None => LOGINS.iter().any(|login| same_name(login, name())),
        };
        let is_check = || name().len() < operation.len() && same_name(name(), "Authorize");
        if is_kind("/authentication") || is_login() {
            Self::Authentication
        } else if is_kind("/authorization") || is_check() {
            Self::Authorization
        } else {
            Self::Request
        }
    }
}
