//! A record as it may be shown: what is named like a secret is replaced, whatever its value.

use serde_json::Value;

/// Words in a member's name that make its value a secret.
const SECRET_WORDS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "privatekey",
    "credentials",
    "jaas",
    "apikey",
];

/// Names that contain such a word and hold no secret.
const PUBLIC_NAMES: [&str; 3] = ["authorizationinfo", "authorizations", "tokentype"];

/// The value as JSON without white space, secrets replaced by `***`.
pub(super) fn redacted(value: &Value) -> String {
    let mut shown = value.clone();
    redact(&mut shown);
    shown.to_string()
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                // An object under such a name describes the secret; only its leaves can hold it.
                if is_secret(name) && !member.is_object() && !member.is_null() {
                    *member = Value::from("***");
                } else {
                    redact(member);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(redact),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    !PUBLIC_NAMES.contains(&plain.as_str()) && SECRET_WORDS.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_like_a_secret_is_not_shown() {
        let record = json!({
            "api_secret": "S3CRET", "request": {"data": [{"Password": "S3CRET"}]},
            "sasl.jaas.config": ["S3CRET"], "authorizationInfo": {"operation": "Delete"},
            "credential_uid": "KEY1", "token": {"clientSecret": "S3CRET", "kind": "oauth"},
        });
        let shown = redacted(&record);
        assert!(!shown.contains("S3CRET"), "{shown}");
        for kept in ["Delete", "KEY1", "oauth"] {
            assert!(shown.contains(kept), "{shown}");
        }
    }
}
