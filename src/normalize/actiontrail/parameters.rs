//! What a request was about, from the names of its parameters: used where the event refers to no resource.

use super::data::Data;
use crate::event::{Resource, Unmapped};
use crate::json::{Document, Names, NodeId, Text, ValueKind, same_name};
use crate::normalize::walk;

/// Parameters that name a resource, with its type where the name alone tells it; else it is of the type on which
/// the method acts.
const TYPES: [(&str, Option<&str>); 30] = [
    ("instanceId", None),
    ("instanceIds", None),
    ("DBInstanceId", Some("ACS::RDS::DBInstance")),
    ("deploymentId", Some("ACS::RealtimeCompute::Deployment")),
    ("savepointId", Some("ACS::RealtimeCompute::Savepoint")),
    ("jobId", None),
    ("namespace", Some("ACS::RealtimeCompute::Namespace")),
    ("workspace", None),
    ("diskId", Some("ACS::ECS::Disk")),
    ("snapshotId", Some("ACS::ECS::Snapshot")),
    ("securityGroupId", Some("ACS::ECS::SecurityGroup")),
    ("vSwitchId", Some("ACS::VPC::VSwitch")),
    ("vSwitchIds", Some("ACS::VPC::VSwitch")),
    ("routeTableId", Some("ACS::VPC::RouteTable")),
    ("flowLogId", Some("ACS::VPC::FlowLog")),
    ("loadBalancerId", Some("ACS::SLB::LoadBalancer")),
    ("keyId", Some("ACS::KMS::Key")),
    ("secretName", Some("ACS::KMS::Secret")),
    ("bucketName", Some("ACS::OSS::Bucket")),
    ("userName", Some("ACS::RAM::User")),
    ("groupName", Some("ACS::RAM::Group")),
    ("roleName", Some("ACS::RAM::Role")),
    ("policyName", Some("ACS::RAM::Policy")),
    ("userAccessKeyId", Some("ACS::RAM::AccessKey")),
    ("projectId", Some("ACS::DataWorks::Project")),
    ("fileId", Some("ACS::DataWorks::File")),
    ("alarmRuleId", Some("ACS::DataWorks::AlarmRule")),
    ("alarmRuleIds", Some("ACS::DataWorks::AlarmRule")),
    ("datasourceName", Some("ACS::DataWorks::DataSource")),
    ("name", None),
];

const NAMES: Names<30> = Names::new(names());

const fn names() -> [&'static str; 30] {
    let mut names = [""; 30];
    let mut number = 0;
    while number < names.len() {
        names[number] = TYPES[number].0;
        number += 1;
    }
    names
}

/// The region of what a request is about.
const REGION: &str = "regionId";

/// More elements of a list are not resources of their own.
pub(super) const MOST: usize = 64;

/// A request's parameters, as far as they say what it is about.
pub(super) struct Parameters<'a> {
    /// Of the resources; the event itself may be recorded in another one.
    pub(super) region: Option<Text<'a>>,
    /// Identifiers, each with the type that the parameter's name tells.
    pub(super) named: Vec<(Text<'a>, Option<&'static str>)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(document: &Document<'a>, parameters: Option<NodeId>) -> Parameters<'a> {
        let mut named = Vec::new();
        let mut region = None;
        let object = parameters.filter(|node| document.kind(*node) == ValueKind::Object);
        for member in object.into_iter().flat_map(|node| document.children(node)) {
            let key = document.key(member);
            if let Some(number) = NAMES.position(&key) {
                let (_, kind) = TYPES[number];
                let values = values(document, member).into_iter();
                named.extend(values.map(|value| (value, kind)));
            } else if same_name(&key, REGION) {
                region = region.or_else(|| walk::text(document, member));
            }
        }
        Parameters { region, named }
    }

    /// The resources that they name, first those of the type on which the method acts: of `DeleteFile` the file,
    /// and not the project that it is in.
    pub(super) fn resources(&self, of_method: Option<&Text<'a>>) -> Vec<Resource<'a>> {
        let resource = |(uid, kind): &(Text<'a>, Option<&'static str>)| Resource {
            uid: Some(uid.clone()),
            kind: kind.map(Text::from).or_else(|| of_method.cloned()),
            ..Resource::default()
        };
        let mut resources: Vec<_> = self.named.iter().map(resource).collect();
        resources.sort_by_key(|resource| resource.kind.as_ref() != of_method);
        resources
    }
}

/// The identifiers that a parameter holds: one, several in an array, or several in a text that is a JSON array,
/// whose quotes some products escape once more.
fn values<'a>(document: &Document<'a>, parameter: NodeId) -> Vec<Text<'a>> {
    if document.kind(parameter) == ValueKind::Array {
        let elements = document.children(parameter).take(MOST + 1);
        return elements
            .filter_map(|node| walk::scalar(document, node))
            .collect();
    }
    let Some(text) = walk::scalar(document, parameter) else {
        return Vec::new();
    };
    if !text.starts_with('[') {
        return vec![text];
    }
    let unescaped = text.replace("\\\"", "\"");
    let Ok(list) = Document::parse(unescaped.as_bytes()) else {
        return vec![text];
    };
    let elements = list.children(list.root()).take(MOST + 1);
    let texts = elements.filter_map(|node| walk::scalar(&list, node));
    texts.map(|text| Text::from(text.to_string())).collect()
}

/// Further readings of attributes that come from names which were sent twice, or in two spellings; see
/// [`crate::event::AuditEvent::other_readings`].
pub(super) fn other_readings<'a>(
    unmapped: &Unmapped<'a>,
    data: &Data,
) -> Vec<(&'static str, Option<Text<'a>>)> {
    let document = &unmapped.document;
    let repeated_in = |object: Option<NodeId>| {
        let object = object.filter(|node| document.kind(*node) == ValueKind::Object);
        let members = object.into_iter().flat_map(|node| document.children(node));
        // They are in document order.
        members.filter(|member| unmapped.repeated.binary_search(member).is_ok())
    };
    let mut found = Vec::new();
    for node in repeated_in(data.root.request_parameters) {
        let key = document.key(node);
        let path = match same_name(&key, REGION) {
            true => "resources.region",
            false if NAMES.position(&key).is_some() => "resources.uid",
            false => continue,
        };
        found.push((path, None));
        let values = values(document, node).into_iter();
        found.extend(values.map(|value| (path, Some(value))));
    }
    if repeated_in(data.root.response_elements).next().is_some() {
        let both = ["Success", "Failure"];
        found.extend(both.map(|status| ("status", Some(Text::from(status)))));
    }
    found
}
