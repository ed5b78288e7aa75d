//! What is read of requests in many shapes. Each fact is shown as its members in their order.

use super::*;

/// The facts of a kind in a text.
fn facts(kind: FactKind, text: &str) -> Vec<String> {
    read_facts(kind, text, false)
}

fn read_facts(kind: FactKind, text: &str, certain: bool) -> Vec<String> {
    let document = Document::parse(text.as_bytes()).unwrap();
    let repeated = document.repeated_members();
    let actor = [Cow::Borrowed("u-1")];
    let request = Request {
        document: &document,
        data: &[document.root()],
        left_out: if certain { &repeated } else { &[] },
        actor: &actor,
    };
    let mut found = Vec::new();
    let _ = request.facts(kind, &mut |fact| {
        let member = |(name, value): &(&str, crate::sigma::Value<'_>)| {
            let text = value.text().unwrap_or("null".into()).into_owned();
            match *name {
                "" => text,
                name => format!("{name}={text}"),
            }
        };
        let members: Vec<_> = fact.iter().map(member).collect();
        found.push(members.join(" "));
        std::ops::ControlFlow::Continue(())
    });
    found
}

#[track_caller]
fn check(kind: FactKind, cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(facts(kind, text), *expected, "{text}");
    }
}

#[test]
fn a_setting_has_one_name_whatever_its_shape() {
    let cut: &[&str] = &["name=retention.ms value=1000"];
    check(
        FactKind::Settings,
        &[
            (r#"{"retention.ms":" 1000 "}"#, cut),
            (r#"{"RetentionMs":1000}"#, cut),
            (r#"{"log.retention.ms":"1000"}"#, cut),
            (r#"{"configs.retention.ms":"1000"}"#, cut),
            (r#"{"config.log.retention.ms":"1000"}"#, cut),
            (r#"["config.retention.ms=1000"]"#, cut),
            (r#"{"retention.ms":{"value":{"long":1000}}}"#, cut),
            (
                r#"{"retention.ms":{"string":"1000","long":1000}}"#,
                &["name=retention.ms value=1000"; 2],
            ),
            (r#"{"configs":{"retention":{"ms":[["1000"]]}}}"#, cut),
            (r#"{"configs":{"retention.ms":{"string":"1000"}}}"#, cut),
            (
                r#"[["retention.ms","1000"]]"#,
                &["name=retention.ms value=1000", "name=retention.ms"],
            ),
            (r#"["retention.ms=1000"]"#, cut),
            (r#"["retention.ms%3D1000"]"#, cut),
            (r#"["[Entry(name=retention.ms, value=1000)]"]"#, cut),
            (r#"["retention.ms={value=1000}"]"#, cut),
            (r#"["{\"retention.ms\":1000}"]"#, cut),
            (r#"["\"{\\\"retention.ms\\\":1000}\""]"#, cut),
            (r#"{"description":"retention.ms=1000"}"#, &[]),
            (
                r#"{"retention.ms":null}"#,
                &["name=retention.ms value=null"],
            ),
            (
                r#"["retention.ms, segment.ms"]"#,
                &["name=retention.ms", "name=segment.ms"],
            ),
        ],
    );
}

#[test]
fn an_object_that_names_a_setting_has_its_value_and_what_is_done_to_it() {
    let first = |text: &str| facts(FactKind::Settings, text).remove(0);
    for (text, expected) in [
        (
            r#"{"name":"retention.ms","value":"1","op":0}"#,
            "name=retention.ms value=1 operation=SET",
        ),
        (
            r#"{"name":"retention.ms","value":"1","operation":1}"#,
            "name=retention.ms value=1 operation=DELETE",
        ),
        (
            r#"{"name":{"string":"retention.ms"},"value":{"string":"1000"}}"#,
            "name=retention.ms value=1000",
        ),
        (
            r#"{"name":"configs.retention.ms","value":"1"}"#,
            "name=retention.ms value=1",
        ),
        (
            r#"{"name":"retention.ms","op":1}"#,
            "name=retention.ms operation=DELETE",
        ),
        (
            r#"{"x":"retention.ms","op":1,"operation":"SET","y":5}"#,
            "name=retention.ms value=5 operation=SET",
        ),
        (
            r#"{"retention.ms":{"value":null,"operation":"delete"}}"#,
            "name=retention.ms value=null operation=DELETE",
        ),
        (
            r#"{"key":"cleanupPolicy","old_value":"compact","new_value":"delete"}"#,
            "name=cleanup.policy value=delete",
        ),
        (r#"{"name":"mfa","enabled":false}"#, "name=mfa value=false"),
        (
            r#"{"name":"maxConnections","value":3}"#,
            "name=max.connections value=3",
        ),
        (
            r#"{"name":"retention.ms","value":"{\"long\":1}"}"#,
            "name=retention.ms value=1",
        ),
    ] {
        assert_eq!(first(text), expected, "{text}");
    }
    // A topic that is called like a setting of one word is none.
    let named = facts(FactKind::Settings, r#"{"name":"permanent","topic":"true"}"#);
    assert!(
        !named.contains(&"name=permanent value=true".to_owned()),
        "{named:?}"
    );
}

#[test]
fn an_object_of_a_type_is_the_value_in_it() {
    check(
        FactKind::Settings,
        &[
            (
                r#"{"compatibility":{"string":"NONE"}}"#,
                &["name=compatibility value=NONE"],
            ),
            (
                r#"{"enforce_mfa":{"bool":false}}"#,
                &["name=enforce.mfa value=false"],
            ),
            (
                r#"{"x":"{\"permanent\":{\"boolean\":true}}"}"#,
                &["name=permanent value=true"],
            ),
            (r#"{"x":{"value":{"y":[{"int":1}]}}}"#, &["name=y value=1"]),
            (r#"{"x":{"value":1,"y":2}}"#, &["name=y value=2"]),
            (r#"{"value":1}"#, &[]),
        ],
    );
    assert_eq!(
        facts(FactKind::Filters, r#"{"filter":{"string":"true"}}"#),
        ["expression=true matches=everybody"]
    );
    assert_eq!(
        facts(FactKind::Roles, r#"{"roles":{"value":"Custom"}}"#),
        ["Custom"]
    );
}

#[test]
fn an_operation_of_a_patch_says_what_its_path_leads_to() {
    let has = |text: &str, expected: &str| {
        let found = facts(FactKind::Settings, text);
        assert!(
            found.contains(&expected.to_owned()),
            "{text}: {expected} in {found:?}"
        );
    };
    for (path, value, expected) in [
        ("/spec/stopped", "true", "name=stopped value=true"),
        ("/configs/retention.ms", "1", "name=retention.ms value=1"),
        ("/configs/retention/ms", "1", "name=retention.ms value=1"),
        (
            "/configs/retention~1ms/value",
            "1",
            "name=retention.ms value=1",
        ),
        (
            "/configs/0",
            r#"{"name":"segment.ms","value":5}"#,
            "name=segment.ms value=5",
        ),
        (
            "/mfa",
            r#"{"enabled":false}"#,
            "name=mfa.enabled value=false",
        ),
        ("/spec", r#"{"stopped":true}"#, "name=stopped value=true"),
        ("/filter", r#"{"string":"true"}"#, "name=filter value=true"),
    ] {
        has(
            &format!(r#"[{{"op":"replace","path":"{path}","value":{value}}}]"#),
            expected,
        );
        has(
            &format!(r#"{{"patch":[{{"Value":{value},"Path":"{path}","OP":"add"}}]}}"#),
            expected,
        );
    }
    has(
        r#"[{"op":"remove","path":"/configs/retention.ms","value":"1"}]"#,
        "name=retention.ms value=null",
    );
    has(
        r#"[{"op":"x","path":"/y","value":[{"op":"replace","path":"/permanent","value":true}]}]"#,
        "name=permanent value=true",
    );
    for op in ["remove", "test"] {
        let text = format!(r#"[{{"op":"{op}","path":"/permanent","value":true}}]"#);
        let found = facts(FactKind::Settings, &text);
        assert!(
            !found.contains(&"name=permanent value=true".to_owned()),
            "{found:?}"
        );
    }
    // A path that is repeated hides none of the others.
    let paths: String = (0..200).map(|at| format!(r#""path":"/n{at}","#)).collect();
    has(
        &format!(r#"[{{"op":"replace",{paths}"path":"/stopped",{paths}"value":true}}]"#),
        "name=stopped value=true",
    );
    let long = "x".repeat(1_000);
    has(
        &format!(r#"[{{"op":"replace",{paths}"path":"/stopped","value":["{long}",true]}}]"#),
        "name=stopped value=true",
    );
    assert_eq!(
        facts(
            FactKind::Principals,
            r#"{"patch":[{"op":"replace","path":"/spec/owner","value":{"id":"u-9"}}]}"#
        ),
        ["relation=owner uid=u-9 type=User is_actor=false"]
    );
    let patch = r#"[{"op":"replace","path":"/stopped","value":1,"Value":2},
        {"op":"replace","path":"/phase","value":3}]"#;
    let certain = read_facts(FactKind::Settings, patch, true);
    assert!(
        certain.contains(&"name=phase value=3".to_owned()),
        "{certain:?}"
    );
    assert!(
        !certain.iter().any(|fact| fact.contains("stopped ")),
        "{certain:?}"
    );
}

#[test]
fn a_name_that_is_repeated_hides_none_of_the_others() {
    let named = |names: std::ops::Range<usize>| -> String {
        names.map(|at| format!(r#""name":"n{at}","#)).collect()
    };
    let values: String = (0..100).map(|at| format!(r#""value":"{at}","#)).collect();
    for (name, values) in [
        ("retention.ms", ""),
        ("filter", ""),
        ("retention.ms", values.as_str()),
        ("filter", values.as_str()),
    ] {
        let text = format!(
            r#"[{{{}"name":"{name}",{values}"value":"true"}}]"#,
            named(0..500)
        );
        let found = facts(FactKind::Settings, &text);
        let is_it =
            |fact: &String| fact.contains(&format!("name={name} ")) && fact.contains("value=true");
        assert!(found.iter().any(is_it), "{name}: {found:?}");
    }
    assert_eq!(
        facts(
            FactKind::Settings,
            r#"{"name":{"string":"x","String":"retention.ms"},"value":1}"#
        )[0],
        "name=x name=retention.ms value=1"
    );
}

#[test]
fn a_value_beside_a_deletion_that_another_program_may_not_know_may_be_set() {
    for word in ["op", "opType", "operation_type"] {
        let text = format!(r#"[{{"name":"retention.ms","value":"1","{word}":"DELETE"}}]"#);
        let found = facts(FactKind::Settings, &text);
        assert_eq!(
            found[..2],
            [
                "name=retention.ms value=1 operation=DELETE",
                "name=retention.ms value=1 operation=SET"
            ],
            "{text}"
        );
    }
    for text in [
        r#"[{"name":"retention.ms","value":"1","operation":"DELETE"}]"#,
        r#"[{"name":"retention.ms","value":"1","config_operation":1,"op":1}]"#,
        r#"[{"name":"retention.ms","value":null,"op":1}]"#,
    ] {
        let found = facts(FactKind::Settings, text);
        assert!(
            !found.iter().any(|fact| fact.contains("SET")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn roles_are_told_from_what_is_called_so() {
    let admin: &[&str] = &["OrganizationAdmin"];
    check(
        FactKind::Roles,
        &[
            (r#"{"role_name":"organization admin"}"#, admin),
            (r#"{"x":"OrganizationAdmin"}"#, admin),
            (r#"{"x":"%4frganizationAdmin\u00ad"}"#, admin),
            (r#"{"x":"a=b&role=ORGANIZATION_ADMIN"}"#, admin),
            (r#"{"bindings":{"OrganizationAdmin":["u-1"]}}"#, admin),
            (
                r#"{"role":{"name":"OrganizationAdmin","resource_type":"x"}}"#,
                admin,
            ),
            (
                r#"{"roles":["Custom","DeveloperRead"]}"#,
                &["Custom", "DeveloperRead"],
            ),
            (r#"{"roles":{"OrganizationAdmin":false}}"#, &[]),
            (
                r#"{"topic":"ClusterAdmin","resources":["ClusterAdmin"]}"#,
                &[],
            ),
            (r#"{"crn_pattern":"crn://x/topic=ClusterAdmin"}"#, &[]),
            (r#"{"x":"topic=ClusterAdmin"}"#, &[]),
            (r#"{"patterns":[{"name":"ClusterAdmin"}]}"#, &[]),
            (
                r#"{"list":[{"name":"ClusterAdmin","pattern_type":"x"}]}"#,
                &[],
            ),
            (r#"{"topics":{"ClusterAdmin":{}}}"#, &[]),
            (r#"{"note":"not OrganizationAdmin"}"#, &[]),
        ],
    );
}

#[test]
fn grants_are_in_the_words_of_kafka() {
    let all = |text: &str| {
        let facts = facts(FactKind::Grants, text);
        facts.iter().any(|fact| fact.contains("resource_name=*"))
    };
    for text in [
        r#"{"resource_name":" ** "}"#,
        r#"{"pattern_type":4,"name":""}"#,
        r#"{"pattern_type":"Prefix","resource_name":null}"#,
        r#"{"resource":"Topic:*"}"#,
        r#"{"x":["*"]}"#,
        r#"["crn://confluent.cloud/kafka=lkc-1/topic=%2A"]"#,
        r#"["crn://confluent.cloud/kafka=lkc-1/topic="]"#,
        r#"["resourceType=TOPIC, name=*"]"#,
    ] {
        assert!(all(text), "{text}");
    }
    for text in [
        r#"{"host":"*","principal":"*"}"#,
        r#"{"pattern_type":"PREFIXED","topics":"a"}"#,
        r#"{"name":"a*"}"#,
        r#"{"type":"User","name":"*"}"#,
        r#"{"description":"all=*"}"#,
    ] {
        assert!(!all(text), "{text}");
    }
    check(
        FactKind::Grants,
        &[
            (
                r#"{"resource_type":"KafkaCluster","operations":["read",7],"permission":2,"principal":"User:sa-1"}"#,
                &[
                    "resource_type=CLUSTER operation=READ operation=ALTER permission=DENY principal=User:sa-1",
                ],
            ),
            (
                r#"{"topic":"kafka-cluster"}"#,
                &["resource_name=kafka-cluster"],
            ),
            (r#"["x,Group : .*"]"#, &["principal=User:*"]),
            (r#"["superuser:*"]"#, &[]),
            (
                r#"{"type":"Group","name":"*"}"#,
                &["resource_type=GROUP principal=User:*"],
            ),
            (
                r#"{"type":"GROUP","name":"*","principal":"User:sa-1"}"#,
                &["resource_type=GROUP resource_name=* principal=User:sa-1"],
            ),
        ],
    );
    let split = r#"{"pattern":{"type":"CLUSTER"},"entry":"{\"operation\":\"ALL\"}"}"#;
    assert_eq!(
        facts(FactKind::Grants, split)[0],
        "resource_type=CLUSTER operation=ALL"
    );
}

#[test]
fn principals_are_identifiers_with_their_type() {
    check(
        FactKind::Principals,
        &[
            (
                r#"{"owner":{"id":"User: u-2"}}"#,
                &["relation=owner uid=u-2 type=User is_actor=false"],
            ),
            (
                r#"{"owner_id":"U-1"}"#,
                &["relation=owner uid=U-1 type=User is_actor=true"],
            ),
            (
                r#"{"owner":12}"#,
                &["relation=owner uid=12 type=User is_actor=false"],
            ),
            (
                r#"{"principal":"12"}"#,
                &["relation=principal uid=12 type=Unknown is_actor=false"],
            ),
            (
                r#"{"principal":"User:12"}"#,
                &["relation=principal uid=12 type=Unknown is_actor=false"],
            ),
            (
                r#"{"spec":{"identity_pool_id":"pool-9"}}"#,
                &["relation=principal uid=pool-9 type=IdentityPool is_actor=false"],
            ),
            (
                r#"{"service_account":{"id":"sa-1"}}"#,
                &["relation=principal uid=sa-1 type=ServiceAccount is_actor=false"],
            ),
            (
                r#"{"serviceAccountId":"sa-1"}"#,
                &["relation=principal uid=sa-1 type=ServiceAccount is_actor=false"],
            ),
            (
                r#"{"owner":{"id":{"string":"u-9"}}}"#,
                &["relation=owner uid=u-9 type=User is_actor=false"],
            ),
            (
                r#"{"runAs":"User:sa-3"}"#,
                &["relation=principal uid=sa-3 type=ServiceAccount is_actor=false"],
            ),
            (
                r#"{"principals":"u-1,crn://x/user=u-2"}"#,
                &[
                    "relation=principal uid=u-1 type=User is_actor=true",
                    "relation=principal uid=u-2 type=User is_actor=false",
                ],
            ),
            (r#"{"id":"u-2","name":{"principal_count":1}}"#, &[]),
        ],
    );
}

#[test]
fn networks_are_masked_and_have_a_prefix() {
    for (text, expected) in [
        ("0.0.0.0/0", "cidr=0.0.0.0/0 prefix_length=0 version=4"),
        ("10.1.2.3/8", "cidr=10.0.0.0/8 prefix_length=8 version=4"),
        (
            "128.0.0.0/128.0.0.0",
            "cidr=128.0.0.0/1 prefix_length=1 version=4",
        ),
        (
            "0.0.0.0/255.0.0.0",
            "cidr=0.0.0.0/0 prefix_length=0 version=4",
        ),
        ("000.0.0.0/00", "cidr=0.0.0.0/0 prefix_length=0 version=4"),
        (
            "203.0.113.7",
            "cidr=203.0.113.7/32 prefix_length=32 version=4",
        ),
        ("*.*", "cidr=0.0.0.0/0 prefix_length=0 version=4"),
        (
            "1.0.0.0 to 223.255.255.255",
            "cidr=0.0.0.0/1 prefix_length=1 version=4",
        ),
        (
            "198.51.100.1–198.51.100.9",
            "cidr=198.51.100.0/29 prefix_length=29 version=4",
        ),
        (
            "2001:db8::/32",
            "cidr=2001:db8::/32 prefix_length=32 version=6",
        ),
        (
            "::ffff:10.0.0.0/104",
            "cidr=10.0.0.0/8 prefix_length=8 version=4",
        ),
    ] {
        let text = format!("{{\"x\":\"{text}\"}}");
        assert_eq!(facts(FactKind::Networks, &text)[0], expected, "{text}");
    }
    check(
        FactKind::Networks,
        &[
            (
                r#"{"cidr":"any"}"#,
                &["cidr=0.0.0.0/0 prefix_length=0 version=4"],
            ),
            (r#"{"x":"any"}"#, &[]),
            (r#"{"description":"replaces 0.0.0.0/0"}"#, &[]),
            (r#"{"group_name":"replaces 0.0.0.0/0"}"#, &[]),
            (
                r#"{"x":"1/2","y":"2026-01-02","z":"1.2.3.4/33","w":"a-b"}"#,
                &[],
            ),
        ],
    );
    let split = facts(
        FactKind::Networks,
        r#"{"address":"8.0.0.0","prefix_length":"/5"}"#,
    );
    assert_eq!(split[0], "cidr=8.0.0.0/5 prefix_length=5 version=4");
    let range = facts(FactKind::Networks, r#"{"startIp":"::","endIp":"ffff::"}"#);
    assert!(
        range.contains(&"cidr=::/1 prefix_length=1 version=6".to_owned()),
        "{range:?}"
    );
}

#[test]
fn a_filter_chooses_if_each_alternative_compares_a_claim_with_a_value() {
    for (filter, expected) in [
        ("claims.aud == 'kafka'", "some"),
        ("claims[\"aud\"].startsWith(r'ci-')", "some"),
        ("(claims.a == 'x' || 'y' in claims.b) && true", "some"),
        ("claims.groups.exists(g, g == 'x')", "some"),
        ("claims.a == 'it\\'s' // true", "some"),
        ("claims.sub in (['a'])", "some"),
        ("claims.level == 3", "some"),
        ("claims.aud == 'https://x?y=z'", "some"),
        ("true", "everybody"),
        ("true // claims.aud == 'x'", "everybody"),
        ("claims.a == 'x' || true", "everybody"),
        ("claims.a == 'x' && true || has(claims.a)", "everybody"),
        ("claims.a.matches('^.*[a-z]+$')", "everybody"),
        ("claims.a == claims.a", "everybody"),
        ("'a' in ['a']", "everybody"),
        ("claims.a == ''", "everybody"),
        ("claims.a != 'x'", "everybody"),
        ("!(claims.a == 'x')", "everybody"),
        ("claims.a == 'x' ? true : true", "everybody"),
        ("claims.a == 'x", "everybody"),
        ("", "unsaid"),
    ] {
        let text = serde_json::json!({"spec": {"filter": filter}}).to_string();
        let found = facts(FactKind::Filters, &text);
        assert_eq!(
            found,
            [format!("expression={filter} matches={expected}")],
            "{filter}"
        );
    }
    let nested = format!("{{\"filter\":\"{}\"}}", "(".repeat(100_000));
    assert_eq!(facts(FactKind::Filters, &nested).len(), 1);
    let listed = facts(FactKind::Filters, r#"[{"name":"filter","value":true}]"#);
    assert_eq!(listed, ["expression=true matches=everybody"]);
}

#[test]
fn what_is_repeated_is_in_no_reading_for_certain() {
    let text = r#"{"a":{"b.ms":"1","B.ms":"2","segment.ms":"3"},
        "c":[{"name":"retention.ms","value":"1","Value":"2"}]}"#;
    let read = |certain| read_facts(FactKind::Settings, text, certain);
    let all = [
        "name=b.ms value=1",
        "name=b.ms value=2",
        "name=segment.ms value=3",
        "name=retention.ms value=1",
        "name=retention.ms value=2",
    ];
    for fact in all {
        assert!(
            read(false).contains(&fact.to_owned()),
            "{fact} in {:?}",
            read(false)
        );
        let is_certain = fact.contains("segment");
        assert_eq!(read(true).contains(&fact.to_owned()), is_certain, "{fact}");
    }
}

#[test]
fn paths_are_in_order_and_each_is_a_member_of_a_list() {
    assert!(FACTS.is_sorted_by_key(|(path, _)| *path));
    for (path, (_, member)) in FACTS {
        let list = path.strip_suffix(member).unwrap_or(path);
        assert_eq!(
            list.trim_end_matches('.').split('.').count(),
            DEPTH,
            "{path}"
        );
    }
}

#[test]
fn each_closed_list_has_the_values_that_a_request_gives() {
    let given = [
        (
            FactKind::Settings,
            r#"[{"name":"retention.ms","op":2},{"name":"retention.ms","op":"subtract"}]"#,
        ),
        (
            FactKind::Settings,
            r#"[{"name":"retention.ms","op":1},{"name":"retention.ms","op":0}]"#,
        ),
        (
            FactKind::Grants,
            r#"[{"permission":"deny","operation":12,"type":7},{"permission":3,"pattern_type":"prefix"}]"#,
        ),
        (
            FactKind::Principals,
            r#"{"owner":["u-1","sa-1","pool-1","group-1","x"],"run_as":"u-1"}"#,
        ),
        (FactKind::Networks, r#"["::1","10.0.0.1"]"#),
        (
            FactKind::Filters,
            r#"[{"filter":""},{"filter":"true"},{"filter":"claims.sub == 'x'"}]"#,
        ),
    ];
    for (kind, text) in given {
        for (path, (of, member)) in FACTS {
            let closed = super::closed_values(path);
            let closed: Vec<_> = closed.iter().filter_map(|value| value.text()).collect();
            if of != kind || closed.is_empty() {
                continue;
            }
            for fact in facts(kind, text) {
                let mut words = fact.split(' ');
                let value = words.find_map(|word| word.strip_prefix(&format!("{member}=")));
                if let Some(value) = value {
                    assert!(closed.iter().any(|known| known == value), "{path} {value}");
                }
            }
        }
    }
}

#[test]
fn a_list_of_facts_is_no_field_and_its_member_is_told() {
    for (list, member) in [
        ("api.request.settings", "api.request.settings.name"),
        ("api.request.principals", "api.request.principals.uid"),
        ("api.request.networks", "api.request.networks.cidr"),
        ("api.request.filters", "api.request.filters.expression"),
    ] {
        let unknown = crate::event::Path::parse(list).unwrap_err();
        assert_eq!(unknown.suggestion.as_deref(), Some(member), "{list}");
    }
}

#[test]
fn several_networks_are_also_one_that_is_as_large() {
    let large = |text: &str| -> Vec<String> {
        let found = facts(FactKind::Networks, text);
        let large = found.into_iter().filter(|fact| {
            let length = fact.split("prefix_length=").nth(1).unwrap();
            length.split(' ').next().unwrap().parse::<u8>().unwrap() <= 8
        });
        large.collect()
    };
    let all = |cidr: &str, length: u8, version: u8| {
        format!("cidr={cidr} prefix_length={length} version={version}")
    };
    assert_eq!(
        large(r#"["64.0.0.0/9", "198.0.0.0/9", "64.0.0.0/9", "64.0.0.0/10"]"#),
        [all("64.0.0.0/8", 8, 4)]
    );
    // Half of all addresses, without the private ones: as large as a quarter, and not as a half.
    let half: Vec<String> = (0..32_768)
        .map(|n| format!("\"{}.{}.0.0/16\"", n / 128, n % 128 * 2))
        .collect();
    assert_eq!(
        large(&format!("[{}]", half.join(","))),
        [all("0.0.0.0/2", 2, 4)]
    );
    assert_eq!(
        large(r#"["2000::/9", "2400::/9"]"#),
        [all("2000::/8", 8, 6)]
    );
    for none in [
        r#"["64.0.0.0/9", "64.0.0.0/9", "64.0.0.0/10"]"#,
        r#"["172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "64.0.0.0/9"]"#,
    ] {
        assert_eq!(large(none), [] as [&str; 0], "{none}");
    }
}
