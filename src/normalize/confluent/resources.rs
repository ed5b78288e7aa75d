//! What was acted upon, and where it lives: `cloudResources` in the new dialect, a CRN and
//! `authorizationInfo` in the old one and Confluent Platform.
//! Scopes move whole under their resource; environment, organization and region are copies.

use super::{Data, Shape};
use crate::event::json::NodeId;
use crate::event::{Cloud, Resource, Text, Unmapped};
use crate::normalize::{crn, walk};

/// CRNs that may say where an event happened, the most telling first.
const CRN_NAMES: [&str; 3] = ["resourceName", "serviceName", "internalServiceName"];

/// Where resources live: copies.
#[derive(Default)]
struct Place<'a> {
    organization: Option<Text<'a>>,
    environment: Option<Text<'a>>,
    region: Option<Text<'a>>,
}

impl<'a> Place<'a> {
    /// Takes from another what is still missing.
    fn complete_with(&mut self, other: Place<'a>) {
        self.organization = self.organization.take().or(other.organization);
        self.environment = self.environment.take().or(other.environment);
        self.region = self.region.take().or(other.region);
    }

    fn note(&mut self, kind: &str, id: Text<'a>) {
        let place = match kind {
            "ORGANIZATION" => &mut self.organization,
            "ENVIRONMENT" => &mut self.environment,
            "FLINK_REGION" => &mut self.region,
            _ => return,
        };
        place.get_or_insert(id);
    }

    fn of_crn(name: &Text<'a>) -> Self {
        let mut place = Place::default();
        match name {
            Text::Borrowed(name) => place.note_segments(crn::segments(name)),
            Text::Owned(name) => place.note_segments(
                crn::segments(name).map(|(kind, id)| (kind, Text::Owned(id.into_owned()))),
            ),
        }
        place
    }

    fn note_segments<'k>(&mut self, segments: impl Iterator<Item = (&'k str, Text<'a>)>) {
        for (kind, id) in segments {
            let place = match kind {
                "organization" => &mut self.organization,
                "environment" => &mut self.environment,
                "flink-region" => &mut self.region,
                _ => continue,
            };
            place.get_or_insert(id);
        }
    }
}

/// OCSF `resources` and `cloud` (without its provider). Authentication has no `resources`: there
/// they are copies, and nothing moves.
pub(super) fn read<'a>(
    unmapped: &mut Unmapped<'a>,
    data: Data,
    subject: Option<&Text<'a>>,
    shape: Shape,
) -> (Vec<Resource<'a>>, Cloud<'a>) {
    let mut resources = Vec::new();
    let mut place = Place::default();
    if let Some(list) = walk::descend(&unmapped.document, data.root, &["cloudResources"]) {
        let elements: Vec<NodeId> = unmapped.document.children(list).collect();
        for element in elements {
            let (resource, own) = cloud_resource(unmapped, element, shape);
            resources.extend(resource);
            place.complete_with(own);
        }
    }
    let crns = CRN_NAMES.map(|name| walk::text_at(&unmapped.document, data.root, &[name]));
    let mut before = None;
    for name in crns.iter().flatten().chain(subject) {
        // Most events repeat one name.
        if before != Some(name) {
            place.complete_with(Place::of_crn(name));
        }
        before = Some(name);
    }
    let [target, ..] = &crns;
    if resources.is_empty() {
        let target = target.as_ref().or(subject);
        resources.extend(named_resource(unmapped, data, target, shape));
    }
    if shape != Shape::Authentication {
        name_in_full(unmapped, data, &mut resources, subject);
    }
    let cloud = Cloud {
        provider: Text::default(),
        org_uid: place.organization,
        project_uid: place.environment,
        region: place.region,
    };
    (resources, cloud)
}

/// Puts `resourceName` (moved), else the event's subject (a copy), to the one resource that it
/// names: the same id may lie in several scopes, and a list names the place that was listed.
fn name_in_full<'a>(
    unmapped: &mut Unmapped<'a>,
    data: Data,
    resources: &mut [Resource<'a>],
    subject: Option<&Text<'a>>,
) {
    let target = walk::text_at(&unmapped.document, data.root, &["resourceName"]);
    if let Some(resource) = target.and_then(|name| only_one_named(resources, &name)) {
        resource.uid_alt = walk::take_at(unmapped, data.root, &["resourceName"]);
    } else if let Some(subject) = subject
        && let Some(resource) = only_one_named(resources, subject)
    {
        resource.uid_alt = Some(subject.clone());
    }
}

fn only_one_named<'r, 'a>(
    resources: &'r mut [Resource<'a>],
    name: &str,
) -> Option<&'r mut Resource<'a>> {
    let (_, id) = crn::last(name)?;
    let mut named = resources
        .iter_mut()
        .filter(|resource| resource.uid.as_deref() == Some(&*id));
    named.next().filter(|_| named.next().is_none())
}

fn cloud_resource<'a>(
    unmapped: &mut Unmapped<'a>,
    element: NodeId,
    shape: Shape,
) -> (Option<Resource<'a>>, Place<'a>) {
    let document = &unmapped.document;
    let mut place = Place::default();
    if let Some(scopes) = walk::descend(document, element, &["scope", "resources"]) {
        for scope in document.children(scopes) {
            let kind = walk::text_at(document, scope, &["type"]);
            let id = walk::text_at(document, scope, &["resourceId"]);
            if let (Some(kind), Some(id)) = (kind, id) {
                place.note(&kind, id);
            }
        }
    }
    let kind_path = ["resource", "type"];
    let uid_path = ["resource", "resourceId"];
    let Some(uid) = walk::text_at(document, element, &uid_path) else {
        return (None, place);
    };
    let kind = walk::text_at(document, element, &kind_path);
    let namespace = place.environment.clone();
    if let Some(kind) = &kind {
        place.note(kind, uid.clone());
    }
    let mut resource = Resource {
        uid: Some(uid),
        kind,
        namespace,
        region: place.region.clone(),
        ..Resource::default()
    };
    if shape != Shape::Authentication {
        walk::take_at(unmapped, element, &uid_path);
        walk::take_at(unmapped, element, &kind_path);
        resource.data = walk::take_whole(unmapped, element, &["scope"]);
    }
    (Some(resource), place)
}

/// The target of the old dialect: identified by the CRN's innermost segment, typed by
/// `authorizationInfo`. That calls an environment `environment`, which is no name of it.
fn named_resource<'a>(
    unmapped: &mut Unmapped<'a>,
    data: Data,
    target: Option<&Text<'a>>,
    shape: Shape,
) -> Option<Resource<'a>> {
    let (crn_kind, crn_id) = target.and_then(innermost).unzip();
    let place = target.map(Place::of_crn).unwrap_or_default();
    let mut resource = Resource {
        namespace: place
            .environment
            .filter(|id| crn_id.as_deref() != Some(id.as_ref())),
        uid: crn_id,
        kind: crn_kind,
        region: place.region,
        ..Resource::default()
    };
    if shape != Shape::Authentication {
        let info = data.authorization;
        let name = walk::text_at(&unmapped.document, info, &["resourceName"]);
        if name.is_some() && (resource.uid.is_none() || resource.uid == name) {
            resource.name = walk::take_at(unmapped, info, &["resourceName"]);
            resource.uid = name;
        }
        if resource.uid.is_some() {
            resource.kind = walk::take_at(unmapped, info, &["resourceType"]).or(resource.kind);
        }
    }
    resource.uid.is_some().then_some(resource)
}

/// Type and id of a CRN's innermost segment.
fn innermost<'a>(name: &Text<'a>) -> Option<(Text<'a>, Text<'a>)> {
    match name {
        Text::Borrowed(name) => crn::last(name),
        Text::Owned(name) => {
            let (kind, id) = crn::last(name)?;
            Some((kind.into_owned().into(), id.into_owned().into()))
        }
    }
}
