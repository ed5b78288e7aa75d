//! Field paths: how rules name a part of an event. A path is an OCSF attribute from one table, or
//! leads into a part kept as it came (`unmapped`, `api.request.data`, …), where names compare
//! ignoring case and underscores, so one path serves all dialects.

use std::ops::ControlFlow;

use super::audit_event::{AuditEvent, Class};
use super::json::{Document, Kind, NodeId, same_name};
use super::text::Text;
use crate::sigma::{Fields, Origin, UnknownField, Value, Visit};

type Visited = ControlFlow<()>;
type Attribute = fn(&AuditEvent<'_>, &mut Visit<'_>) -> Visited;

/// A compiled field path.
#[derive(Debug, Clone)]
pub struct Path(Target);

#[derive(Debug, Clone)]
enum Target {
    Attribute(Attribute),
    Raw(RawPart, Box<[Box<str>]>),
}

#[derive(Debug, Clone, Copy)]
enum RawPart {
    Unmapped,
    RequestData,
    ResponseData,
    ResourceData,
}

const RAW_PARTS: [(&str, RawPart); 4] = [
    ("unmapped", RawPart::Unmapped),
    ("api.request.data", RawPart::RequestData),
    ("api.response.data", RawPart::ResponseData),
    ("resources.data", RawPart::ResourceData),
];

fn text(value: Option<&Text<'_>>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |text| {
        visit(Value::String(text.as_ref()))
    })
}

fn word(value: Option<&str>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |word| visit(Value::String(word)))
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
    ("activity_id", |e, v| {
        v(Value::Int(e.class.activity(e.activity).0))
    }),
    ("activity_name", |e, v| {
        v(Value::String(e.class.activity(e.activity).1))
    }),
    ("actor.app_name", |e, v| text(e.app_name.as_ref(), v)),
    ("actor.authorizations.decision", |e, v| {
        each(&e.authorizations, v, |a| a.decision.as_deref())
    }),
    ("actor.authorizations.policy.name", |e, v| {
        each(&e.authorizations, v, |a| a.policy_name.as_deref())
    }),
    ("actor.authorizations.policy.type", |e, v| {
        each(&e.authorizations, v, |a| a.policy_kind.as_deref())
    }),
    ("actor.invoked_by", |e, v| text(e.invoked_by.as_ref(), v)),
    ("actor.session.uid", |e, v| text(e.session_uid.as_ref(), v)),
    ("actor.user.credential_uid", user_credential),
    ("actor.user.email_addr", user_email),
    ("actor.user.groups.name", user_team),
    ("actor.user.name", user_name),
    ("actor.user.type", user_type),
    ("actor.user.type_id", user_type_id),
    ("actor.user.uid", user_uid),
    ("actor.user.uid_alt", user_uid_alt),
    ("api.group.name", |e, v| text(e.api.group_name.as_ref(), v)),
    ("api.operation", |e, v| v(Value::String(&e.api.operation))),
    ("api.request.uid", |e, v| {
        text(e.api.request_uid.as_ref(), v)
    }),
    ("api.response.error", |e, v| {
        text(e.api.response_error.as_ref(), v)
    }),
    ("api.response.error_message", |e, v| {
        text(e.api.response_error_message.as_ref(), v)
    }),
    ("api.service.name", |e, v| {
        text(e.api.service_name.as_ref(), v)
    }),
    ("api.service.uid", |e, v| {
        text(e.api.service_uid.as_ref(), v)
    }),
    ("auth_protocol", |e, v| text(e.auth_protocol.as_ref(), v)),
    ("category_name", |e, v| {
        v(Value::String(e.class.category_name()))
    }),
    ("category_uid", |e, v| v(Value::Int(e.class.category_uid()))),
    ("class_name", |e, v| v(Value::String(e.class.name()))),
    ("class_uid", |e, v| v(Value::Int(e.class.uid()))),
    ("cloud.org.uid", |e, v| {
        text(e.cloud.as_ref().and_then(|c| c.org_uid.as_ref()), v)
    }),
    ("cloud.project_uid", |e, v| {
        text(e.cloud.as_ref().and_then(|c| c.project_uid.as_ref()), v)
    }),
    ("cloud.provider", |e, v| {
        text(e.cloud.as_ref().map(|c| &c.provider), v)
    }),
    ("cloud.region", |e, v| {
        text(e.cloud.as_ref().and_then(|c| c.region.as_ref()), v)
    }),
    ("message", |e, v| text(e.message.as_ref(), v)),
    ("metadata.event_code", |e, v| {
        text(e.metadata.event_code.as_ref(), v)
    }),
    ("metadata.labels", |e, v| {
        each(&e.metadata.labels, v, |l| Some(l))
    }),
    ("metadata.log_name", |e, v| {
        v(Value::String(e.metadata.dialect.log_name()))
    }),
    ("metadata.original_time", |e, v| {
        text(e.metadata.original_time.as_ref(), v)
    }),
    ("metadata.product.name", |e, v| {
        v(Value::String(e.metadata.dialect.product_name()))
    }),
    ("metadata.product.vendor_name", |e, v| {
        v(Value::String(e.metadata.dialect.vendor_name()))
    }),
    ("metadata.source", |e, v| {
        text(e.metadata.source.as_ref(), v)
    }),
    ("metadata.uid", |e, v| text(e.metadata.uid.as_ref(), v)),
    ("resources.group.name", |e, v| {
        each(&e.resources, v, |r| r.team.as_deref())
    }),
    ("resources.name", |e, v| {
        each(&e.resources, v, |r| r.name.as_deref())
    }),
    ("resources.namespace", |e, v| {
        each(&e.resources, v, |r| r.namespace.as_deref())
    }),
    ("resources.owner.name", |e, v| {
        each(&e.resources, v, |r| r.owner.as_deref())
    }),
    ("resources.region", |e, v| {
        each(&e.resources, v, |r| r.region.as_deref())
    }),
    ("resources.type", |e, v| {
        each(&e.resources, v, |r| r.kind.as_deref())
    }),
    ("resources.uid", |e, v| {
        each(&e.resources, v, |r| r.uid.as_deref())
    }),
    ("resources.uid_alt", |e, v| {
        each(&e.resources, v, |r| r.uid_alt.as_deref())
    }),
    ("src_endpoint.ip", |e, v| {
        text(e.src_endpoint.ip.as_ref(), v)
    }),
    ("src_endpoint.name", |e, v| {
        text(e.src_endpoint.name.as_ref(), v)
    }),
    ("src_endpoint.port", |e, v| {
        e.src_endpoint
            .port
            .map_or(ControlFlow::Continue(()), |port| v(Value::Int(port.into())))
    }),
    ("status", |e, v| v(Value::String(e.status.name()))),
    ("status_code", |e, v| text(e.status_code.as_ref(), v)),
    ("status_detail", |e, v| text(e.status_detail.as_ref(), v)),
    ("status_id", |e, v| v(Value::Int(e.status.id()))),
    ("time", |e, v| v(Value::Int(e.time_ms))),
    ("type_uid", |e, v| {
        v(Value::Int(e.class.type_uid(e.activity)))
    }),
    ("user.credential_uid", user_credential),
    ("user.email_addr", user_email),
    ("user.groups.name", user_team),
    ("user.name", user_name),
    ("user.type", user_type),
    ("user.type_id", user_type_id),
    ("user.uid", user_uid),
    ("user.uid_alt", user_uid_alt),
];

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
    e.user
        .kind
        .map_or(ControlFlow::Continue(()), |kind| v(Value::Int(kind.id())))
}

impl Path {
    /// Compiles a path such as `api.operation` or `unmapped.data.authorizationInfo.operation`.
    ///
    /// # Errors
    /// A name that is no attribute and leads into no raw part; the nearest attribute is suggested.
    pub fn parse(path: &str) -> Result<Self, UnknownField> {
        if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(name, _)| *name == path) {
            return Ok(Self(Target::Attribute(*attribute)));
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
            if segments.iter().all(|segment| !segment.is_empty()) {
                let segments = segments.into_iter().map(Into::into).collect();
                return Ok(Self(Target::Raw(part, segments)));
            }
        }
        let names = Self::attributes().chain(RAW_PARTS.map(|(name, _)| name));
        Err(UnknownField {
            suggestion: crate::diagnostic::nearest(path, names).map(ToOwned::to_owned),
        })
    }

    /// Every attribute that a rule can name, in alphabetical order, raw parts apart.
    pub fn attributes() -> impl Iterator<Item = &'static str> {
        ATTRIBUTES.iter().map(|(name, _)| *name)
    }
}

impl AuditEvent<'_> {
    fn raw_values(&self, part: RawPart, segments: &[Box<str>], visit: &mut Visit<'_>) -> Visited {
        let document = &self.unmapped.document;
        match part {
            RawPart::RequestData => self.descend(self.api.request_data, segments, visit),
            RawPart::ResponseData => self.descend(self.api.response_data, segments, visit),
            RawPart::ResourceData => {
                for resource in &self.resources {
                    self.descend(resource.data, segments, visit)?;
                }
                ControlFlow::Continue(())
            }
            RawPart::Unmapped => {
                if let [segment] = segments {
                    for (name, value) in &self.unmapped.attributes {
                        if same_name(name, segment) {
                            visit(Value::String(value))?;
                        }
                    }
                }
                let segments = match (self.unmapped.root_name, segments) {
                    (None, segments) => segments,
                    (Some(root), [first, rest @ ..]) if same_name(root, first) => rest,
                    (Some(_), _) => return ControlFlow::Continue(()),
                };
                walk(document, document.root(), segments, visit, &|id| {
                    self.unmapped.is_moved(id)
                })
            }
        }
    }

    fn descend(
        &self,
        root: Option<NodeId>,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> Visited {
        match root {
            Some(root) => walk(&self.unmapped.document, root, segments, visit, &|_| false),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Visits what the segments lead to; arrays on the way and at the end stand for their elements.
/// What is `hidden` is not visited.
pub(crate) fn walk(
    document: &Document<'_>,
    node: NodeId,
    segments: &[Box<str>],
    visit: &mut Visit<'_>,
    hidden: &dyn Fn(NodeId) -> bool,
) -> Visited {
    if document.kind(node) == Kind::Array && !document.is_empty_container(node) {
        for child in document.children(node) {
            walk(document, child, segments, visit, hidden)?;
        }
        return ControlFlow::Continue(());
    }
    if let [segment, rest @ ..] = segments {
        return match document.member_folded(node, segment) {
            Some(child) => walk(document, child, rest, visit, hidden),
            None => ControlFlow::Continue(()),
        };
    }
    if hidden(node) {
        return ControlFlow::Continue(());
    }
    match document.kind(node) {
        Kind::Null => visit(Value::Null),
        Kind::Bool => visit(Value::Bool(document.raw(node) == "true")),
        Kind::Number => visit(Value::Number(document.raw(node))),
        Kind::String => visit(Value::String(&document.text(node).unwrap_or_default())),
        Kind::Array | Kind::Object => visit(Value::Composite),
    }
}

impl Fields for AuditEvent<'_> {
    type Path = Path;

    fn values(&self, path: &Path, visit: &mut Visit<'_>) {
        let _ = match &path.0 {
            Target::Attribute(attribute) => attribute(self, visit),
            Target::Raw(part, segments) => self.raw_values(*part, segments, visit),
        };
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let document = &self.unmapped.document;
        for (_, attribute) in ATTRIBUTES {
            let seen = attribute(self, &mut |value| match value {
                Value::String(text) => visit(text),
                _ => ControlFlow::Continue(()),
            });
            if seen.is_break() {
                return;
            }
        }
        for (_, value) in &self.unmapped.attributes {
            if visit(value).is_break() {
                return;
            }
        }
        for id in document.nodes() {
            if document
                .text(id)
                .is_some_and(|text| visit(&text).is_break())
            {
                return;
            }
        }
    }

    fn logsource(&self) -> Origin<'_> {
        Origin {
            product: Some(self.metadata.dialect.logsource_product()),
            service: self.api.service_name.as_deref(),
            category: Some(match self.class {
                Class::ApiActivity => "api_activity",
                Class::Authentication => "authentication",
            }),
        }
    }
}
