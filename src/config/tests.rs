//! The smallest configuration, what overrides what, and what is refused with which words.

use super::*;
use crate::kafka::BrokerKind;
use crate::kafka::session::Start;
use crate::pipeline::Content;
use crate::rules::{OverridePart, RuleSource};

/// The section `archive`.
mod archive;
/// The section `page`.
#[cfg(feature = "archive")]
mod page;
/// The section `privacy`.
mod privacy;

const SMALLEST: &str = "\
sources:
  confluent:
    bootstrap: audit.example:9092
destination:
  bootstrap: own.example:9092
";

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()));
    owned.collect()
}

fn loaded(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    match from_parts(Some(("w.yaml", text)), &variables(pairs)) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{faults:?}"),
    }
}

fn refused(text: &str, pairs: &[(&str, &str)]) -> String {
    let faults = from_parts(Some(("w.yaml", text)), &variables(pairs))
        .err()
        .expect("refused");
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    lines.join("\n")
}

#[test]
fn the_smallest_configuration_takes_every_default() {
    let config = loaded(SMALLEST, &[]).config;
    assert_eq!(config.sources[0].topic, "confluent-audit-log-events");
    assert_eq!(config.sources[0].start, Start::Earliest);
    assert_eq!(config.rules, [RuleSource::Pack("confluent".into())]);
    assert_eq!(
        &*config.outputs.of(Content::Alerts).topic,
        "watchbell.alerts"
    );
    assert_eq!(config.listen.to_string(), "0.0.0.0:9464");
    let session = &config.sessions(3)[0];
    assert_eq!(session.transactional_id(), "watchbell/confluent/3/0");
    assert_eq!(session.commit_interval_ms, 100);
}

#[test]
fn a_variable_goes_before_the_file_and_finds_the_source_by_its_name() {
    let text = SMALLEST.replace("confluent:", "Prod-Audit:");
    let pairs = [
        ("WATCHBELL__SOURCES__PROD_AUDIT__TOPIC", "other"),
        ("WATCHBELL__RULES", "pack:confluent, /rules"),
        ("WATCHBELL__DESTINATION__KAFKA__SASL_PASSWORD", "HIDDEN"),
    ];
    let loaded = loaded(&text, &pairs);
    assert_eq!(loaded.config.sources.len(), 1);
    assert_eq!(loaded.config.sources[0].topic, "other");
    assert_eq!(loaded.config.rules[1], RuleSource::Path("/rules".into()));
    let password = &loaded.config.destination.properties["sasl.password"];
    assert_eq!(password, "HIDDEN");
}

#[test]
fn unknown_keys_and_variables_are_named_with_the_nearest_known() {
    let text = SMALLEST.to_owned() + "ruels: []\n";
    let said = refused(&text, &[("WATCHBELL__DELIVRY", "exactly_once")]);
    assert!(
        said.contains("w.yaml:6:1: error: unknown key `ruels`"),
        "{said}"
    );
    assert!(said.contains("did you mean `rules`?"), "{said}");
    assert!(said.contains("WATCHBELL__DELIVRY: error"), "{said}");
    assert!(
        said.contains("did you mean `WATCHBELL__DELIVERY`?"),
        "{said}"
    );
    let said = refused(&(SMALLEST.to_owned() + "correlate: {}\n"), &[]);
    assert!(said.contains("unknown key `correlate`"), "{said}");
}

#[test]
fn a_value_that_does_not_fit_is_refused_at_its_place() {
    let text = SMALLEST.to_owned() + "commit: {interval: soon}\ndelivery: exactly-once\n";
    let said = refused(&text, &[("WATCHBELL__COMMIT__RECORDS", "many")]);
    assert!(
        said.contains("w.yaml:6:20: error: commit.interval"),
        "{said}"
    );
    assert!(said.contains("did you mean `exactly_once`?"), "{said}");
    assert!(said.contains("WATCHBELL__COMMIT__RECORDS: error"), "{said}");
}

#[test]
fn a_transaction_that_outlives_its_session_is_refused() {
    let said = refused(&(SMALLEST.to_owned() + "session_timeout: 15s\n"), &[]);
    assert!(said.contains("session timeout"), "{said}");
}

#[test]
fn secrets_come_from_files_or_variables_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "THEKEY\n").unwrap();
    let text = format!("{SMALLEST}  api_key_file: {}\n", key.display());
    let secret = ("WATCHBELL__DESTINATION__API_SECRET", "THESECRET");
    let whole = loaded(&text, &[secret]);
    let credentials = whole.config.destination.credentials.clone().unwrap();
    assert_eq!(credentials.key, "THEKEY");
    assert_eq!(credentials.secret, "THESECRET");
    let shown = format!("{:?}{}", whole.config, whole.print());
    for secret in ["THEKEY", "THESECRET"] {
        assert!(!shown.contains(secret), "{shown}");
    }

    let said = refused(&text, &[]);
    assert!(
        said.contains("WATCHBELL__DESTINATION__API_SECRET"),
        "{said}"
    );
    let said = refused(&format!("{SMALLEST}  api_key: HIDDEN\n"), &[]);
    assert!(
        said.contains("is a secret") && !said.contains("HIDDEN"),
        "{said}"
    );
    let said = refused(
        &format!("{SMALLEST}  kafka: {{sasl.password: HIDDEN}}\n"),
        &[],
    );
    assert!(
        said.contains("is a secret") && !said.contains("HIDDEN"),
        "{said}"
    );
}

#[test]
fn what_is_printed_names_every_origin_and_loads_again() {
    let whole = loaded(SMALLEST, &[("WATCHBELL__GROUP", "night")]);
    let printed = whole.print();
    assert!(
        printed.contains("bootstrap: \"own.example:9092\"  # w.yaml:5:14"),
        "{printed}"
    );
    assert!(
        printed.contains("group: night  # WATCHBELL__GROUP"),
        "{printed}"
    );
    assert!(
        printed.contains("delivery: exactly_once  # default"),
        "{printed}"
    );
    let again = loaded(printed, &[]);
    assert_eq!(again.config.session, whole.config.session);
    assert_eq!(again.config.outputs, whole.config.outputs);
    assert_eq!(again.config.positions_topic, whole.config.positions_topic);
}

#[test]
fn positions_are_copied_to_a_group_of_no_deployment_unless_somebody_says_otherwise() {
    let lag_group = |value: Option<&str>| {
        let key = value.map_or(String::new(), |value| format!("    lag_group: {value}\n"));
        let text = SMALLEST.replace("destination:", &format!("{key}destination:"));
        let config = loaded(&(text + "group: ours\n"), &[]).config;
        config.sessions(0)[0].lag_group.clone()
    };
    assert_eq!(lag_group(None).as_deref(), Some("ours-lag"));
    assert_eq!(lag_group(Some("theirs")).as_deref(), Some("theirs"));
    assert_eq!(lag_group(Some("none")), None);
    let text = SMALLEST.replace("destination:", "    lag_group: \"\"\ndestination:");
    let said = refused(&text, &[]);
    assert!(said.contains("sources.confluent.lag_group"), "{said}");
}

const SLS: &str = "\
sources:
  actiontrail:
    bootstrap: audit.cn-shanghai.log.aliyuncs.com:10012
    topic: actiontrail_audit
destination:
  bootstrap: own.example:9092
";

#[test]
fn an_endpoint_of_sls_is_known_by_its_host_name_or_named_and_needs_a_topic() {
    let broker = |text: &str| loaded(text, &[]).config.sessions(0)[0].broker;
    assert_eq!(broker(SLS), BrokerKind::Sls);
    assert_eq!(broker(SMALLEST), BrokerKind::Kafka);
    let named = |kind| {
        SMALLEST.replace(
            "9092\ndest",
            &format!("9092\n    topic: x\n    broker: {kind}\ndest"),
        )
    };
    assert_eq!(broker(&named("sls")), BrokerKind::Sls);
    let kafka = SLS.replace("topic:", "broker: kafka\n    topic:");
    assert_eq!(broker(&kafka), BrokerKind::Kafka, "what is said wins");
    let said = refused(&named("slss"), &[]);
    assert!(said.contains("did you mean `sls`?"), "{said}");
    let said = refused(&SLS.replace("    topic: actiontrail_audit\n", ""), &[]);
    assert!(
        said.contains("topic: a value is required: the name of the Logstore"),
        "{said}"
    );
    let said = refused(&SLS.replace("own.example", "x.log.aliyuncs.com"), &[]);
    assert!(
        said.contains("destination.bootstrap: SLS has no transactions"),
        "{said}"
    );
}

#[test]
fn the_number_sign_in_a_password_of_sls_cuts_nothing_off() {
    const PASSWORD: &str = "LTAI5tExample#s3cr3t# and more";
    let password = |text: &str, pairs: &[(&str, &str)]| {
        let loaded = loaded(text, pairs);
        assert!(!loaded.print().contains("s3cr3t"), "{}", loaded.print());
        let source = &loaded.config.sources[0];
        source.cluster.properties["sasl.password"].clone()
    };
    let variable = "WATCHBELL__SOURCES__ACTIONTRAIL__KAFKA__SASL_PASSWORD";
    assert_eq!(password(SLS, &[(variable, PASSWORD)]), PASSWORD);
    let folder = tempfile::tempdir().unwrap();
    // Nor does it in the name of a file.
    let path = folder.path().join("id#secret");
    std::fs::write(&path, format!("{PASSWORD}\n")).unwrap();
    let file = format!("    kafka: {{sasl.password_file: {}}}\n", path.display());
    let text = SLS.replace("destination:", &(file + "destination:"));
    assert_eq!(password(&text, &[]), PASSWORD);
}

#[test]
fn names_that_would_meet_in_kafka_are_refused() {
    let other = "  conf.luent: {bootstrap: x:1}\n  conf_luent: {bootstrap: x:1, topic: other}\n";
    let text = SMALLEST.replace("destination:", &format!("{other}destination:"));
    let said = refused(&text, &[]);
    assert!(said.contains("only in `.` and `_`"), "{said}");
    let other = "  again: {bootstrap: x:1, topic: t}\n  twice: {bootstrap: x:1, topic: t}\n";
    let text = SMALLEST.replace("destination:", &format!("{other}destination:"));
    let said = refused(&text, &[]);
    assert!(
        said.contains("sources.twice: reads the same topic"),
        "{said}"
    );
    let said = refused(&(SMALLEST.to_owned() + "group: a/b\n"), &[]);
    assert!(
        said.contains("w.yaml:") && said.contains("group: a group's name"),
        "{said}"
    );
    let topics = "topics: {events: watchbell.ownership.confluent}\n";
    let said = refused(&(SMALLEST.to_owned() + topics), &[]);
    assert!(said.contains("must stay empty"), "{said}");
}

#[test]
fn a_pod_without_the_label_that_numbers_it_is_told_what_to_do() {
    let said = refused(SMALLEST, &[("WATCHBELL__ORDINAL", "")]);
    assert!(said.contains("apps.kubernetes.io/pod-index"), "{said}");
    let numbered = loaded(SMALLEST, &[("WATCHBELL__ORDINAL", "3")]);
    assert_eq!(numbered.config.session.ordinal, Some(3));
}

#[test]
fn noted_positions_need_a_topic_of_their_own() {
    let text = SMALLEST.to_owned() + "topics: {positions: watchbell.alerts}\n";
    assert!(refused(&text, &[]).contains("a topic of their own"));
}

const SINKS: &str = "\
notify:
  On-Call:
    type: pagerduty
    region: eu
    min_level: high
    detection:
      ours: {team: orders, environment|startswith: prod}
      condition: ours
  am: {type: alertmanager, urls: [http://am-0:9093, http://am-1:9093]}
  chat: {type: slack, channel: '#oncall', digest_interval: 1m}
";

#[test]
fn sinks_take_their_secrets_from_variables_and_their_limits_from_their_kind() {
    let secrets = [
        ("WATCHBELL__NOTIFY__ON_CALL__ROUTING_KEY", "HIDDEN"),
        ("WATCHBELL__NOTIFY__CHAT__TOKEN", "HIDDEN"),
    ];
    let loaded = loaded(&(SMALLEST.to_owned() + SINKS), &secrets);
    let [oncall, am, chat] = &loaded.config.sinks[..] else {
        panic!("{:?}", loaded.config.sinks)
    };
    assert_eq!((oncall.name.as_str(), am.name.as_str()), ("On-Call", "am"));
    let message = crate::notify::Message::of_one("x", crate::notice::Notice::example(0), 0, None);
    let request = oncall.endpoint.requests(&message, 0).remove(0);
    assert_eq!(request.url, "https://events.eu.pagerduty.com/v2/enqueue");
    let body = String::from_utf8(request.body).expect("JSON");
    assert!(body.contains("\"routing_key\":\"HIDDEN\""), "{body}");
    assert_eq!(oncall.rate.per_minute, Some(100));
    assert_eq!((am.rate.per_minute, am.pacing.max_waiting), (None, None));
    assert_eq!(chat.pacing.digest_interval_ms, 60_000);
    let shown = format!("{:?}{}", loaded.config, loaded.print());
    assert!(!shown.contains("HIDDEN"), "{shown}");
    assert!(
        shown.contains("detection: {\"condition\":\"ours\""),
        "{shown}"
    );

    let mut notice = crate::notice::Notice::example(0);
    assert_eq!(oncall.route.decide(&notice), Ok(()));
    notice.resources[0].environment = Some("staging".into());
    let filtered = Err(crate::notify::SkipReason::Filtered);
    assert_eq!(oncall.route.decide(&notice), filtered);
    assert_eq!(am.route.decide(&notice), Ok(()));
    use crate::notify::queue::Arrival;
    let hour_ms = 3_600_000;
    assert_eq!(am.route.arrival(&notice, hour_ms), Arrival::InTime);
    assert_eq!(am.route.arrival(&notice, hour_ms + 1), Arrival::Late);
    notice.experimental = true;
    assert_eq!(
        am.route.decide(&notice),
        Err(crate::notify::SkipReason::Experimental)
    );
}

#[test]
fn a_sink_that_cannot_work_is_refused_at_its_line() {
    let text = SMALLEST.to_owned()
        + "notify:
  a: {type: pagerdutty}
  b: {type: pagerduty}
  c: {type: slack, webhook_url: https://secret}
  d: {type: webhook, url: ftp://x, channel: y}
  e: {type: alertmanager, urls: [http://am], hold: 1m, min_level: hihg}
  f:
    type: webhook
    url: http://x
    detection:
      s: {teem: orders, data.methodName: x}
      condition: s
  h: {type: webhook, url: 'https://me:HIDDEN@x/'}
  g: {type: webhook, url: http://x, text_template: /no/such/file, rate_per_minute: 0}
  i: {type: email, server: 'mail:x', from: nobody, encryption: none, user: me}
  j: {type: email, server: mail, from: a@b.c, to: [a@b.c], encryption: ssl}
  k: {type: webhook, url: http://x, detection: {s: {team|expand: '%t%'}, condition: s}}
";
    let said = refused(&text, &[]);
    for expected in [
        "w.yaml:7:13: error: notify.a.type: `pagerdutty` is not a kind of sink",
        "did you mean `pagerduty`?",
        "notify.b.routing_key: this secret is required",
        "WATCHBELL__NOTIFY__B__ROUTING_KEY",
        "w.yaml:9:20: error: `webhook_url` is a secret",
        "notify.d.url: not a valid HTTP address",
        "notify.d.channel: a sink of type webhook has no such key",
        "notify.e.hold: an alert would resolve",
        "did you mean `high`?",
        "w.yaml:16:11: error",
        "did you mean `team`?",
        "unknown field `data.methodName`\n  help: did you mean `api.operation`?",
        "w.yaml:22:66: error: placeholders are not supported in the detection of a sink",
        "notify.g.text_template: read /no/such/file",
        "notify.g.rate_per_minute",
        "w.yaml:18:27: error: notify.h.url: the address contains a password",
        "notify.i.server: `mail:x` is not a mail server",
        "notify.i.from: `nobody` is not a mail address",
        "notify.i.to: at least one address is required",
        "notify.i.password: a login needs both user and password",
        "notify.j.encryption: `ssl` is not an encryption",
    ] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    assert!(!said.contains("HIDDEN"), "{said}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_for_that_reason_alone() {
    let sources = "sources: {c: {bootstrap: a:1}}\n";
    let destination = "destination: {bootstrap: b:1}\n";
    for (text, said) in [
        (
            "sources: a: b".to_owned(),
            "w.yaml:1:11: error: not readable as YAML: a colon where no key can stand\n  help: quote the value if the \
             colon is part of it, or correct the indentation",
        ),
        (
            "- a".to_owned(),
            "w.yaml:1:1: error: the configuration is a map, not a list\n  help: write `key: value` lines; `watchbell \
             init` writes an example",
        ),
        (
            format!("sources: 5\n{destination}"),
            "w.yaml:1:10: error: a map is expected, not a number\n  help: write `key: value` lines below it",
        ),
        (
            format!("sources: {{c: x}}\n{destination}"),
            "w.yaml:1:14: error: a map is expected, not a string\n  help: write `key: value` lines below it",
        ),
        (
            format!("{sources}destination: 5\n"),
            "w.yaml:2:14: error: a map is expected, not a number\n  help: write `key: value` lines below it",
        ),
        (
            format!("{sources}destination: {{bootstrap: [b:1]}}\n"),
            "w.yaml:2:26: error: one value is expected, not a list\n  help: write a word, a number, true or false",
        ),
        (
            format!("{sources}destination: {{}}\n"),
            "configuration: error: destination.bootstrap: a value is required\n  help: write \
             `destination.bootstrap`, or set the variable WATCHBELL__DESTINATION__BOOTSTRAP",
        ),
        (
            format!("{sources}{destination}session_timeout: 5\n"),
            "w.yaml:3:18: error: session_timeout: a length of time such as 100ms or 25s is expected, not `5`",
        ),
        (
            format!("{sources}{destination}commit: {{records: -1}}\n"),
            "w.yaml:3:19: error: commit.records: a whole number is expected, not `-1`",
        ),
        (
            format!("{sources}{destination}log: {{filter: '%x%'}}\n"),
            "w.yaml:3:15: error: log.filter: not a valid log filter\n  help: write a level such as info, or levels \
             of parts: watchbell=debug,librdkafka=warn",
        ),
    ] {
        assert_eq!(refused(&text, &[]), said, "{text}");
    }
}

#[test]
fn an_override_keeps_the_place_at_which_it_is_written() {
    let text = format!(
        "{SMALLEST}overrides:\n  disabled: [a.b, c]\n  levels:\n    x: low\n  group_by: {{y: [status]}}\n"
    );
    let places = loaded(&text, &[]).config.overrides.places;
    let at = |part, key: &str| {
        let (file, mark) = &places[&(part, key.to_owned())];
        format!("{file}:{}:{}", mark.line, mark.column)
    };
    assert_eq!(at(OverridePart::Disabled, "a.b"), "w.yaml:7:14");
    assert_eq!(at(OverridePart::Disabled, "c"), "w.yaml:7:19");
    assert_eq!(at(OverridePart::Levels, "x"), "w.yaml:9:8");
    assert_eq!(at(OverridePart::GroupBy, "y"), "w.yaml:10:17");
    let variable = "WATCHBELL__OVERRIDES__DISABLED";
    let config = loaded(SMALLEST, &[(variable, "z")]).config;
    let place = &config.overrides.places[&(OverridePart::Disabled, "z".to_owned())];
    assert_eq!(&*place.0, variable);
}

#[test]
fn a_number_that_is_meant_as_text_is_refused_where_it_would_print_otherwise() {
    for (line, place) in [
        ("group: 007", "6:8"),
        ("group: 1.10", "6:8"),
        ("rules: [1_0]", "6:9"),
        ("overrides: {disabled: [0x1f]}", "6:24"),
        ("ordinal: 010", "6:10"),
        ("topics: {events: True}", "6:18"),
    ] {
        let said = refused(&format!("{SMALLEST}{line}\n"), &[]);
        assert!(said.contains(&format!("w.yaml:{place}: error:")), "{said}");
        assert!(said.contains("quote it"), "{said}");
    }
    let text = format!("{SMALLEST}group: '007'\ncreate_topics: True\nordinal: 10\n");
    let config = loaded(&text, &[]).config;
    assert_eq!(
        (config.session.group.as_str(), config.create_topics),
        ("007", true)
    );
}

#[test]
fn properties_of_librdkafka_go_through_as_they_are_written() {
    let text = format!(
        "{SMALLEST}  kafka: {{a: 010, b: 0x1f, c: 1.50, d: 1_000, e: True, f: 5, g: yes, h: '1.0'}}\n"
    );
    let loaded = loaded(&text, &[]);
    let properties = &loaded.config.destination.properties;
    let written: Vec<(&str, &str)> = properties
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let expected = [
        ("a", "010"),
        ("b", "0x1f"),
        ("c", "1.50"),
        ("d", "1_000"),
        ("e", "True"),
        ("f", "5"),
        ("g", "yes"),
        ("h", "1.0"),
    ];
    assert_eq!(written, expected);
    // What is printed is read again as the same.
    assert!(loaded.print().contains("a: \"010\""), "{}", loaded.print());
}

#[test]
fn a_template_is_tried_on_every_kind_of_alert_when_the_configuration_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("title.j2");
    let text = format!(
        "{SMALLEST}notify: {{w: {{type: webhook, url: 'http://x', title_template: {}}}}}\n",
        path.display()
    );
    std::fs::write(&path, "{% if notice.runbook %}{{ title }}{% endif %}").unwrap();
    let loaded = loaded(&text, &[]);
    let said = loaded.warnings()[0].to_string();
    let place = format!("{}:1:1: warning: ", path.display());
    assert!(said.starts_with(&place), "{said}");
    assert!(said.contains("an alert without a runbook"), "{said}");
    assert!(said.contains("the default text is sent"), "{said}");
    std::fs::write(&path, "{{ title }}\n{{ 'who: ' + notice.who.name }}").unwrap();
    let said = refused(&text, &[]);
    let place = format!("{}:2:1: error: ", path.display());
    assert!(said.starts_with(&place), "{said}");
    assert!(said.contains("an alert without an actor"), "{said}");
    assert!(said.contains("help: test whether"), "{said}");
}

#[test]
fn topics_of_routes_are_outputs_and_those_of_others_are_refused() {
    let with = |lines: &str| from_parts(Some(("w.yaml", &format!("{SMALLEST}{lines}\n"))), &[]);
    let routed =
        with("routes: [{name: a, to: team}, {name: b, to: team, when: {status: Failure}}]");
    let routed = routed.map_err(|faults| faults[0].to_string());
    let config = routed.expect("read").config;
    let topics = config.outputs.topics();
    assert_eq!(topics[3..], ["watchbell.routine", "team"]);
    for (lines, fault) in [
        (
            "routes: [{name: a, to: watchbell.alerts}]",
            "w.yaml:6:9: error: routes: `a` writes events to watchbell.alerts, the topic of alerts",
        ),
        (
            "routes: [{name: a, to: watchbell.positions}]",
            "w.yaml:6:9: error: routes: `a` writes events to watchbell.positions, the topic of positions",
        ),
        (
            "routes:\n- name: a\n  when: {statsu: Failure}\n  to: t",
            "w.yaml:8:10: error: unknown field `statsu`",
        ),
    ] {
        let faults = with(lines).map(|_| ()).expect_err(lines);
        let told = faults[0].to_string();
        assert!(told.starts_with(fault), "{told}");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
    let dropping = with("noise: drop").map_err(|faults| faults[0].to_string());
    let config = dropping.expect("read").config;
    assert_eq!(
        config.outputs.topics().len(),
        3,
        "no routine topic is needed"
    );
}
