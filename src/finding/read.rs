//! Reads an alert: its parts as they stand in the record, none of them checked or cleaned.

use super::severity::level;
use super::{CLASS_UID, path};
use crate::json::JsonText;
use crate::sigma::Level;

/// A part that may be absent.
pub type Json<'a> = Option<JsonText<'a>>;

/// The members of an alert that are read.
const MEMBERS: [&str; 11] = [
    "class_uid",
    "finding_info",
    "metadata",
    "remediation",
    "unmapped",
    path::COUNT,
    path::EVIDENCES,
    path::MESSAGE,
    path::RESOURCES,
    path::SEVERITY_ID,
    path::TIME,
];

/// An alert whose parts are read one by one. Its members are found in one pass.
#[derive(Debug, Clone, Copy)]
pub struct FindingText<'a> {
    /// In the order of [`MEMBERS`].
    members: [Json<'a>; MEMBERS.len()],
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
        let mut finding = FindingText {
            members: alert.pick(MEMBERS),
            evidence: Evidence::default(),
        };
        if finding.int("class_uid") != Some(CLASS_UID) {
            return None;
        }
        let first = finding
            .at(path::EVIDENCES)
            .and_then(|list| list.elements().next());
        finding.evidence = first.map(Evidence::of).unwrap_or_default();
        Some(finding)
    }

    /// The part at one of the paths of [`path`].
    pub fn at(&self, path: &str) -> Json<'a> {
        let mut names = path.split('.');
        let member = names.next()?;
        let place = MEMBERS.iter().position(|known| *known == member)?;
        names.try_fold(self.members[place]?, |part, name| part.at(&[name]))
    }

    /// The whole number at one of the paths of [`path`].
    pub fn int(&self, path: &str) -> Option<i64> {
        self.at(path)?.int()
    }

    /// The level of the alert; `None` for a number that is no level.
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
