//! Keys that several kinds of sinks accept, and how their values are checked.

use crate::notify::request::Secret;
use crate::settings::{Fault, Key, Section, Shape, optional};

pub(super) const URL: Key = optional("url", Shape::Scalar)
    .about("Address of a webhook, or another base address of a vendor's API.");
pub(super) const WEBHOOK_URL: Key =
    optional("webhook_url", Shape::Secret).about("Address of a Slack or Teams webhook.");
pub(super) const WEBHOOK_URL_FILE: Key =
    optional("webhook_url_file", Shape::Scalar).about("File that contains webhook_url.");

/// Keys that are listed before all others.
pub(super) const ADDRESSES: [Key; 3] = [URL, WEBHOOK_URL, WEBHOOK_URL_FILE];

pub(super) const TOKEN: Key =
    optional("token", Shape::Secret).about("Token of a Slack bot, or a bearer token.");
pub(super) const TOKEN_FILE: Key =
    optional("token_file", Shape::Scalar).about("File that contains token.");

/// The token, if one is given.
pub(super) fn token(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Secret> {
    section.secret("token", faults).map(Secret::new)
}

/// A secret that the sink requires.
pub(super) fn required_secret(
    name: &str,
    section: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Secret> {
    let before = faults.len();
    let secret = section.secret(name, faults);
    if secret.is_none() && faults.len() == before {
        let fault = section.fault(name, "this secret is required");
        let variable = section.variable(name);
        faults.push(fault.remedy(format!("set {name}_file, or the variable {variable}")));
    }
    secret.map(Secret::new)
}

/// The address of a webhook, which is a secret: whoever knows it may post.
pub(super) fn webhook_url(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Secret> {
    let url = required_secret(WEBHOOK_URL.name, section, faults)?;
    if !is_http(url.expose()) {
        let message = "not a valid address: it must begin with https:// or http://";
        faults.push(section.fault(WEBHOOK_URL.name, message));
    }
    Some(url)
}

pub(super) fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()))
}

/// An address in the configuration file must not contain a password, since addresses are printed.
pub(super) fn refuse_password(
    key: &str,
    text: &str,
    section: &Section<'_>,
    faults: &mut Vec<Fault>,
) {
    if reqwest::Url::parse(text).is_ok_and(|url| url.password().is_some()) {
        let fault = section.fault(key, "the address contains a password");
        faults.push(fault.remedy("give a bearer token with token_file"));
    }
}

/// The address under `url`.
pub(super) fn address(section: &Section<'_>, faults: &mut Vec<Fault>) -> String {
    let text = section.required(URL.name, faults);
    if !text.is_empty() && !is_http(&text) {
        let fault = section.fault(URL.name, "not a valid HTTP address");
        faults.push(fault.remedy("write https://host/path"));
    }
    refuse_password(URL.name, &text, section, faults);
    text
}
