//! The `patch` of a test: operations of JSON Patch (RFC 6902), checked before they are applied, so that each problem
//! has the place of its operation.

use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value as Json;

use crate::diagnostic::{Mark, Problem, nearest};
use crate::yaml::{Entry, Node};

/// What an operation looks like.
const EXAMPLE: &str = "write `{op: replace, path: /data/x, value: y}`";

/// The operations, each with the keys that it needs beside `op`.
const OPERATIONS: [(&str, &[&str]); 6] = [
    ("add", &["path", "value"]),
    ("remove", &["path"]),
    ("replace", &["path", "value"]),
    ("move", &["from", "path"]),
    ("copy", &["from", "path"]),
    ("test", &["path", "value"]),
];

/// Applies every operation of a list.
///
/// # Errors
/// The first operation that is malformed or does not apply.
pub(super) fn apply(patch: &Node, json: &mut Json) -> Result<(), Problem> {
    let Some(operations) = patch.as_seq() else {
        let message = format!(
            "`patch` must be a list of operations, not {}",
            patch.value.kind()
        );
        let remedy = "write `- {op: replace, path: /data/x, value: y}`";
        return Err(Problem::error(patch.mark, message).remedy(remedy));
    };
    for node in operations {
        let operation = operation(node)?;
        json_patch::patch(json, std::slice::from_ref(&operation))
            .map_err(|error| not_applicable(node, &operation, &error.kind))?;
    }
    Ok(())
}

fn operation(node: &Node) -> Result<PatchOperation, Problem> {
    let Some(entries) = node.as_map() else {
        let message = format!(
            "an operation of `patch` is a map, not {}",
            node.value.kind()
        );
        return Err(Problem::error(node.mark, message).remedy(EXAMPLE));
    };
    let Some(op) = node.entry("op") else {
        let message = "an operation of `patch` needs `op`";
        return Err(Problem::error(node.mark, message).remedy(EXAMPLE));
    };
    let word = op.as_str().unwrap_or_default();
    let known = OPERATIONS.iter().find(|(known, _)| *known == word);
    let Some((word, keys)) = known else {
        let words = OPERATIONS.map(|(word, _)| word);
        let remedy = match nearest(word, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of: {}", words.join(", ")),
        };
        let message = "`op` is no operation of JSON Patch";
        return Err(Problem::error(op.mark, message).remedy(remedy));
    };
    for key in *keys {
        match node.entry(key) {
            None => {
                let message = format!("the operation `{word}` needs `{key}`");
                return Err(Problem::error(node.mark, message).remedy(EXAMPLE));
            }
            Some(path) if *key != "value" => check_pointer(key, path)?,
            Some(_) => {}
        }
    }
    let is_other = |entry: &&Entry| entry.key != "op" && !keys.contains(&&*entry.key);
    if let Some(other) = entries.iter().find(is_other) {
        let message = format!("the operation `{word}` has no `{}`", other.key);
        let remedy = format!("its keys are: op, {}", keys.join(", "));
        return Err(Problem::error(other.key_mark, message).remedy(remedy));
    }
    serde_json::from_value(node.to_json())
        .map_err(|_| Problem::error(node.mark, "not an operation of JSON Patch").remedy(EXAMPLE))
}

/// A JSON pointer: empty, or each part after a slash.
fn check_pointer(key: &str, node: &Node) -> Result<(), Problem> {
    let refused =
        |message: String, remedy: &str| Err(Problem::error(node.mark, message).remedy(remedy));
    let example = "write a slash before each part, as in `/data/methodName`";
    let Some(text) = node.as_str() else {
        let kind = node.value.kind();
        return refused(format!("`{key}` must be a string, not {kind}"), example);
    };
    if !text.is_empty() && !text.starts_with('/') {
        return refused(format!("`{key}` does not begin with a slash"), example);
    }
    let mut escapes = text.split('~').skip(1);
    if escapes.any(|rest| !rest.starts_with(['0', '1'])) {
        let message = format!("`{key}` has a `~` that is not escaped");
        return refused(
            message,
            "write ~0 for `~`, and ~1 for a slash within a name",
        );
    }
    Ok(())
}

fn not_applicable(node: &Node, operation: &PatchOperation, kind: &PatchErrorKind) -> Problem {
    let mark = |key: &str| node.entry(key).map_or(node.mark, |node| node.mark);
    let problem = |mark: Mark, why: &str, remedy: &str| {
        let message = format!("the patch does not apply: {why}");
        Problem::error(mark, message).remedy(remedy)
    };
    let path = operation.path();
    match kind {
        PatchErrorKind::TestFailed => problem(
            mark("value"),
            &format!("the event has another value at `{path}`"),
            "write the value of the event, or remove the operation",
        ),
        PatchErrorKind::InvalidFromPointer => problem(
            mark("from"),
            "the event has nothing at `from`",
            "correct the path; the event is that of the test, or else that of the file",
        ),
        PatchErrorKind::CannotMoveInsideItself => problem(
            mark("path"),
            "a value cannot be moved into itself",
            "name a path outside of `from`",
        ),
        _ => problem(
            mark("path"),
            &format!("the event has no place `{path}`"),
            "correct the path, or add the part above it first: `{op: add, path: /data/x, value: {}}`",
        ),
    }
}
