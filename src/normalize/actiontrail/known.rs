//! What the catalogue knows of an event's method and service, and what the event itself says where it knows nothing.

use super::data::Root;
use crate::catalog::{Access, Catalogs, Method, Sensitivity};
use crate::event::Activity;
use crate::json::{Document, NodeId, Text};
use crate::normalize::walk;
use crate::vendors::ACTIONTRAIL;

/// What is known of a method.
pub(super) struct Known<'a> {
    /// The service in the catalogue; it is known also where the method is not.
    pub(super) service: Option<&'a str>,
    pub(super) method: Option<&'a Method>,
}

impl<'a> Known<'a> {
    pub(super) fn of(
        catalogs: &'a Catalogs,
        service_name: Option<&Text<'_>>,
        event_name: &str,
        is_insight: bool,
    ) -> Known<'a> {
        let catalog = catalogs.of(ACTIONTRAIL.product);
        // An insight is ActionTrail's own, whichever service it is about.
        let word = match is_insight {
            true => ACTIONTRAIL.product,
            false => service_name.map_or("", |name| name),
        };
        let method = catalog.and_then(|catalog| catalog.method_of(word, event_name));
        let service = match method {
            Some(method) => Some(&*method.service),
            None => catalog.and_then(|catalog| catalog.service_of(word)),
        };
        Known { service, method }
    }

    /// OCSF `api.service.name`: the catalogue's word, also for a method that it does not have, else the event's.
    pub(super) fn service_name(&self, service_name: Option<&Text<'a>>) -> Option<Text<'a>> {
        self.service
            .map(Text::from)
            .or_else(|| service_name.cloned())
    }

    /// The kind of thing that the method acts on.
    pub(super) fn resource_type(&self) -> Option<Text<'a>> {
        let method = self.method?;
        method.resource_type.as_deref().map(Text::from)
    }

    /// What the method does: what the catalogue says, else the verb, unless the event says that it only reads
    /// or that it does not.
    pub(super) fn activity(
        &self,
        event_name: &str,
        document: &Document<'_>,
        event_rw: Option<NodeId>,
    ) -> Activity {
        if let Some(method) = self.method {
            return method.activity;
        }
        match (Activity::from_verb(event_name), access(document, event_rw)) {
            (_, Some(Access::Read)) => Activity::Read,
            (Activity::Read, Some(Access::Write)) => Activity::Other,
            (verb, _) => verb,
        }
    }

    /// For `metadata.labels`: access and sensitivity. What the vendor marks as sensitive is so, whatever the catalogue
    /// says.
    pub(super) fn labels(&self, document: &Document<'_>, root: &Root) -> [Option<&'static str>; 3] {
        let mark = walk::descend(document, root.event_attributes, &["sensitiveAction"]);
        let is_sensitive = mark.and_then(|mark| walk::flag(document, mark)) == Some(true);
        let high = is_sensitive.then_some(Sensitivity::High.label());
        match self.method {
            Some(method) => {
                let [access, sensitivity] = method.labels();
                [Some(access), high.or(Some(sensitivity)), None]
            }
            None => {
                let access = access(document, root.event_rw);
                [Some("method:unknown"), access.map(Access::label), high]
            }
        }
    }
}

/// What `eventRW` says.
fn access(document: &Document<'_>, event_rw: Option<NodeId>) -> Option<Access> {
    match walk::text(document, event_rw)?
        .to_ascii_lowercase()
        .as_str()
    {
        "read" => Some(Access::Read),
        "write" => Some(Access::Write),
        _ => None,
    }
}
