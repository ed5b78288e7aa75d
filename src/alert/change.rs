//! What an event changed: each setting that matters, from its value before, where the record has it, to the one after.
//! The settings are known by service, so every rule about an event tells of them alike.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use crate::event::{Activity, AuditEvent, Path, REQUEST_DATA};
use crate::printable::shorten;
use crate::sigma::{Fields, Value};

/// Most changes of an event that are told.
const MAX_CHANGES: usize = 4;

/// Most values of a setting that are told, and most characters of one.
const MAX_VALUES: usize = 4;
const MAX_CHARS: usize = 60;

/// Most values that are read: a caller can make lists long.
const MAX_READ: usize = 200;

/// What a service's requests may set: the setting's name for people, and where the request has it. Of a place in the
/// request's data the value before may be known, and so it comes before what is found in any shape.
type Setting = (&'static str, &'static [&'static str]);

/// By the catalogue's service.
const SETTINGS: [(&str, &[Setting]); 8] = [
    (
        "schema-registry",
        &[
            (
                "compatibility",
                &[
                    "compatibility",
                    "compatibility_level",
                    "config.compatibility_level",
                ],
            ),
            ("mode", &["mode"]),
        ],
    ),
    (
        "kafka",
        &[
            ("retention.ms", &["configs.retention.ms", "retention.ms"]),
            (
                "retention.bytes",
                &["configs.retention.bytes", "retention.bytes"],
            ),
            (
                "cleanup.policy",
                &["configs.cleanup.policy", "cleanup.policy"],
            ),
        ],
    ),
    (
        "ip-filter",
        &[
            ("addresses", &["cidr_blocks", "spec.cidr_blocks"]),
            ("groups", &["ip_groups", "spec.ip_groups"]),
        ],
    ),
    (
        "rbac",
        &[(
            "role",
            &["role_name", "role", "spec.role_name", "api.request.roles"],
        )],
    ),
    (
        "organization",
        &[(
            "filter",
            &["filter", "spec.filter", "api.request.filters.expression"],
        )],
    ),
    ("ram", &[("policy", &["policy_name"])]),
    ("rds", &[("addresses", &["security_ips"])]),
    ("sls", &[("days of retention", &["ttl"])]),
];

type InAnyShape = (&'static str, &'static str, &'static [&'static str]);

/// Settings that are found in any shape where no place has them: their service, their name for people, and their names
/// among `api.request.settings`.
const IN_ANY_SHAPE: [InAnyShape; 5] = [
    (
        "schema-registry",
        "compatibility",
        &[
            "compatibility",
            "compatibility.level",
            "compatibility.mode",
            "compatibility.type",
        ],
    ),
    ("schema-registry", "mode", &["mode"]),
    ("kafka", "retention.ms", &["retention.ms"]),
    ("kafka", "retention.bytes", &["retention.bytes"]),
    ("kafka", "cleanup.policy", &["cleanup.policy"]),
];

/// Lists of settings by name, as Kafka's protocol has them.
const LISTS: [&str; 2] = ["configs", "resources.configs"];

/// How the value before is called, beside the one after or in an object of its own.
const BEFORE: [&str; 5] = ["old_", "previous_", "old.", "previous.", "before."];

/// A place of a setting: of the value after, and where the one before may stand.
struct Place {
    after: Path,
    before: Vec<Path>,
}

impl Place {
    fn new(place: &str) -> Option<Place> {
        if place.starts_with("api.request.") {
            return Some(Place {
                after: Path::parse(place).ok()?,
                before: Vec::new(),
            });
        }
        let after = Path::parse(&format!("{REQUEST_DATA}.{place}")).ok()?;
        // A setting such as `retention.ms` is one name.
        let start = match place {
            _ if place.starts_with("retention.") || place.starts_with("cleanup.") => 0,
            _ => place.find('.').map_or(0, |dot| dot + 1),
        };
        let (parent, name) = place.split_at(start);
        let parts = [REQUEST_DATA, "api.response.data"];
        let before = parts.iter().flat_map(|part| {
            let paths = BEFORE.map(|word| format!("{part}.{parent}{word}{name}"));
            paths.into_iter().filter_map(|path| Path::parse(&path).ok())
        });
        Some(Place {
            after,
            before: before.collect(),
        })
    }
}

/// The places of each setting, by service.
type Places = Vec<(&'static str, &'static str, Vec<Place>)>;

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let settings = SETTINGS
        .iter()
        .flat_map(|(service, settings)| settings.iter().map(move |setting| (*service, setting)));
    settings
        .map(|(service, (name, places))| {
            let places = places.iter().filter_map(|place| Place::new(place));
            (service, *name, places.collect())
        })
        .collect()
});

/// A list of settings: the names, the values after and the values before.
static LISTED: LazyLock<Vec<[Path; 3]>> = LazyLock::new(|| {
    let parse = |list: &str, member| Path::parse(&format!("{REQUEST_DATA}.{list}.{member}")).ok();
    let lists = LISTS.iter().filter_map(|list| {
        Some([
            parse(list, "name")?,
            parse(list, "value")?,
            parse(list, "previous_value")?,
        ])
    });
    lists.collect()
});

/// `compatibility from FULL to NONE`, `role to OrganizationAdmin`: nothing of an event that changes nothing.
pub(super) fn changes(event: &AuditEvent<'_>) -> Vec<String> {
    let Some(service) = event.api.service_name.as_deref() else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    if matches!(event.activity, Activity::Read | Activity::Delete) {
        return changes;
    }
    for (_, name, places) in PLACES.iter().filter(|(of, ..)| *of == service) {
        let told = places.iter().find_map(|place| {
            let after = joined(event, &place.after)?;
            let before = place.before.iter().find_map(|path| joined(event, path));
            Some(worded(name, before.as_deref(), &after))
        });
        changes.extend(told);
    }
    if service == "kafka" {
        listed(event, &mut changes);
    }
    in_any_shape(event, service, &mut changes);
    changes.truncate(MAX_CHANGES);
    changes
}

/// The settings that requests have in lists, if each has a value.
fn listed(event: &AuditEvent<'_>, changes: &mut Vec<String>) {
    let known = || {
        let kafka = PLACES.iter().filter(|(service, ..)| *service == "kafka");
        kafka.map(|(_, name, _)| *name)
    };
    for [names, after, before] in LISTED.iter() {
        let [names, after, before] = [names, after, before].map(|path| texts(event, path));
        if names.len() != after.len() {
            continue;
        }
        for (at, (name, after)) in names.iter().zip(&after).enumerate() {
            if known().any(|known| known == name) {
                let before = before.get(at).filter(|_| before.len() == names.len());
                changes.push(worded(name, before.map(String::as_str), after));
            }
        }
    }
}

/// The paths of a setting's name, value and operation in any shape, and how many segments name their list.
static SETTING: LazyLock<Option<[Path; 3]>> = LazyLock::new(|| {
    let parse = |member| Path::parse(&format!("{SETTING_LIST}.{member}")).ok();
    Some([parse("name")?, parse("value")?, parse("operation")?])
});
const SETTING_LIST: &str = "api.request.settings";
const SETTING_DEPTH: usize = 3;

/// The settings that no place has, in whatever shape the request has them.
fn in_any_shape(event: &AuditEvent<'_>, service: &str, changes: &mut Vec<String>) {
    let is_told = |name: &str| {
        let mut told = changes.iter();
        told.any(|told| {
            told.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        })
    };
    let of_service = IN_ANY_SHAPE.iter().filter(|(of, ..)| *of == service);
    let wanted: Vec<_> = of_service.filter(|(_, name, _)| !is_told(name)).collect();
    if wanted.is_empty() {
        return;
    }
    let found = values_of(event, &wanted);
    for (_, told, _) in wanted {
        let mut values = found.iter().filter(|(name, _)| name == told);
        let first: Vec<_> = values
            .by_ref()
            .take(MAX_VALUES)
            .map(|(_, value)| value.as_str())
            .collect();
        let more = if values.next().is_some() {
            " and more"
        } else {
            ""
        };
        if !first.is_empty() {
            changes.push(worded(told, None, &(first.join(", ") + more)));
        }
    }
}

/// The values of these settings, each with the name of its setting for people.
fn values_of(event: &AuditEvent<'_>, wanted: &[&InAnyShape]) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let Some([name_path, value_path, operation_path]) = SETTING.as_ref() else {
        return found;
    };
    event.elements(name_path, SETTING_DEPTH, false, &mut |element| {
        let member = |path: &Path| {
            let mut texts = Vec::new();
            element(path, false, &mut |value| {
                let text = value.text().filter(|text| !text.is_empty());
                texts.extend(text.map(|text| shorten(&text, MAX_CHARS)));
                ControlFlow::Continue(())
            });
            texts
        };
        let is_named = |name: &str, all: &[&str]| all.contains(&name);
        for name in member(name_path) {
            let Some((_, told, _)) = wanted.iter().find(|(_, _, all)| is_named(&name, all)) else {
                continue;
            };
            let is_default = member(operation_path).iter().any(|done| done == "DELETE");
            let values = match is_default {
                true => vec!["its default".to_owned()],
                false => member(value_path),
            };
            for value in values.into_iter().take(MAX_READ) {
                let is_new = !found
                    .iter()
                    .any(|known| known.0 == *told && known.1 == value);
                found.extend(is_new.then_some((*told, value)));
            }
        }
        match found.len() < MAX_READ {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    found
}

fn worded(name: &str, before: Option<&str>, after: &str) -> String {
    match before.filter(|before| *before != after) {
        Some(before) => format!("{name} from {before} to {after}"),
        None => format!("{name} to {after}"),
    }
}

/// The values at a path, in one text; nothing where there are none.
fn joined(event: &AuditEvent<'_>, path: &Path) -> Option<String> {
    let mut values = texts(event, path);
    // What lets most in is told, wherever in the list it stands.
    values.sort_by_key(|value| prefix_length(value));
    let more = match values.len() > MAX_VALUES {
        true => " and more",
        false => "",
    };
    values.truncate(MAX_VALUES);
    (!values.is_empty()).then(|| values.join(", ") + more)
}

/// The length of a network's prefix; of what is no network, longer than any.
fn prefix_length(value: &str) -> u16 {
    match value.rsplit_once('/') {
        Some((_, length)) => length.parse().unwrap_or(u16::MAX),
        None if matches!(value, "0.0.0.0" | "::") => 0,
        None => u16::MAX,
    }
}

/// The values at a path, each shortened.
fn texts(event: &AuditEvent<'_>, path: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    event.values(path, &mut |value: Value<'_>| {
        let text = value.text().filter(|text| !text.is_empty());
        texts.extend(text.map(|text| shorten(&text, MAX_CHARS)));
        if texts.len() < MAX_READ {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::catalog::Catalogs;
    use crate::event::{Offset, Partition, Position, RawRecord};
    use crate::normalize::event_of;

    /// What is told of a request.
    fn told(method: &str, request: Json, response: Json) -> Vec<String> {
        let event = json!({
            "specversion": "1.0", "id": "1", "source": "crn://confluent.cloud/",
            "type": "io.confluent.cloud/request",
            "data": {
                "methodName": method, "cloudResources": [],
                "request": {"accessType": "MODIFICATION", "data": request},
                "result": {"status": "SUCCESS", "data": response},
            },
        });
        let value = event.to_string();
        let record = RawRecord {
            position: Position {
                topic: "audit",
                partition: Partition(0),
                offset: Offset(0),
                element: None,
            },
            timestamp_ms: None,
            key: None,
            value: Some(value.as_bytes()),
            headers: Vec::new(),
        };
        let catalogs = Catalogs::shipped().unwrap();
        changes(&event_of(&record, &catalogs, None).unwrap())
    }

    #[test]
    fn a_change_is_told_from_its_value_before_where_the_record_has_it() {
        let update = "schema-registry.UpdateSubjectConfig";
        let cases = [
            (
                json!({"compatibility": "NONE"}),
                json!({"previousCompatibility": "FULL"}),
                "compatibility from FULL to NONE",
            ),
            (
                json!({"config": {"compatibilityLevel": "NONE", "oldCompatibilityLevel": "FULL"}}),
                json!({}),
                "compatibility from FULL to NONE",
            ),
            (
                json!({"compatibility": "NONE", "before": {"compatibility": "BACKWARD"}}),
                json!({}),
                "compatibility from BACKWARD to NONE",
            ),
            // The answer tells the value after, not the one before.
            (
                json!({"compatibility": "NONE"}),
                json!({"compatibility": "NONE"}),
                "compatibility to NONE",
            ),
        ];
        for (request, response, expected) in cases {
            assert_eq!(told(update, request, response), [expected]);
        }
    }

    #[test]
    fn a_change_is_told_in_whatever_shape_the_request_has_it() {
        let incremental = "kafka.IncrementalAlterConfigs";
        for (method, request, expected) in [
            (
                incremental,
                json!({"spec": {"params": [{"key": "retention.ms", "new_value": "1000"}]}}),
                "retention.ms to 1000",
            ),
            (
                incremental,
                json!("{\"configs\":{\"retention.ms\":{\"value\":\"1000\"}}}"),
                "retention.ms to 1000",
            ),
            (
                incremental,
                json!({"changes": [{"name": "cleanup.policy", "operation": "DELETE"}]}),
                "cleanup.policy to its default",
            ),
            (
                incremental,
                json!({"query": "retention.bytes=1&x=2"}),
                "retention.bytes to 1",
            ),
            (
                "schema-registry.UpdateSubjectConfig",
                json!([{"op": "replace", "path": "/spec/compatibility", "value": "NONE"}]),
                "compatibility to NONE",
            ),
            (
                "BindRoleForPrincipal",
                json!({"bindings": [{"roles": ["OrganizationAdmin"]}]}),
                "role to OrganizationAdmin",
            ),
            (
                "CreateGroupMapping",
                json!({"data": [{"filter": "true"}]}),
                "filter to true",
            ),
        ] {
            assert_eq!(
                told(method, request.clone(), json!({})),
                [expected],
                "{request}"
            );
        }
        let other = json!({"params": [{"key": "min.insync.replicas", "value": "1"}]});
        assert_eq!(told(incremental, other, json!({})), [] as [&str; 0]);
    }

    #[test]
    fn roles_retentions_and_networks_are_told() {
        let role = json!({"role_name": "OrganizationAdmin"});
        assert_eq!(
            told("BindRoleForPrincipal", role.clone(), json!({})),
            ["role to OrganizationAdmin"]
        );
        assert!(told("UnbindRoleForPrincipal", role, json!({})).is_empty());
        let map = json!({"configs": {"retention.ms": "1000", "previous_retention.ms": 604800000}});
        assert_eq!(
            told("kafka.IncrementalAlterConfigs", map, json!({})),
            ["retention.ms from 604800000 to 1000"]
        );
        let list = json!({"resources": [{"configs": [
            {"name": "sasl.jaas.config", "value": "secret", "previousValue": "old secret"},
            {"name": "retention.ms", "value": "1000", "previousValue": "604800000"},
        ]}]});
        assert_eq!(
            told("kafka.AlterConfigs", list, json!({})),
            ["retention.ms from 604800000 to 1000"]
        );
        let mut blocks: Vec<String> = (0..20).map(|n| format!("198.51.100.{n}/32")).collect();
        blocks.push("0.0.0.0/0".into());
        let wide = json!({"cidr_blocks": blocks, "old_cidr_blocks": ["198.51.100.0/24"]});
        assert_eq!(
            told("UpdateIpGroup", wide, json!({})),
            [
                "addresses from 198.51.100.0/24 to 0.0.0.0/0, 198.51.100.0/32, 198.51.100.1/32, \
                 198.51.100.2/32 and more"
            ]
        );
    }

    #[test]
    fn what_changes_nothing_or_is_not_known_is_not_told() {
        let request = json!({"compatibility": "NONE", "role_name": "x"});
        for method in ["GetKafkaCluster", "DeleteKafkaCluster", "NoSuchMethod"] {
            assert!(
                told(method, request.clone(), json!({})).is_empty(),
                "{method}"
            );
        }
        let update = "schema-registry.UpdateGlobalConfig";
        assert!(told(update, json!({"compatibility": ""}), json!({})).is_empty());
    }

    #[test]
    fn a_long_list_is_read_in_part() {
        let many = vec!["10.0.0.0/8"; 100_000];
        let told = told("UpdateIpGroup", json!({"cidr_blocks": many}), json!({}));
        assert_eq!(
            told,
            ["addresses to 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8 and more"]
        );
    }
}
