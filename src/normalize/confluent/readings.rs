//! The parts of an event whose names callers choose, so that a name may occur twice or in two spellings: the
//! request, the response, and the client's own name. Attributes that come from there have a reading
//! for each.

use super::data::Data;
use super::words;
use crate::event::{REQUEST_DATA, Status, Unmapped};
use crate::json::{Document, NodeId, Text, same_name};
use crate::normalize::walk;

/// How a client calls itself, in `requestMetadata`.
const CLIENT_NAMES: [&str; 5] = [
    "clientId",
    "clientName",
    "clientSoftwareName",
    "clientSoftwareVersion",
    "userAgent",
];

/// Names that may be the code of an error in `result.data`, and those that may be its text.
const ERROR_CODES: [&str; 3] = ["code", "errorCode", "status"];
const ERROR_MESSAGES: [&str; 3] = ["detail", "message", "title"];

/// Whether a member's name is the caller's choice: all of `request` and of `result.data` is, and the
/// client's names. Everything else is the vendor's.
pub(super) fn is_callers(document: &Document<'_>, member: NodeId, data: &Data) -> bool {
    let is_below = |part| walk::is_below(document, member, part);
    let is_client_name = || {
        let name = document.key(member);
        CLIENT_NAMES.iter().any(|known| same_name(known, &name))
    };
    is_below(data.root.request)
        || is_below(data.result.data)
        || is_below(data.root.request_metadata) && is_client_name()
}

/// Further readings of attributes; for `None` see [`crate::event::AuditEvent::other_readings`].
pub(super) fn of_attributes<'a>(
    unmapped: &Unmapped<'a>,
    data: &Data,
    app_name: Option<&Text<'a>>,
    status: Status,
) -> Vec<(&'static str, Option<Text<'a>>)> {
    let mut found = Vec::new();
    let is_repeated = |node: &NodeId| unmapped.repeated.binary_search(node).is_ok();
    let document = &unmapped.document;
    if [data.request.client_id, data.request_metadata.client_id]
        .iter()
        .flatten()
        .any(is_repeated)
    {
        let places = [data.root.request, data.root.request_metadata];
        let names = places
            .into_iter()
            .flat_map(|place| walk::all_named(document, place, "clientId"))
            .map(|name| walk::text(document, name))
            .filter(|name| name.as_ref() != app_name);
        found.extend(names.map(|name| ("actor.app_name", name)));
    }
    if request_data(document, data).nth(1).is_some() {
        found.push((REQUEST_DATA, None));
    }
    if status == Status::Failure {
        for (path, names) in [
            ("api.response.error", ERROR_CODES),
            ("api.response.error_message", ERROR_MESSAGES),
        ] {
            let told = of_error(document, data.result.data, &names);
            if told.iter().any(is_repeated) {
                found.push((path, None));
                found.extend(
                    told.iter()
                        .map(|node| (path, walk::scalar(document, *node))),
                );
            }
        }
    }
    found
}

/// Further readings of the label that says, of a method that the catalogue lacks, how it accesses.
pub(super) fn of_access<'a>(
    unmapped: &Unmapped<'_>,
    data: &Data,
) -> Vec<(&'static str, Option<Text<'a>>)> {
    let document = &unmapped.document;
    let said: Vec<NodeId> = walk::all_named(document, data.root.request, "accessType").collect();
    if said.len() < 2 {
        return Vec::new();
    }
    let access = |node| words::access(&walk::text(document, node)?).is;
    let label = |node| access(node).map(|access| Text::from(access.label()));
    let labels = said.into_iter().map(label);
    labels.map(|label| ("metadata.labels", label)).collect()
}

/// The values that may describe an error under one of these names, with the lists of errors that it may be in.
fn of_error(document: &Document<'_>, answer: Option<NodeId>, names: &[&str]) -> Vec<NodeId> {
    let lists = walk::all_named(document, answer, "errors");
    let mut found: Vec<NodeId> = lists.collect();
    let errors = found
        .iter()
        .filter_map(|list| document.children(*list).next());
    let places: Vec<NodeId> = errors.chain(answer).collect();
    for place in places {
        let named = |name| walk::all_named(document, Some(place), name);
        found.extend(names.iter().flat_map(|name| named(name)));
    }
    found
}

/// Moves what else may be meant by `request.data`.
pub(super) fn of_request_data(
    unmapped: &mut Unmapped<'_>,
    data: &Data,
    first: Option<NodeId>,
) -> Vec<NodeId> {
    let all: Vec<NodeId> = request_data(&unmapped.document, data).collect();
    let others = all.into_iter().filter(|other| Some(*other) != first);
    others
        .filter_map(|other| walk::take_whole(unmapped, Some(other)))
        .collect()
}

fn request_data(document: &Document<'_>, data: &Data) -> impl Iterator<Item = NodeId> {
    walk::all_named(document, data.root.request, "data")
}
