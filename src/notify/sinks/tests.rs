//! Checks every kind of sink in the list against everything that is required of a kind.

use std::collections::BTreeMap;

use super::{KINDS, SinkKind, keys};
use crate::config::{Loaded, from_parts};
use crate::notice::Notice;
use crate::notify::{Client, Message, Sink, SinkAnswer, Template};
use crate::settings::Shape;

const SECRET: &str = "https://HIDDEN.example/HIDDEN";

/// The example of a kind, with its `…_file` keys given as variables instead.
fn example(kind: &SinkKind) -> Loaded {
    let (mut kept, mut variables) = (Vec::new(), Vec::new());
    for pair in kind.example.split(", ") {
        let name = pair.split(':').next().unwrap_or_default().trim();
        match name.strip_suffix("_file") {
            Some(secret) => variables.push((
                format!("WATCHBELL__NOTIFY__ONE__{}", secret.to_uppercase()),
                SECRET.to_owned(),
            )),
            None => kept.push(pair.trim()),
        }
    }
    let text = format!(
        "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\n\
         notify: {{one: {{type: {}, {}}}}}\n",
        kind.name,
        kept.join(", ")
    );
    from_parts(Some(("w.yaml", &text)), &variables)
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", kind.name))
}

fn sink(kind: &SinkKind) -> Sink {
    example(kind).config.sinks.remove(0)
}

#[test]
fn every_kind_has_an_example_that_loads_and_builds_requests() {
    for kind in KINDS {
        let sink = sink(kind);
        let message = Message::of_one("one", Notice::example(0), 0, None);
        let requests = sink.endpoint.requests(&message, 0);
        assert!(!requests.is_empty(), "{}", kind.name);
        for request in requests {
            assert!(!request.url.is_empty() && !request.body.is_empty());
            assert!(!format!("{request:?}").contains("HIDDEN"), "{}", kind.name);
        }
        assert_eq!(
            sink.endpoint.answer(200, None, "{\"ok\":true}"),
            SinkAnswer::Accepted
        );
        let busy = sink.endpoint.answer(503, None, "");
        assert!(matches!(busy, SinkAnswer::Later { .. }), "{}", kind.name);
    }
}

#[test]
fn the_secrets_of_every_kind_are_redacted_and_each_may_be_given_by_a_file() {
    for kind in KINDS {
        let loaded = example(kind);
        let shown = format!("{:?}{}", loaded.config, loaded.print());
        assert!(!shown.contains("HIDDEN"), "{shown}");
        let secrets = kind
            .keys
            .iter()
            .filter(|key| matches!(key.shape, Shape::Secret));
        for secret in secrets {
            let file = format!("{}_file", secret.name);
            assert!(kind.keys.iter().any(|key| key.name == file), "{file}");
            // A secret is refused in the configuration file, where people would see it.
            let text = format!(
                "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\n\
                 notify: {{one: {{type: {}, {}: HIDDEN}}}}\n",
                kind.name, secret.name
            );
            let faults = from_parts(Some(("w.yaml", &text)), &[])
                .err()
                .expect("a fault");
            let said = format!("{faults:?}");
            assert!(
                said.contains(&format!("`{}` is a secret", secret.name)),
                "{said}"
            );
            assert!(!said.contains("HIDDEN"), "{said}");
        }
    }
}

#[test]
fn every_kind_can_be_probed_over_http_or_by_its_mail_server() {
    for kind in KINDS {
        let sink = sink(kind);
        assert!(Client::new(&sink).is_ok(), "{}", kind.name);
        let mailer = sink.endpoint.mailer(sink.timeout, None).expect("a mailer");
        let probes = sink.endpoint.probes();
        assert_eq!(probes.is_empty(), mailer.is_some(), "{}", kind.name);
        for probe in probes {
            assert!(probe.url.starts_with("http"), "{}", probe.url);
        }
    }
}

#[test]
fn the_text_of_a_template_is_in_the_requests_of_every_kind() {
    let (template, warnings) =
        Template::tried(Some("TITLE".into()), Some("WORDS".into())).expect("a template");
    assert!(warnings.is_empty(), "{warnings:?}");
    let message = Message::of_one("one", Notice::example(0), 0, Some(&template));
    for kind in KINDS {
        for request in sink(kind).endpoint.requests(&message, 0) {
            let body = String::from_utf8_lossy(&request.body);
            assert!(body.contains("TITLE") && body.contains("WORDS"), "{body}");
        }
    }
}

#[test]
fn every_kind_that_people_read_has_limits_within_those_of_its_vendor() {
    for kind in KINDS {
        let sink = sink(kind);
        assert_eq!(sink.rate, kind.rate);
        assert_eq!(sink.pacing.max_waiting.is_some(), kind.is_read_by_people);
        assert!(sink.rate.burst > 0, "{}", kind.name);
        if kind.is_read_by_people {
            let per_minute = sink.rate.per_minute.unwrap_or_default();
            assert!((1..=120).contains(&per_minute), "{}", kind.name);
        }
    }
}

#[test]
fn kinds_are_sorted_by_name_and_a_shared_key_is_declared_the_same_everywhere() {
    assert!(KINDS.is_sorted_by_key(|kind| kind.name));
    let mut known = BTreeMap::new();
    for kind in KINDS {
        for key in kind.keys {
            let declared = format!("{key:?}");
            let before = known.entry(key.name).or_insert(declared.clone());
            assert_eq!(*before, declared, "{}", kind.name);
        }
    }
}

#[test]
fn the_keys_of_all_kinds_keep_the_order_of_each() {
    let all = keys();
    let place = |name: &str| all.iter().position(|key| key.name == name);
    for kind in KINDS {
        assert!(kind.keys.iter().all(|key| place(key.name).is_some()));
        assert!(
            kind.keys.is_sorted_by_key(|key| place(key.name)),
            "{}",
            kind.name
        );
    }
}
