//! How to check that a sink is reachable, without sending it a notification.

use super::request::Secret;

/// The HTTP method of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST, without a body.
    Post,
}

/// A request that raises no alarm.
pub struct Probe {
    /// HTTP method.
    pub method: Method,
    /// Address.
    pub url: String,
    /// Bearer token.
    pub token: Option<Secret>,
    /// Judges status and body: what was found, or what is wrong.
    pub judge: fn(u16, &str) -> Result<&'static str, String>,
}

/// Asks the host only, at `/`: a request to the webhook's own path would count as an alert.
pub(super) fn host_only(url: &str) -> Probe {
    let root = reqwest::Url::parse(url).map(|mut url| {
        url.set_path("/");
        url.set_query(None);
        url.to_string()
    });
    Probe {
        method: Method::Get,
        url: root.unwrap_or_else(|_| url.to_owned()),
        token: None,
        judge: |_, _| Ok("the host answers; the credential is only checked when an alert is sent"),
    }
}
