//! What a request was about, from the names of its parameters: used where the event refers to no resource.

use Kind::{Instance, Is, OfMethod};

use super::data::Data;
use crate::event::{Resource, Unmapped};
use crate::json::{Document, Names, NodeId, Text, ValueKind, same_name};
use crate::normalize::walk;

/// What a parameter's name tells of the type of the resource that it names.
#[derive(Clone, Copy)]
enum Kind {
    /// It is of this type.
    Is(&'static str),
    /// It is an instance; of what, the service tells.
    Instance,
    /// It is whatever the method acts on.
    OfMethod,
}

/// The names of parameters, and what each tells.
type Types = [(&'static str, Kind); 27];

/// Parameters of Elastic Compute Service, of networks and of key management that name a resource, in the singular.
const INFRASTRUCTURE: Types = [
    ("instanceId", Instance),
    ("diskId", Is("ACS::ECS::Disk")),
    ("snapshotId", Is("ACS::ECS::Snapshot")),
    ("autoSnapshotPolicyId", Is("ACS::ECS::AutoSnapshotPolicy")),
    ("imageId", Is("ACS::ECS::Image")),
    ("securityGroupId", Is("ACS::ECS::SecurityGroup")),
    ("networkInterfaceId", Is("ACS::ECS::NetworkInterface")),
    ("keyPairName", Is("ACS::ECS::KeyPair")),
    ("commandId", Is("ACS::ECS::Command")),
    ("vpcId", Is("ACS::VPC::VPC")),
    ("vSwitchId", Is("ACS::VPC::VSwitch")),
    ("routeTableId", Is("ACS::VPC::RouteTable")),
    ("flowLogId", Is("ACS::VPC::FlowLog")),
    ("networkAclId", Is("ACS::VPC::NetworkAcl")),
    ("allocationId", Is("ACS::EIP::EipAddress")),
    ("natGatewayId", Is("ACS::NAT::NatGateway")),
    ("vpnGatewayId", Is("ACS::VPN::VpnGateway")),
    ("vpnConnectionId", Is("ACS::VPN::VpnConnection")),
    ("loadBalancerId", Is("ACS::SLB::LoadBalancer")),
    ("aclId", Is("ACS::SLB::AccessControlList")),
    ("serverCertificateId", Is("ACS::SLB::ServerCertificate")),
    ("CACertificateId", Is("ACS::SLB::CACertificate")),
    ("keyId", Is("ACS::KMS::Key")),
    ("aliasName", Is("ACS::KMS::Alias")),
    ("secretName", Is("ACS::KMS::Secret")),
    ("KMSInstanceId", Is("ACS::KMS::Instance")),
    ("DBInstanceId", Is("ACS::RDS::DBInstance")),
];

/// The same of all other services.
const PLATFORM: Types = [
    ("bucketName", Is("ACS::OSS::Bucket")),
    ("objectName", Is("ACS::OSS::Object")),
    ("logstore", Is("ACS::SLS::LogStore")),
    ("logstoreName", Is("ACS::SLS::LogStore")),
    ("userName", Is("ACS::RAM::User")),
    ("groupName", Is("ACS::RAM::Group")),
    ("roleName", Is("ACS::RAM::Role")),
    ("RAMRoleName", Is("ACS::RAM::Role")),
    ("policyName", Is("ACS::RAM::Policy")),
    ("userAccessKeyId", Is("ACS::RAM::AccessKey")),
    ("deploymentId", Is("ACS::RealtimeCompute::Deployment")),
    (
        "deploymentDraftId",
        Is("ACS::RealtimeCompute::DeploymentDraft"),
    ),
    ("savepointId", Is("ACS::RealtimeCompute::Savepoint")),
    (
        "sessionClusterName",
        Is("ACS::RealtimeCompute::SessionCluster"),
    ),
    ("namespace", Is("ACS::RealtimeCompute::Namespace")),
    ("projectId", Is("ACS::DataWorks::Project")),
    ("fileId", Is("ACS::DataWorks::File")),
    ("nodeId", Is("ACS::DataWorks::Node")),
    ("businessId", Is("ACS::DataWorks::Business")),
    ("alarmRuleId", Is("ACS::DataWorks::AlarmRule")),
    ("datasourceName", Is("ACS::DataWorks::DataSource")),
    ("dataSourceId", Is("ACS::DataWorks::DataSource")),
    ("trailName", Is("ACS::ActionTrail::Trail")),
    (
        "deliveryHistoryJobId",
        Is("ACS::ActionTrail::DeliveryHistoryJob"),
    ),
    ("jobId", OfMethod),
    ("workspace", OfMethod),
    ("name", OfMethod),
];

const NAMES: [Names<27>; 2] = [
    Names::new(names(&INFRASTRUCTURE)),
    Names::new(names(&PLATFORM)),
];

const fn names(types: &Types) -> [&'static str; 27] {
    let mut names = [""; 27];
    let mut number = 0;
    while number < names.len() {
        names[number] = types[number].0;
        number += 1;
    }
    names
}

/// What the name of a parameter tells, if it names a resource. Several may be named by the plural, or by one parameter
/// for each with its number: `DiskIds`, `InstanceId.2`.
fn kind_of(name: &str) -> Option<Kind> {
    let find = |name: &str| {
        let [infrastructure, platform] = &NAMES;
        let found = infrastructure.position(name);
        let found = found.map(|number| INFRASTRUCTURE[number]);
        let found = found.or_else(|| Some(PLATFORM[platform.position(name)?]));
        found.map(|(_, kind)| kind)
    };
    let without_number = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let name = without_number.strip_suffix('.').unwrap_or(name);
    find(name).or_else(|| find(name.strip_suffix(['s', 'S'])?))
}

/// The type of an instance. The type on which the method acts may be another one than that of its instances: a disk is
/// deleted, and the parameter names the instance that it belonged to.
fn instance_of<'a>(of_method: Option<&Text<'a>>, service: Option<&str>) -> Option<Text<'a>> {
    if let Some(kind) = of_method.filter(|kind| kind.ends_with("Instance")) {
        return Some(kind.clone());
    }
    let kind = match service? {
        "ecs" => "ACS::ECS::Instance",
        "kms" => "ACS::KMS::Instance",
        "rds" => "ACS::RDS::DBInstance",
        "realtime-compute" => "ACS::RealtimeCompute::VvpInstance",
        _ => return None,
    };
    Some(Text::from(kind))
}

/// The region of what a request is about.
const REGION: &str = "regionId";

/// More elements of a list are not resources of their own.
pub(super) const MOST: usize = 64;

/// A request's parameters, as far as they say what it is about.
pub(super) struct Parameters<'a> {
    /// Of the resources; the event itself may be recorded in another one.
    pub(super) region: Option<Text<'a>>,
    /// Identifiers, each with what the parameter's name tells of its type.
    named: Vec<(Text<'a>, Kind)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(document: &Document<'a>, parameters: Option<NodeId>) -> Parameters<'a> {
        let mut named = Vec::new();
        let mut region = None;
        let object = parameters.filter(|node| document.kind(*node) == ValueKind::Object);
        for member in object.into_iter().flat_map(|node| document.children(node)) {
            let key = document.key(member);
            if let Some(kind) = kind_of(&key) {
                let values = values(document, member).into_iter();
                named.extend(values.map(|value| (value, kind)));
            } else if same_name(&key, REGION) {
                region = region.or_else(|| walk::text(document, member));
            }
        }
        Parameters { region, named }
    }

    /// The resources that they name, first those of the type on which the method of the service acts: of `DeleteFile`
    /// the file, and not the project that it is in.
    pub(super) fn resources(
        &self,
        of_method: Option<&Text<'a>>,
        service: Option<&str>,
    ) -> Vec<Resource<'a>> {
        let is_of_method = |kind: &str| of_method.is_some_and(|of_method| **of_method == *kind);
        // What a general name names is something else then, or the same thing again.
        let is_named = self
            .named
            .iter()
            .any(|(_, kind)| matches!(kind, Is(kind) if is_of_method(kind)));
        let resource = |(uid, kind): &(Text<'a>, Kind)| Resource {
            uid: Some(uid.clone()),
            kind: match kind {
                Is(kind) => Some(Text::from(*kind)),
                Instance => instance_of(of_method, service),
                OfMethod => of_method.filter(|_| !is_named).cloned(),
            },
            ..Resource::default()
        };
        let mut resources: Vec<_> = self.named.iter().map(resource).collect();
        resources.sort_by_key(|resource| !resource.kind.as_deref().is_some_and(is_of_method));
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
            false if kind_of(&key).is_some() => "resources.uid",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_known_by_its_singular_its_plural_and_its_number() {
        for (name, expected) in [
            ("DiskId", "ACS::ECS::Disk"),
            ("diskIds", "ACS::ECS::Disk"),
            ("disk_ids", "ACS::ECS::Disk"),
            ("DiskId.12", "ACS::ECS::Disk"),
            ("DiskIds.1", "ACS::ECS::Disk"),
            ("KmsInstanceId", "ACS::KMS::Instance"),
            ("RamRoleName", "ACS::RAM::Role"),
            ("LogstoreName", "ACS::SLS::LogStore"),
            ("instanceIds", "instance"),
            ("Name", "of the method"),
            ("DiskIdss", "-"),
            ("DiskId.x", "-"),
            ("Filter.1.DiskId", "-"),
            ("s", "-"),
            (".1", "-"),
            ("", "-"),
        ] {
            let found = match kind_of(name) {
                Some(Is(kind)) => kind,
                Some(Instance) => "instance",
                Some(OfMethod) => "of the method",
                None => "-",
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}
