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
    let code = statement(&unmapped.document, root.error_code);
    let detail = statement(&unmapped.document, root.error_message);
    let of_response = of_response(&unmapped.document, data);
    let says = |status| {
        let mut members = of_response.iter().flatten();
        members.any(|member| member.status == status)
    };
    let of_event = code.as_ref().or(detail.as_ref());
    let is_failure = of_event.is_some_and(|said| said.status == Status::Failure);
    let is_refused = is_failure || says(Status::Failure);
    let status = match (is_refused, data.is_insight) {
        (true, _) => Status::Failure,
        (false, true) => Status::Unknown,
        (false, false) => Status::Success,
    };
    let mut members = of_response.iter().flatten();
    let failure = members.find(|member| member.status == Status::Failure);
    let response_code = failure.and_then(|member| member.code.clone());
    // One that is written in quotes of its own is copied without them.
    let moved = |unmapped: &mut Unmapped<'a>, node, said: Option<Statement<'a>>| {
        let said = said?.code?;
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
fn said<'a>(document: &Document<'a>, node: NodeId) -> Option<Text<'a>> {
    let text = walk::text(document, node)?;
    let unquoted = text.part(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    let says_something = |text: &Text<'_>| text.chars().any(|c| c != '"' && !c.is_whitespace());
    Some(unquoted.unwrap_or(text)).filter(says_something)
}

fn is_success(text: &str) -> bool {
    SUCCESS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What one member says of the outcome.
struct Statement<'a> {
    status: Status,
    /// The code or text that says so.
    code: Option<Text<'a>>,
}

/// What an error's code or text says of the outcome. A list or an object says what the first value in it says that
/// is a failure, else what its first value says.
fn statement<'a>(document: &Document<'a>, node: Option<NodeId>) -> Option<Statement<'a>> {
    let node = node?;
    let code = match document.kind(node) {
        ValueKind::String => said(document, node)?,
        ValueKind::Number => document.number(node)?,
        ValueKind::Bool if walk::flag(document, node)? => Text::from("true"),
        ValueKind::Bool | ValueKind::Null => return None,
        ValueKind::Array | ValueKind::Object => {
            let mut first = None;
            for value in document.children(node) {
                let said = statement(document, Some(value));
                if matches!(&said, Some(said) if said.status == Status::Failure) {
                    return said;
                }
                first = first.or(said);
            }
            return first;
        }
    };
    let status = match is_success(&code) {
        true => Status::Success,
        false => Status::Failure,
    };
    Some(Statement {
        status,
        code: Some(code),
    })
}

/// What the members of the response say of the outcome.
fn of_response<'a>(document: &Document<'a>, data: &Data) -> [Option<Statement<'a>>; 4] {
    let response = &data.response;
    let of_flag = |node: Option<NodeId>| {
        let status = match walk::flag(document, node?)? {
            true => Status::Success,
            false => Status::Failure,
        };
        Some(Statement { status, code: None })
    };
    [
        statement(document, response.err_code),
        statement(document, response.error_code),
        of_flag(response.result),
        of_flag(response.success),
    ]
}
