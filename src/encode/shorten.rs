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
        add_label(&mut alert, SHORTENED);
        let written = serde_json::to_vec(&alert).ok()?;
        fits(&written).then_some(written)
    })
}

/// Label of an alert of which only the least is left.
const MINIMAL: &str = "alert:minimal";

/// What remains of an alert that is reduced to the least: what sinks and people need in order to know
/// which rule matched, who did what, and from where.
const KEPT: [&str; 28] = [
    "/class_uid",
    "/category_uid",
    "/type_uid",
    "/activity_id",
    "/severity_id",
    "/severity",
    "/status_id",
    "/time",
    "/message",
    "/is_alert",
    "/metadata/version",
    "/metadata/product/name",
    "/metadata/uid",
    "/metadata/correlation_uid",
    "/metadata/processed_time",
    "/metadata/labels",
    "/metadata/profiles",
    "/finding_info/uid",
    "/finding_info/title",
    "/finding_info/created_time",
    "/finding_info/analytic",
    "/finding_info/related_events",
    "/evidences/0/actor/user",
    "/evidences/0/api/operation",
    "/evidences/0/src_endpoint",
    "/resources",
    "/cloud",
    "/unmapped/outcome",
];

/// The least of an alert, with the position of the source record; `None` if it is no JSON object.
pub fn minimal(alert: &[u8], position: &str) -> Option<Vec<u8>> {
    let alert: Value = serde_json::from_slice(alert).ok()?;
    alert.as_object()?;
    let mut least = json!({});
    for path in KEPT {
        if let Some(value) = alert.pointer(path) {
            put(&mut least, path, value.clone());
        }
    }
    let (chars, _) = STEPS[STEPS.len() - 1];
    shorten(&mut least, chars, 1);
    // Labels say what sinks need: they are few, and ours.
    if let Some(labels) = alert.pointer("/metadata/labels") {
        least["metadata"]["labels"] = labels.clone();
    }
    add_label(&mut least, MINIMAL);
    least["unmapped"]["position"] = position.into();
    serde_json::to_vec(&least).ok()
}

/// Sets what a JSON pointer names, where the only element of a list is the first.
fn put(target: &mut Value, path: &str, value: Value) {
    let mut place = target;
    for step in path.split('/').skip(1) {
        place = match step {
            "0" => {
                if !place.is_array() {
                    *place = json!([{}]);
                }
                &mut place[0]
            }
            name => &mut place[name],
        };
    }
    *place = value;
}

fn add_label(alert: &mut Value, label: &str) {
    match &mut alert["metadata"]["labels"] {
        Value::Array(labels) if labels.iter().any(|known| known == label) => {}
        Value::Array(labels) => labels.push(label.into()),
        absent => *absent = json!([label]),
    }
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

    #[test]
    fn the_least_of_an_alert_says_which_rule_who_what_and_where() {
        let long = "é".repeat(2_000);
        let alert = json!({
            "class_uid": 2004,
            "severity_id": 5,
            "message": long,
            "metadata": {
                "uid": "0123456789abcdef0123456789abcdef",
                "labels": ["replayed"],
                "product": {"name": "watchbell"},
            },
            "finding_info": {
                "uid": "0123456789abcdef0123456789abcdef",
                "desc": long,
                "analytic": {"uid": "5c5a4cb2-9a3e-4b0e-8d53-6f1d0e7a2c94", "name": "Deleted"},
            },
            "evidences": [{
                "actor": {"user": {"uid": "u-5r7t9w", "name": "Anna"}},
                "api": {"operation": "DeleteKafkaCluster", "response": {"error": long}},
                "data": {"large": long},
            }],
            "resources": [{"uid": "lkc-1"}, {"uid": "lkc-2"}],
            "unmapped": {"why": [long]},
        });
        let written = minimal(alert.to_string().as_bytes(), "audit/3/42").expect("JSON");
        assert!(written.len() < 1_500, "{}", written.len());
        let least: Value = serde_json::from_slice(&written).expect("JSON");
        let evidence = &least["evidences"][0];
        assert_eq!(evidence["actor"]["user"]["name"], "Anna");
        assert_eq!(evidence["api"]["operation"], "DeleteKafkaCluster");
        assert_eq!(evidence.get("data"), None);
        assert_eq!(least["finding_info"]["analytic"]["name"], "Deleted");
        assert_eq!(least["severity_id"], 5);
        assert_eq!(least["unmapped"]["position"], "audit/3/42");
        assert_eq!(least["metadata"]["labels"], json!(["replayed", MINIMAL]));
        assert_eq!(minimal(b"[]", "audit/3/42"), None);
    }
}
