//! The minimal form of an alert: which rule matched, who did what, from where, and the position of the record.
//! It is written when the topic accepts nothing larger, so that no alert can be avoided by making it large.

use serde_json::{Value, json};

use super::shorten::{SHORTENED, shortest};

/// Label of an alert in its minimal form.
const MINIMAL: &str = "alert:minimal";

/// What remains of an alert in its minimal form: what sinks and people need in order to know
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

/// The minimal form of an alert, with the position of the source record; `None` if it is no JSON object.
pub fn minimal(alert: &[u8], position: &str) -> Option<Vec<u8>> {
    let alert: Value = serde_json::from_slice(&shortest(alert)?).ok()?;
    alert.as_object()?;
    let mut least = json!({});
    for path in KEPT {
        if let Some(value) = alert.pointer(path) {
            put(&mut least, path, value.clone());
        }
    }
    if let Some(Value::Array(labels)) = least.pointer_mut("/metadata/labels") {
        labels.retain(|label| label != SHORTENED);
    }
    for list in ["/resources", "/finding_info/related_events"] {
        if let Some(Value::Array(list)) = least.pointer_mut(list) {
            list.truncate(1);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
