//! Filters of records, in the `detection:` syntax of rules. A filter is a selection, a keyword, a
//! detection with its condition, or a whole rule.

use super::{Emitted, FieldPath, RecordKind};
use crate::diagnostic::{Diagnostic, Mark, Problem, Severity};
use crate::sigma::{
    self, Detection, Engine, Logsource, LogsourceDetection, Placeholders, Rule, Scratch,
};
use crate::vendors::{self, NativeNames};
use crate::yaml::{self, Node, Value};

/// The text of a filter, and its name in error messages.
#[derive(Debug, Clone, Copy)]
pub struct FilterText<'t> {
    /// The option or the file.
    pub name: &'t str,
    /// YAML.
    pub text: &'t str,
}

/// Filters that must all match; none of them matches everything.
#[derive(Debug)]
pub struct Filter {
    engine: Engine<FieldPath>,
}

impl Filter {
    /// Reads filters on records of one kind; warnings come with the filter.
    ///
    /// # Errors
    /// All problems of all filters.
    pub fn parse(
        kind: RecordKind,
        written: &[FilterText<'_>],
        placeholders: &Placeholders,
    ) -> Result<(Filter, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let mut detections: Vec<(Logsource, Detection)> = Vec::new();
        let mut origins = Vec::new();
        for one in written {
            let mut problems = Vec::new();
            let detection = detection(kind, one.text, placeholders, &mut problems);
            origins.extend(detection.is_some().then_some(one.name));
            detections.extend(detection);
            diagnostics.extend(problems.into_iter().map(|problem| at(one.name, problem)));
        }
        let targets = detections
            .iter()
            .map(|(logsource, detection)| LogsourceDetection {
                logsource,
                detection,
            });
        let compiled = Engine::compile(targets, &|name| FieldPath::parse(kind, name));
        let is_error = |diagnostic: &Diagnostic| diagnostic.problem.severity == Severity::Error;
        match compiled {
            Ok(engine) if !diagnostics.iter().any(is_error) => Ok((Filter { engine }, diagnostics)),
            Ok(_) => Err(diagnostics),
            Err(problems) => {
                let located = problems
                    .into_iter()
                    .map(|(index, problem)| at(origins[index], problem));
                diagnostics.extend(located);
                Err(diagnostics)
            }
        }
    }

    /// The filter that takes the events which a detection of a rule set matches.
    ///
    /// # Errors
    /// A field is none of events.
    pub fn of_events(target: LogsourceDetection<'_>) -> Result<Filter, Vec<Problem>> {
        let compiled = Engine::compile([target], &|name| FieldPath::parse(RecordKind::Event, name));
        let engine = compiled.map_err(|problems| {
            let problems = problems.into_iter().map(|(_, problem)| problem);
            problems.collect::<Vec<Problem>>()
        })?;
        Ok(Filter { engine })
    }

    /// Whether every filter matches the record.
    pub fn takes(&self, emitted: &Emitted<'_>, scratch: &mut Scratch) -> bool {
        self.engine.matches(emitted, scratch).len() == self.engine.len()
    }
}

fn at(name: &str, problem: Problem) -> Diagnostic {
    Diagnostic {
        file: name.into(),
        problem,
    }
}

/// Parses one filter as a detection with its log source; `None` if a problem is an error.
fn detection(
    kind: RecordKind,
    text: &str,
    placeholders: &Placeholders,
    problems: &mut Vec<Problem>,
) -> Option<(Logsource, Detection)> {
    let document = match yaml::document(text) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    if document.value == Value::Null {
        let problem = Problem::error(Mark::START, "an empty filter");
        problems
            .push(problem.remedy("write a selection, such as `api.operation: DeleteStatement`"));
        return None;
    }
    let everything = Logsource::default();
    if document.entry("logsource").is_some() {
        let mut rule = sigma::parse_rule(&document, placeholders, problems)?;
        name_fields_of_records(kind, &mut rule);
        return Some((rule.logsource, rule.detection));
    }
    let whole = match document.entry("detection") {
        Some(inner) => with_time_zone(inner, &document),
        None if document.entry("condition").is_some() => document,
        None => sigma::detection_of(document),
    };
    let detection = sigma::detection_with(&whole, placeholders, problems)?;
    Some((everything, detection))
}

/// Gives the fields that a rule names the names that they have in records of a kind: a rule names attributes of an
/// event, or the vendor's own fields, and the event of an alert is below `evidences.data`.
fn name_fields_of_records(kind: RecordKind, rule: &mut Rule) {
    let product = rule.logsource.product.as_deref();
    let native = product.and_then(vendors::vendor).and_then(|vendor| {
        let taxonomy = rule
            .taxonomy
            .as_ref()
            .map(|(taxonomy, _)| taxonomy.as_str());
        NativeNames::new(&vendor.native_fields, vendor.product, taxonomy)
    });
    let is_of = |kind, name: &str| FieldPath::parse(kind, name).is_ok();
    let of_event = |name: &str| {
        let is_attribute = is_of(RecordKind::Event, name);
        native.and_then(|native| native.map(name, is_attribute))
    };
    rule.detection.rename_fields(&mut |name| match kind {
        RecordKind::Event => of_event(name),
        RecordKind::Alert => {
            let places = of_event(name).unwrap_or_else(|| name.to_owned());
            let places: Vec<String> = places
                .split('|')
                .filter(|place| is_of(RecordKind::Event, place))
                .map(|place| format!("evidences.data.{place}"))
                .collect();
            (!places.is_empty()).then(|| places.join("|"))
        }
        RecordKind::DeadLetter | RecordKind::Receipt | RecordKind::Foreign => None,
    });
}

/// A detection, with the `timezone` that stands beside it.
fn with_time_zone(detection: &Node, document: &Node) -> Node {
    let mut whole = detection.clone();
    let entries = document.as_map().unwrap_or_default().iter();
    let zone = entries.filter(|entry| entry.key == "timezone").cloned();
    if let Value::Map(entries) = &mut whole.value {
        entries.extend(zone);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"class_uid":6003,"class_name":"API Activity","status":"Failure",
        "metadata":{"log_name":"confluent-cloud-v2"},
        "actor":{"user":{"uid":"u-1","name":"Jane Doe"}},
        "api":{"operation":"DeleteStatement","service":{"name":"flink"},
               "request":{"data":{"StatementName":"orders"}}},
        "resources":[{"uid":"a"},{"uid":"b"}]}"#;

    fn parse(kind: RecordKind, text: &str) -> Result<Filter, String> {
        let written = FilterText {
            name: "--filter",
            text,
        };
        let joined = |diagnostics: Vec<Diagnostic>| {
            let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            lines.join("\n")
        };
        let parsed = Filter::parse(kind, &[written], &Placeholders::default());
        parsed.map(|(filter, _)| filter).map_err(joined)
    }

    fn takes(text: &str) -> bool {
        let filter = parse(RecordKind::Event, text).unwrap();
        filter.takes(&Emitted::value(EVENT.as_bytes()), &mut Scratch::default())
    }

    #[test]
    fn a_selection_a_keyword_a_detection_and_a_rule_are_filters() {
        let rule = |service: &str| {
            format!(
                "title: T\nid: 1c7f7c0c-52b5-4c39-9df8-0b8f1c1f6a35\n\
                 logsource: {{product: confluent, service: {service}}}\n\
                 detection: {{s: {{status: Failure}}, condition: s}}"
            )
        };
        assert!(takes("api.operation|endswith: Statement"));
        assert!(takes("{user.name: jane doe, resources.uid: b}"));
        assert!(takes("api.request.data.statement_name: orders"));
        assert!(takes("- status: Success\n- status: Failure"));
        assert!(takes("orders"));
        assert!(takes("detection: {s: {status: Failure}, condition: s}"));
        assert!(takes("s: {status: Success}\ncondition: not s"));
        assert!(takes(&rule("flink")));
        for text in [
            "api.operation: Delete",
            "payments",
            "{user.name: jane doe, resources.uid: c}",
            "s: {status: Failure}\ncondition: not s",
            &rule("kafka"),
        ] {
            assert!(!takes(text), "{text}");
        }
    }

    /// Whether the rule, as a filter, takes a record of this kind with a placeholder's value.
    fn takes_rule(kind: RecordKind, line: &str, record: &str) -> bool {
        let text = format!(
            "title: x\nid: 6f2c1c1e-5b1a-4c0e-9f57-0d1b6a2f3c4d\nlogsource: {{product: confluent}}\n\
             timezone: Asia/Tokyo\ndetection: {{s: {{{line}}}, t: {{time|hour: 9}}, condition: s and t}}"
        );
        let placeholders = Placeholders::parse("methods: [DeleteStatement]", "p.yaml").unwrap();
        let written = FilterText {
            name: "rule.yaml",
            text: &text,
        };
        let (filter, warnings) = Filter::parse(kind, &[written], &placeholders).unwrap();
        assert_eq!(warnings, []);
        filter.takes(&Emitted::value(record.as_bytes()), &mut Scratch::default())
    }

    #[test]
    fn a_rule_means_the_same_for_events_and_alerts_with_native_names_placeholders_and_a_time_zone()
    {
        // In Tokyo it is nine o'clock.
        let event = EVENT.replacen('{', "{\"time\":0,", 1);
        let alert = format!(r#"{{"class_uid":2004,"time":0,"evidences":[{{"data":{event}}}]}}"#);
        for (line, taken) in [
            ("data.methodName: DeleteStatement", true),
            ("data.methodName: CreateStatement", false),
            ("api.operation|expand: '%methods%'", true),
            ("api.operation|expand|neq: '%methods%'", false),
        ] {
            assert_eq!(takes_rule(RecordKind::Event, line, &event), taken, "{line}");
            assert_eq!(takes_rule(RecordKind::Alert, line, &alert), taken, "{line}");
        }
    }

    #[test]
    fn a_time_zone_stands_beside_a_detection_or_in_it() {
        let event = EVENT.replacen('{', "{\"time\":0,", 1);
        for (text, taken) in [
            (
                "s: {time|hour: 9}\ncondition: s\ntimezone: Asia/Tokyo",
                true,
            ),
            ("s: {time|hour: 9}\ncondition: s", false),
            (
                "timezone: Asia/Tokyo\ndetection: {s: {time|hour: 9}, condition: s}",
                true,
            ),
        ] {
            let filter = parse(RecordKind::Event, text).unwrap();
            let event = Emitted::value(event.as_bytes());
            assert_eq!(
                filter.takes(&event, &mut Scratch::default()),
                taken,
                "{text}"
            );
        }
    }

    #[test]
    fn several_filters_must_all_match_and_none_takes_everything() {
        let both = |texts: &[&str]| {
            let written = texts.iter().map(|text| FilterText { name: "f", text });
            let written: Vec<FilterText<'_>> = written.collect();
            let (filter, _) =
                Filter::parse(RecordKind::Event, &written, &Placeholders::default()).unwrap();
            let event = Emitted::value(EVENT.as_bytes());
            filter.takes(&event, &mut Scratch::default())
        };
        assert!(both(&["status: Failure", "flink"]));
        assert!(!both(&["status: Failure", "status: Success"]));
        assert!(both(&[]));
    }

    #[test]
    fn a_dead_letter_is_asked_for_its_headers() {
        let filter = parse(RecordKind::DeadLetter, "watchbell-reason: not_json").unwrap();
        let mut letter = Emitted::value(b"{\"cut");
        letter.record.headers = vec![crate::event::Header {
            name: "watchbell-reason",
            value: Some(b"not_json"),
        }];
        let letter = Emitted::new(letter.record);
        assert_eq!(letter.kind, RecordKind::DeadLetter);
        let mut scratch = Scratch::default();
        assert!(filter.takes(&letter, &mut scratch));
        let keyword = parse(RecordKind::DeadLetter, "'*cut*'").unwrap();
        assert!(keyword.takes(&letter, &mut scratch));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_remedy() {
        let cases = [
            (
                RecordKind::Event,
                "api.operatoin: x",
                "--filter:1:1: error: unknown field `api.operatoin`\n  help: did you mean `api.operation`?",
            ),
            (
                RecordKind::Alert,
                "api.operation: x",
                "--filter:1:1: error: unknown field `api.operation`\n  help: did you mean `evidences.data.api.operation`?",
            ),
            (
                RecordKind::DeadLetter,
                "watchbell-reson: x",
                "--filter:1:1: error: unknown field `watchbell-reson`\n  help: did you mean `watchbell-reason`?",
            ),
            (
                RecordKind::Event,
                "data.methodName: x",
                "--filter:1:1: error: unknown field `data.methodName`\n  help: did you mean `api.operation`?",
            ),
            (
                RecordKind::Event,
                "",
                "--filter:1:1: error: an empty filter\n  help: write a selection, such as `api.operation: DeleteStatement`",
            ),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(parse(kind, text).unwrap_err(), expected);
        }
        let modifier = parse(RecordKind::Event, "status|endwith: x").unwrap_err();
        assert!(modifier.contains("endswith"), "{modifier}");
        let yaml = parse(RecordKind::Event, "status: [").unwrap_err();
        assert!(yaml.contains("not readable as YAML"), "{yaml}");
        let condition = parse(RecordKind::Event, "s: {status: x}\ncondition: t").unwrap_err();
        assert!(condition.starts_with("--filter:2:"), "{condition}");
    }
}
