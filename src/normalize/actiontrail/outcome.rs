//! Whether it worked. The event's own error code decides; without one, what the product answered.

use super::data::Data;
use crate::event::{Status, Unmapped};
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::normalize::walk;

/// The outcome of an event.
pub(super) struct Outcome<'a> {
    pub(super) status: Status,
    /// The error's code.
    pub(super) code: Option<Text<'a>>,
    /// The error's text.
    pub(super) detail: Option<Text<'a>>,
    /// Whether the product's answer says both.
    pub(super) is_contradictory: bool,
}

/// Codes and texts that some products write when nothing went wrong.
const SUCCESS: [&str; 6] = ["success", "succeeded", "ok", "0", "200", "000000"];

/// Reads the outcome, and moves the error's code and text.
pub(super) fn read<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Outcome<'a> {
    let root = &data.root;
    let code = said(&unmapped.document, root.error_code);
    let detail = said(&unmapped.document, root.error_message);
    let answers = answers(&unmapped.document, data);
    let says = |status| {
        answers
            .iter()
            .flatten()
            .any(|answer| answer.status == status)
    };
    let is_failure = match (&code, &detail) {
        (Some(code), _) => !is_success(code),
        (None, Some(detail)) => !is_success(detail),
        (None, None) => false,
    };
    let is_refused = is_failure || says(Status::Failure);
    let is_insight = walk::text(&unmapped.document, root.event_category)
        .is_some_and(|category| category.eq_ignore_ascii_case("Insight"));
    let status = match (is_refused, is_insight) {
        (true, _) => Status::Failure,
        (false, true) => Status::Unknown,
        (false, false) => Status::Success,
    };
    let mut failures = answers.iter().flatten();
    let failure = failures.find(|answer| answer.status == Status::Failure);
    let of_answer = failure.and_then(|answer| answer.code.clone());
    let moved = |unmapped: &mut Unmapped<'a>, node, said: Option<Text<'a>>| {
        said.and_then(|_| walk::take(unmapped, node))
    };
    Outcome {
        status,
        code: moved(unmapped, root.error_code, code).or(of_answer),
        detail: moved(unmapped, root.error_message, detail),
        is_contradictory: says(Status::Failure) && says(Status::Success),
    }
}

/// A text that says something; some products write two quotes for nothing.
fn said<'a>(document: &Document<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    walk::text(document, node).filter(|text| text.chars().any(|c| c != '"' && !c.is_whitespace()))
}

fn is_success(text: &str) -> bool {
    SUCCESS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A statement of the product about the outcome.
struct Answer<'a> {
    status: Status,
    code: Option<Text<'a>>,
}

/// What the product's response says.
fn answers<'a>(document: &Document<'a>, data: &Data) -> [Option<Answer<'a>>; 4] {
    let response = &data.response;
    let of_code = |node: Option<NodeId>| {
        let code = scalar(document, node?)?;
        let status = match is_success(&code) {
            true => Status::Success,
            false => Status::Failure,
        };
        Some(Answer {
            status,
            code: Some(code),
        })
    };
    let of_flag = |node: Option<NodeId>| {
        let status = match document.raw(node?).trim_matches('"') {
            "true" => Status::Success,
            "false" => Status::Failure,
            _ => return None,
        };
        Some(Answer { status, code: None })
    };
    [
        of_code(response.err_code),
        of_code(response.error_code),
        of_flag(response.result),
        of_flag(response.success),
    ]
}

fn scalar<'a>(document: &Document<'a>, node: NodeId) -> Option<Text<'a>> {
    match document.kind(node) {
        ValueKind::Number => document.number(node),
        _ => said(document, Some(node)),
    }
}
