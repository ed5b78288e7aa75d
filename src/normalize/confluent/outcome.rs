//! What became of a request, a login or a permission check.
//! That the caller was authenticated says nothing about the operation, so
//! `authenticationInfo.result` counts for logins only.

use super::Shape;
use super::data::{AuthorizationInfo, Data};
use crate::event::json::{Document, Kind, NodeId};
use crate::event::{Authorization, Status, Text, Unmapped};
use crate::normalize::walk;

/// OCSF `status…`, `actor.authorizations` and the error of `api.response`.
#[derive(Default)]
pub(super) struct Outcome<'a> {
    pub(super) status: Status,
    pub(super) code: Option<Text<'a>>,
    pub(super) detail: Option<Text<'a>>,
    pub(super) authorizations: Vec<Authorization<'a>>,
    pub(super) error: Option<Text<'a>>,
    pub(super) error_message: Option<Text<'a>>,
}

/// Reads and moves what `data` says about the outcome.
pub(super) fn read<'a>(unmapped: &mut Unmapped<'a>, data: &Data, shape: Shape) -> Outcome<'a> {
    let result = Said::at(unmapped, data.result.status);
    let decision = decision(unmapped, &data.authorization);
    let said = match shape {
        Shape::Authentication => {
            let login = Said::at(unmapped, data.authentication.result);
            first_clear([result, login])
        }
        Shape::Authorization => first_clear([decision, result]),
        Shape::Request => {
            // Being allowed is not yet having succeeded; being denied is having failed.
            let denied = decision.filter(|said| said.status == Status::Failure);
            first_clear([result, denied])
        }
    };
    let messages = [
        data.result.message,
        data.result.error_message,
        data.authentication.error_message,
        data.root.error_message,
    ];
    let mut outcome = Outcome {
        status: said.map_or(Status::Unknown, |said| said.status),
        code: said
            .and_then(|said| said.node)
            .and_then(|node| walk::take(unmapped, node)),
        detail: messages
            .iter()
            .find_map(|message| walk::take(unmapped, *message)),
        authorizations: authorizations(unmapped, &data.authorization, decision),
        ..Outcome::default()
    };
    if outcome.status == Status::Failure {
        (outcome.error, outcome.error_message) = error(&unmapped.document, data.result.data);
    }
    outcome
}

/// One word of the event about success, and where it stands.
#[derive(Clone, Copy)]
struct Said {
    status: Status,
    /// The string; `None` for a boolean, which has no verbatim place.
    node: Option<NodeId>,
}

impl Said {
    fn at(unmapped: &Unmapped<'_>, node: Option<NodeId>) -> Option<Self> {
        let word = walk::text(&unmapped.document, node)?;
        Some(Self {
            status: status_of(&word),
            node,
        })
    }
}

/// Unknown for `UNSET` and for words that are not documented.
fn status_of(word: &str) -> Status {
    let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_one_of(&["SUCCESS", "ALLOW", "ALLOWED"]) {
        Status::Success
    } else if is_one_of(&[
        "FAILURE",
        "FAILED",
        "ERROR",
        "DENY",
        "DENIED",
        "UNAUTHENTICATED",
        "UNAUTHORIZED",
        "PERMISSION_DENIED",
    ]) {
        Status::Failure
    } else {
        Status::Unknown
    }
}

/// The first that says success or failure, else the first that says anything.
fn first_clear(said: [Option<Said>; 2]) -> Option<Said> {
    let clear = |said: &Said| said.status != Status::Unknown;
    said.into_iter()
        .flatten()
        .find(clear)
        .or_else(|| said.into_iter().flatten().next())
}

fn decision(unmapped: &Unmapped<'_>, info: &AuthorizationInfo) -> Option<Said> {
    Said::at(unmapped, info.result).or_else(|| {
        let status = match unmapped.document.raw(info.granted?) {
            "true" => Status::Success,
            "false" => Status::Failure,
            _ => return None,
        };
        Some(Said { status, node: None })
    })
}

/// One for each policy that applies, under the name that OCSF's `policy.type` shall have.
fn authorizations<'a>(
    unmapped: &mut Unmapped<'a>,
    info: &AuthorizationInfo,
    decision: Option<Said>,
) -> Vec<Authorization<'a>> {
    let decision = decision.and_then(|said| match (said.node, said.status) {
        (Some(node), _) => walk::take(unmapped, node),
        (None, Status::Success) => Some(Text::plain("ALLOW")),
        (None, _) => Some(Text::plain("DENY")),
    });
    let policies = [
        (info.rbac, "RBAC"),
        (info.acl, "ACL"),
        (info.super_user, "SUPER_USER"),
        (info.ip_filter, "IP_FILTER"),
        (info.private_link, "PRIVATE_LINK"),
    ];
    let mut found = Vec::new();
    for (policy, kind) in policies {
        let document = &unmapped.document;
        let Some(policy) = policy else { continue };
        let applies = match document.kind(policy) {
            Kind::Bool => document.raw(policy) == "true",
            Kind::Object => !document.is_empty_container(policy),
            _ => false,
        };
        if applies {
            found.push(Authorization {
                decision: decision.clone(),
                policy_name: walk::take_at(unmapped, policy, &["role"]),
                policy_kind: Some(Text::plain(kind)),
            });
        }
    }
    if found.is_empty() && decision.is_some() {
        found.push(Authorization {
            decision,
            ..Authorization::default()
        });
    }
    found
}

/// Copies of the first error's code and text; the payload moves as a whole. Some services answer
/// with a list of errors, some with `error_code` and `message`.
fn error<'a>(
    document: &Document<'a>,
    answer: Option<NodeId>,
) -> (Option<Text<'a>>, Option<Text<'a>>) {
    let Some(answer) = answer else {
        return (None, None);
    };
    let first = walk::descend(document, answer, &["errors"])
        .and_then(|errors| document.children(errors).next());
    let (node, codes, messages): (_, &[&str], &[&str]) = match first {
        Some(first) => (
            first,
            &["code", "errorCode", "status"],
            &["detail", "message", "title"],
        ),
        None => (answer, &["errorCode"], &["message"]),
    };
    let code = codes.iter().find_map(|name| {
        let id = document.member_folded(node, name)?;
        match document.kind(id) {
            Kind::Number => Some(Text::plain(document.raw(id))),
            _ => walk::text(document, id),
        }
    });
    let message = messages
        .iter()
        .find_map(|name| walk::text_at(document, node, &[name]));
    (code, message)
}
