//! Any HTTP endpoint: a CloudEvent in structured mode, signed.
//! `watchbell-signature: v1=<hex>` is HMAC-SHA256 with the secret over the value of
//! `watchbell-timestamp` (Unix seconds), a dot, and the body as it was sent.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::kind::{Endpoint, NO_LIMIT, SinkKind};
use super::shared::{TOKEN, TOKEN_FILE, URL, address, token};
use crate::notify::message::Message;
use crate::notify::probe::{Probe, host_only};
use crate::notify::request::{Request, Secret, rfc3339};
use crate::settings::{Shape, optional};

/// A webhook, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "webhook",
    keys: &[
        URL,
        TOKEN,
        TOKEN_FILE,
        optional("secret", Shape::Secret).about("Key of the signature of a webhook's requests."),
        optional("secret_file", Shape::Scalar).about("File that contains secret."),
    ],
    rate: NO_LIMIT,
    is_read_by_people: false,
    #[cfg(test)]
    example: "url: https://soar.example.com/hook, secret_file: /s, token_file: /s",
    read: |section, faults| {
        Some(Arc::new(Webhook {
            url: address(section, faults),
            secret: section.secret("secret", faults).map(Secret::new),
            token: token(section, faults),
        }))
    },
};

/// Any HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// Key of the signature.
    pub secret: Option<Secret>,
    /// Bearer token.
    pub token: Option<Secret>,
}

impl Endpoint for Webhook {
    fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
        let body = json!({
            "specversion": "1.0",
            "id": message.id,
            "source": "watchbell",
            "type": "watchbell.notification.v1",
            "subject": message.group_key,
            "time": rfc3339(now_ms),
            "datacontenttype": "application/json",
            "data": {
                "kind": message.kind,
                "title": message.title,
                "text": message.text,
                "level": message.level,
                "group_key": message.group_key,
                "count": message.count,
                "alert": *message.notice,
            },
        });
        let mut request = Request::json(&self.url, &body, self.token.as_ref());
        request.headers[0].1 = "application/cloudevents+json; charset=utf-8".into();
        if let Some(secret) = &self.secret {
            let timestamp = (now_ms / 1000).to_string();
            let signature = sign(secret, &timestamp, &request.body);
            request.headers.push(("watchbell-timestamp", timestamp));
            request.headers.push(("watchbell-signature", signature));
        }
        vec![request]
    }

    fn probes(&self) -> Vec<Probe> {
        vec![host_only(&self.url)]
    }
}

fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    // It never fails: HMAC accepts a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("v1={}", HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_timestamp_dot_body() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let signature = sign(&Secret::new("key"), "1700000000", b"{}");
        assert_eq!(
            signature,
            "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
        );
    }
}
