use super::*;
use crate::event::event_and_output;

const DELETION: &str = r#"{"eventName":"DeleteTrail","serviceName":"Actiontrail","eventId":"a"}"#;
const READ: &str = r#"{"eventName":"GetTrail","serviceName":"Actiontrail"}"#;
const BAD: &str = r#"{"eventName":"", "serviceName" : "Ecs"}"#;

fn rules() -> RuleSet<Path> {
    let rule = "title: T\nid: 00000000-0000-4000-8000-000000000001\nstatus: stable\nlevel: high\n\
         logsource: {product: actiontrail}\n\
         detection: {s: {api.operation|startswith: Delete}, condition: s}\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rule.yaml");
    std::fs::write(&file, rule).unwrap();
    let sources = [RuleSource::Path(file)];
    RuleSet::load(&sources, &KNOWN, &Overrides::default(), &Path::parse).unwrap()
}

/// The outcomes of a list's elements, and all outputs with their parts.
fn process(
    pipeline: &Pipeline,
    forms: &Forms,
    value: &str,
) -> (Vec<Outcome>, Vec<OutputRecord>, Vec<(u32, u32)>) {
    let mut out = OutputBuffer::default();
    let batch = pipeline.begin();
    let record = record(value.as_bytes());
    let Outcome::Several(outcomes) = batch.process_as(forms, &record, NOW_MS, &mut out) else {
        panic!("no list");
    };
    let parts = out.iter().map(|output| event_and_output(output.part));
    (outcomes, out.to_records(), parts.collect())
}

fn topics(out: &[OutputRecord]) -> Vec<&str> {
    out.iter().map(|output| &*output.topic).collect()
}

#[test]
fn each_event_of_a_list_has_a_position_of_its_own_and_an_id_after_it() {
    let list = format!("[{DELETION},{READ},{DELETION}]");
    let (outcomes, out, parts) = process(&pipeline_with(rules()), &Forms::WHOLE, &list);
    assert_eq!(outcomes.len(), 3);
    assert_eq!(
        topics(&out),
        ["events", "alerts", "events", "events", "alerts"]
    );
    assert_eq!(parts, [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]);
    // The smallest form of an alert says where its event stands.
    let mut forms = Forms::WHOLE;
    for event in [0, 2] {
        let findings = &mut forms.of_event_mut(event).findings;
        findings.push((1, FindingForm::Minimal));
    }
    let (_, minimal, _) = process(&pipeline_with(rules()), &forms, &list);
    let position = |alert: &OutputRecord| json(alert)["unmapped"]["position"].clone();
    assert_eq!(position(&minimal[1]), "audit[2]@7#0");
    assert_eq!(position(&minimal[4]), "audit[2]@7#2");
    // An event without an id is known by its position.
    let ids: Vec<&str> = [0, 2, 3]
        .iter()
        .map(|at| header(&out[*at], "ce_id"))
        .collect();
    assert_eq!(ids, ["a", "audit[2]@7#1", "a"]);
    for output in &out {
        assert!(
            output
                .headers
                .iter()
                .all(|(name, _)| name != "watchbell-source-element")
        );
    }
}

#[test]
fn a_bad_element_is_a_dead_letter_of_its_own_bytes_and_its_neighbours_are_events() {
    let list = format!(r#"{{"Events":[{DELETION}, {BAD},7,{READ}],"NextToken":"n"}}"#);
    let (outcomes, out, _) = process(&pipeline_with(rules()), &Forms::WHOLE, &list);
    let reasons: Vec<Option<&str>> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::DeadLetter { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(
        reasons,
        [None, Some("wrong_type"), Some("not_an_object"), None]
    );
    let expected = [
        "events", "alerts", "dead", "alerts", "dead", "alerts", "events",
    ];
    assert_eq!(topics(&out), expected);
    for (letter, number, bytes) in [(&out[2], "1", BAD), (&out[4], "2", "7")] {
        assert_eq!(header(letter, "watchbell-source-element"), number);
        assert_eq!(header(letter, "watchbell-source-offset"), "7");
        assert_eq!(header(letter, "its"), "own");
        assert_eq!(letter.value.as_deref(), Some(bytes.as_bytes()));
        assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
    }
    let data = &json(&out[3])["evidences"][0]["data"];
    assert_eq!(data["show"], "watchbell show audit/2@7#1");
    // Two dead letters of one record are two incidents' worth of evidence.
    assert_ne!(
        json(&out[3])["metadata"]["uid"],
        json(&out[5])["metadata"]["uid"]
    );
    let container = json(&out[6])["unmapped"]["container"].clone();
    assert_eq!(container, serde_json::json!({"NextToken": "n"}));
}

#[test]
fn what_the_cluster_refuses_of_one_event_is_replaced_alone() {
    let list = format!("[{DELETION},{DELETION},{BAD},{DELETION}]");
    let pipeline = pipeline_with(rules());
    let (_, whole, parts) = process(&pipeline, &Forms::WHOLE, &list);
    let mut forms = Forms::WHOLE;
    let refused = forms.of_event_mut(1);
    let form = EventForm::DeadLetter {
        reason: "refused",
        detail: "why".into(),
    };
    refused.events.push((0, form));
    refused.findings.push((1, FindingForm::Minimal));
    forms.of_event_mut(2).dead_letter = LetterForm::Cut;
    let (outcomes, out, _) = process(&pipeline, &forms, &list);
    assert!(matches!(outcomes[0], Outcome::Event { .. }));
    assert!(
        matches!(&outcomes[1], Outcome::DeadLetter { reason: "refused", alerts } if alerts.len() == 2)
    );
    assert!(matches!(outcomes[3], Outcome::Event { .. }));
    let of = |event: u32| -> Vec<&OutputRecord> {
        let of_event = whole.iter().zip(&parts);
        let of_event = of_event.filter(|(_, (of, _))| *of == event);
        of_event.map(|(output, _)| output).collect()
    };
    let expected = [
        "events", "alerts", "dead", "alerts", "alerts", "dead", "alerts", "events", "alerts",
    ];
    assert_eq!(topics(&out), expected);
    assert_eq!(out[..2].iter().collect::<Vec<_>>(), of(0));
    assert_eq!(out[7..].iter().collect::<Vec<_>>(), of(3));
    let letter = &out[2];
    assert_eq!(letter.value.as_deref(), Some(DELETION.as_bytes()));
    assert_eq!(header(letter, "watchbell-reason"), "refused");
    assert_eq!(header(letter, "watchbell-source-element"), "1");
    let (small, usual) = (&out[4], of(1)[1]);
    let uid = |alert| json(alert)["finding_info"]["uid"].clone();
    assert_eq!(uid(small), uid(usual));
    assert!(limits::record_size(small) < limits::record_size(usual));
    assert_eq!(out[5].value, None);
    let size = BAD.len().to_string();
    assert_eq!(header(&out[5], "watchbell-cut-size"), size);
}

#[test]
fn an_event_within_another_value_that_cannot_be_read_makes_the_whole_record_a_dead_letter() {
    let pipeline = pipeline();
    for (event, reason, detail) in [
        (
            "\"<html>\"",
            "not_json",
            "the event in the record: not JSON: ",
        ),
        (
            BAD,
            "wrong_type",
            "the event in the record: eventName is empty",
        ),
    ] {
        let value = format!(r#"{{"__topic__":"t", "event":{event}}}"#);
        let (out, _) = refused(&pipeline, &record(value.as_bytes()));
        assert_eq!(out[0].value.as_deref(), Some(value.as_bytes()));
        assert_eq!(header(&out[0], "watchbell-reason"), reason);
        let found = header(&out[0], "watchbell-detail");
        assert!(found.starts_with(detail), "{found}");
        assert!(
            out[0]
                .headers
                .iter()
                .all(|(name, _)| name != "watchbell-source-element")
        );
    }
}

#[test]
fn a_record_that_holds_a_list_as_text_gives_an_event_for_each_element() {
    let list = serde_json::Value::from(format!("[{DELETION},{BAD}]")).to_string();
    let value = format!(r#"{{"__topic__":"t","event":{list}}}"#);
    let (outcomes, out, _) = process(&pipeline_with(rules()), &Forms::WHOLE, &value);
    assert_eq!(outcomes.len(), 2);
    assert_eq!(json(&out[0])["unmapped"]["container"]["__topic__"], "t");
    assert_eq!(out[2].value.as_deref(), Some(BAD.as_bytes()));
    assert_eq!(header(&out[2], "watchbell-source-element"), "1");
    assert_eq!(header(&out[2], "watchbell-detail"), "eventName is empty");
}

#[test]
fn the_visited_events_are_those_that_the_rules_were_evaluated_on() {
    let pipeline = pipeline_with(rules());
    let batch = pipeline.begin();
    let list = format!(r#"{{"Events":[{DELETION}, {BAD},7,{READ},{DELETION}]}}"#);
    for value in [
        DELETION,
        BAD,
        &list,
        "{",
        r#"{"eventName":"\ud83d","serviceName":"Ecs"}"#,
    ] {
        let record = record(value.as_bytes());
        let outcome = batch.process(&record, NOW_MS, &mut OutputBuffer::default());
        let outcomes = match outcome {
            Outcome::Several(outcomes) => outcomes,
            outcome => vec![outcome],
        };
        let matched: Vec<bool> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Event { alerts, .. } => Some(!alerts.is_empty()),
                _ => None,
            })
            .collect();
        let mut explained = Vec::new();
        batch.visit_events(&record, &mut |event| {
            let outcome = batch.rules.outcome(0, event).unwrap();
            explained.push(outcome.matches());
        });
        assert_eq!(explained, matched, "{value}");
    }
}
