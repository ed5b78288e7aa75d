//! An audit event in OCSF 1.8.0 terms, borrowing from the record it came from.
//! What has no home in OCSF stays in the document and is written under `unmapped`, so nothing is
//! lost: a leaf is either moved verbatim into an attribute or still in the document.

use std::sync::Arc;

use super::activity::Activity;
use super::class::EventClass;
use super::client::{Client, USER_AGENT};
use super::place::Place;
use crate::json::{Document, NodeId, Text, Written};
use crate::vendors::Dialect;

/// What an event says of success (OCSF `status_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// The event does not say.
    #[default]
    Unknown,
    /// It worked, or was allowed.
    Success,
    /// It did not work, or was refused.
    Failure,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 3] = [Self::Unknown, Self::Success, Self::Failure];

    /// OCSF `status_id`.
    pub const fn id(self) -> i64 {
        match self {
            Self::Unknown => 0,
            Self::Success => 1,
            Self::Failure => 2,
        }
    }

    /// OCSF `status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Success => "Success",
            Self::Failure => "Failure",
        }
    }
}

/// OCSF `user`: at least one of `uid` and `name` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User<'a> {
    /// Identifier, such as `u-5r7t9w` or `sa-4t6y8u`.
    pub uid: Option<Text<'a>>,
    /// Another identifier of the same principal, such as its CRN.
    pub uid_alt: Option<Text<'a>>,
    /// Name a person knows, from the event or the names file.
    pub name: Option<Text<'a>>,
    /// OCSF `email_addr`.
    pub email_addr: Option<Text<'a>>,
    /// OCSF `type`.
    pub kind: Option<UserKind>,
    /// OCSF `credential_uid`: the API key or token used.
    pub credential_uid: Option<Text<'a>>,
    /// OCSF `account.uid`: the vendor's account that the user belongs to.
    pub account_uid: Option<Text<'a>>,
    /// OCSF `account.name`, from the names file.
    pub account_name: Option<Text<'a>>,
    /// OCSF `groups[].name`: the team, from the names file.
    pub team: Option<Text<'a>>,
}

/// OCSF `user.type` and `user.type_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// A person.
    User,
    /// Who may do everything, such as the owner of an account.
    Admin,
    /// A machine account.
    Service,
    /// The vendor or the platform itself.
    System,
    /// A group of principals.
    Group,
    /// An account of the customer's identity provider, of whatever sort.
    External,
    /// A role that somebody has assumed for a session.
    AssumedRole,
    /// Another account of the vendor as a whole.
    Account,
}

impl UserKind {
    /// Every kind.
    pub const ALL: [UserKind; 8] = [
        Self::User,
        Self::Admin,
        Self::Service,
        Self::System,
        Self::Group,
        Self::External,
        Self::AssumedRole,
        Self::Account,
    ];

    /// OCSF `type_id`: 1 User, 2 Admin, 3 System, 4 Service, 99 for what OCSF has no number for.
    pub const fn id(self) -> i64 {
        match self {
            Self::User => 1,
            Self::Admin => 2,
            Self::System => 3,
            Self::Service => 4,
            Self::Group | Self::External | Self::AssumedRole | Self::Account => 99,
        }
    }

    /// OCSF `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Admin => "Admin",
            Self::System => "System",
            Self::Service => "Service",
            Self::Group => "Group",
            Self::External => "External Account",
            Self::AssumedRole => "Assumed Role",
            Self::Account => "Account",
        }
    }
}

/// OCSF `resource_details`: at least one of `uid` and `name` is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Identifier within its scope.
    pub uid: Option<Text<'a>>,
    /// The vendor's full name of it, such as its CRN: unique everywhere.
    pub uid_alt: Option<Text<'a>>,
    /// Name, from the event or the names file.
    pub name: Option<Text<'a>>,
    /// Vendor's type, such as `STATEMENT`.
    pub kind: Option<Text<'a>>,
    /// OCSF `namespace`: the environment it lives in.
    pub namespace: Option<Text<'a>>,
    /// Region, vendor's spelling.
    pub region: Option<Text<'a>>,
    /// OCSF `owner.name`, from the names file.
    pub owner: Option<Text<'a>>,
    /// OCSF `group.name`: the team, from the names file.
    pub team: Option<Text<'a>>,
    /// OCSF `data`: what the event says besides, moved as it came.
    pub data: Option<NodeId>,
}

/// OCSF `api`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Api<'a> {
    /// The method as the event spells it; required in OCSF.
    pub operation: Text<'a>,
    /// OCSF `service.name`: the catalogue's service, such as `flink`.
    pub service_name: Option<Text<'a>>,
    /// OCSF `service.uid`: the vendor's name for the service, such as a CRN.
    pub service_uid: Option<Text<'a>>,
    /// OCSF `version`.
    pub version: Option<Text<'a>>,
    /// OCSF `group.name`: the catalogue's module.
    pub group_name: Option<Text<'a>>,
    /// OCSF `request.uid`; set whenever `request_data` is.
    pub request_uid: Option<Text<'a>>,
    /// OCSF `request.data`, as it came.
    pub request_data: Option<NodeId>,
    /// OCSF `response.data`, as it came.
    pub response_data: Option<NodeId>,
    /// OCSF `response.error`.
    pub response_error: Option<Text<'a>>,
    /// OCSF `response.error_message`.
    pub response_error_message: Option<Text<'a>>,
}

/// OCSF `actor.authorizations[]`: what was decided, and by which role or policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The decision as the event spells it, or `ALLOW` / `DENY` from a boolean.
    pub decision: Option<Text<'a>>,
    /// OCSF `policy.name`: the role.
    pub policy_name: Option<Text<'a>>,
    /// OCSF `policy.type`: `RBAC`, `ACL`, `SUPER_USER`, `IP_FILTER`, `PRIVATE_LINK`.
    pub policy_kind: Option<Text<'a>>,
}

/// OCSF `network_endpoint`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// A literal IP address.
    pub ip: Option<Text<'a>>,
    /// A masked address, a service's name, `unknown`.
    pub name: Option<Text<'a>>,
    /// TCP port.
    pub port: Option<u16>,
    /// OCSF `vpc_uid`: the private network that it is in.
    pub vpc_uid: Option<Text<'a>>,
    /// OCSF `zone`: the zone of its network, from the networks file.
    pub zone: Option<Text<'a>>,
    /// OCSF `owner.name`: who is responsible for its network, from the networks file.
    pub owner: Option<Text<'a>>,
    /// OCSF `location` and `autonomous_system`; shared, because many events come from one address.
    pub place: Option<Arc<Place>>,
}

/// OCSF `session`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session<'a> {
    /// OCSF `uid`: the connection, or the name of a role's session.
    pub uid: Option<Text<'a>>,
    /// OCSF `issuer`: the role that was assumed.
    pub issuer: Option<Text<'a>>,
    /// OCSF `is_mfa`: whether a second factor was given.
    pub is_mfa: Option<bool>,
    /// OCSF `created_time`, milliseconds since the Unix epoch.
    pub created_ms: Option<i64>,
}

impl Session<'_> {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        *self == Session::default()
    }
}

/// OCSF `cloud`; absent for Confluent Platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cloud<'a> {
    /// OCSF `provider`: `Confluent Cloud`.
    pub provider: Text<'a>,
    /// OCSF `account.uid`: the account that the resources belong to.
    pub account_uid: Option<Text<'a>>,
    /// OCSF `account.name`, from the names file.
    pub account_name: Option<Text<'a>>,
    /// OCSF `org.uid`.
    pub org_uid: Option<Text<'a>>,
    /// OCSF `org.name`, from the names file.
    pub org_name: Option<Text<'a>>,
    /// OCSF `project_uid`: the environment.
    pub project_uid: Option<Text<'a>>,
    /// OCSF `region`, vendor's spelling.
    pub region: Option<Text<'a>>,
}

/// OCSF `metadata`, without the constants that encoding adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// CloudEvents `id`.
    pub uid: Option<Text<'a>>,
    /// CloudEvents `type`; OCSF `event_code`.
    pub event_code: Option<Text<'a>>,
    /// CloudEvents `time` as written; OCSF `original_time`.
    pub original_time: Option<Text<'a>>,
    /// CloudEvents `source`; OCSF `source`.
    pub source: Option<Text<'a>>,
    /// OCSF `correlation_uid`: what the vendor's events about the same matter share.
    pub correlation_uid: Option<Text<'a>>,
    /// OCSF `product` and `log_name`.
    pub dialect: &'static Dialect,
    /// OCSF `labels`: facts from the catalogue (`access:write`, `sensitivity:high`) and flags
    /// (`time:from_record`, `method:unknown`, `status:inferred`, `raw:slimmed`).
    pub labels: Vec<Text<'a>>,
}

/// What was added (OCSF `enrichments[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrichment<'a> {
    /// OCSF path of the attribute that was looked up.
    pub name: &'static str,
    /// OCSF `type`: what was found.
    pub kind: EnrichmentKind,
    /// The value that was looked up.
    pub value: Text<'a>,
    /// OCSF `data`: what is said of it, a JSON object.
    pub data: &'a Written,
}

/// OCSF `enrichments[].type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrichmentKind {
    /// An entry of the names file.
    Name,
    /// A network of the networks file.
    Network,
    /// A program that is known by its user agent or client id.
    Client,
}

impl EnrichmentKind {
    /// OCSF `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            EnrichmentKind::Name => "name",
            EnrichmentKind::Network => "network",
            EnrichmentKind::Client => "client",
        }
    }
}

/// A normalized event.
#[derive(Debug, Clone)]
pub struct AuditEvent<'a> {
    /// OCSF class.
    pub class: &'static EventClass,
    /// OCSF `activity_id` and `activity_name`, within the class.
    pub activity: Activity,
    /// OCSF `time`: milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// OCSF `message`: the catalogue's description.
    pub message: Option<Text<'a>>,
    /// OCSF `status` and `status_id`.
    pub status: Status,
    /// OCSF `status_code`: the outcome as the event spells it.
    pub status_code: Option<Text<'a>>,
    /// OCSF `status_detail`: the event's message about the outcome.
    pub status_detail: Option<Text<'a>>,
    /// OCSF `metadata`.
    pub metadata: Metadata<'a>,
    /// OCSF `actor.user`, and `user` of Authentication.
    pub user: User<'a>,
    /// OCSF `actor.session`.
    pub session: Session<'a>,
    /// OCSF `actor.app_name`: the client's own name.
    pub app_name: Option<Text<'a>>,
    /// OCSF `actor.invoked_by`: the principal behind the one that acted.
    pub invoked_by: Option<Text<'a>>,
    /// OCSF `actor.authorizations`.
    pub authorizations: Vec<Authorization<'a>>,
    /// OCSF `auth_protocol` of Authentication: the mechanism.
    pub auth_protocol: Option<Text<'a>>,
    /// OCSF `api`.
    pub api: Api<'a>,
    /// OCSF `cloud`.
    pub cloud: Option<Cloud<'a>>,
    /// OCSF `src_endpoint`.
    pub src_endpoint: Endpoint<'a>,
    /// OCSF `http_request.user_agent`.
    pub user_agent: Option<Text<'a>>,
    /// OCSF `resources`; for Authentication, whose class has none, they give `service.uid`.
    pub resources: Vec<Resource<'a>>,
    /// OCSF `enrichments`, but for that of the client.
    pub enrichments: Vec<Enrichment<'a>>,
    /// The program that was used, if it is known; shared, because many events come from one client.
    pub client: Option<Arc<Client>>,
    /// What the event was read from.
    pub unmapped: Unmapped<'a>,
    /// Whether the catalogue knows the method.
    pub known_method: bool,
    /// Further readings of attributes that come from what the caller sent, by their paths; without a
    /// text, a reading that has no such attribute. Empty for nearly all events.
    pub other_readings: Vec<(&'static str, Option<Text<'a>>)>,
    /// Further readings of OCSF `api.request.data`, each as it came.
    pub other_request_data: Vec<NodeId>,
}

impl AuditEvent<'_> {
    /// Whether the event has the attribute `api`: by its class, or by the profile `cloud`.
    pub fn has_api_attribute(&self) -> bool {
        self.class.has_api || self.cloud.is_some()
    }

    /// OCSF `enrichments`: those of the files, and that of the client.
    pub fn all_enrichments(&self) -> impl Iterator<Item = Enrichment<'_>> {
        let client = self.client.iter().filter_map(|client| {
            let value = match client.attribute {
                USER_AGENT => self.user_agent.as_ref(),
                _ => self.app_name.as_ref(),
            };
            Some(Enrichment {
                name: client.attribute,
                kind: EnrichmentKind::Client,
                value: value?.clone(),
                data: &client.data,
            })
        });
        self.enrichments.iter().cloned().chain(client)
    }

    /// OCSF `is_mfa` of a login: whether a second factor was given.
    pub fn is_mfa(&self) -> Option<bool> {
        self.session.is_mfa.filter(|_| self.class.has_login)
    }
}

/// The member of `unmapped` with what stood around the event.
pub const CONTAINER: &str = "container";

/// The input document, in which those nodes are marked that have moved to an OCSF attribute.
#[derive(Debug, Clone)]
pub struct Unmapped<'a> {
    /// The record's JSON.
    pub document: Document<'a>,
    /// The names under which the document's root hangs: empty for a structured CloudEvent, `data`
    /// for a binary one.
    pub root_name: Option<&'static str>,
    /// Attributes from elsewhere (binary CloudEvents headers) that have no home.
    pub attributes: Vec<(Text<'a>, Text<'a>)>,
    /// Members of the document that share their name, but for case and underscores, with another of
    /// their object, in document order: readers differ in which one counts.
    pub repeated: Vec<NodeId>,
    /// The value in which the event was found, with the events marked: what stands around them. It is
    /// written as the member [`CONTAINER`].
    pub around: Option<&'a Document<'a>>,
}

impl<'a> Unmapped<'a> {
    /// Starts with everything unmapped.
    pub fn new(document: Document<'a>, root_name: Option<&'static str>) -> Self {
        Self {
            document,
            root_name,
            attributes: Vec::new(),
            repeated: Vec::new(),
            around: None,
        }
    }

    /// Marks a node and all below it as moved verbatim to an attribute.
    pub fn mark_moved(&mut self, id: NodeId) {
        self.document.mark(id);
    }

    /// Whether this node moved.
    #[cfg(test)]
    pub(crate) fn is_moved(&self, id: NodeId) -> bool {
        self.document.is_marked(id)
    }

    /// Whether anything at or below this node is still to be written: a leaf, or a container that
    /// came empty.
    pub fn remains(&self, id: NodeId) -> bool {
        self.document.has_unmarked_leaf(id)
    }
}
