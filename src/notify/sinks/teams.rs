//! Microsoft Teams, by the webhook of a workflow: an Adaptive Card. Limit: 28 KB a message.
//! Invariant: values are text runs, which Teams never parses as Markdown. No value can mention a user,
//! since a mention needs an entity and the card has none.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kind::{Endpoint, SinkKind};
use super::shared::{WEBHOOK_URL, WEBHOOK_URL_FILE, webhook_url};
use crate::notify::message::{Message, lines};
use crate::notify::pace::Rate;
use crate::notify::probe::{Probe, host_only};
use crate::notify::request::{Request, Secret, SinkAnswer, by_status};
use crate::printable::shorten;
use crate::sigma::Level;

/// Teams, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "teams",
    keys: &[WEBHOOK_URL, WEBHOOK_URL_FILE],
    rate: Rate {
        per_minute: Some(60),
        burst: 4,
    },
    is_read_by_people: true,
    #[cfg(test)]
    example: "webhook_url_file: /s",
    read: |section, faults| {
        Some(Arc::new(Teams {
            url: webhook_url(section, faults)?,
        }))
    },
};

/// A Teams channel or chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teams {
    /// The workflow's address, which is its secret.
    pub url: Secret,
}

/// Most bytes of a message: the limit less what the workflow adds.
const MAX_BYTES: usize = 26_000;

impl Endpoint for Teams {
    fn requests(&self, message: &Message, _now_ms: i64) -> Vec<Request> {
        let mut record = message.record.clone();
        let mut body = card(message, record.as_deref());
        // The record is shortened first, then the facts; the title always fits.
        while body.to_string().len() > MAX_BYTES {
            record = match record {
                Some(longer) if longer.len() > 500 => {
                    Some(shorten(&longer, longer.chars().count() / 2))
                }
                Some(_) => None,
                None => {
                    body = short_card(message);
                    break;
                }
            };
            body = card(message, record.as_deref());
        }
        vec![Request::json(self.url.expose(), &body, None)]
    }

    fn probes(&self) -> Vec<Probe> {
        vec![host_only(self.url.expose())]
    }

    /// A workflow that is switched off answers 400, too, which is not the alert's fault.
    fn answer(&self, status: u16, after: Option<Duration>, body: &str) -> SinkAnswer {
        match by_status(status, after, body) {
            SinkAnswer::Refused { detail } if body.contains("WorkflowTriggerIsNotEnabled") => {
                SinkAnswer::Later { after, detail }
            }
            answer => answer,
        }
    }
}

fn card(message: &Message, record: Option<&str>) -> Value {
    let mut elements = vec![title(message)];
    if message.templated {
        elements.push(block(vec![run(&message.text, false)], "Default"));
    } else {
        for fact in &message.facts {
            let label = run(&format!("{}: ", fact.label), true);
            elements.push(block(vec![label, run(&fact.text, false)], "Default"));
        }
    }
    if let Some(record) = record {
        elements.push(block(vec![run(record, false)], "Monospace"));
    }
    envelope(elements)
}

fn short_card(message: &Message) -> Value {
    let text = shorten(&lines(&message.facts), 4_000);
    envelope(vec![
        title(message),
        block(vec![run(&text, false)], "Default"),
    ])
}

fn title(message: &Message) -> Value {
    let color = match message.level {
        Level::Critical | Level::High => "Attention",
        Level::Medium => "Warning",
        Level::Low | Level::Informational => "Default",
    };
    json!({
        "type": "RichTextBlock",
        "inlines": [{
            "type": "TextRun",
            "text": message.title,
            "weight": "Bolder",
            "size": "Medium",
            "color": color,
        }],
    })
}

fn block(inlines: Vec<Value>, font: &str) -> Value {
    let mut inlines = inlines;
    for inline in &mut inlines {
        inline["fontType"] = font.into();
    }
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn run(text: &str, bold: bool) -> Value {
    let weight = if bold { "Bolder" } else { "Default" };
    json!({"type": "TextRun", "text": text, "weight": weight})
}

fn envelope(elements: Vec<Value>) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": elements,
            },
        }],
    })
}
