//! Whether it worked. The event's own error code decides; without one, the response of the product.

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
    /// Whether the response says both success and failure.
    pub(super) is_contradictory: bool,
}

/// Codes and texts that some products write when nothing went wrong.
const SUCCESS: [&str; 6] = ["success", "succeeded", "ok", "0", "200", "000000"];

/// Reads the outcome, and moves the error's code and text.
pub(super) fn read<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Outcome<'a> {
    let root = &data.root;
    let code = said(&unmapped.document, root.error_code);
    let detail = said(&unmapped.document, root.error_message);
    let of_response = of_response(&unmapped.document, data);
    let says = |status| {
        let mut members = of_response.iter().flatten();
        members.any(|member| member.status == status)
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
    let mut members = of_response.iter().flatten();
    let failure = members.find(|member| member.status == Status::Failure);
    let response_code = failure.and_then(|member| member.code.clone());
    // One that is written in quotes of its own is copied without them.
    let moved = |unmapped: &mut Unmapped<'a>, node, said: Option<Text<'a>>| {
        let said = said?;
        match walk::text(&unmapped.document, node) == Some(said.clone()) {
            true => walk::take(unmapped, node),
            false => Some(said),
        }
    };
    Outcome {
        status,
        code: moved(unmapped, root.error_code, code).or(response_code),
        detail: moved(unmapped, root.error_message, detail),
        is_contradictory: says(Status::Failure) && says(Status::Success),
    }
}

/// A text that says something, without the quotes that some products write around it.
fn said<'a>(document: &Document<'a>, node: Option<NodeId>) -> Option<Text<'a>> {
    let text = walk::text(document, node)?;
    let unquoted = text.part(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    let says_something = |text: &Text<'_>| text.chars().any(|c| c != '"' && !c.is_whitespace());
    Some(unquoted.unwrap_or(text)).filter(says_something)
}

fn is_success(text: &str) -> bool {
    SUCCESS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What one member of the response says of the outcome.
struct ResponseOutcome<'a> {
    status: Status,
    code: Option<Text<'a>>,
}

/// What the members of the response say of the outcome.
fn of_response<'a>(document: &Document<'a>, data: &Data) -> [Option<ResponseOutcome<'a>>; 4] {
    let response = &data.response;
    let of_code = |node: Option<NodeId>| {
        let code = scalar(document, node?)?;
        let status = match is_success(&code) {
            true => Status::Success,
            false => Status::Failure,
        };
        Some(ResponseOutcome {
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
        Some(ResponseOutcome { status, code: None })
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
