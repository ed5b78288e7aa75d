//! Field paths: how rules name a part of an event. A path is an OCSF attribute from one table, or
//! leads into a part kept as it came (`unmapped`, `api.request.data`, …), where names compare
//! ignoring case and underscores, so one path serves all dialects.
//!
//! Callers choose the names in what they send, so they may send one twice, or in two spellings. An
//! event then has a reading for each, and the values of a path are those of every reading.

use std::ops::ControlFlow;

use super::audit_event::{AuditEvent, Authorization, CONTAINER, Resource, UserKind};
use super::place::Place;
use super::walk::{Walk, may_be_path, strings_without};
use crate::json::{NodeId, Text, Written, same_name, segments_named};
use crate::sigma::{Fields, Origin, UnknownField, Value, Visit, VisitElement};
use crate::vendors;

type Visited = ControlFlow<()>;

/// Receives a node, with a search in its document and the segments that lead on from it.
type GiveStart<'g> = dyn FnMut(&Walk<'_, '_>, NodeId, &[Box<str>]) -> Visited + 'g;

/// How the values of an attribute are found.
#[derive(Debug)]
pub(super) enum Attribute {
    /// In the event.
    Event(fn(&AuditEvent<'_>, &mut Visit<'_>) -> Visited),
    /// In each of its resources.
    Resource(for<'e> fn(&'e Resource<'_>) -> Option<&'e str>),
    /// In each of its authorizations.
    Authorization(for<'e> fn(&'e Authorization<'_>) -> Option<&'e str>),
    /// The member of this name in the data of each of its enrichments.
    Enrichment(&'static str),
}

impl Attribute {
    fn visit(&self, event: &AuditEvent<'_>, visit: &mut Visit<'_>) -> Visited {
        match self {
            Attribute::Event(values) => values(event, visit),
            Attribute::Resource(part) => each(&event.resources, visit, part),
            Attribute::Authorization(part) => each(&event.authorizations, visit, part),
            Attribute::Enrichment(name) => {
                let mut enrichments = event.all_enrichments();
                enrichments.try_for_each(|one| member(one.data, name, visit))
            }
        }
    }
}

/// A compiled field path.
#[derive(Debug, Clone)]
pub struct Path(pub(super) PathTarget);

#[derive(Debug, Clone)]
pub(super) enum PathTarget {
    Attribute(&'static (&'static str, Attribute)),
    Raw(RawPart, Box<[Box<str>]>),
    /// Several places, of which each may have values.
    Several(Box<[Path]>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum RawPart {
    Unmapped,
    RequestData,
    ResponseData,
    ResourceData,
}

/// The part that callers send.
pub const REQUEST_DATA: &str = "api.request.data";

pub(super) const RAW_PARTS: [(&str, RawPart); 4] = [
    ("unmapped", RawPart::Unmapped),
    (REQUEST_DATA, RawPart::RequestData),
    ("api.response.data", RawPart::ResponseData),
    ("resources.data", RawPart::ResourceData),
];

fn text(value: Option<&Text<'_>>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |text| {
        visit(Value::String(text.as_ref()))
    })
}

pub(super) fn word(value: Option<&str>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |word| visit(Value::String(word)))
}

fn int(value: Option<i64>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |int| visit(Value::Int(int)))
}

fn number(value: Option<&Written>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |number| {
        visit(Value::Number(number.as_str()))
    })
}

fn flag(value: Option<bool>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |flag| visit(Value::Bool(flag)))
}

/// The member of that name, if it is a text or a truth value.
pub(super) fn member(data: &Written, name: &str, visit: &mut Visit<'_>) -> Visited {
    match data.member(name) {
        Some(value) => match value.text() {
            Some(text) => visit(Value::String(&text)),
            None => flag(value.flag(), visit),
        },
        None => ControlFlow::Continue(()),
    }
}

fn each<'e, T: 'e>(
    items: impl IntoIterator<Item = &'e T>,
    visit: &mut Visit<'_>,
    of: impl Fn(&'e T) -> Option<&'e str>,
) -> Visited {
    for item in items {
        word(of(item), visit)?;
    }
    ControlFlow::Continue(())
}

/// Every OCSF attribute that a rule can name; the encoder writes the same ones.
static ATTRIBUTES: &[(&str, Attribute)] = &[
    (
        "activity_id",
        Attribute::Event(|e, v| v(Value::Int(e.class.activity(e.activity).0))),
    ),
    (
        "activity_name",
        Attribute::Event(|e, v| v(Value::String(e.class.activity(e.activity).1))),
    ),
    (
        "actor.app_name",
        Attribute::Event(|e, v| text(e.app_name.as_ref(), v)),
    ),
    (
        "actor.authorizations.decision",
        Attribute::Authorization(|a| a.decision.as_deref()),
    ),
    (
        "actor.authorizations.policy.name",
        Attribute::Authorization(|a| a.policy_name.as_deref()),
    ),
    (
        "actor.authorizations.policy.type",
        Attribute::Authorization(|a| a.policy_kind.as_deref()),
    ),
    (
        "actor.invoked_by",
        Attribute::Event(|e, v| text(e.invoked_by.as_ref(), v)),
    ),
    (
        "actor.session.created_time",
        Attribute::Event(|e, v| int(e.session.created_ms, v)),
    ),
    (
        "actor.session.is_mfa",
        Attribute::Event(|e, v| flag(e.session.is_mfa, v)),
    ),
    (
        "actor.session.issuer",
        Attribute::Event(|e, v| text(e.session.issuer.as_ref(), v)),
    ),
    (
        "actor.session.uid",
        Attribute::Event(|e, v| text(e.session.uid.as_ref(), v)),
    ),
    (
        "actor.user.account.name",
        Attribute::Event(user_account_name),
    ),
    ("actor.user.account.uid", Attribute::Event(user_account)),
    (
        "actor.user.credential_uid",
        Attribute::Event(user_credential),
    ),
    ("actor.user.email_addr", Attribute::Event(user_email)),
    ("actor.user.groups.name", Attribute::Event(user_team)),
    ("actor.user.name", Attribute::Event(user_name)),
    ("actor.user.type", Attribute::Event(user_type)),
    ("actor.user.type_id", Attribute::Event(user_type_id)),
    ("actor.user.uid", Attribute::Event(user_uid)),
    ("actor.user.uid_alt", Attribute::Event(user_uid_alt)),
    (
        "api.group.name",
        Attribute::Event(|e, v| text(e.api.group_name.as_ref(), v)),
    ),
    (
        "api.operation",
        Attribute::Event(|e, v| v(Value::String(&e.api.operation))),
    ),
    (
        "api.request.uid",
        Attribute::Event(|e, v| text(e.api.request_uid.as_ref(), v)),
    ),
    (
        "api.response.error",
        Attribute::Event(|e, v| text(e.api.response_error.as_ref(), v)),
    ),
    (
        "api.response.error_message",
        Attribute::Event(|e, v| text(e.api.response_error_message.as_ref(), v)),
    ),
    (
        "api.service.name",
        Attribute::Event(|e, v| text(e.api.service_name.as_ref(), v)),
    ),
    (
        "api.service.uid",
        Attribute::Event(|e, v| text(e.api.service_uid.as_ref(), v)),
    ),
    (
        "api.version",
        Attribute::Event(|e, v| text(e.api.version.as_ref(), v)),
    ),
    (
        "auth_protocol",
        Attribute::Event(|e, v| text(e.auth_protocol.as_ref(), v)),
    ),
    (
        "category_name",
        Attribute::Event(|e, v| v(Value::String(e.class.category_name))),
    ),
    (
        "category_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.category_uid()))),
    ),
    (
        "class_name",
        Attribute::Event(|e, v| v(Value::String(e.class.name))),
    ),
    (
        "class_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.uid))),
    ),
    (
        "cloud.account.name",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.account_name.as_ref()), v)),
    ),
    (
        "cloud.account.uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.account_uid.as_ref()), v)),
    ),
    (
        "cloud.org.name",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.org_name.as_ref()), v)),
    ),
    (
        "cloud.org.uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.org_uid.as_ref()), v)),
    ),
    (
        "cloud.project_uid",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.project_uid.as_ref()), v)),
    ),
    (
        "cloud.provider",
        Attribute::Event(|e, v| text(e.cloud.as_ref().map(|c| &c.provider), v)),
    ),
    (
        "cloud.region",
        Attribute::Event(|e, v| text(e.cloud.as_ref().and_then(|c| c.region.as_ref()), v)),
    ),
    ("enrichments.data.client", Attribute::Enrichment("client")),
    (
        "enrichments.data.client_version",
        Attribute::Enrichment("client_version"),
    ),
    (
        "enrichments.data.environment",
        Attribute::Enrichment("environment"),
    ),
    ("enrichments.data.network", Attribute::Enrichment("network")),
    ("enrichments.data.trusted", Attribute::Enrichment("trusted")),
    (
        "http_request.user_agent",
        Attribute::Event(|e, v| text(e.user_agent.as_ref(), v)),
    ),
    ("is_mfa", Attribute::Event(|e, v| flag(e.is_mfa(), v))),
    (
        "message",
        Attribute::Event(|e, v| text(e.message.as_ref(), v)),
    ),
    (
        "metadata.correlation_uid",
        Attribute::Event(|e, v| text(e.metadata.correlation_uid.as_ref(), v)),
    ),
    (
        "metadata.event_code",
        Attribute::Event(|e, v| text(e.metadata.event_code.as_ref(), v)),
    ),
    (
        "metadata.labels",
        Attribute::Event(|e, v| each(&e.metadata.labels, v, |l| Some(l))),
    ),
    (
        "metadata.log_name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.log_name))),
    ),
    (
        "metadata.original_time",
        Attribute::Event(|e, v| text(e.metadata.original_time.as_ref(), v)),
    ),
    (
        "metadata.product.name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.product_name))),
    ),
    (
        "metadata.product.vendor_name",
        Attribute::Event(|e, v| v(Value::String(e.metadata.dialect.vendor_name))),
    ),
    (
        "metadata.source",
        Attribute::Event(|e, v| text(e.metadata.source.as_ref(), v)),
    ),
    (
        "metadata.uid",
        Attribute::Event(|e, v| text(e.metadata.uid.as_ref(), v)),
    ),
    (
        "resources.group.name",
        Attribute::Resource(|r| r.team.as_deref()),
    ),
    ("resources.name", Attribute::Resource(|r| r.name.as_deref())),
    (
        "resources.namespace",
        Attribute::Resource(|r| r.namespace.as_deref()),
    ),
    (
        "resources.owner.name",
        Attribute::Resource(|r| r.owner.as_deref()),
    ),
    (
        "resources.region",
        Attribute::Resource(|r| r.region.as_deref()),
    ),
    ("resources.type", Attribute::Resource(|r| r.kind.as_deref())),
    ("resources.uid", Attribute::Resource(|r| r.uid.as_deref())),
    (
        "resources.uid_alt",
        Attribute::Resource(|r| r.uid_alt.as_deref()),
    ),
    (
        "src_endpoint.autonomous_system.name",
        Attribute::Event(|e, v| word(place(e).and_then(|p| p.as_name.as_deref()), v)),
    ),
    (
        "src_endpoint.autonomous_system.number",
        Attribute::Event(|e, v| int(place(e).and_then(|p| p.as_number).map(i64::from), v)),
    ),
    (
        "src_endpoint.ip",
        Attribute::Event(|e, v| text(e.src_endpoint.ip.as_ref(), v)),
    ),
    (
        "src_endpoint.location.city",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.city.as_deref()), v)),
    ),
    (
        "src_endpoint.location.continent",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.continent.as_deref()), v)),
    ),
    (
        "src_endpoint.location.country",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.country.as_deref()), v)),
    ),
    (
        "src_endpoint.location.lat",
        Attribute::Event(|e, v| number(coordinates(e).map(|(lat, _)| lat), v)),
    ),
    (
        "src_endpoint.location.long",
        Attribute::Event(|e, v| number(coordinates(e).map(|(_, long)| long), v)),
    ),
    (
        "src_endpoint.location.region",
        Attribute::Event(|e, v| word(location(e).and_then(|p| p.region.as_deref()), v)),
    ),
    (
        "src_endpoint.name",
        Attribute::Event(|e, v| text(e.src_endpoint.name.as_ref(), v)),
    ),
    (
        "src_endpoint.owner.name",
        Attribute::Event(|e, v| text(e.src_endpoint.owner.as_ref(), v)),
    ),
    (
        "src_endpoint.port",
        Attribute::Event(|e, v| int(e.src_endpoint.port.map(i64::from), v)),
    ),
    (
        "src_endpoint.vpc_uid",
        Attribute::Event(|e, v| text(e.src_endpoint.vpc_uid.as_ref(), v)),
    ),
    (
        "src_endpoint.zone",
        Attribute::Event(|e, v| text(e.src_endpoint.zone.as_ref(), v)),
    ),
    (
        "status",
        Attribute::Event(|e, v| v(Value::String(e.status.name()))),
    ),
    (
        "status_code",
        Attribute::Event(|e, v| text(e.status_code.as_ref(), v)),
    ),
    (
        "status_detail",
        Attribute::Event(|e, v| text(e.status_detail.as_ref(), v)),
    ),
    (
        "status_id",
        Attribute::Event(|e, v| v(Value::Int(e.status.id()))),
    ),
    ("time", Attribute::Event(|e, v| v(Value::Int(e.time_ms)))),
    (
        "type_uid",
        Attribute::Event(|e, v| v(Value::Int(e.class.type_uid(e.activity)))),
    ),
    ("user.account.name", Attribute::Event(user_account_name)),
    ("user.account.uid", Attribute::Event(user_account)),
    ("user.credential_uid", Attribute::Event(user_credential)),
    ("user.email_addr", Attribute::Event(user_email)),
    ("user.groups.name", Attribute::Event(user_team)),
    ("user.name", Attribute::Event(user_name)),
    ("user.type", Attribute::Event(user_type)),
    ("user.type_id", Attribute::Event(user_type_id)),
    ("user.uid", Attribute::Event(user_uid)),
    ("user.uid_alt", Attribute::Event(user_uid_alt)),
];

fn place<'e>(e: &'e AuditEvent<'_>) -> Option<&'e Place> {
    e.src_endpoint.place.as_deref()
}
fn location<'e>(e: &'e AuditEvent<'_>) -> Option<&'e Place> {
    place(e).filter(|place| place.has_location())
}
fn coordinates<'e>(e: &'e AuditEvent<'_>) -> Option<&'e (Written, Written)> {
    location(e)?.coordinates.as_ref()
}

fn user_account(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.account_uid.as_ref(), v)
}
fn user_account_name(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.account_name.as_ref(), v)
}
fn user_uid(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.uid.as_ref(), v)
}
fn user_uid_alt(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.uid_alt.as_ref(), v)
}
fn user_name(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.name.as_ref(), v)
}
fn user_email(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.email_addr.as_ref(), v)
}
fn user_credential(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.credential_uid.as_ref(), v)
}
fn user_team(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    text(e.user.team.as_ref(), v)
}
fn user_type(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    word(e.user.kind.map(|kind| kind.name()), v)
}
fn user_type_id(e: &AuditEvent<'_>, v: &mut Visit<'_>) -> Visited {
    int(e.user.kind.map(UserKind::id), v)
}

impl Path {
    /// Compiles a path such as `api.operation` or `unmapped.data.authorizationInfo.operation`, or several that are
    /// joined by `|`: the values are those of all.
    ///
    /// # Errors
    /// A name that is no attribute and leads into no raw part; the nearest attribute is suggested.
    pub fn parse(path: &str) -> Result<Self, UnknownField> {
        if path.contains('|') {
            let places: Result<_, _> = path.split('|').map(Self::parse).collect();
            return Ok(Self(PathTarget::Several(places?)));
        }
        if let Some(attribute) = ATTRIBUTES.iter().find(|(name, _)| *name == path) {
            return Ok(Self(PathTarget::Attribute(attribute)));
        }
        for (name, part) in RAW_PARTS {
            let Some(rest) = path.strip_prefix(name) else {
                continue;
            };
            let segments: Vec<&str> = match rest.strip_prefix('.') {
                Some(rest) => rest.split('.').collect(),
                None if rest.is_empty() => Vec::new(),
                None => continue,
            };
            let is_part_named = !matches!(part, RawPart::Unmapped)
                || segments.first().is_none_or(|first| !first.starts_with('*'));
            if is_part_named && may_be_path(&segments) {
                let segments = segments.into_iter().map(Into::into).collect();
                return Ok(Self(PathTarget::Raw(part, segments)));
            }
        }
        let names = Self::attributes().chain(RAW_PARTS.map(|(name, _)| name));
        let near = || crate::diagnostic::nearest(path, names).map(ToOwned::to_owned);
        Err(UnknownField {
            suggestion: vendors::attribute_of_native(path).or_else(near),
        })
    }

    /// Every attribute that a rule can name, in alphabetical order, raw parts apart.
    pub fn attributes() -> impl Iterator<Item = &'static str> {
        ATTRIBUTES.iter().map(|(name, _)| *name)
    }
}

impl AuditEvent<'_> {
    fn raw_values(
        &self,
        walk: &Walk<'_, '_>,
        part: RawPart,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> Visited {
        if let RawPart::Unmapped = part {
            if segments.is_empty() {
                return match self.writes_unmapped() {
                    true => visit(Value::Composite),
                    false => ControlFlow::Continue(()),
                };
            }
            self.visit_unmapped_attributes(segments, visit)?;
        }
        if matches!(part, RawPart::RequestData)
            && walk.certain
            && self.has_readings_of(REQUEST_DATA)
            && self
                .request_data_readings()
                .all(|data| walk.leads_on(data, segments))
        {
            visit(Value::Composite)?;
        }
        self.raw_starts(walk, part, segments, &mut |walk, node, segments| {
            walk.visit(node, segments, visit)
        })
    }

    /// The data of the request in each reading that has some.
    fn request_data_readings(&self) -> impl Iterator<Item = NodeId> {
        let others = self.other_request_data.iter();
        self.api.request_data.iter().chain(others).copied()
    }

    /// Visits what was added under `unmapped` beside the rest of the input.
    pub(super) fn visit_unmapped_attributes(
        &self,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> Visited {
        for (name, value) in &self.unmapped.attributes {
            if segments_named(name, segments) == Some(segments.len()) {
                visit(Value::String(value))?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Gives each node below which a raw part is, with a search for it and the segments that lead on.
    pub(super) fn raw_starts(
        &self,
        walk: &Walk<'_, '_>,
        part: RawPart,
        segments: &[Box<str>],
        give: &mut GiveStart<'_>,
    ) -> Visited {
        match part {
            RawPart::RequestData => {
                if walk.certain && self.has_readings_of(REQUEST_DATA) {
                    return ControlFlow::Continue(());
                }
                let mut readings = self.request_data_readings();
                readings.try_for_each(|data| give(walk, data, segments))
            }
            RawPart::ResponseData => match self.api.response_data {
                Some(data) => give(walk, data, segments),
                None => ControlFlow::Continue(()),
            },
            RawPart::ResourceData => {
                let mut scopes = self.resources.iter().filter_map(|resource| resource.data);
                scopes.try_for_each(|data| give(walk, data, segments))
            }
            RawPart::Unmapped => self.unmapped_starts(walk, segments, give),
        }
    }

    fn unmapped_starts(
        &self,
        walk: &Walk<'_, '_>,
        segments: &[Box<str>],
        give: &mut GiveStart<'_>,
    ) -> Visited {
        if let Some(container) = self.unmapped.around
            && let [first, rest @ ..] = segments
            && same_name(CONTAINER, first)
        {
            let around = Walk {
                document: container,
                hidden: &|id| !container.has_unmarked_leaf(id),
                certain: walk.certain,
            };
            give(&around, container.root(), rest)?;
        }
        let segments = match (self.unmapped.root_name, segments) {
            (None, segments) => segments,
            (Some(root), [first, rest @ ..]) if same_name(root, first) => rest,
            (Some(_), _) => return ControlFlow::Continue(()),
        };
        let walk = Walk {
            // A node of which everything has moved is not written under `unmapped`.
            hidden: &|id| !self.unmapped.remains(id),
            ..*walk
        };
        give(&walk, walk.document.root(), segments)
    }

    /// Whether anything is written under `unmapped`: the rest of the input, and what the class has no
    /// attribute for.
    fn writes_unmapped(&self) -> bool {
        let unmapped = &self.unmapped;
        let is_rest = unmapped.remains(unmapped.document.root());
        let is_moved =
            !self.has_api_attribute() || !self.class.has_resources && !self.resources.is_empty();
        is_rest || is_moved || !unmapped.attributes.is_empty() || unmapped.around.is_some()
    }

    pub(super) fn visit_values(
        &self,
        path: &Path,
        certain: bool,
        visit: &mut Visit<'_>,
    ) -> Visited {
        match &path.0 {
            PathTarget::Attribute((name, attribute)) => {
                if certain && self.has_readings_of(name) {
                    return self.visit_differing(name, attribute, visit);
                }
                attribute.visit(self, visit)?;
                self.visit_other_readings(name, visit)
            }
            PathTarget::Raw(part, segments) => {
                let all = Walk::all(&self.unmapped.document);
                let walk = if certain { all.certain() } else { all };
                self.raw_values(&walk, *part, segments, visit)
            }
            PathTarget::Several(places) => {
                let mut places = places.iter();
                places.try_for_each(|place| self.visit_values(place, certain, visit))
            }
        }
    }

    pub(super) fn visit_other_readings(&self, path: &str, visit: &mut Visit<'_>) -> Visited {
        let others = self.other_readings.iter();
        let mut others = others.filter(|(other, _)| *other == path);
        others.try_for_each(|(_, value)| text(value.as_ref(), visit))
    }

    /// Visits a value that equals nothing if each reading has some value of an attribute.
    fn visit_differing(&self, name: &str, attribute: &Attribute, visit: &mut Visit<'_>) -> Visited {
        let has_value = attribute.visit(self, &mut |_| ControlFlow::Break(()));
        match has_value.is_break() && self.every_other_reading_has(name) {
            true => visit(Value::Composite),
            false => ControlFlow::Continue(()),
        }
    }

    /// Whether each further reading of an attribute has a value.
    pub(super) fn every_other_reading_has(&self, path: &str) -> bool {
        let others = self.other_readings.iter();
        let mut others = others.filter(|(other, _)| *other == path);
        others.all(|(_, value)| value.is_some())
    }

    pub(super) fn has_readings_of(&self, path: &str) -> bool {
        self.other_readings.iter().any(|(other, _)| *other == path)
    }

    fn visit_strings(
        &self,
        left_out: &[NodeId],
        certain: bool,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Visited {
        // Enrichments are what is said of a value elsewhere; a search for a keyword is not about them.
        let searched = |attribute: &Attribute| !matches!(attribute, Attribute::Enrichment(_));
        for (name, attribute) in ATTRIBUTES.iter().filter(|(_, a)| searched(a)) {
            if certain && self.has_readings_of(name) {
                continue;
            }
            attribute.visit(self, &mut |value| match value {
                Value::String(text) => visit(text),
                _ => ControlFlow::Continue(()),
            })?;
        }
        for (_, value) in &self.unmapped.attributes {
            visit(value)?;
        }
        if let Some(container) = self.unmapped.around {
            let marked = container.nodes().filter(|id| container.is_marked(*id));
            strings_without(container, &marked.collect::<Vec<_>>(), visit)?;
        }
        strings_without(&self.unmapped.document, left_out, visit)
    }
}

impl Fields for AuditEvent<'_> {
    type Path = Path;

    fn elements(
        &self,
        path: &Path,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Path>,
    ) {
        let _ = self.visit_elements(path, depth, certain, visit);
    }

    fn values(&self, path: &Path, visit: &mut Visit<'_>) {
        let _ = self.visit_values(path, false, visit);
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.visit_strings(&[], false, visit);
    }

    fn may_vary(&self, path: Option<&Path>) -> bool {
        match path.map(|path| &path.0) {
            None => !self.unmapped.repeated.is_empty(),
            Some(PathTarget::Attribute(_)) => !self.other_readings.is_empty(),
            // Names with dots may repeat a path; that is known only after a search.
            Some(PathTarget::Raw(..) | PathTarget::Several(_)) => true,
        }
    }

    fn certain_values(&self, path: &Path, visit: &mut Visit<'_>) {
        let _ = self.visit_values(path, true, visit);
    }

    fn certain_strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.visit_strings(&self.unmapped.repeated, true, visit);
    }

    fn logsource(&self) -> Origin<'_> {
        Origin {
            product: Some(self.metadata.dialect.logsource_product),
            service: self.api.service_name.as_deref(),
            category: Some(self.class.logsource_category),
        }
    }
}
