//! What became of a request, a login or a permission check.
//! That the caller was authenticated says nothing about the operation, so
//! `authenticationInfo.result` counts for logins only.

use super::data::Data;
use super::labels::Labels;
use super::shape::ReportedAct;
use super::words;
use crate::event::{Authorization, Status, Unmapped};
use crate::json::{Document, NodeId, Text, ValueKind};
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
pub(super) fn read<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    shape: ReportedAct,
    labels: &mut Labels,
) -> Outcome<'a> {
    let statement = |node| Statement::at(&unmapped.document, node);
    let result = statement(data.result.status);
    let decision = agreed(
        [
            statement(data.authorization.result),
            statement(data.authorization.granted),
        ],
        labels,
    );
    let denied = decision.filter(|decision| decision.status == Status::Failure);
    let is_failed = result.is_some_and(|result| result.status == Status::Failure);
    let said = match shape {
        ReportedAct::Authentication => {
            let login = agreed([result, statement(data.authentication.result)], labels);
            agreed([login, denied], labels)
        }
        // Permitted and then failed is no contradiction.
        ReportedAct::Authorization if is_failed && denied.is_none() => result,
        ReportedAct::Authorization => agreed([decision, result], labels),
        ReportedAct::Request => {
            // A permission does not mean that the operation succeeded. A denial means that it failed,
            // unless the event says that it was done: then it counts as done.
            let said = first_clear([result, denied]);
            let is_done = said.is_some_and(|said| said.status == Status::Success);
            if is_done && denied.is_some() {
                labels.add(Labels::CONTRADICTORY);
            }
            said
        }
    };
    if said.is_some_and(|said| said.is_inferred) {
        labels.add(Labels::STATUS);
    }
    let messages = [
        data.result.message,
        data.result.error_message,
        data.authentication.error_message,
        data.root.error_message,
    ];
    let mut outcome = Outcome {
        status: said.map_or(Status::Unknown, |said| said.status),
        code: said.and_then(|said| said.code(unmapped)),
        detail: messages
            .iter()
            .find_map(|message| walk::take(unmapped, *message)),
        authorizations: authorizations(unmapped, data, decision, labels),
        ..Outcome::default()
    };
    if outcome.status == Status::Failure {
        (outcome.error, outcome.error_message) = error(&unmapped.document, data.result.data);
    }
    outcome
}

/// What the event says about success in one place.
#[derive(Clone, Copy)]
struct Statement {
    status: Status,
    /// Judged by the parts of a word that is not documented.
    is_inferred: bool,
    node: NodeId,
}

impl Statement {
    /// A word, a code, or a boolean; `None` if nothing is said there.
    fn at(document: &Document<'_>, node: Option<NodeId>) -> Option<Self> {
        let node = node?;
        let said = |status, is_inferred| Self {
            status,
            is_inferred,
            node,
        };
        match document.kind(node) {
            ValueKind::String => {
                let word = walk::text(document, node)?;
                let judged = words::status(&word);
                Some(said(judged.is, judged.is_inferred))
            }
            ValueKind::Number => {
                let judged = words::status(document.raw(node));
                Some(said(judged.is, judged.is_inferred))
            }
            ValueKind::Bool if document.raw(node) == "true" => Some(said(Status::Success, false)),
            ValueKind::Bool => Some(said(Status::Failure, false)),
            ValueKind::Null | ValueKind::Array | ValueKind::Object => None,
        }
    }

    /// The word as written, moved; a number is copied, and a boolean has no word.
    fn code<'a>(self, unmapped: &mut Unmapped<'a>) -> Option<Text<'a>> {
        match unmapped.document.kind(self.node) {
            ValueKind::Number => unmapped.document.number(self.node),
            _ => walk::take(unmapped, self.node),
        }
    }
}

/// The first that says success or failure, else the first that says anything.
fn first_clear(said: [Option<Statement>; 2]) -> Option<Statement> {
    let clear = |said: &Statement| said.status != Status::Unknown;
    said.into_iter()
        .flatten()
        .find(clear)
        .or_else(|| said.into_iter().flatten().next())
}

/// What two statements about the same check come to: where they contradict each other, the failure.
fn agreed(said: [Option<Statement>; 2], labels: &mut Labels) -> Option<Statement> {
    let of = |status| {
        let mut said = said.into_iter().flatten();
        said.find(|said| said.status == status)
    };
    match (of(Status::Failure), of(Status::Success)) {
        (Some(failure), Some(_)) => {
            labels.add(Labels::CONTRADICTORY);
            Some(failure)
        }
        (clear, None) | (None, clear) => clear.or_else(|| said.into_iter().flatten().next()),
    }
}

/// One for each policy that applies, under the name that OCSF's `policy.type` shall have.
fn authorizations<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    decision: Option<Statement>,
    labels: &mut Labels,
) -> Vec<Authorization<'a>> {
    let info = &data.authorization;
    let decision =
        decision.and_then(
            |said| match (unmapped.document.kind(said.node), said.status) {
                (ValueKind::Bool, Status::Success) => Some(Text::from("ALLOW")),
                (ValueKind::Bool, _) => Some(Text::from("DENY")),
                _ => said.code(unmapped),
            },
        );
    let policies = [
        (info.rbac, "RBAC"),
        (info.acl, "ACL"),
        (info.super_user, "SUPER_USER"),
        (info.ip_filter, "IP_FILTER"),
        (info.private_link, "PRIVATE_LINK"),
    ];
    let mut found = Vec::new();
    let mut add = |unmapped: &mut Unmapped<'a>, policy, kind| {
        found.push(Authorization {
            decision: decision.clone(),
            policy_name: walk::take_at(unmapped, policy, &["role"]),
            policy_kind: Some(kind),
        });
    };
    for (policy, kind) in policies {
        if let Some(policy) = policy.filter(|policy| applies(&unmapped.document, *policy)) {
            add(unmapped, policy, Text::from(kind));
        }
    }
    for (policy, kind) in unknown_policies(&unmapped.document, data) {
        labels.add(Labels::POLICY);
        add(unmapped, policy, kind.into());
    }
    if found.is_empty() && decision.is_some() {
        found.push(Authorization {
            decision,
            ..Authorization::default()
        });
    }
    found
}

fn applies(document: &Document<'_>, policy: NodeId) -> bool {
    match document.kind(policy) {
        ValueKind::Bool => document.raw(policy) == "true",
        ValueKind::Object => !document.is_empty_container(policy),
        _ => false,
    }
}

/// Policies that apply and that no documentation names, by the names of their members; most events
/// have none.
fn unknown_policies(document: &Document<'_>, data: &Data) -> Vec<(NodeId, String)> {
    /// Events hardly have one; the limit bounds the work.
    const MOST: usize = 8;
    let info = &data.authorization;
    let known = [
        info.granted,
        info.rbac,
        info.acl,
        info.super_user,
        info.ip_filter,
        info.private_link,
    ];
    let Some(authorization) = data.root.authorization else {
        return Vec::new();
    };
    document
        .children(authorization)
        .filter(|member| applies(document, *member) && !known.contains(&Some(*member)))
        .filter_map(|member| Some((member, words::policy(&document.key(member))?)))
        .take(MOST)
        .collect()
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
    let code = codes
        .iter()
        .find_map(|name| walk::scalar(document, document.member_folded(node, name)?));
    let message = messages
        .iter()
        .find_map(|name| walk::text_at(document, node, &[name]));
    (code, message)
}
