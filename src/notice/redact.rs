//! A record as it may be shown: secrets replaced, cut to a length. docs/notify.md says what is one.
//! Invariant: one pass from the left; memory does not grow with the record.

use std::borrow::Cow;
use std::ops::Range;

use super::words::visible;
use crate::event::secret::{Container, Name, REDACTED, is_secret, names_another, without_secrets};
use crate::json::{JsonText, Token, Tokens, decoded};
use crate::printable::{beginning, unescaped};

/// Most secrets that are remembered of a record, and the shortest: a shorter one may be any word.
const MAX_REMEMBERED: usize = 100;
const MIN_REMEMBERED_BYTES: usize = 6;

/// Deeper parts are left out.
const MAX_DEPTH: usize = 1_000;

/// The value as JSON without white space, secrets replaced by `***`, and cut after so many bytes.
pub(super) fn redacted(value: JsonText<'_>, max_bytes: usize) -> String {
    let mut redaction = Redaction::new(value, max_bytes, false);
    redaction.run();
    redaction.out
}

/// The texts that [`redacted`] hides in all of the value.
pub(super) fn hidden_texts(value: JsonText<'_>) -> Vec<String> {
    let mut redaction = Redaction::new(value, 0, true);
    redaction.run();
    redaction.remembered
}

/// A container that is gone over.
#[derive(Default)]
struct Open {
    container: Container,
    /// How many members or elements there were.
    children: usize,
    /// The name of the member at hand, decoded, and what it says.
    name: String,
    says: Name,
    /// Values that are shown, and hidden if a name that comes later says so.
    values: Vec<Shown>,
    /// Whether the value at hand is the last of them.
    is_kept: bool,
}

/// A value that is shown: its place in the output, and if it is to be remembered its text.
struct Shown {
    place: Range<usize>,
    text: String,
}

impl Open {
    /// Whether the element at hand is the second of a pair whose first is the name of a secret header.
    fn is_header(&self) -> bool {
        !self.container.is_object && self.container.names_secret && self.children == 1
    }

    fn hides(&self) -> bool {
        self.container.hides(self.says) || self.is_header()
    }

    fn hides_number(&self) -> bool {
        self.container.hides_number(self.says) || self.is_header()
    }
}

struct Redaction<'a> {
    tokens: Tokens<'a>,
    open: Vec<Open>,
    out: String,
    max_bytes: usize,
    is_full: bool,
    remembers: bool,
    remembered: Vec<String>,
}

impl<'a> Redaction<'a> {
    fn new(value: JsonText<'a>, max_bytes: usize, remembers: bool) -> Redaction<'a> {
        Redaction {
            tokens: value.tokens(),
            open: Vec::new(),
            out: String::new(),
            max_bytes,
            is_full: max_bytes == 0,
            remembers,
            remembered: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Name(name) => self.name(name),
                Token::Open(bracket) => self.open(bracket),
                Token::Close(bracket) => {
                    self.open.pop();
                    self.close(if bracket == b'}' { "}" } else { "]" });
                }
                Token::Text(content) => self.text(content),
                Token::Scalar(scalar) => self.scalar(scalar),
            }
            if self.is_full && !self.remembers && !self.may_hide_later() {
                break;
            }
        }
        if self.is_full && self.max_bytes > 0 {
            self.out.push('…');
        }
    }

    /// Whether a name that is still to come may hide what was written.
    fn may_hide_later(&self) -> bool {
        self.open.iter().any(|open| !open.values.is_empty())
    }

    fn name(&mut self, name: &'a str) {
        self.separate();
        self.push("\"");
        self.push(&visible(&unescaped(name)));
        self.push("\":");
        let start = self.out.len();
        let Some(open) = self.open.last_mut() else {
            return;
        };
        open.name.clear();
        open.name.push_str(&decoded(name));
        open.says = Name::of(&open.name);
        // A value that is not shown need not be hidden.
        let is_of_use = !self.is_full || self.remembers && open.values.len() < MAX_REMEMBERED;
        open.is_kept = open.says.is_value && !open.hides() && is_of_use;
        if open.is_kept {
            open.values.push(Shown {
                place: start..start,
                text: String::new(),
            });
        }
    }

    fn open(&mut self, bracket: u8) {
        let is_secret = self.open.last().is_some_and(Open::hides);
        self.separate_element();
        self.push(if bracket == b'{' { "{" } else { "[" });
        if self.open.len() >= MAX_DEPTH || self.is_full && !self.remembers {
            self.tokens.skip_container();
            self.close(if bracket == b'{' { "}" } else { "]" });
            return;
        }
        self.open.push(Open {
            container: Container {
                is_object: bracket == b'{',
                is_secret,
                names_secret: false,
            },
            ..Open::default()
        });
    }

    fn close(&mut self, bracket: &str) {
        self.push(bracket);
        self.ended();
    }

    fn text(&mut self, content: &'a str) {
        let text = decoded(content);
        let hides = self.open.last().is_some_and(Open::hides);
        self.separate_element();
        if hides {
            self.hide(&text);
        } else {
            self.show(content, &text);
        }
        self.ended();
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let names_secret = match open.container.is_object {
            true => names_another(&open.name) && is_secret(&text),
            // Headers as pairs: `["Authorization","Bearer …"]`.
            false => open.children == 1 && is_header(&text),
        };
        if names_secret {
            open.container.names_secret = true;
            for value in std::mem::take(&mut open.values).into_iter().rev() {
                self.hide_shown(value);
            }
        }
    }

    fn scalar(&mut self, scalar: &'a str) {
        let is_number = !matches!(scalar, "true" | "false" | "null");
        let hides = is_number && self.open.last().is_some_and(Open::hides_number);
        self.separate_element();
        if hides {
            self.hide(scalar);
        } else {
            self.push(scalar);
            self.note(scalar);
        }
        self.ended();
    }

    fn hide(&mut self, text: &str) {
        self.push(&format!("\"{REDACTED}\""));
        self.remember(text);
    }

    /// Hides what was shown before it was known for a secret.
    fn hide_shown(&mut self, value: Shown) {
        let written = self.out.get(value.place.clone()).unwrap_or_default();
        if !matches!(written, "" | "true" | "false" | "null") {
            self.out
                .replace_range(value.place, &format!("\"{REDACTED}\""));
        }
        self.remember(&value.text);
    }

    fn remember(&mut self, text: &str) {
        let is_telling = text.len() >= MIN_REMEMBERED_BYTES;
        if self.remembers && is_telling && self.remembered.len() < MAX_REMEMBERED {
            self.remembered.push(text.to_owned());
        }
    }

    /// Keeps the text of a value that may turn out to be a secret.
    fn note(&mut self, text: &str) {
        if self.remembers
            && let Some(open) = self.open.last_mut()
            && open.is_kept
            && let Some(value) = open.values.last_mut()
        {
            value.text = text.to_owned();
        }
    }

    fn show(&mut self, content: &str, text: &str) {
        self.note(text);
        if self.is_full {
            return;
        }
        let shown = beginning(text, self.max_bytes);
        match without_secrets(shown) {
            Cow::Owned(safe) => {
                let quoted = serde_json::Value::from(safe).to_string();
                self.push(&visible(&quoted));
            }
            Cow::Borrowed(_) => {
                self.push("\"");
                self.push(&visible(&unescaped(beginning(content, self.max_bytes))));
                self.push("\"");
            }
        }
    }

    fn separate(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
            if open.children > 1 {
                self.push(",");
            }
        }
    }

    fn separate_element(&mut self) {
        if !matches!(self.open.last(), Some(open) if open.container.is_object) {
            self.separate();
        }
    }

    /// A value has ended.
    fn ended(&mut self) {
        let end = self.out.len();
        if let Some(open) = self.open.last_mut()
            && open.is_kept
            && let Some(value) = open.values.last_mut()
        {
            value.place.end = end;
        }
    }

    /// Appends what there is room for.
    fn push(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let room = (self.max_bytes - '…'.len_utf8()).saturating_sub(self.out.len());
        self.is_full = text.len() > room;
        self.out.push_str(beginning(text, room));
    }
}

/// Names of headers that hold secrets, as the first of a pair. Any name would not do: a list of topics
/// may begin with `passwords`.
fn is_header(text: &str) -> bool {
    let known = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
    ];
    let mut known = known.iter().chain(&["sasl.jaas.config"]);
    known.any(|known| known.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        redacted(JsonText::check(json.as_bytes()).unwrap(), 8_192)
    }

    #[test]
    fn what_is_named_like_a_secret_is_not_shown_and_the_rest_stays_as_it_is() {
        for (record, expected) in [
            (
                r#"{ "api_secret": "S3CRET", "n": [1, {"Password":"S3CRET"}] }"#,
                r#"{"api_secret":"***","n":[1,{"Password":"***"}]}"#,
            ),
            (
                r#"{"sasl.jaas.config":["S3CRET",7],"password":123456,"token":null,"secret":true}"#,
                r#"{"sasl.jaas.config":["***","***"],"password":"***","token":null,"secret":true}"#,
            ),
            // An object of such a name describes the secret, and holds it under any other name.
            (
                r#"{"token":{"clientSecret":"S3CRET","kind":"oauth","ttlMs":9}}"#,
                r#"{"token":{"clientSecret":"***","kind":"oauth","ttlMs":9}}"#,
            ),
            (
                r#"{"password":{"value":"S3CRET","a":[{"b":"S3CRET"}],"value":1234}}"#,
                r#"{"password":{"value":"***","a":[{"b":"***"}],"value":"***"}}"#,
            ),
            (
                r#"{"credentials":{"idSecretCredentials":{"credentialId":"KEY1"},"mechanism":"PLAIN"}}"#,
                r#"{"credentials":{"idSecretCredentials":{"credentialId":"KEY1"},"mechanism":"PLAIN"}}"#,
            ),
            // A name and its value, in either order.
            (
                r#"[{"name":"sasl.jaas.config","operation":0,"value":"S3CRET"}]"#,
                r#"[{"name":"sasl.jaas.config","operation":0,"value":"***"}]"#,
            ),
            (
                r#"[{"value":"S3CRET","source":5,"configName":"db.password"},{"value":"x"}]"#,
                r#"[{"value":"***","source":5,"configName":"db.password"},{"value":"x"}]"#,
            ),
            (
                r#"{"newValue":{"a":"S3CRET"},"key":"apiSecret","old_value":"S3CRET"}"#,
                r#"{"newValue":"***","key":"apiSecret","old_value":"***"}"#,
            ),
            (
                r#"{"headers":[["Authorization","S3CRET"],["accept","x"]]}"#,
                r#"{"headers":[["Authorization","***"],["accept","x"]]}"#,
            ),
            // Within a text.
            (
                r#"{"statement":"WITH ('password' = 'S3CRET')","url":"https://u:S3CRET@h/"}"#,
                r#"{"statement":"WITH ('password' = '***')","url":"https://u:***@h/"}"#,
            ),
            (
                r#"{"inner":"{\"password\":\"S3CRET\"}"}"#,
                r#"{"inner":"{\"password\":\"***\"}"}"#,
            ),
            // Ordinary values.
            (
                r#"{"topics":["passwords","orders"],"name":"passwords","cluster":"lkc-1","secretId":"s-1"}"#,
                r#"{"topics":["passwords","orders"],"name":"passwords","cluster":"lkc-1","secretId":"s-1"}"#,
            ),
            (
                r#"{"uid":"t1","name":"passwords","data":{"resources":["env-1"]}}"#,
                r#"{"uid":"t1","name":"passwords","data":{"resources":["env-1"]}}"#,
            ),
            (
                r#"{"authorizationInfo":{"rbacAuthorization":{"role":"Admin"},"granted":true}}"#,
                r#"{"authorizationInfo":{"rbacAuthorization":{"role":"Admin"},"granted":true}}"#,
            ),
            (
                r#"{"a":"x\ny\u202e","b":[],"c":{},"d":1.50}"#,
                r#"{"a":"x\ny\u202e","b":[],"c":{},"d":1.50}"#,
            ),
        ] {
            assert_eq!(shown(record), expected);
        }
    }

    #[test]
    fn what_is_cut_ends_in_a_sign_and_shows_no_secret() {
        let text = "x".repeat(100);
        let json = format!(r#"{{"a":"{text}","b":"{text}"}}"#);
        let value = JsonText::check(json.as_bytes()).unwrap();
        for max_bytes in 4..230 {
            let shown = redacted(value, max_bytes);
            assert!(shown.len() <= max_bytes, "{max_bytes}");
            assert_eq!(
                shown.ends_with('…'),
                max_bytes < json.len() + 3,
                "{max_bytes}"
            );
        }
        // The name that makes it a secret comes after the cut.
        let late = format!(r#"{{"value":"S3CRET{text}","a":[[{{}}]],"name":"password"}}"#);
        let value = JsonText::check(late.as_bytes()).unwrap();
        for max_bytes in 4..200 {
            assert!(!redacted(value, max_bytes).contains("S3C"), "{max_bytes}");
        }
    }

    #[test]
    fn hidden_texts_are_known_by_themselves() {
        let json = r#"{"password":"first-one","pairs":[{"value":"second-one","name":"api.secret"}],
            "token":"x","name":"ordinary","b":{"value":"ordinary"},"pin":1234567}"#;
        let value = JsonText::check(json.as_bytes()).unwrap();
        assert_eq!(hidden_texts(value), ["first-one", "second-one", "1234567"]);
    }

    #[test]
    fn a_record_of_any_depth_is_gone_over() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let value = JsonText::check(deep.as_bytes()).unwrap();
        assert!(redacted(value, 8_192).len() <= 8_192);
        assert!(hidden_texts(value).is_empty());
    }
}
