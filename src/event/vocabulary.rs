//! What is known of the attributes of all events: which of them every event has, and which have few values.

use super::audit_event::{Status, UserKind};
use super::class::CLASSES;
use super::client;
use super::path::Path;
use super::request;
use crate::sigma::Value;
use crate::vendors;

/// What is known of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeFacts {
    /// Its path.
    pub name: &'static str,
    /// Whether every event has it.
    pub is_always_there: bool,
    /// Every value that it can have; empty if it can have others.
    pub values: Vec<Value<'static>>,
}

/// The attributes that every event has.
const ALWAYS_THERE: [&str; 14] = [
    "activity_id",
    "activity_name",
    "api.operation",
    "category_name",
    "category_uid",
    "class_name",
    "class_uid",
    "metadata.log_name",
    "metadata.product.name",
    "metadata.product.vendor_name",
    "status",
    "status_id",
    "time",
    "type_uid",
];

/// Every attribute that a rule can name, and what it finds of requests.
pub fn attributes() -> impl Iterator<Item = AttributeFacts> {
    let all = Path::attributes().chain(Path::facts());
    all.map(|name| AttributeFacts {
        name,
        is_always_there: ALWAYS_THERE.contains(&name),
        values: values(name),
    })
}

fn values(name: &str) -> Vec<Value<'static>> {
    let classes = || CLASSES.into_iter();
    let activities = |class: &'static super::EventClass| {
        let known = class.activities.iter().map(|(_, id, name)| (*id, *name));
        known.chain([(99, "Other")])
    };
    let of_class = |name: &str| -> Vec<Value<'static>> {
        let each = classes().flat_map(|class| {
            let (uid, category) = (class.uid, class.category_uid());
            activities(class).map(move |(id, activity)| match name {
                "activity_id" => Value::Int(id),
                "activity_name" => Value::String(activity),
                "category_name" => Value::String(class.category_name),
                "category_uid" => Value::Int(category),
                "class_name" => Value::String(class.name),
                "class_uid" => Value::Int(uid),
                _ => Value::Int(uid * 100 + id),
            })
        });
        each.collect()
    };
    let of_dialects = |part: fn(&vendors::Dialect) -> &'static str| -> Vec<Value<'static>> {
        vendors::dialects()
            .map(|d| Value::String(part(d)))
            .collect()
    };
    let mut values = match name {
        "activity_id" | "activity_name" | "category_name" | "category_uid" | "class_name"
        | "class_uid" | "type_uid" => of_class(name),
        "status" => Status::ALL
            .map(|status| Value::String(status.name()))
            .into(),
        "status_id" => Status::ALL.map(|status| Value::Int(status.id())).into(),
        "actor.user.type" | "user.type" => {
            UserKind::ALL.map(|kind| Value::String(kind.name())).into()
        }
        "actor.user.type_id" | "user.type_id" => {
            UserKind::ALL.map(|kind| Value::Int(kind.id())).into()
        }
        "actor.session.is_mfa" | "enrichments.data.trusted" | "is_mfa" => {
            [true, false].map(Value::Bool).into()
        }
        "enrichments.data.client" => client::families().map(Value::String).collect(),
        "metadata.log_name" => of_dialects(|dialect| dialect.log_name),
        "metadata.product.name" => of_dialects(|dialect| dialect.product_name),
        "metadata.product.vendor_name" => of_dialects(|dialect| dialect.vendor_name),
        _ => request::closed_values(name),
    };
    let mut seen = Vec::new();
    values.retain(|value| {
        !seen.contains(value) && {
            seen.push(*value);
            true
        }
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str) -> AttributeFacts {
        attributes().find(|facts| facts.name == name).unwrap()
    }

    #[test]
    fn what_every_event_has_is_told_from_what_some_have() {
        for name in [
            "api.operation",
            "status",
            "time",
            "class_uid",
            "metadata.log_name",
        ] {
            assert!(facts(name).is_always_there, "{name}");
        }
        for name in ["resources.uid", "actor.user.uid", "status_code", "is_mfa"] {
            assert!(!facts(name).is_always_there, "{name}");
        }
    }

    #[test]
    fn closed_lists_have_each_value_once() {
        let texts = ["Unknown", "Success", "Failure"].map(Value::String);
        assert_eq!(facts("status").values, texts);
        let others = facts("activity_name").values;
        assert_eq!(
            others
                .iter()
                .filter(|v| **v == Value::String("Other"))
                .count(),
            1
        );
        assert!(facts("class_uid").values.contains(&Value::Int(3002)));
        assert!(facts("actor.user.uid").values.is_empty());
        let version = facts("api.request.networks.version");
        assert!(!version.is_always_there);
        assert_eq!(version.values, [4, 6].map(Value::Int));
        let operation = facts("api.request.grants.operation").values;
        assert!(operation.contains(&Value::String("ALTER_CONFIGS")));
        assert!(!operation.contains(&Value::String("")));
        assert!(facts("api.request.roles").values.is_empty());
    }
}
