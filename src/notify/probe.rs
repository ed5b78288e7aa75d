//! How a sink is asked whether it is there, without telling it anything.

use super::request::Secret;

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST, without a body.
    Post,
}

/// A question that alarms nobody.
pub struct Probe {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Bearer token.
    pub token: Option<Secret>,
    /// What the status and the body mean.
    pub means: fn(u16, &str) -> Result<&'static str, String>,
}

/// The host alone: the address itself would take a request for an alert.
pub(super) fn host_of(url: &str) -> Probe {
    let root = reqwest::Url::parse(url).map(|mut url| {
        url.set_path("/");
        url.set_query(None);
        url.to_string()
    });
    Probe {
        method: Method::Get,
        url: root.unwrap_or_else(|_| url.to_owned()),
        token: None,
        means: |_, _| Ok("the host answers; whether it knows the credential shows when it is used"),
    }
}
