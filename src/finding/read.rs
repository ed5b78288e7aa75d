//! Reads an alert: its parts as they stand in the record, none of them checked or cleaned.

use super::severity::level;
use super::{CLASS_UID, path};
use crate::json::JsonText;
use crate::sigma::Level;

/// A part that may be absent.
pub type Json<'a> = Option<JsonText<'a>>;

/// An alert whose parts are read one by one. The objects that hold most of them are found once.
#[derive(Debug, Clone, Copy)]
pub struct FindingText<'a> {
    alert: JsonText<'a>,
    info: Json<'a>,
    metadata: Json<'a>,
    unmapped: Json<'a>,
    /// OCSF `resources`.
    pub resources: Json<'a>,
    /// What is known of the event.
    pub evidence: Evidence<'a>,
}

/// The first of OCSF `evidences`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// OCSF `actor.user`.
    pub user: Json<'a>,
    /// OCSF `api`.
    pub api: Json<'a>,
    /// OCSF `src_endpoint`.
    pub src_endpoint: Json<'a>,
    /// The event, or what was found about a source.
    pub data: Json<'a>,
}

impl<'a> FindingText<'a> {
    /// Reads a Detection Finding; `None` for every other JSON value.
    pub fn of(alert: JsonText<'a>) -> Option<FindingText<'a>> {
        let names = [
            "class_uid",
            "finding_info",
            "metadata",
            "unmapped",
            path::RESOURCES,
            path::EVIDENCES,
        ];
        let [class_uid, info, metadata, unmapped, resources, evidences] = alert.pick(names);
        if class_uid.and_then(JsonText::int) != Some(CLASS_UID) {
            return None;
        }
        let first = evidences.and_then(|list| list.elements().next());
        Some(FindingText {
            alert,
            info,
            metadata,
            unmapped,
            resources,
            evidence: first.map(Evidence::of).unwrap_or_default(),
        })
    }

    /// The part at one of the paths of [`path`].
    pub fn at(&self, path: &str) -> Json<'a> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let part = match first {
            "finding_info" => self.info,
            "metadata" => self.metadata,
            "unmapped" => self.unmapped,
            path::RESOURCES => self.resources,
            _ => self.alert.at(&[first]),
        };
        match rest {
            "" => part,
            _ => rest
                .split('.')
                .try_fold(part?, |part, name| part.at(&[name])),
        }
    }

    /// The same of a whole number.
    pub fn int(&self, path: &str) -> Option<i64> {
        self.at(path)?.int()
    }

    /// The level.
    pub fn level(&self) -> Option<Level> {
        level(self.int(path::SEVERITY_ID)?)
    }
}

impl<'a> Evidence<'a> {
    fn of(evidence: JsonText<'a>) -> Evidence<'a> {
        let [actor, api, src_endpoint, data] =
            evidence.pick(["actor", "api", "src_endpoint", "data"]);
        Evidence {
            user: actor.and_then(|actor| actor.at(&["user"])),
            api,
            src_endpoint,
            data: data.filter(|data| !data.is_null()),
        }
    }
}
