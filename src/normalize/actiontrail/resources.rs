//! What was acted on: what the event refers to, else what the request's parameters name.

use super::data::Data;
use super::known::Known;
use super::parameters::{MOST, Parameters};
use crate::event::{Resource, Unmapped};
use crate::json::{Document, NodeId, Text, ValueKind};
use crate::normalize::walk;

/// The resources of an event.
pub(super) struct Resources<'a> {
    pub(super) found: Vec<Resource<'a>>,
    /// Set if there are more.
    pub(super) label: Option<&'static str>,
}

/// Label of an event that names more resources than are listed; the rest is in the record.
const CUT: &str = "resources:cut";

/// The type of what `additionalEventData.namespace` names.
const NAMESPACE: &str = "ACS::RealtimeCompute::Namespace";

/// Reads the resources, and moves the identifiers that the event refers to.
pub(super) fn read<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    parameters: &Parameters<'a>,
    known: &Known<'a>,
) -> Resources<'a> {
    let mut found = referenced(unmapped, data.root.referenced_resources);
    for resource in listed(&unmapped.document, data) {
        let is_known = |known: &Resource<'_>| {
            let is_of_kind = resource.kind.is_none() || known.kind == resource.kind;
            is_of_kind && (known.uid == resource.uid || known.name == resource.uid)
        };
        if !found.iter().any(is_known) {
            found.push(resource);
        }
    }
    if found.is_empty() {
        found = parameters.resources(known.resource_type().as_ref(), known.service);
    }
    let namespace = namespace(&unmapped.document, data);
    if found.is_empty() {
        found.extend(namespace.clone().map(|namespace| Resource {
            uid: Some(namespace),
            kind: Some(Text::from(NAMESPACE)),
            ..Resource::default()
        }));
    }
    let label = (found.len() > MOST).then_some(CUT);
    found.truncate(MOST);
    for resource in &mut found {
        resource.region.clone_from(&parameters.region);
        if resource.uid != namespace {
            resource.namespace.clone_from(&namespace);
        }
    }
    Resources { found, label }
}

/// `referencedResources`: lists of identifiers by type. Some products write identifier and name of one resource
/// side by side.
fn referenced<'a>(unmapped: &mut Unmapped<'a>, object: Option<NodeId>) -> Vec<Resource<'a>> {
    let document = &unmapped.document;
    let object = object.filter(|node| document.kind(*node) == ValueKind::Object);
    let lists: Vec<NodeId> = object
        .into_iter()
        .flat_map(|node| document.children(node))
        .collect();
    let mut found = Vec::new();
    for list in lists {
        let document = &unmapped.document;
        let kind = Text::from(document.key(list).into_owned());
        let nodes: Vec<NodeId> = match document.kind(list) {
            ValueKind::Array => document.children(list).collect(),
            _ => vec![list],
        };
        let is_pair = is_pair(document, &nodes);
        let step = if is_pair { 2 } else { 1 };
        for pair in nodes.chunks(step) {
            if found.len() > MOST {
                return found;
            }
            // One that is not listed stays in the document.
            let is_listed = found.len() < MOST;
            let mut texts = pair.iter().map(|node| match is_listed {
                true => walk::take(unmapped, *node),
                false => walk::text(&unmapped.document, *node),
            });
            let resource = Resource {
                uid: texts.next().flatten(),
                name: texts.next().flatten(),
                kind: Some(kind.clone()),
                ..Resource::default()
            };
            if resource.uid.is_some() || resource.name.is_some() {
                found.push(resource);
            }
        }
    }
    found
}

/// Whether the elements are, by turns, an identifier that is a UUID and a name that is none.
fn is_pair(document: &Document<'_>, nodes: &[NodeId]) -> bool {
    let is_uuid = |node: &NodeId| walk::text(document, *node).is_some_and(|text| is_uuid(&text));
    let pairs = nodes.chunks(2);
    !nodes.is_empty()
        && pairs.into_iter().all(|pair| match pair {
            [uid, name] => is_uuid(uid) && !is_uuid(name),
            _ => false,
        })
}

/// Whether a text has the form of a UUID; digits may be masked with `*`.
fn is_uuid(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'*';
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| group.bytes().all(is_digit))
}

/// `resourceType` and `resourceName`: `;` between types, `,` between the resources of a type.
fn listed<'a>(document: &Document<'a>, data: &Data) -> Vec<Resource<'a>> {
    let types = walk::text(document, data.root.resource_type);
    let Some(names) = walk::text(document, data.root.resource_name) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut groups = types.iter().flat_map(|types| types.split(';'));
    for group in names.split(';') {
        let types = groups.next().unwrap_or_default();
        let mut kinds = types.split(',').filter(|kind| !kind.is_empty());
        let mut kind = None;
        for name in group.split(',').filter(|name| !name.is_empty()) {
            // One type may stand for all that follow.
            kind = kinds.next().or(kind);
            found.push(Resource {
                uid: Some(Text::from(name.to_owned())),
                kind: kind.map(|kind| Text::from(kind.to_owned())),
                ..Resource::default()
            });
            if found.len() > MOST {
                return found;
            }
        }
    }
    found
}

/// `additionalEventData.namespace`, which Realtime Compute writes as Java shows it:
/// `NamespaceRef(name=Optional[x])`.
fn namespace<'a>(document: &Document<'a>, data: &Data) -> Option<Text<'a>> {
    let text = walk::text(document, data.additional.namespace)?;
    let inner = text.part(|text| {
        let inner = text.strip_prefix("NamespaceRef(name=")?.strip_suffix(')')?;
        match inner.strip_prefix("Optional[") {
            Some(inner) => inner.strip_suffix(']'),
            None => Some(inner),
        }
    });
    match text.starts_with("NamespaceRef(") {
        true => inner.filter(|name| !name.is_empty() && &**name != "Optional.empty"),
        false => Some(text),
    }
}
