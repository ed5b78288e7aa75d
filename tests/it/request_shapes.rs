//! What a dangerous request raises does not depend on its shape: each act is written in every combination of a form, a
//! nesting and a spelling of names, and raises one alert of its level, as does its harmless counterpart.

use serde_json::{Map, Value, json};
use watchbell::event::OutputBuffer;
use watchbell::pipeline::{Outcome, Pipeline};
use watchbell::sigma::Level;

use crate::pipeline::{NOW_MS, pipeline_with, record};

/// The principal who acts.
const ACTOR: &str = "u-5r7t9w";

/// What a request does, in several forms that mean the same.
struct Act {
    method: &'static str,
    resource: (&'static str, &'static str),
    forms: Vec<Value>,
    level: Level,
}

fn act(
    method: &'static str,
    kind: &'static str,
    level: Level,
    forms: impl IntoIterator<Item = Value>,
) -> Act {
    Act {
        method,
        resource: (kind, "orders"),
        forms: forms.into_iter().collect(),
        level,
    }
}

/// Ways to put a form into a request; some have something beside it that says nothing, as a caller may add it to
/// mislead.
const NESTINGS: [fn(Value) -> Value; 9] = [
    |form| form,
    |form| json!({"spec": form}),
    |form| json!({"data": [form]}),
    |form| json!({"request": {"items": [form]}}),
    |form| json!({"lists": [[[form]]]}),
    |form| json!([form]),
    |form| json!({"entries": [{}, {"note": "x"}, form], "creations": [], "configs": {}, "cidr_blocks": []}),
    |form| json!({"resources": [], "spec": null, "entry": {"of": {"the": {"list": form}}}}),
    |form| {
        with_members(
            form,
            json!({"validate_only": false, "creations": [], "bindings": null}),
        )
    },
];

/// Ways to put a form into a request as JSON text: whole, in part, and as text within text.
const TEXTS: [fn(Value) -> Value; 5] = [
    |form| json!(form.to_string()),
    |form| json!({"body": form.to_string(), "version": 2}),
    |form| json!({"requests": [json!([form]).to_string()]}),
    |form| json!({"body": json!(form.to_string()).to_string()}),
    members_as_text,
];

/// Each member that is an object or an array as JSON text.
fn members_as_text(form: Value) -> Value {
    let Value::Object(mut form) = form else {
        panic!("a form is an object");
    };
    for member in form.values_mut() {
        if member.is_object() || member.is_array() {
            *member = json!(member.to_string());
        }
    }
    Value::Object(form)
}

fn with_members(form: Value, more: Value) -> Value {
    let (Value::Object(mut form), Value::Object(more)) = (form, more) else {
        panic!("a form is an object");
    };
    for (name, value) in more {
        form.entry(name).or_insert(value);
    }
    Value::Object(form)
}

/// Spellings of a name in snake case: of other names, such as those of settings, there is one.
const SPELLINGS: [fn(&str) -> String; 4] = [
    str::to_owned,
    |name| camel(name),
    |name| {
        let name = camel(name);
        name[..1].to_uppercase() + &name[1..]
    },
    str::to_uppercase,
];

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        name + &word[..1].to_uppercase() + &word[1..]
    })
}

fn respelled(value: &Value, spelling: fn(&str) -> String) -> Value {
    match value {
        Value::Object(members) => {
            let renamed = members.iter().map(|(name, member)| {
                let name = match name.contains('.') {
                    true => name.clone(),
                    false => spelling(name),
                };
                (name, respelled(member, spelling))
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(elements) => {
            let elements = elements.iter().map(|one| respelled(one, spelling));
            Value::Array(elements.collect())
        }
        leaf => leaf.clone(),
    }
}

fn event(act: &Act, request: Value) -> Value {
    let (kind, name) = act.resource;
    json!({
        "specversion": "1.0", "id": "1", "source": "crn://confluent.cloud/",
        "type": "io.confluent.cloud/request", "time": "2026-03-14T09:26:53Z",
        "data": {
            "serviceName": "crn://confluent.cloud/", "methodName": act.method,
            "cloudResources": [{"resource": {"type": kind, "resourceId": name}}],
            "authenticationInfo": {"principal": {"confluentUser": {"resourceId": ACTOR}}},
            "request": {"accessType": "MODIFICATION", "data": request},
            "result": {"status": "SUCCESS"},
        },
    })
}

fn levels(pipeline: &Pipeline, event: &Value) -> Vec<Level> {
    let (value, mut out) = (event.to_string(), OutputBuffer::default());
    let outcome = pipeline
        .begin()
        .process(&record(Some(value.as_bytes())), NOW_MS, &mut out);
    let Outcome::Event { alerts, .. } = outcome else {
        panic!("{outcome:?}: {event}");
    };
    alerts.iter().map(|alert| alert.level).collect()
}

/// Each form in each nesting and in one of the texts, and each nesting in each spelling; fails with those that raise
/// anything but one alert of the level.
fn check(acts: &[Act]) {
    let pipeline = pipeline_with("", 1_000_000);
    let mut wrong = Vec::new();
    for act in acts {
        for (at, form) in act.forms.iter().enumerate() {
            let text = &TEXTS[at % TEXTS.len()];
            for (nested, nesting) in NESTINGS.iter().chain([text]).enumerate() {
                let spelling = SPELLINGS[(at + nested) % SPELLINGS.len()];
                let request = respelled(&nesting(form.clone()), spelling);
                let found = levels(&pipeline, &event(act, request.clone()));
                if found != [act.level] {
                    let (method, level) = (act.method, act.level);
                    wrong.push(format!("{method} {request}: {found:?}, not {level:?}"));
                }
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{count} shapes:\n{}", wrong.join("\n"));
}

/// A value as it is, as a text with blanks around, and in lists.
fn written(value: &str) -> Vec<Value> {
    let mut forms = vec![
        json!(value),
        json!(format!(" {value}")),
        json!(format!("{value}\t")),
        json!([value]),
        json!([[value]]),
    ];
    forms.extend(value.parse::<i64>().ok().map(|number| json!(number)));
    forms
}

/// An operation of a JSON Patch.
fn patch(path: &str, value: &Value) -> Value {
    json!({"patch": [{"op": "replace", "path": format!("/{path}"), "value": value}]})
}

/// A setting in each form of a request.
fn setting(name: &str, value: &Value) -> Vec<Value> {
    let snake = name.replace('.', "_");
    let mut forms: Vec<Value> = [name, &snake]
        .into_iter()
        .flat_map(|name| {
            [
                json!({name: value}),
                json!({"properties": {name: value}}),
                json!({"resources": [{"type": "TOPIC", "name": "orders", "configs": {name: value}}]}),
            ]
        })
        .collect();
    let other = json!({"name": "min.insync.replicas", "value": "2"});
    forms.extend([
        json!({"configs": [other, {"name": name, "value": value}]}),
        json!({"name": name, "value": value, "operation": "SET"}),
        json!({"key": name, "value": value, "op": 0}),
        json!({"config_name": name, "config_value": value}),
        json!({"alter_configs": [{"ops": [{"name": name, "values": value}]}]}),
        json!({"name": name, "new_setting": value}),
        json!({"config": [[name, value]]}),
        json!({"configs": {name: {"value": value}}}),
        json!({"configs": {name: {"string": value}}}),
        json!({"configs": {name: {"value": {"string": value}, "operation": "SET"}}}),
        json!({"name": name, "value": {"string": value}}),
        json!({"name": {"string": name}, "value": {"string": value}}),
        json!({format!("configs.{name}"): value}),
        patch(&format!("configs/{name}"), value),
    ]);
    if let Some(value) = value.as_str() {
        let value = value.trim();
        forms.push(json!({"config": format!("min.insync.replicas=2,{name}={value}")}));
        forms.push(json!({"config": format!("{name}%3D{value}")}));
        forms.push(json!({"config": format!("[Entry(name={name}, value={value})]")}));
    }
    forms
}

/// The first setting with its value in each form, the others as a text.
fn settings(pairs: &[(&str, &str)]) -> Vec<Value> {
    let [(name, value), others @ ..] = pairs else {
        return Vec::new();
    };
    let first = written(value);
    let first = first.iter().flat_map(|value| setting(name, value));
    let others = others
        .iter()
        .flat_map(|(name, value)| setting(name, &json!(value)));
    first.chain(others).collect()
}

#[test]
fn settings_by_which_a_topic_loses_records_are_found_in_every_shape() {
    let cut = settings(&[
        ("retention.ms", "1000"),
        ("retention.ms", "0"),
        ("retention.ms", "+3600000"),
        ("retention.ms", "١٠٠٠"),
        ("log.retention.ms", "1000"),
        ("retention.bytes", "1"),
        ("retention.bytes", "99999999"),
    ]);
    let cleanup = settings(&[
        ("cleanup.policy", "delete"),
        ("local.retention.ms", "1"),
        ("local.retention.bytes", "1"),
        ("remote.storage.enable", "false"),
    ]);
    let kept = settings(&[
        ("retention.ms", "604800000"),
        ("retention.ms", "3600001"),
        ("retention.ms", "-1"),
        ("retention.bytes", "100000000"),
        ("max.compaction.lag.ms", "1"),
        ("segment.ms", "1"),
    ]);
    let incremental = "kafka.IncrementalAlterConfigs";
    let plain = |name, value| setting(name, &json!(value));
    check(&[
        act(incremental, "TOPIC", Level::High, cut),
        act(incremental, "TOPIC", Level::Medium, cleanup),
        act(incremental, "TOPIC", Level::Low, kept),
        act(
            "kafka.AlterConfigs",
            "TOPIC",
            Level::High,
            plain("retention.ms", "1"),
        ),
        act(
            "kafka.AlterConfigs",
            "TOPIC",
            Level::Medium,
            plain("cleanup.policy", "delete"),
        ),
        act(
            "kafka.AlterConfigs",
            "KAFKA_CLUSTER",
            Level::High,
            plain("log.retention.ms", "1"),
        ),
        act(
            "kafka.AlterConfigs",
            "KAFKA_CLUSTER",
            Level::Medium,
            plain("retention.ms", "604800000"),
        ),
    ]);
}

#[test]
fn a_setting_that_goes_back_to_its_default_is_not_cut() {
    let forms = [
        json!({"name": "retention.ms", "value": null, "operation": "DELETE"}),
        json!({"name": "retention.ms", "operation": "DELETE"}),
        json!({"name": "retention.ms", "value": "", "config_operation": 1}),
        json!({"name": "retention.ms", "value": null}),
        json!({"retention.ms": null}),
        json!({"configs": {"retention.ms": {"operation": "DELETE"}}}),
        json!({"configs": {"retention.ms": {"value": null, "operation": "DELETE"}}}),
        json!({"configs": {"retention.ms": {"value": "", "op": 1}}}),
        json!({"configs": {"retention.ms": {"operation": "DELETE", "value": "604800000"}}}),
        json!({"delete": ["retention.ms"]}),
    ];
    let set = json!({"name": "retention.ms", "value": "1", "op": 0, "operation": "DELETE"});
    let unread = ["1h", "PT1H", "0x1", "1,000", "1000L"];
    let unread = unread.map(|value| json!({"name": "retention.ms", "value": value}));
    let doubtful = ["op", "op_type", "operation_type"]
        .map(|word| json!({"name": "retention.ms", "value": "1", word: "DELETE"}));
    let cut = unread.into_iter().chain([set]).chain(doubtful);
    let method = "kafka.IncrementalAlterConfigs";
    check(&[
        act(method, "TOPIC", Level::Low, forms),
        act(method, "TOPIC", Level::High, cut),
    ]);
}

fn entry(principal: &str, name: &str) -> Value {
    json!({
        "resource_type": "TOPIC", "resource_name": name, "pattern_type": "LITERAL", "host": "*",
        "principal": principal, "operation": "READ", "permission_type": "ALLOW",
    })
}

#[test]
fn access_control_entries_are_found_in_every_shape() {
    const METHOD: &str = "kafka.CreateAcls";
    let whole = [
        "User:*", "User: *", " user:*", "USER:*", "Group:*", "*", " * ",
    ];
    let mut everybody: Vec<Value> = whole.map(|all| entry(all, "orders")).into();
    for change in [
        json!({"permission_type": "DENY", "principal": "User:*"}),
        json!({"permission": "DENY", "permission_type": "ALLOW", "principal": "User:*"}),
        json!({"principal_type": "User", "principal_name": "*", "principal": null}),
        json!({"principal": {"type": "User", "name": "*"}}),
        json!({"principal": ["User:sa-4t6y8u", "User:*"]}),
        json!({"principals": "User:sa-4t6y8u,User:*", "principal": "User:sa-4t6y8u"}),
    ] {
        everybody.push(with_members(change, entry("User:sa-4t6y8u", "orders")));
    }
    let mut every_resource = vec![entry("User:sa-4t6y8u", "*"), entry("User:sa-4t6y8u", " * ")];
    for change in [
        json!({"resource_name": "", "pattern_type": "PREFIXED"}),
        json!({"resource_name": "", "pattern_type": "prefixed"}),
        json!({"resource_name": "", "pattern_type": 4}),
        json!({"resource_name": null, "pattern_type": "PREFIXED"}),
        json!({"resource_name": null, "resource": {"type": "TOPIC", "name": "*"}}),
        json!({"resource_name": ["orders", "*"]}),
        json!({"resource_name": "*", "permission_type": "DENY"}),
    ] {
        every_resource.push(with_members(change, entry("User:sa-4t6y8u", "orders")));
    }
    let cluster = |change| with_members(change, entry("User:sa-4t6y8u", "kafka-cluster"));
    for kind in ["CLUSTER", "KAFKA_CLUSTER", "Cluster"] {
        for operation in [
            "ALL",
            "ALTER",
            "AlterConfigs",
            "ALTER_CONFIGS",
            "alter-configs",
            "ClusterAction",
        ] {
            every_resource.push(cluster(
                json!({"resource_type": kind, "operation": operation}),
            ));
            every_resource.push(cluster(
                json!({"resource_type": kind, "operation": ["READ", operation]}),
            ));
            every_resource.push(json!({
                "pattern": {"resource_type": kind, "name": "kafka-cluster"},
                "entry": {"principal": "User:sa-4t6y8u", "operation": operation},
            }));
        }
    }
    let allowed = |operation| json!({"operation": operation, "principal": "User:sa-4t6y8u"});
    every_resource.extend([
        json!({"resource_type": "CLUSTER", "entries": [allowed("DESCRIBE"), allowed("ALTER")]}),
        json!({"resource_type": "CLUSTER", "entries": [{"entry": allowed("ALL")}]}),
        json!({"resource": {"type": "CLUSTER"}, "entries": [allowed("ALTER_CONFIGS")]}),
        with_members(
            allowed("ALTER"),
            json!({"resources": [{"resource_type": "CLUSTER", "resource_name": "kafka-cluster"}]}),
        ),
    ]);
    let named = [
        json!({"creations": [
            {"resource_type": "CLUSTER", "operation": "DESCRIBE", "principal": "User:sa-4t6y8u"},
            {"resource_type": "TOPIC", "resource_name": "orders", "operation": "ALTER", "principal": "User:sa-4t6y8u"},
        ]}),
        json!({"resource_type": "TOPIC", "resource_name": "orders", "entries": [allowed("ALTER")]}),
        entry("User:sa-4t6y8u", "orders"),
        with_members(
            json!({"pattern_type": "PREFIXED"}),
            entry("User:sa-4t6y8u", "orders-"),
        ),
        cluster(json!({"resource_type": "CLUSTER", "operation": "DESCRIBE"})),
    ];
    check(&[
        act(METHOD, "KAFKA_CLUSTER", Level::High, everybody),
        act(METHOD, "KAFKA_CLUSTER", Level::Medium, every_resource),
        act(METHOD, "KAFKA_CLUSTER", Level::Low, named),
    ]);
}

/// A role in each form of a request.
fn roles(role: &str) -> Vec<Value> {
    let spaced = |text: &str| format!(" {text} ");
    let mut forms = Vec::new();
    for role in [
        role.to_owned(),
        spaced(role),
        role.to_lowercase(),
        role.to_uppercase(),
    ] {
        forms.push(json!({"role_name": role, "principal": "User:u-9k2m4n"}));
        forms.push(json!({"role": role}));
        forms.push(json!({"role": {"name": role}}));
        forms.push(json!({"roles": ["DeveloperRead", role]}));
        forms.push(json!({"role_bindings": [{"role_name": "DeveloperRead"}, {"role_name": role}]}));
        forms.push(json!({"bindings": {&role: {"principal": "User:u-9k2m4n"}}}));
        forms.push(json!({"bindings": format!("principal=User%3Au-9k2m4n&role={role}%20")}));
    }
    let first = format!("%{:02x}", role.as_bytes()[0]);
    forms.push(json!({"role_name": first + &role[1..]}));
    forms
}

#[test]
fn roles_are_found_in_every_shape() {
    let all =
        |names: &[&str]| -> Vec<Value> { names.iter().flat_map(|name| roles(name)).collect() };
    let administering = [
        "OrganizationAdmin",
        "EnvironmentAdmin",
        "CloudClusterAdmin",
        "SystemAdmin",
    ];
    let every_resource = [
        "crn://confluent.cloud/kafka=lkc-8w3m5p/topic=*",
        "crn://confluent.cloud/kafka=lkc-8w3m5p/topic=**",
        "crn://confluent.cloud/kafka=lkc-8w3m5p/topic=",
    ]
    .map(|pattern| json!({"role_name": "DeveloperRead", "crn_pattern": pattern}));
    let patterns = [
        json!({"resource_type": "Topic", "name": "*"}),
        json!({"resource_type": "Topic", "name": " * "}),
        json!({"resource_type": "Topic", "name": "", "pattern_type": "PREFIXED"}),
        json!({"resource_type": "Topic", "resource_name": "", "pattern_type": "Prefix"}),
    ]
    .map(|pattern| json!({"role_name": "DeveloperRead", "resource_patterns": [pattern]}));
    let every_resource: Vec<Value> = every_resource.into_iter().chain(patterns).collect();
    let mut acts = Vec::new();
    for method in [
        "BindRoleForPrincipal",
        "CreateRoleBinding",
        "GrantRoleResourcesForPrincipal",
    ] {
        acts.push(act(method, "ENVIRONMENT", Level::High, all(&administering)));
        acts.push(act(
            method,
            "ENVIRONMENT",
            Level::Medium,
            all(&["ResourceOwner", "Operator"]),
        ));
        acts.push(act(
            method,
            "ENVIRONMENT",
            Level::Medium,
            every_resource.clone(),
        ));
        acts.push(act(
            method,
            "ENVIRONMENT",
            Level::Low,
            all(&["DeveloperWrite"]),
        ));
    }
    // What is called like a role is none.
    let namesakes = [
        json!({"role_name": "DeveloperRead", "crn_pattern": "crn://confluent.cloud/kafka=lkc-8w3m5p/topic=ClusterAdmin"}),
        json!({"role_name": "DeveloperRead", "resource_patterns": [{"resource_type": "Topic", "name": "ClusterAdmin"}]}),
        json!({"role_name": "DeveloperRead", "topics": ["ClusterAdmin"]}),
        json!({"role_name": "DeveloperRead", "resource": {"type": "Topic", "name": "Operator"}}),
        json!({"role_name": "DeveloperRead", "principal": "User:ClusterAdmin"}),
        json!({"role_name": "DeveloperRead", "description": "in place of OrganizationAdmin"}),
        json!({"roles": {"DeveloperRead": true, "OrganizationAdmin": false}}),
    ];
    acts.push(act(
        "BindRoleForPrincipal",
        "ENVIRONMENT",
        Level::Low,
        namesakes,
    ));
    let administrators = all(&["OrganizationAdmin", "EnvironmentAdmin"]);
    acts.push(act(
        "UnbindRoleForPrincipal",
        "ENVIRONMENT",
        Level::Medium,
        administrators,
    ));
    acts.push(act(
        "UnbindRoleForPrincipal",
        "ENVIRONMENT",
        Level::Low,
        all(&["DeveloperWrite"]),
    ));
    check(&acts);
}

#[test]
fn keys_and_statements_for_another_one_are_found_in_every_shape() {
    let owner = |owner: Value| json!({"owner": owner, "resource": {"id": "lkc-8w3m5p"}});
    let victims = [
        owner(json!({"id": "u-9k2m4n"})),
        owner(json!({"id": "User:u-9k2m4n"})),
        owner(json!("u-9k2m4n")),
        json!({"owner_id": "u-9k2m4n"}),
        json!({"owner_id": "u-9k2m4n", "owner": {"id": ACTOR}}),
        json!({"owner": {"id": "u-9k2m4n"}, "resource": {"id": "cloud"}}),
        json!({"owner": {"id": {"string": "u-9k2m4n"}}}),
        owner(json!({"related": "https://api.confluent.cloud/iam/v2/users/u-9k2m4n"})),
        owner(json!({"resource_name": "crn://confluent.cloud/organization=o-1/user=u-9k2m4n"})),
        owner(json!({"id": "", "related": "https://api.confluent.cloud/iam/v2/users/u-9k2m4n/"})),
        owner(json!(
            "crn://confluent.cloud/organization=o-1/user=u-9k2m4n"
        )),
        patch("spec/owner", &json!({"id": "u-9k2m4n"})),
        patch("spec/owner/id", &json!("u-9k2m4n")),
    ];
    let for_the_cloud = ["cloud", "Cloud", " cloud ", "global"]
        .into_iter()
        .flat_map(|cloud| {
            let resources = [
                json!({"id": cloud}),
                json!({"kind": cloud}),
                json!(cloud),
                json!([{"id": cloud}]),
            ];
            resources.map(|resource| json!({"owner": {"id": "sa-4t6y8u"}, "resource": resource}))
        });
    let for_all = [
        json!({"owner": {"id": "sa-4t6y8u"}}),
        json!({"owner": {"id": ACTOR}, "resource": null}),
    ];
    let for_the_cloud = for_the_cloud.chain(for_all);
    let own = [
        owner(json!({"id": ACTOR})),
        owner(json!(format!("User:{ACTOR}"))),
        owner(json!({
            "id": ACTOR,
            "related": format!("https://api.confluent.cloud/iam/v2/users/{ACTOR}"),
            "resource_name": format!("crn://confluent.cloud/organization=o-1/user={ACTOR}"),
        })),
    ];
    let beside_ones_own = json!({
        "spec": {"owner": {"id": "sa-4t6y8u"}, "resource": {"id": "lkc-8w3m5p"}},
        "owner": {"id": ACTOR},
    });
    let statement = |principal: &str| {
        [
            json!({"name": "agg", "principal": principal}),
            json!({"principal": {"string": principal}}),
            patch("spec/principal", &json!(principal)),
        ]
    };
    let users = ["u-9k2m4n", "User:u-9k2m4n", " u-9k2m4n"];
    let users = users.into_iter().flat_map(statement);
    let others = [
        "sa-4t6y8u",
        "User:sa-4t6y8u",
        "pool-9",
        "group-1",
        "x-1",
        "User:812345",
    ];
    let accounts = [
        json!({"service_account": {"id": "sa-4t6y8u"}}),
        json!({"service_account": "sa-4t6y8u"}),
        json!({"service_account_id": "sa-4t6y8u"}),
        json!({"identity_pool_id": "pool-9"}),
    ];
    let others = others.into_iter().flat_map(statement).chain(accounts);
    check(&[
        act("CreateAPIKey", "API_KEY", Level::High, victims),
        act("CreateAPIKey", "API_KEY", Level::High, for_the_cloud),
        act(
            "CreateAPIKey",
            "API_KEY",
            Level::Medium,
            [owner(json!({"id": "sa-4t6y8u"})), beside_ones_own],
        ),
        act("CreateAPIKey", "API_KEY", Level::Low, own),
        act("CreateStatement", "STATEMENT", Level::High, users),
        act("CreateStatement", "STATEMENT", Level::Medium, others),
    ]);
}

#[test]
fn ones_own_id_beside_that_of_another_one_hides_nothing() {
    let pipeline = pipeline_with("", 1_000_000);
    let requests = [
        (
            "CreateAPIKey",
            json!({"owner": {"id": ACTOR}, "spec": {"owner": {"id": "u-9k2m4n"}}}),
        ),
        (
            "CreateAPIKey",
            json!({"owner": {"id": "u-9k2m4n"}, "spec": {"owner": {"id": ACTOR}}}),
        ),
        (
            "CreateStatement",
            json!({"principal": ACTOR, "spec": {"principal": "u-9k2m4n"}}),
        ),
        (
            "CreateStatement",
            json!({"principal": "u-9k2m4n", "spec": {"principal": ACTOR}}),
        ),
        (
            "CreateStatement",
            json!({"principal": ACTOR, "spec": {"principal": "User:u-9k2m4n"}}),
        ),
    ];
    for (method, request) in requests {
        let event = event(&act(method, "API_KEY", Level::High, []), request);
        assert_eq!(levels(&pipeline, &event), [Level::High], "{event}");
    }
}

#[test]
fn addresses_that_let_everybody_in_are_found_in_every_shape() {
    let everybody = [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0",
        "::",
        "0/0",
        "128.0.0.0/1",
        "52.0.0.0/8",
        "0.0.0.0/0.0.0.0",
        "128.0.0.0/128.0.0.0",
        "::ffff:0:0/96",
        "::ffff:0.0.0.0/96",
        "0:0:0:0:0:ffff:0:0/96",
        "2000::/3",
        "0.0.0.0-255.255.255.255",
        "1.0.0.0 - 223.255.255.255",
        "::-ffff::",
        "*",
        "0.0.0.0/00",
        "198.51.100.0/24,0.0.0.0/0",
        "0.0.0.0/1;128.0.0.0/1",
        "[\"0.0.0.0/0\"]",
    ];
    let office = [
        "198.51.100.0/24",
        "10.0.0.0/8",
        "2001:db8::/32",
        "203.0.113.7",
        "203.0.113.7/32",
        "fd00::/8",
    ];
    let forms = |address: &str| {
        let office = "198.51.100.0/24";
        [
            json!({"cidr_blocks": [office, address]}),
            json!({"cidr_blocks": address}),
            json!({"cidr_blocks": [{"cidr": office}, {"cidr": address}]}),
            json!({"ranges": [[office], [address]]}),
        ]
    };
    let ends = [
        json!({"start": "1.0.0.0", "end": "223.255.255.255"}),
        json!({"ranges": [{"from": "::", "to": "ffff::"}]}),
        json!({"address": "0.0.0.0", "prefix_length": 0}),
        json!({"cidr_blocks": ["198.51.100.0/24", "any"]}),
    ];
    let pieces = |from: u32, step: usize, prefix: u8| {
        let first = (from..256).step_by(step);
        let cidrs: Vec<_> = first.map(|n| format!("{n}.0.0.0/{prefix}")).collect();
        [
            json!({"cidr_blocks": cidrs}),
            json!({"cidr_blocks": cidrs.join(",")}),
        ]
    };
    let together = [pieces(0, 128, 9), pieces(11, 2, 12), pieces(0, 3, 14)];
    let together = together.into_iter().flatten().chain([
        json!({"cidr_blocks": ["198.51.0.0/9", "203.0.0.0/9"]}),
        json!({"cidr_blocks": {"0.0.0.0/0": "everybody"}}),
        json!({"cidr_blocks": {"::/0": {"note": "x"}, "198.51.100.0/24": true}}),
        json!({"cidr_blocks": ["2001::/17", "2a00::/17"]}),
    ]);
    let said = [
        json!({"cidr_blocks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]}),
        json!({"cidr_blocks": ["198.51.100.0/24", "198.51.100.0/24", "203.0.113.0/24", "52.0.0.0/9"]}),
        json!({"cidr_blocks": {"198.51.100.0/24": "office", "0.0.0.0/0": false}}),
        json!({"cidr_blocks": ["198.51.100.0/24"], "naming": {"prefix": 8}}),
        json!({"cidr_blocks": ["fd00::/9", "fc00::/9", "2001:db8::/32"]}),
        json!({"cidr_blocks": ["198.51.100.0/24"], "description": "replaces 0.0.0.0/0"}),
        json!({"cidr_blocks": ["198.51.100.0/24"], "group_name": "not 0.0.0.0/0 any more"}),
        json!({"cidr_blocks": ["198.51.100.1-198.51.100.9"]}),
        json!({"start": "198.51.100.1", "end": "198.51.100.9"}),
    ];
    let mut acts = Vec::new();
    for method in [
        "CreateIpGroup",
        "UpdateIpGroup",
        "CreateIpFilter",
        "UpdateIpFilter",
    ] {
        acts.push(act(
            method,
            "IP_GROUP",
            Level::High,
            everybody
                .into_iter()
                .flat_map(forms)
                .chain(ends.clone())
                .chain(together.clone()),
        ));
        acts.push(act(
            method,
            "IP_GROUP",
            Level::Medium,
            office.into_iter().flat_map(forms).chain(said.clone()),
        ));
    }
    check(&acts);
}

#[test]
fn filters_that_let_everybody_in_are_found_in_every_shape() {
    let open = [
        "true",
        " true ",
        "(true)",
        "TRUE",
        "!false",
        "1==1",
        "1 == 1",
        "has(claims.sub)",
        "true || false",
        "claims.sub == 'x' || true",
        "claims.sub != ''",
        "claims.sub.startsWith('')",
        "claims.sub.matches('.*')",
        "claims.sub == claims.sub",
        "size(claims.sub) > 0",
        "\"a\" == \"a\"",
        "!(claims.sub == 'x')",
        "claims.aud == 'x' || claims.aud != 'x'",
        "claims.sub == 'x' ? true : true",
        "claims.sub.matches('')",
        "claims.sub.matches('^')",
        "claims.sub.matches('.+')",
        "claims.sub.matches('(?i).*')",
        "claims.sub.matches('\\\\S*')",
        "claims.sub.matches('\\\\w')",
        "claims.sub.matches('a*')",
        "claims.sub.matches('(ci)?')",
        "claims.sub.matches('ci|')",
        "claims.sub.matches('^[a-zA-Z0-9].*')",
        "claims.sub.contains('')",
        "claims.sub.endsWith(\"\")",
        "size(claims.sub) >= 0",
        "claims.sub == 'x' || 1 == 1",
        "claims.iss == 'https://login.example.com/'",
        "claims['iss'] == 'https://login.example.com/'",
        "claims.iss.startsWith('https://')",
        "claims['iss'].startsWith('https://')",
    ];
    let closed = [
        "claims.aud == \"kafka\"",
        "claims.aud == 'kafka' && claims.sub.startsWith('ci-')",
        "\"platform\" in groups",
        "claims.sub in ['a', 'b']",
        "claims.groups.exists(g, g == 'x')",
        "has(claims.aud) && claims.aud == 'kafka'",
        "claims[\"aud\"] == \"kafka\"",
        "\"a\" in groups && !(\"b\" in groups)",
        "claims.iss == 'https://login.example.com/' && claims.aud == 'kafka'",
        "claims.sub.matches('^ci-.*')",
        "claims.sub.matches('@example[.]com$')",
        "claims.sub.matches('^(loader|writer)$')",
        "claims.sub.startsWith('ci-') || claims.sub in ['a']",
    ];
    let forms = |filter: &str| {
        [
            json!({"filter": filter}),
            json!({"filter": [filter]}),
            json!({"filter": {"string": filter}}),
            patch("filter", &json!(filter)),
        ]
    };
    let mut acts = Vec::new();
    for method in [
        "CreateIdentityPool",
        "UpdateIdentityPool",
        "CreateGroupMapping",
        "UpdateGroupMapping",
    ] {
        let all = open
            .into_iter()
            .flat_map(forms)
            .chain([json!({"filter": true})]);
        acts.push(act(method, "IDENTITY_POOL", Level::High, all));
        acts.push(act(
            method,
            "IDENTITY_POOL",
            Level::Medium,
            closed.into_iter().flat_map(forms),
        ));
    }
    check(&acts);
}

#[test]
fn switches_are_found_in_every_shape() {
    let switch = |name: &str, values: &[&str]| -> Vec<Value> {
        let values = values.iter().flat_map(|value| written(value));
        let forms = values.flat_map(|value| {
            [
                json!({name: value}),
                json!({"params": [{"name": name, "value": value}]}),
                json!({"settings": [{"key": name, "new_value": value}]}),
                json!({name: {"boolean": value}}),
                patch(&format!("spec/{name}"), &value),
            ]
        });
        forms.collect()
    };
    let on = ["true", "TRUE", "1", "yes"];
    let off = ["false", "False", "0", "no"];
    let none = ["NONE", "none"];
    let mfa = [
        json!({"settings": [{"name": "mfa", "enabled": false}]}),
        json!({"settings": [{"name": "mfa_required", "value": "False"}]}),
        json!({"settings": {"mfa": {"enabled": "no"}}}),
        json!({"settings": "mfa_enabled=false"}),
    ];
    let disabled = [
        "mfa_disabled",
        "disable_mfa",
        "sso_disabled",
        "skip_mfa",
        "mfa_optional",
    ];
    let enforced = [
        "enforce_mfa",
        "mfa_enforced",
        "require_mfa",
        "sso_enabled",
        "sso_required",
        "enforce_sso",
        "two_factor_enabled",
    ];
    let mfa = mfa.into_iter().chain([
        json!({"mfa-disabled": true}),
        json!({"mfa.disabled": "yes"}),
        json!({"ssoMode": "optional"}),
        json!({"sso": {"mode": "OPTIONAL"}}),
        json!({"user": {"two-factor-auth": "off"}}),
        json!({"settings": [{"name": "sso_enabled", "value": false}]}),
    ]);
    // One shape is enough for names that differ only in their words.
    let are = |names: &[&str], value: bool| -> Vec<Value> {
        names.iter().map(|name| json!({*name: value})).collect()
    };
    let mfa = mfa.chain(are(&disabled, true)).chain(are(&enforced, false));
    let stays = are(&disabled, false)
        .into_iter()
        .chain(are(&enforced, true))
        .chain([
            json!({"sso_mode": "required"}),
            json!({"associated": false, "processor": "none"}),
        ]);
    let permanent = [
        json!({"permanently": true}),
        json!({"permanentDelete": "true"}),
        json!({"hard_delete": 1}),
        json!({"force": true}),
        json!({"delete_type": "PERMANENT"}),
        json!({"deletion": {"mode": "hard"}}),
        json!({"query": "?permanent_delete=true"}),
        json!({"params": [{"name": "permanent", "value": "True"}]}),
        json!({"query": "normalize=true&permanent=true"}),
    ];
    let statement = |values| switch("stopped", values);
    check(&[
        act(
            "schema-registry.DeleteSubject",
            "SUBJECT",
            Level::High,
            switch("permanent", &on).into_iter().chain(permanent),
        ),
        act(
            "schema-registry.DeleteSubject",
            "SUBJECT",
            Level::Medium,
            switch("permanent", &off)
                .into_iter()
                .chain(are(&["hard_delete", "permanent_delete", "force"], false))
                .chain([json!({"delete_type": "soft"}), json!({"mode": "IMPORT"})]),
        ),
        act(
            "UpdateOrganization",
            "ORGANIZATION",
            Level::High,
            switch("mfa_enabled", &off).into_iter().chain(mfa),
        ),
        act(
            "UpdateOrganization",
            "ORGANIZATION",
            Level::Medium,
            switch("mfa_enabled", &on).into_iter().chain(stays),
        ),
        act(
            "UpdateStatement",
            "STATEMENT",
            Level::Medium,
            statement(&on),
        ),
        act(
            "schema-registry.UpdateGlobalConfig",
            "SCHEMA_REGISTRY",
            Level::High,
            switch("compatibility", &none),
        ),
        act(
            "schema-registry.UpdateGlobalMode",
            "SCHEMA_REGISTRY",
            Level::High,
            switch("mode", &["IMPORT"]),
        ),
        act(
            "schema-registry.UpdateSubjectConfig",
            "SUBJECT",
            Level::Medium,
            switch("compatibility_level", &none),
        ),
    ]);
}

#[test]
fn a_name_is_temporary_only_with_a_separator() {
    let pipeline = pipeline_with("", 1_000_000);
    let level = |names: &[&str]| {
        let mut event = event(
            &act("kafka.DeleteTopics", "TOPIC", Level::High, []),
            json!({}),
        );
        let resources = names
            .iter()
            .map(|name| json!({"resource": {"type": "TOPIC", "resourceId": name}}));
        event["data"]["cloudResources"] = resources.collect();
        levels(&pipeline, &event)
    };
    for temporary in [
        "test-1",
        "tmp.x",
        "preview_17",
        "test",
        "TMP-x",
        "test17-orders",
    ] {
        assert_eq!(level(&[temporary]), [Level::Low], "{temporary}");
    }
    for kept in [
        "testimonials-prod",
        "tmpl",
        "previews-orders",
        "orders-test",
    ] {
        assert_eq!(level(&[kept]), [Level::High], "{kept}");
        assert_eq!(level(&["test-1", kept]), [Level::High], "{kept}");
    }
}
