//! What was acted upon, and where it lives: `cloudResources` in the new dialect, a CRN and
//! `authorizationInfo` in the old one and Confluent Platform.
//! Scopes move whole under their resource; environment, organization and region are copies.

use super::data::{CloudResource, Data, Named};
use super::shape::ReportedAct;
use crate::event::{Cloud, Resource, Unmapped};
use crate::json::{Document, NodeId, Text, same_name};
use crate::normalize::crn::{Crn, CrnScope, is_within};
use crate::normalize::walk;

/// OCSF `resources` and `cloud` (without its provider). Authentication has no `resources`: there
/// they are copies, and nothing moves.
pub(super) fn read<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    subject: Option<&Text<'a>>,
    shape: ReportedAct,
) -> (Vec<Resource<'a>>, Cloud<'a>) {
    let mut resources = Vec::new();
    let mut place = CrnScope::default();
    if let Some(list) = data.root.cloud_resources {
        let elements: Vec<NodeId> = unmapped.document.children(list).collect();
        for element in elements {
            let (resource, own) = cloud_resource(unmapped, element, shape);
            resources.extend(resource);
            place.complete_with(&own);
        }
    }
    let text = |node| walk::text(&unmapped.document, node);
    let name = text(data.root.resource_name);
    let target = name.as_ref().map(Crn::of);
    // Most events repeat one name.
    let other_subject = subject.filter(|subject| Some(*subject) != name.as_ref());
    let by_subject = other_subject.map(Crn::of);
    let mut complete_with = |crn: Option<&Crn<'a>>| {
        if let Some(crn) = crn {
            place.complete_with(&crn.place);
        }
    };
    // The most specific first.
    complete_with(target.as_ref());
    for service in [data.root.service_name, data.root.internal_service_name] {
        // A scope of the target adds nothing.
        let is_told =
            |service: &Text<'_>| name.as_ref().is_some_and(|name| is_within(name, service));
        let other = text(service).filter(|service| !is_told(service));
        complete_with(other.as_ref().map(Crn::of).as_ref());
    }
    complete_with(by_subject.as_ref());
    if resources.is_empty() {
        let target = target.as_ref().or(by_subject.as_ref());
        resources = named_resource(unmapped, data, target, shape)
            .into_iter()
            .collect();
    }
    if shape != ReportedAct::Authentication {
        // The same id may lie in several scopes, and a list names the place that was listed.
        if let Some(resource) = only_one_named(&mut resources, target.as_ref()) {
            resource.uid_alt = walk::take(unmapped, data.root.resource_name);
        } else if let Some(resource) = only_one_named(&mut resources, by_subject.as_ref()) {
            resource.uid_alt = subject.cloned();
        }
    }
    let cloud = Cloud {
        org_uid: place.organization,
        project_uid: place.environment,
        region: place.region,
        ..Cloud::default()
    };
    (resources, cloud)
}

/// The resource that a CRN names, if it names no other of them.
fn only_one_named<'r, 'a>(
    resources: &'r mut [Resource<'a>],
    crn: Option<&Crn<'_>>,
) -> Option<&'r mut Resource<'a>> {
    let (_, id) = crn?.innermost.as_ref()?;
    let mut named = resources
        .iter_mut()
        .filter(|resource| resource.uid.as_ref() == Some(id));
    named.next().filter(|_| named.next().is_none())
}

fn cloud_resource<'a>(
    unmapped: &mut Unmapped<'a>,
    element: NodeId,
    shape: ReportedAct,
) -> (Option<Resource<'a>>, CrnScope<'a>) {
    let document = &unmapped.document;
    let CloudResource { scope, resource } = CloudResource::of(document, element);
    let mut place = CrnScope::default();
    if let Some(levels) = walk::descend(document, scope, &["resources"]) {
        for level in document.children(levels) {
            note(&mut place, document, &Named::of(document, level));
        }
    }
    let named = Named::of(document, resource);
    let Some(uid) = walk::text(document, named.id) else {
        return (None, place);
    };
    let kind = walk::text(document, named.kind);
    let namespace = place.environment.clone();
    note(&mut place, document, &named);
    let mut resource = Resource {
        uid: Some(uid),
        kind,
        namespace,
        region: place.region.clone(),
        ..Resource::default()
    };
    if shape != ReportedAct::Authentication {
        walk::take(unmapped, named.id);
        walk::take(unmapped, named.kind);
        resource.data = walk::take_whole(unmapped, scope);
    }
    (Some(resource), place)
}

/// Notes where this level is, the outermost of a type.
fn note<'a>(place: &mut CrnScope<'a>, document: &Document<'a>, level: &Named) {
    let kind = walk::text(document, level.kind);
    let is = |known: &str| kind.as_deref().is_some_and(|kind| same_name(kind, known));
    let known = if is("organization") {
        &mut place.organization
    } else if is("environment") {
        &mut place.environment
    } else if is("flinkRegion") {
        &mut place.region
    } else {
        return;
    };
    if known.is_none() {
        *known = walk::text(document, level.id);
    }
}

/// The target of the old dialect and of the platform. A CRN that names a thing of the type that was
/// authorized identifies it: there `authorizationInfo` may say no more than the word for that type,
/// such as `environment`. Otherwise the CRN is only the place, as of an event that names a topic by
/// `authorizationInfo` alone, and the cluster by its subject.
fn named_resource<'a>(
    unmapped: &mut Unmapped<'a>,
    data: &Data,
    target: Option<&Crn<'a>>,
    shape: ReportedAct,
) -> Option<Resource<'a>> {
    let document = &unmapped.document;
    let info = match shape {
        ReportedAct::Authentication => None,
        ReportedAct::Authorization | ReportedAct::Request => Some(&data.authorization),
    };
    let authorized = info.and_then(|info| walk::text(document, info.resource_name));
    let authorized_type = info.and_then(|info| walk::text(document, info.resource_type));
    let (kind, uid) = target.and_then(|crn| crn.innermost.clone()).unzip();
    let environment = target.and_then(|crn| crn.place.environment.clone());
    let is_of_type = match (&kind, &authorized_type) {
        (Some(kind), Some(authorized)) => is_same_type(kind, authorized),
        _ => true,
    };
    let mut resource = Resource {
        region: target.and_then(|crn| crn.place.region.clone()),
        ..Resource::default()
    };
    match info {
        Some(info)
            if authorized.is_some() && (uid.is_none() || uid == authorized || !is_of_type) =>
        {
            let kind = kind.filter(|_| uid == authorized);
            resource.name = walk::take(unmapped, info.resource_name);
            resource.kind = walk::take(unmapped, info.resource_type).or(kind);
            resource.uid = authorized;
        }
        Some(info) if uid.is_some() && is_of_type => {
            resource.kind = walk::take(unmapped, info.resource_type).or(kind);
            resource.uid = uid;
        }
        _ => {
            resource.kind = kind;
            resource.uid = uid;
        }
    }
    resource.namespace = environment.filter(|id| resource.uid.as_ref() != Some(id));
    resource.uid.is_some().then_some(resource)
}

/// Whether a segment of a CRN and a type in `authorizationInfo` name the same kind of thing. One may
/// say more of it than the other: `compute-pool` and `FlinkComputePool`, `ksql` and `KsqlCluster`. A
/// `Cluster` that says no more is Kafka's.
fn is_same_type(segment: &str, authorized: &str) -> bool {
    let is_kafka = || segment == "kafka" && authorized.eq_ignore_ascii_case("cluster");
    let says_more = |more: &str, less: &str| {
        letters(less).next().is_some()
            && (begins_with(letters(more), letters(less))
                || begins_with(letters(more).rev(), letters(less).rev()))
    };
    same_name(segment, authorized)
        || is_kafka()
        || says_more(segment, authorized)
        || says_more(authorized, segment)
}

/// The letters and digits of a word, in lower case.
fn letters(word: &str) -> impl DoubleEndedIterator<Item = u8> {
    let letters = word.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase())
}

fn begins_with(
    mut word: impl Iterator<Item = u8>,
    mut beginning: impl Iterator<Item = u8>,
) -> bool {
    beginning.all(|letter| word.next() == Some(letter))
}
