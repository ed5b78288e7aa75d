//! An alert cut to fit its topic: long texts and lists shortened, nothing else changed.
//! A person must hear of it however much somebody has put into the names of an event.

use serde_json::{Value, json};

/// Label of a shortened alert.
const SHORTENED: &str = "alert:shortened";

/// What is tried in turn: characters of a text, elements of a list. The last still holds every
/// identifier of ours.
const STEPS: [(usize, usize); 3] = [(1_000, 20), (250, 5), (64, 2)];

/// The alert with its texts and lists shortened, as little as makes `fits` hold; `None` where
/// nothing does.
pub fn shortened(alert: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut alert: Value = serde_json::from_slice(alert).ok()?;
    STEPS.iter().find_map(|(chars, elements)| {
        shorten(&mut alert, *chars, *elements);
        let labels = &mut alert["metadata"]["labels"];
        match labels {
            Value::Array(labels) if labels.iter().any(|label| label == SHORTENED) => {}
            Value::Array(labels) => labels.push(SHORTENED.into()),
            absent => *absent = json!([SHORTENED]),
        }
        let written = serde_json::to_vec(&alert).ok()?;
        fits(&written).then_some(written)
    })
}

fn shorten(value: &mut Value, chars: usize, elements: usize) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(chars) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(list) => {
            list.truncate(elements);
            for value in list {
                shorten(value, chars, elements);
            }
        }
        Value::Object(members) => {
            for value in members.values_mut() {
                shorten(value, chars, elements);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(bytes: usize) -> impl Fn(&[u8]) -> bool {
        move |written| written.len() <= bytes
    }

    #[test]
    fn as_little_is_cut_as_is_needed() {
        let alert = json!({
            "message": "é".repeat(2_000),
            "metadata": {"uid": "0123456789abcdef0123456789abcdef", "labels": ["one"]},
            "resources": (0..30).collect::<Vec<_>>(),
        });
        let alert = serde_json::to_vec(&alert).expect("JSON");
        let cut = |bytes| {
            let written = shortened(&alert, within(bytes))?;
            serde_json::from_slice::<Value>(&written).ok()
        };
        let (much, little) = (cut(3_000).expect("fits"), cut(700).expect("fits"));
        assert_eq!(much["message"], "é".repeat(1_000) + "…");
        assert_eq!(much["resources"].as_array().map(Vec::len), Some(20));
        assert_eq!(little["message"], "é".repeat(250) + "…");
        for alert in [&much, &little] {
            assert_eq!(alert["metadata"]["uid"], "0123456789abcdef0123456789abcdef");
            assert_eq!(alert["metadata"]["labels"], json!(["one", SHORTENED]));
        }
        assert_eq!(cut(100), None);
    }
}
