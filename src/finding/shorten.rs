//! An alert cut to fit its topic: long texts, lists and objects shortened, what is nested deep left out,
//! nothing else changed. A person must be notified, however large somebody has made an event.
//! Invariant: the alert is read once from the left, and only the output is kept in memory.

use crate::json::{JsonText, Token, Tokens, decoded};

/// Label of a shortened alert.
pub(super) const SHORTENED: &str = "alert:shortened";

/// How much of an alert is kept.
#[derive(Clone, Copy)]
struct Step {
    /// Most characters of a text or a name.
    chars: usize,
    /// Most elements of a list.
    elements: usize,
    /// Most members of an object; objects that watchbell writes have fewer.
    members: usize,
    /// Most levels of nesting; what is below is left out.
    levels: usize,
}

/// The steps, tried one after the other. Each keeps all identifiers that watchbell writes, and the ATT&CK
/// techniques, which are nested deepest.
const STEPS: [Step; 4] = [
    Step::new(1_000, 20, 1_000, 16),
    Step::new(250, 5, 100, 8),
    Step::new(64, 2, 30, 6),
    Step::new(64, 2, 30, 5),
];

impl Step {
    const fn new(chars: usize, elements: usize, members: usize, levels: usize) -> Step {
        Step {
            chars,
            elements,
            members,
            levels,
        }
    }
}

/// The alert, shortened no more than necessary to fit into `max_bytes`; `None` if no step is enough.
pub fn shortened(alert: &[u8], max_bytes: usize) -> Option<Vec<u8>> {
    let alert = JsonText::check(alert).ok()?;
    STEPS.iter().find_map(|step| {
        let mut writer = Writer {
            tokens: alert.tokens(),
            step: *step,
            open: Vec::new(),
            labels: None,
            out: Vec::new(),
        };
        writer.write(max_bytes).then_some(writer.out)
    })
}

/// The alert after the last step.
pub(super) fn shortest(alert: &[u8]) -> Option<Vec<u8>> {
    let alert = JsonText::check(alert).ok()?;
    let mut writer = Writer {
        tokens: alert.tokens(),
        step: STEPS[STEPS.len() - 1],
        open: Vec::new(),
        labels: None,
        out: Vec::new(),
    };
    writer.write(usize::MAX).then_some(writer.out)
}

/// A container that is written.
#[derive(Default)]
struct Open<'a> {
    children: usize,
    /// The name of the member at hand, as written.
    name: &'a str,
    is_object: bool,
}

struct Writer<'a> {
    tokens: Tokens<'a>,
    step: Step,
    open: Vec<Open<'a>>,
    /// The labels that the alert had; they are written with one more.
    labels: Option<JsonText<'a>>,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Whether all was written within so many bytes.
    fn write(&mut self, max_bytes: usize) -> bool {
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Name(name) => self.member(name),
                Token::Open(bracket) => self.container(bracket),
                Token::Close(bracket) => self.close(bracket),
                Token::Text(content) => {
                    if self.has_room() {
                        self.separate_element();
                        self.string(content);
                    }
                }
                Token::Scalar(scalar) => {
                    if self.has_room() {
                        self.separate_element();
                        self.out.extend_from_slice(scalar.as_bytes());
                    }
                }
            }
            if self.out.len() > max_bytes {
                return false;
            }
        }
        true
    }

    /// Whether the list at hand takes another element. Members are let in by their names.
    fn has_room(&self) -> bool {
        let takes = |open: &Open<'_>| open.is_object || open.children < self.step.elements;
        self.open.last().is_none_or(takes)
    }

    fn member(&mut self, name: &'a str) {
        if self.is_metadata() && name == "labels" {
            self.labels = self.tokens.value();
            return;
        }
        let depth = self.open.len();
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let is_container = matches!(self.tokens.clone().next(), Some(Token::Open(_)));
        let too_many = open.children >= self.step.members;
        if too_many || is_container && depth >= self.step.levels {
            self.tokens.value();
            return;
        }
        open.name = name;
        self.separate();
        self.string(name);
        self.out.push(b':');
    }

    fn container(&mut self, bracket: u8) {
        if !self.has_room() || self.open.len() >= self.step.levels {
            self.tokens.skip_container();
            return;
        }
        self.separate_element();
        self.out.push(bracket);
        self.open.push(Open {
            is_object: bracket == b'{',
            ..Open::default()
        });
    }

    fn close(&mut self, bracket: u8) {
        if self.is_metadata() {
            self.separate();
            self.labels();
        }
        self.open.pop();
        self.out.push(bracket);
    }

    fn labels(&mut self) {
        self.out.extend_from_slice(b"\"labels\":[");
        let labels = self.labels.take().into_iter().flat_map(JsonText::elements);
        for label in labels.take(self.step.elements) {
            self.out.extend_from_slice(label.raw().as_bytes());
            self.out.push(b',');
        }
        self.quote(SHORTENED);
        self.out.push(b']');
    }

    /// Whether the alert's `metadata` is at hand.
    fn is_metadata(&self) -> bool {
        matches!(&self.open[..], [alert, _] if alert.name == "metadata")
    }

    fn separate_element(&mut self) {
        if matches!(self.open.last(), Some(open) if !open.is_object) {
            self.separate();
        }
    }

    fn separate(&mut self) {
        if let Some(open) = self.open.last_mut() {
            if open.children > 0 {
                self.out.push(b',');
            }
            open.children += 1;
        }
    }

    fn string(&mut self, content: &str) {
        // So many bytes are no more characters than that, escaped or not.
        if content.len() <= self.step.chars {
            return self.as_written(content);
        }
        let text = decoded(content);
        match text.char_indices().nth(self.step.chars) {
            Some((end, _)) => self.quote(&format!("{}…", &text[..end])),
            None => self.as_written(content),
        }
    }

    fn as_written(&mut self, content: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(content.as_bytes());
        self.out.push(b'"');
    }

    fn quote(&mut self, text: &str) {
        // Writing into memory does not fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cut(alert: &Value, max_bytes: usize) -> Option<Value> {
        let alert = serde_json::to_vec(alert).unwrap();
        let written = shortened(&alert, max_bytes)?;
        assert!(written.len() <= max_bytes);
        Some(serde_json::from_slice(&written).unwrap())
    }

    #[test]
    fn as_little_is_cut_as_is_needed() {
        let mut alert = json!({
            "message": "é".repeat(2_000),
            "metadata": {"uid": "0123456789abcdef0123456789abcdef", "labels": ["one"]},
            "resources": (0..30).collect::<Vec<_>>(),
        });
        let (much, little) = (cut(&alert, 3_000).unwrap(), cut(&alert, 700).unwrap());
        assert_eq!(much["message"], "é".repeat(1_000) + "…");
        assert_eq!(much["resources"].as_array().map(Vec::len), Some(20));
        assert_eq!(little["message"], "é".repeat(250) + "…");
        for alert in [&much, &little] {
            assert_eq!(alert["metadata"]["uid"], "0123456789abcdef0123456789abcdef");
            assert_eq!(alert["metadata"]["labels"], json!(["one", SHORTENED]));
        }
        assert_eq!(cut(&alert, 100), None);
        alert["metadata"]["labels"].take();
        alert["message"] = "a \\ \" \n \u{1f980}".into();
        let whole = cut(&alert, 3_000).unwrap();
        assert_eq!(whole["message"], alert["message"]);
        assert_eq!(whole["metadata"]["labels"], json!([SHORTENED]));
    }

    #[test]
    fn whatever_is_put_into_an_event_the_alert_can_be_made_to_fit() {
        let wide = |n: usize| (0..n).map(|i| (format!("{i:0>200}"), json!({"a": [i]})));
        let many: serde_json::Map<String, Value> = wide(5_000).collect();
        let mut tree = json!(["leaf", "leaf"]);
        for _ in 0..16 {
            tree = json!([tree, tree]);
        }
        for data in [
            Value::Object(many),
            tree,
            Value::from("x".repeat(1_000_000)),
        ] {
            let alert = json!({
                "finding_info": {"attacks": [{"technique": {"uid": "T1489"}}]},
                "metadata": {"uid": "u"},
                "resources": [{"uid": "r", "data": data}, {"uid": "s", "data": data}],
            });
            let cut = cut(&alert, 20_000).unwrap();
            assert_eq!(cut["finding_info"], alert["finding_info"]);
            assert_eq!(cut["resources"][1]["uid"], "s");
        }
    }
}
