//! Slack, by incoming webhook or as a bot (`chat.postMessage`). Limits: 50 blocks, a header of 150
//! characters, 3,000 characters a section, about one message a second; and about 13,000 characters in all
//! blocks, which only the answer `msg_blocks_too_long` reveals (slackapi/bolt-js #2509, #2867).
//! Invariant: values are rich-text elements, which Slack never parses, or are escaped: no value can
//! mention a user or channel, or look like a link.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kind::{Endpoint, SinkKind};
use super::shared::{TOKEN, TOKEN_FILE, URL, WEBHOOK_URL, WEBHOOK_URL_FILE};
use super::shared::{address, token, webhook_url};
use crate::notice::Fact;
use crate::notify::message::Message;
use crate::notify::pace::Rate;
use crate::notify::probe::{Method, Probe, host_only};
use crate::notify::request::{Request, Secret, SinkAnswer, by_status, readable};
use crate::printable::shorten;
use crate::settings::{Fault, Section, Shape, optional};

/// Slack, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "slack",
    keys: &[
        URL,
        WEBHOOK_URL,
        WEBHOOK_URL_FILE,
        TOKEN,
        TOKEN_FILE,
        optional("channel", Shape::Scalar).about("Channel that a Slack bot writes to."),
    ],
    rate: Rate {
        per_minute: Some(55),
        burst: 1,
    },
    is_read_by_people: true,
    #[cfg(test)]
    example: "webhook_url_file: /s",
    read: |section, faults| Some(Arc::new(slack(section, faults)?)),
};

/// A Slack channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slack {
    /// An incoming webhook; its address is the secret.
    Webhook {
        /// The address.
        url: Secret,
    },
    /// A bot that may write to the channel.
    Bot {
        /// The Web API's base address.
        url: String,
        /// The bot's token.
        token: Secret,
        /// Id or name of the channel.
        channel: String,
    },
}

/// Base address of Slack's Web API.
pub const API: &str = "https://slack.com/api";

/// Characters of rich text in one block.
const MAX_SECTION: usize = 3_000;

/// Characters of all blocks as JSON.
const MAX_BLOCKS: usize = 12_000;

/// Most characters of a fact and of the record: the first pair with which the blocks fit is used, so the
/// record is shortened before the facts.
const MAX_FACT_AND_RECORD: [(usize, usize); 7] = [
    (1_000, 8_192),
    (1_000, 6_000),
    (1_000, 4_000),
    (1_000, 2_000),
    (1_000, 0),
    (400, 0),
    (150, 0),
];

impl Endpoint for Slack {
    fn requests(&self, message: &Message, _now_ms: i64) -> Vec<Request> {
        let mut body = json!({
            "text": escape(&shorten(&message.title, 300)),
            "mrkdwn": false,
            "blocks": blocks(message),
            "unfurl_links": false,
            "unfurl_media": false,
        });
        vec![match self {
            Slack::Webhook { url } => Request::json(url.expose(), &body, None),
            Slack::Bot {
                url,
                token,
                channel,
            } => {
                body["channel"] = channel.as_str().into();
                let url = format!("{}/chat.postMessage", url.trim_end_matches('/'));
                Request::json(url, &body, Some(token))
            }
        }]
    }

    fn probes(&self) -> Vec<Probe> {
        vec![match self {
            Slack::Bot { url, token, .. } => Probe {
                method: Method::Post,
                url: format!("{}/auth.test", url.trim_end_matches('/')),
                token: Some(token.clone()),
                judge: token_accepted,
            },
            Slack::Webhook { url } => host_only(url.expose()),
        }]
    }

    /// The Web API always answers 200; the outcome is in the body.
    fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> SinkAnswer {
        let Slack::Bot { .. } = self else {
            return by_status(status, after, body);
        };
        if status != 200 {
            return by_status(status, after, body);
        }
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        if said.get("ok") == Some(&Value::Bool(true)) {
            return SinkAnswer::Accepted;
        }
        let detail = format!("Slack answers {}", readable(body));
        match said.get("error").and_then(Value::as_str) {
            Some(
                "invalid_blocks"
                | "invalid_blocks_format"
                | "msg_too_long"
                | "no_text"
                | "msg_blocks_too_long",
            ) => SinkAnswer::Refused { detail },
            _ => SinkAnswer::Later { after, detail },
        }
    }
}

fn blocks(message: &Message) -> Vec<Value> {
    let mut shown = Vec::new();
    for (max_fact, max_record) in MAX_FACT_AND_RECORD {
        shown = blocks_within(message, max_fact, max_record);
        let json = Value::from(shown.as_slice()).to_string();
        if json.encode_utf16().count() <= MAX_BLOCKS {
            break;
        }
    }
    shown
}

fn blocks_within(message: &Message, max_fact: usize, max_record: usize) -> Vec<Value> {
    let header = shorten(&message.title, 150);
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "text": header, "emoji": false},
    })];
    if message.templated {
        for part in parts(&shorten(&message.text, max_fact * 10)) {
            blocks.push(rich(vec![text(&part, false)]));
        }
    } else {
        blocks.extend(facts(&message.facts, max_fact));
    }
    if let Some(record) = message.record.as_ref().filter(|_| max_record > 0) {
        for part in parts(&shorten(record, max_record)) {
            blocks.push(json!({
                "type": "rich_text",
                "elements": [{"type": "rich_text_preformatted", "elements": [text(&part, false)]}],
            }));
        }
    }
    blocks
}

/// The facts in as few blocks as possible.
fn facts(facts: &[Fact], max_fact: usize) -> Vec<Value> {
    let mut blocks = Vec::new();
    let (mut elements, mut length) = (Vec::new(), 0);
    for fact in facts {
        let value = shorten(&fact.text, max_fact);
        let size = fact.label.len() + value.encode_utf16().count() + 3;
        if length + size > MAX_SECTION {
            blocks.push(rich(std::mem::take(&mut elements)));
            length = 0;
        }
        length += size;
        elements.push(text(&format!("{}: ", fact.label), true));
        match fact.label {
            // The links are the rule's own, never an event's.
            "Links" => {
                for link in value.split(' ').filter(|link| link.starts_with("https://")) {
                    elements.push(json!({"type": "link", "url": link}));
                    elements.push(text(" ", false));
                }
                elements.push(text("\n", false));
            }
            _ => elements.push(text(&format!("{value}\n"), false)),
        }
    }
    if !elements.is_empty() {
        blocks.push(rich(elements));
    }
    blocks
}

fn rich(elements: Vec<Value>) -> Value {
    json!({
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    })
}

fn text(text: &str, bold: bool) -> Value {
    match bold {
        true => json!({"type": "text", "text": text, "style": {"bold": true}}),
        false => json!({"type": "text", "text": text}),
    }
}

/// The text in pieces that each fit a section.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut length) = (vec![String::new()], 0);
    for c in text.chars() {
        length += c.len_utf16();
        if length > MAX_SECTION {
            parts.push(String::new());
            length = c.len_utf16();
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Escapes Slack's three control characters as its documentation requires.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn slack(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Slack> {
    let webhook = section.has("webhook_url") || section.has("webhook_url_file");
    match token(section, faults) {
        Some(_) if webhook => {
            let fault = section.fault("token", "token and webhook_url are both given");
            faults.push(fault.remedy("keep one of the two: a webhook has its channel already"));
            None
        }
        Some(token) => Some(Slack::Bot {
            url: match section.text("url") {
                Some(_) => address(section, faults),
                None => API.to_owned(),
            },
            token,
            channel: section.required("channel", faults),
        }),
        None => Some(Slack::Webhook {
            url: webhook_url(section, faults)?,
        }),
    }
}

fn token_accepted(status: u16, body: &str) -> Result<&'static str, String> {
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    match (status, said.get("ok").and_then(Value::as_bool)) {
        (200, Some(true)) => Ok("Slack accepts the token"),
        _ => Err(format!("Slack answers {status}: {}", readable(body))),
    }
}
