//! What people do on the page, as OCSF events of watchbell itself.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use crate::encode::{self, Detail};
use crate::event::{
    API_ACTIVITY, AUTHENTICATION, Activity, Api, AuditEvent, Endpoint, EventClass, Metadata,
    OutputRecord, Resource, Session, Status, Unmapped, User, UserKind,
};
use crate::json::{Document, Text};
use crate::privacy::{Hiding, Policy};
use crate::vendors::WATCHBELL;
use crate::web::login::user as login;

/// The CloudEvents type of events.
const EVENT_TYPE: &str = "watchbell.event.v1";

/// The CloudEvents source of what people do on the page.
const SOURCE: &str = "watchbell/page";

/// The value of the header that says who has written an event that is no output of a source record.
const ORIGIN: &str = "page";

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Action {
    /// OCSF `api.operation`.
    pub(in crate::web) operation: &'static str,
    /// What it does to its resource.
    pub(in crate::web) activity: Activity,
    /// The type of the resource.
    pub(in crate::web) resource: &'static str,
    /// The event's message.
    pub(in crate::web) message: &'static str,
}

impl Action {
    /// The details of a record are shown; the resource is its reference.
    pub(in crate::web) const VIEW_RECORD: Action = Action {
        operation: "ViewRecord",
        activity: Activity::Read,
        resource: "record",
        message: "The details of a record were shown on the page.",
    };
    /// The alerts of an incident are shown; the resource is its key.
    pub(in crate::web) const VIEW_INCIDENT: Action = Action {
        operation: "ViewIncident",
        activity: Activity::Read,
        resource: "incident",
        message: "The alerts of an incident were shown on the page.",
    };
    /// Somebody decides on an incident; the resource is its key, and the data is what they decide.
    pub(in crate::web) const DECIDE: Action = Action {
        operation: "DecideIncident",
        activity: Activity::Update,
        resource: "incident",
        message: "Somebody has decided on an incident on the page.",
    };
    /// What a question finds is downloaded; the resource is the question.
    pub(in crate::web) const DOWNLOAD: Action = Action {
        operation: "Download",
        activity: Activity::Read,
        resource: "question",
        message: "Events were downloaded from the page.",
    };
    /// A rule is tried on what is archived; the resource is its id.
    pub(in crate::web) const TRY_RULE: Action = Action {
        operation: "TryRule",
        activity: Activity::Read,
        resource: "rule",
        message: "A rule was tried on the archive.",
    };
    /// A day of the archive is compared with the ledger; the resource is the source and the day.
    pub(in crate::web) const VERIFY: Action = Action {
        operation: "VerifyLedger",
        activity: Activity::Read,
        resource: "ledger day",
        message: "A day of the archive was compared with the ledger.",
    };
    /// Dead letters are retried; the resource is the position of one, or the reason of several.
    pub(in crate::web) const RETRY: Action = Action {
        operation: "RetryDeadLetters",
        activity: Activity::Update,
        resource: "dead letter",
        message: "Dead letters were put through the pipeline again.",
    };
}

/// What somebody has done, or has tried.
#[derive(Debug, Clone)]
pub(in crate::web) struct Deed {
    class: &'static EventClass,
    activity: Activity,
    operation: &'static str,
    message: &'static str,
    status: Status,
    /// Why it failed.
    detail: Option<String>,
    name: String,
    uid: Option<String>,
    session: Option<String>,
    role: Option<&'static str>,
    address: Option<IpAddr>,
    /// What it was done to: the type and the id.
    resource: Option<(&'static str, String)>,
    /// What was asked for, as JSON: OCSF `api.request.data`.
    data: Option<Vec<u8>>,
}

impl Deed {
    /// Somebody does something to a resource.
    pub(in crate::web) fn of(user: &login::User, action: Action, what: &str) -> Deed {
        Deed {
            class: &API_ACTIVITY,
            activity: action.activity,
            operation: action.operation,
            message: action.message,
            status: Status::Success,
            detail: None,
            name: user.name.clone(),
            uid: user.uid.clone(),
            session: user.session.clone(),
            role: Some(user.role.name()),
            address: user.address,
            resource: Some((action.resource, what.to_owned())),
            data: None,
        }
    }

    /// Somebody is refused what their role may not.
    pub(in crate::web) fn refused(user: &login::User, action: Action, what: &str) -> Deed {
        Deed {
            status: Status::Failure,
            detail: Some(format!("the role {} may not", user.role.name())),
            ..Deed::of(user, action, what)
        }
    }

    /// The same with what was asked for.
    pub(in crate::web) fn with_data(self, data: &serde_json::Value) -> Deed {
        Deed {
            data: Some(data.to_string().into_bytes()),
            ..self
        }
    }

    /// Somebody logs in.
    pub(in crate::web) fn login(name: &str, uid: Option<&str>, address: Option<IpAddr>) -> Deed {
        Deed {
            class: &AUTHENTICATION,
            activity: Activity::Logon,
            operation: "Login",
            message: "Somebody logged in to the page.",
            status: Status::Success,
            detail: None,
            name: name.to_owned(),
            uid: uid.map(str::to_owned),
            session: None,
            role: None,
            address,
            resource: None,
            data: None,
        }
    }

    /// A login fails; `name` is empty if nobody knows whose it was.
    pub(in crate::web) fn refused_login(name: &str, address: Option<IpAddr>, why: &str) -> Deed {
        Deed {
            message: "A login to the page failed.",
            status: Status::Failure,
            detail: Some(why.to_owned()),
            ..Deed::login(name, None, address)
        }
    }

    /// Somebody logs out.
    pub(in crate::web) fn logout(user: &login::User) -> Deed {
        Deed {
            activity: Activity::Logoff,
            operation: "Logout",
            message: "Somebody logged out of the page.",
            session: user.session.clone(),
            role: Some(user.role.name()),
            ..Deed::login(&user.name, user.uid.as_deref(), user.address)
        }
    }

    /// The record of the event, without what the topic's policy hides.
    pub(super) fn record(
        &self,
        (topic, policy): (&Arc<str>, Option<&Policy>),
        id: Uuid,
        now_ms: i64,
    ) -> Option<OutputRecord> {
        let id = id.to_string();
        let address = self
            .address
            .map(|address| address.to_canonical().to_string());
        let event = self.event((&id, address.as_deref()), now_ms)?;
        let mut value = Vec::new();
        encode::event_in(&event, Detail::Full, &mut value);
        let key = self.uid.as_ref().unwrap_or(&self.name).as_bytes();
        let mut key = Some(key.to_vec()).filter(|key| !key.is_empty());
        if let Some(policy) = policy {
            let hiding = Hiding::of_event(policy, &value);
            let mut hidden = Vec::with_capacity(value.len());
            hiding.event(&value, &mut hidden);
            key = key.and_then(|key| hiding.key(&key).map(Cow::into_owned));
            value = hidden;
        }
        // No rules are held against it on its way, so it names no rule set.
        let headers = encode::headers(&id, SOURCE, EVENT_TYPE, None, "");
        let headers = headers.into_iter().flatten();
        let headers = headers.filter(|(name, _)| *name != "ce_watchbellruleset");
        let headers = headers
            .map(|(name, value)| (Cow::Borrowed(name), Some(value.into_owned().into_bytes())));
        let origin = (
            Cow::Borrowed("watchbell-origin"),
            Some(ORIGIN.as_bytes().to_vec()),
        );
        Some(OutputRecord {
            topic: topic.clone(),
            key,
            value: Some(value),
            headers: headers.chain([origin]).collect(),
        })
    }

    fn event<'e>(
        &'e self,
        (id, address): (&'e str, Option<&'e str>),
        time_ms: i64,
    ) -> Option<AuditEvent<'e>> {
        let name = if self.name.is_empty() {
            "unknown"
        } else {
            &self.name
        };
        let resource = self.resource.as_ref().map(|(kind, uid)| Resource {
            uid: Some(Text::from(&**uid)),
            kind: Some(Text::from(*kind)),
            ..Resource::default()
        });
        let access = (self.activity == Activity::Read).then_some("access:read");
        let access = access.or(matches!(
            self.activity,
            Activity::Create | Activity::Update | Activity::Delete
        )
        .then_some("access:write"));
        let role = self.role.map(|role| format!("role:{role}"));
        let document = Document::parse(self.data.as_deref().unwrap_or(b"{}")).ok()?;
        let request_data = self.data.is_some().then(|| document.root());
        let mut unmapped = Unmapped::new(document, None);
        if let Some(data) = request_data {
            unmapped.mark_moved(data);
        }
        Some(AuditEvent {
            class: self.class,
            activity: self.activity,
            time_ms,
            message: Some(Text::from(self.message)),
            status: self.status,
            status_code: None,
            status_detail: self.detail.as_deref().map(Text::from),
            metadata: Metadata {
                uid: Some(Text::from(id)),
                source: Some(Text::from(SOURCE)),
                dialect: &WATCHBELL,
                labels: access
                    .map(Text::from)
                    .into_iter()
                    .chain(role.map(Text::from))
                    .collect(),
                ..Metadata::default()
            },
            user: User {
                uid: self.uid.as_deref().map(Text::from),
                name: Some(Text::from(name)),
                kind: Some(UserKind::User),
                ..User::default()
            },
            session: Session {
                uid: self.session.as_deref().map(Text::from),
                ..Session::default()
            },
            app_name: None,
            invoked_by: None,
            authorizations: Vec::new(),
            auth_protocol: None,
            api: Api {
                operation: Text::from(self.operation),
                service_name: Some(Text::from("page")),
                // OCSF wants an id beside the data.
                request_uid: request_data.map(|_| Text::from(id)),
                request_data,
                ..Api::default()
            },
            cloud: None,
            src_endpoint: Endpoint {
                ip: address.map(Text::from),
                name: address.is_none().then_some(Text::from("unknown")),
                ..Endpoint::default()
            },
            user_agent: None,
            resources: resource.into_iter().collect(),
            enrichments: Vec::new(),
            client: None,
            unmapped,
            known_method: true,
            other_readings: Vec::new(),
            other_request_data: Vec::new(),
        })
    }
}
