//! Golden cases: `tests/data/<vendor>/golden/<name>.json` has a record and the expected output of the
//! pipeline with the shipped catalogues and rules. `WATCHBELL_BLESS=1` writes the expected outputs again and
//! fails, so that somebody reviews them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use watchbell::event::{
    Header, Offset, OutputBuffer, OutputRecord, Partition, Position, RawRecord,
};
use watchbell::json::{Document, NodeId, ValueKind};
use watchbell::pipeline::Pipeline;

use crate::pipeline::{NOW_MS, pipeline_with};
use crate::vendors::{VENDORS, Vendor};

/// A file of a vendor's folder: `record` is given, `output` expected.
pub struct Case {
    vendor: &'static Vendor,
    path: PathBuf,
    text: String,
}

impl Case {
    fn name(&self) -> String {
        let stem = self.path.file_stem().expect("a file name");
        format!("{}/{}", self.vendor.product, stem.to_string_lossy())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    /// The record's value as bytes: any JSON as in the file, or a `text` that is none.
    fn value(&self) -> Option<Vec<u8>> {
        let document = Document::parse(self.text.as_bytes()).expect("a case is JSON");
        let record = document.member(document.root(), "record").expect("record");
        if let Some(text) = document.member(record, "text") {
            return document.text(text).map(|text| text.to_string().into());
        }
        let value = document.member(record, "value").expect("value or text");
        let mut bytes = Vec::new();
        document.write_compact(value, &mut bytes);
        Some(bytes)
    }

    /// Hands over the record: the file's value and headers, and its timestamp if it is not the usual one.
    pub fn with_record<T>(&self, with: impl FnOnce(&RawRecord<'_>) -> T) -> T {
        let case = self.json();
        let value = self.value();
        let headers: BTreeMap<String, Option<String>> = match case["record"].get("headers") {
            Some(headers) => serde_json::from_value(headers.clone()).expect("headers"),
            None => BTreeMap::new(),
        };
        let timestamp_ms = case["record"].get("timestamp");
        with(&RawRecord {
            position: Position {
                topic: self.vendor.topic,
                partition: Partition(3),
                offset: Offset(42),
                element: None,
            },
            timestamp_ms: timestamp_ms.map_or(Some(1_773_480_414_000), Value::as_i64),
            key: None,
            value: value.as_deref(),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name,
                    value: value.as_deref().map(str::as_bytes),
                })
                .collect(),
        })
    }

    /// The pipeline's outputs for the record, as a JSON array.
    fn output(&self, pipeline: &Pipeline) -> String {
        let mut out = OutputBuffer::default();
        self.with_record(|record| pipeline.begin().process(record, NOW_MS, &mut out));
        let out = out.to_records();
        let outputs: Vec<String> = out.iter().map(shown).collect();
        let mut shown = format!("[{}]", outputs.join(","));
        for event in out.iter().filter(|output| &*output.topic == "events") {
            let event = String::from_utf8_lossy(event.value.as_deref().unwrap_or_default());
            shown = shown.replace(&format!(r#""data":{event}"#), r#""data":"(the event)""#);
        }
        shown
    }
}

/// An output record as JSON, members in their order. Values that change with every release or edit of a
/// rule, and the event within its alerts, are replaced by a description in parentheses.
fn shown(output: &OutputRecord) -> String {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => Value::from(String::from_utf8_lossy(bytes)).to_string(),
        None => "null".to_owned(),
    };
    let headers: Vec<String> = output
        .headers
        .iter()
        .map(|(name, value)| match name.as_ref() {
            "ce_watchbellruleset" => format!("{:?}:\"(rule set)\"", name),
            "watchbell-version" => format!("{:?}:\"(version)\"", name),
            name => format!("{name:?}:{}", text(value)),
        })
        .collect();
    let mut value = text(&output.value);
    if let Some(bytes) = output.value.as_deref()
        && let Ok(json) = serde_json::from_slice::<Value>(bytes)
    {
        value = String::from_utf8_lossy(bytes).into_owned();
        for (pointer, name) in [
            ("/finding_info/analytic/version", "(rule version)"),
            ("/unmapped/rule_set", "(rule set)"),
        ] {
            if let Some(Value::String(found)) = json.pointer(pointer) {
                value = value.replace(found.as_str(), name);
            }
        }
        let version = format!(r#""version":"{}""#, env!("CARGO_PKG_VERSION"));
        value = value.replace(&version, r#""version":"(version)""#);
    }
    format!(
        r#"{{"topic":"{}","key":{},"headers":{{{}}},"value":{value}}}"#,
        output.topic,
        text(&output.key),
        headers.join(","),
    )
}

fn parsed(output: &str) -> Value {
    serde_json::from_str(output).expect("the output is JSON")
}

/// The cases of a vendor.
pub fn cases(vendor: &'static Vendor) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join(format!("tests/data/{}/golden", vendor.product));
    let mut cases: Vec<Case> = fs::read_dir(folder)
        .expect("the folder of golden cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| Case {
            vendor,
            text: fs::read_to_string(&path).expect("a case in UTF-8"),
            path,
        })
        .collect();
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    cases
}

/// Every case, with the pipeline that it goes through.
fn each_case(mut check: impl FnMut(&Case, &Pipeline)) {
    for vendor in &VENDORS {
        let pipeline = pipeline_with(vendor.names, 1_000_000);
        for case in cases(vendor) {
            check(&case, &pipeline);
        }
    }
}

/// `path: expected …, is …` for every leaf that differs.
fn differences(at: &str, expected: &Value, found: &Value, out: &mut Vec<String>) {
    let missing = Value::from("(nothing)");
    match (expected, found) {
        (Value::Object(left), Value::Object(right)) => {
            let names: std::collections::BTreeSet<&String> =
                left.keys().chain(right.keys()).collect();
            for name in names {
                let (left, right) = (left.get(name), right.get(name));
                let path = format!("{at}.{name}");
                differences(
                    &path,
                    left.unwrap_or(&missing),
                    right.unwrap_or(&missing),
                    out,
                );
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for index in 0..left.len().max(right.len()) {
                let (left, right) = (left.get(index), right.get(index));
                let path = format!("{at}[{index}]");
                differences(
                    &path,
                    left.unwrap_or(&missing),
                    right.unwrap_or(&missing),
                    out,
                );
            }
        }
        _ if expected != found => out.push(format!("{at}: expected {expected}, is {found}")),
        _ => {}
    }
}

/// The case's text with another `output` and the same record.
fn blessed(case: &Case, output: &str) -> String {
    let document = Document::parse(case.text.as_bytes()).expect("a case is JSON");
    let mut text = String::from("{");
    for member in document.children(document.root()) {
        if document.key(member) != "output" {
            text.push_str(&format!("\n  \"{}\": ", document.key(member)));
            indented(&document, member, 1, &mut text);
            text.push(',');
        }
    }
    text.push_str("\n  \"output\": ");
    let output = Document::parse(output.as_bytes()).expect("JSON");
    indented(&output, output.root(), 1, &mut text);
    text.push_str("\n}\n");
    text
}

/// Writes a value over several lines, members in their order.
fn indented(document: &Document<'_>, node: NodeId, depth: usize, out: &mut String) {
    let kind = document.kind(node);
    if !matches!(kind, ValueKind::Array | ValueKind::Object) || document.is_empty_container(node) {
        out.push_str(document.raw(node));
        return;
    }
    out.push(if kind == ValueKind::Array { '[' } else { '{' });
    let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    for (index, child) in document.children(node).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&line(depth + 1));
        if kind == ValueKind::Object {
            let mut key = Vec::new();
            document.write_key(child, &mut key);
            out.push_str(&String::from_utf8(key).expect("UTF-8"));
            out.push(' ');
        }
        indented(document, child, depth + 1, out);
    }
    out.push_str(&line(depth));
    out.push(if kind == ValueKind::Array { ']' } else { '}' });
}

#[test]
fn every_case_comes_out_as_expected() {
    let bless = std::env::var_os("WATCHBELL_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut rewritten = 0;
    each_case(|case, pipeline| {
        let output = case.output(pipeline);
        let expected = case.json();
        let mut found = Vec::new();
        differences("output", &expected["output"], &parsed(&output), &mut found);
        if bless && !found.is_empty() {
            fs::write(&case.path, blessed(case, &output)).expect("a case is written");
            rewritten += 1;
        }
        wrong.extend(found.iter().map(|line| format!("{}: {line}", case.name())));
    });
    assert!(
        !bless,
        "{rewritten} golden cases rewritten: read them, then run again without WATCHBELL_BLESS"
    );
    assert!(
        wrong.is_empty(),
        "\n{}\nIf that is right: WATCHBELL_BLESS=1 cargo test --test it golden",
        wrong.join("\n")
    );
}

#[test]
fn every_event_of_a_case_is_valid_ocsf() {
    each_case(|case, pipeline| {
        let output = case.output(pipeline);
        for record in parsed(&output).as_array().expect("records") {
            if record["topic"] != "dead" {
                crate::ocsf::validate(&record["value"]);
            }
        }
    });
}

#[test]
fn every_documented_event_and_shape_is_a_case() {
    for vendor in &VENDORS {
        let cases = cases(vendor);
        let recorded = cases
            .iter()
            .map(|case| case.json()["record"]["value"].clone());
        let recorded: Vec<Value> = recorded.collect();
        for line in vendor.lines() {
            let event: Value = serde_json::from_str(line).expect("a line is JSON");
            assert!(recorded.contains(&event), "no golden case holds {line}");
        }
    }
}
