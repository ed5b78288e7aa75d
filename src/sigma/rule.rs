//! A parsed rule: metadata, selections and condition, with all references resolved.
//! These types cannot represent a malformed rule; unsupported rules are refused by `parse`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::matcher::{Check, Test};
use crate::diagnostic::Mark;
use crate::yaml::Entry;

/// A rule's UUID, lower case with hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(String);

impl RuleId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RuleId {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<RuleId, NotAUuid> {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        let digits = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
        if groups == [8, 4, 4, 4, 12] && digits {
            Ok(RuleId(text.to_ascii_lowercase()))
        } else {
            Err(NotAUuid)
        }
    }
}

/// A text that is not a UUID in the form 8-4-4-4-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct NotAUuid;

/// How important a match is (specification, "Level"), the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For information; not meant to notify a person.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// To be looked at regularly. The default of a rule without a level.
    Medium,
    /// To be looked at promptly.
    High,
    /// An incident.
    Critical,
}

impl Level {
    /// Every level, the least first.
    pub const ALL: [Level; 5] = [
        Level::Informational,
        Level::Low,
        Level::Medium,
        Level::High,
        Level::Critical,
    ];

    /// The specification's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    /// The level of that name.
    pub fn parse(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How mature a rule is (specification, "Status").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// For production.
    Stable,
    /// Nearly for production.
    Test,
    /// May be noisy: alerts, but pages nobody.
    Experimental,
    /// Replaced by another rule.
    Deprecated,
    /// Does not work in its current form.
    Unsupported,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [
        Status::Stable,
        Status::Test,
        Status::Experimental,
        Status::Deprecated,
        Status::Unsupported,
    ];

    /// Every status that a rule in force can have.
    pub const IN_FORCE: [Status; 4] = [
        Status::Stable,
        Status::Test,
        Status::Experimental,
        Status::Deprecated,
    ];

    /// The specification's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Stable => "stable",
            Status::Test => "test",
            Status::Experimental => "experimental",
            Status::Deprecated => "deprecated",
            Status::Unsupported => "unsupported",
        }
    }

    /// The status of that name.
    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A reference to another rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The other rule's id.
    pub id: RuleId,
    /// How the rules are related.
    pub relationship: Relationship,
}

/// How a rule is related to another (specification, "Identification").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// It was derived from the other rule.
    Derived,
    /// It makes the other rule obsolete.
    Obsolete,
    /// It was merged from the other rule and further ones.
    Merged,
    /// It had the other id before.
    Renamed,
    /// It is similar to the other rule.
    Similar,
}

impl Relationship {
    /// Every type.
    pub const ALL: [Relationship; 5] = [
        Relationship::Derived,
        Relationship::Obsolete,
        Relationship::Merged,
        Relationship::Renamed,
        Relationship::Similar,
    ];

    /// The specification's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Relationship::Derived => "derived",
            Relationship::Obsolete => "obsolete",
            Relationship::Merged => "merged",
            Relationship::Renamed => "renamed",
            Relationship::Similar => "similar",
        }
    }

    /// The type of that name.
    pub fn parse(word: &str) -> Option<Relationship> {
        let mut all = Relationship::ALL.into_iter();
        all.find(|relationship| relationship.as_str() == word)
    }
}

/// The events to which a rule applies. A missing part matches every event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logsource {
    /// Such as `confluent`.
    pub product: Option<String>,
    /// Such as `flink`.
    pub service: Option<String>,
    /// Such as `api`.
    pub category: Option<String>,
}

/// A rule, parsed.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its identity, which never changes.
    pub id: RuleId,
    /// Position of the id in its file.
    pub id_mark: Mark,
    /// One line for a human.
    pub title: String,
    /// Short name that correlations refer to.
    pub name: Option<String>,
    /// How mature it is; `None` if not given.
    pub status: Option<Status>,
    /// How important a match is; `None` if not given.
    pub level: Option<Level>,
    /// Rules to which it is related.
    pub related: Vec<Related>,
    /// What it detects and why that matters.
    pub description: Option<String>,
    /// Its license, as an SPDX identifier.
    pub license: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Day of writing, as in the file.
    pub date: Option<String>,
    /// Day of the last change, as in the file.
    pub modified: Option<String>,
    /// The taxonomy of its field names; `None` if not given.
    pub taxonomy: Option<(String, Mark)>,
    /// Further reading.
    pub references: Vec<String>,
    /// Such as `attack.t1485`.
    pub tags: Vec<String>,
    /// The kinds of systems that it is for, in the author's words.
    pub scope: Vec<String>,
    /// Known false positives.
    pub falsepositives: Vec<String>,
    /// Fields worth showing with a match.
    pub fields: Vec<String>,
    /// The events to which it applies.
    pub logsource: Logsource,
    /// Position of `logsource`.
    pub logsource_mark: Mark,
    /// What to do about a match (custom key).
    pub runbook: Option<String>,
    /// Fields that make the alert's group key (custom key); empty means the default.
    pub group_by: Vec<(String, Mark)>,
    /// What it looks for.
    pub detection: Detection,
    /// The whole document in [canonical form](crate::yaml::Node::canonical), to be hashed.
    pub canonical: String,
    /// Custom keys, which have no effect.
    pub custom: Vec<Entry>,
}

/// What a rule, route or filter looks for.
#[derive(Debug, Clone)]
pub struct Detection {
    /// In the order of the file.
    pub selections: Vec<Selection>,
    /// Over indices into `selections`.
    pub condition: Condition,
    /// The filters that apply to it.
    pub exclusions: Vec<Exclusion>,
}

/// A filter in the detection of a rule: the rule matches no event for which it holds.
#[derive(Debug, Clone)]
pub struct Exclusion {
    /// What an explanation calls it: `filter <title>`.
    pub name: String,
    /// The events that are excluded. The rules to which a filter applies share it.
    pub detection: Arc<Detection>,
}

impl Detection {
    /// With how many values its condition compares: those of a selection count each time that the condition refers to
    /// it. Work and memory of a compiled rule grow with this number.
    pub fn compared_values(&self) -> usize {
        fn values(test: &Test) -> usize {
            match &test.check {
                Check::Any(expected) | Check::Every(expected) => expected.len(),
                Check::Field(reference) => reference.fields.len(),
                Check::Element(element) => element.groups.iter().flatten().map(values).sum(),
                Check::Exists(_) => 1,
            }
        }
        let bodies = self.selections.iter().map(|selection| &selection.body);
        let sizes = bodies.map(|body| body.tests().into_iter().map(values).sum());
        self.condition.sum(&sizes.collect::<Vec<_>>())
    }

    /// Every line of every selection, without those of filters.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        let bodies = self.selections.iter().map(|selection| &selection.body);
        bodies.flat_map(Body::tests)
    }
}

/// A named search.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Its name in the condition.
    pub name: String,
    /// The condition that must hold.
    pub body: Body,
}

/// The content of a selection.
#[derive(Debug, Clone)]
pub enum Body {
    /// One line.
    Test(Test),
    /// All lines of a map.
    All(Vec<Body>),
    /// Any element of a list.
    Any(Vec<Body>),
}

impl Body {
    /// Its lines, in the order of the file.
    pub fn tests(&self) -> Vec<&Test> {
        let mut tests = Vec::new();
        self.collect(&mut tests);
        tests
    }

    fn collect<'a>(&'a self, into: &mut Vec<&'a Test>) {
        match self {
            Body::Test(test) => into.push(test),
            Body::All(parts) | Body::Any(parts) => {
                for part in parts {
                    part.collect(into);
                }
            }
        }
    }
}

impl Condition {
    /// The sum of the sizes of the selections, each as often as the condition refers to it.
    fn sum(&self, sizes: &[usize]) -> usize {
        let all = |parts: &[Condition]| parts.iter().map(|part| part.sum(sizes)).sum();
        match self {
            Condition::Selection(index) => sizes[*index],
            Condition::Not(inner) => inner.sum(sizes),
            Condition::All(parts) | Condition::AtLeast(_, parts) => all(parts),
        }
    }
}

/// How selections combine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The selection with this index holds.
    Selection(usize),
    /// It does not hold.
    Not(Box<Condition>),
    /// All hold.
    All(Vec<Condition>),
    /// At least this many hold; `or` is at least one.
    AtLeast(usize, Vec<Condition>),
}
