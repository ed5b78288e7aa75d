//! Names of members, however they are spelled: `retentionMs`, `RETENTION_MS` and `retention.ms` are one name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The name of a member.
pub(super) struct Name {
    written: String,
    /// Its letters and digits in lower case.
    folded: String,
}

impl Name {
    pub(super) fn new(written: Cow<'_, str>) -> Name {
        Name {
            folded: folded(&written),
            written: written.into_owned(),
        }
    }

    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// Its words in lower case with dots between them.
    pub(super) fn dotted(&self) -> String {
        dotted(&self.written)
    }

    /// Whether a text for people stands there.
    pub(super) fn is_for_people(&self) -> bool {
        FOR_PEOPLE.contains(&self.folded.as_str())
    }
}

/// Members that hold what people write for people: what stands there does nothing.
const FOR_PEOPLE: [&str; 17] = [
    "annotation",
    "annotations",
    "comment",
    "comments",
    "description",
    "descriptions",
    "displayname",
    "doc",
    "documentation",
    "explanation",
    "justification",
    "message",
    "note",
    "notes",
    "reason",
    "summary",
    "title",
];

/// A name without the place that stands before it: `retention.ms` of `configs.retention.ms`.
fn without_place(name: &str) -> &str {
    let name = name.trim();
    let place = name.split_once('.').filter(|(place, rest)| {
        ["config", "configs"]
            .iter()
            .any(|of| place.eq_ignore_ascii_case(of))
            && rest.contains(char::is_alphanumeric)
    });
    place.map_or(name, |(_, rest)| rest)
}

/// The letters and digits of a name in lower case.
pub(super) fn folded(name: &str) -> String {
    let letters = without_place(name).chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The words of a name in lower case with dots between them: `mfa.enabled` of `mfaEnabled` and of `MFA_ENABLED`.
fn dotted(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in without_place(name).chars() {
        let is_break = !c.is_alphanumeric() || after_lower && c.is_uppercase();
        if is_break && !words.is_empty() && !words.ends_with('.') {
            words.push('.');
        }
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.truncate(words.trim_end_matches('.').len());
    words
}

/// Names of settings that are found however their words are joined, and if each word is the name of an object in that
/// of the one before. Names of other settings are known only as members or in lists.
const SETTINGS: [&str; 81] = [
    "bypass.mfa",
    "bypass.sso",
    "cleanup.policy",
    "compatibility",
    "compatibility.level",
    "compatibility.mode",
    "compatibility.type",
    "confluent.connector.type",
    "confluent.tier.enable",
    "confluent.tier.local.hotset.bytes",
    "confluent.tier.local.hotset.ms",
    "connector.class",
    "delete.permanently",
    "delete.retention.ms",
    "disable.mfa",
    "disable.sso",
    "enforce.mfa",
    "enforce.sso",
    "hard.delete",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "mfa",
    "mfa.disabled",
    "mfa.enabled",
    "mfa.enforced",
    "mfa.enforcement",
    "mfa.mode",
    "mfa.optional",
    "mfa.policy",
    "mfa.required",
    "mfa.state",
    "mfa.status",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "mirror.topic",
    "mirror.topic.name",
    "multi.factor.authentication",
    "multi.factor.authentication.enabled",
    "permanent",
    "permanent.delete",
    "permanent.deletion",
    "permanently",
    "phase",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "require.mfa",
    "require.sso",
    "retention.bytes",
    "retention.hours",
    "retention.minutes",
    "retention.ms",
    "second.factor",
    "second.factor.enabled",
    "second.factor.required",
    "segment.bytes",
    "segment.ms",
    "skip.mfa",
    "skip.sso",
    "sso",
    "sso.disabled",
    "sso.enabled",
    "sso.enforced",
    "sso.enforcement",
    "sso.mode",
    "sso.optional",
    "sso.policy",
    "sso.required",
    "sso.state",
    "sso.status",
    "stopped",
    "topics.regex",
    "two.factor",
    "two.factor.auth",
    "two.factor.auth.enabled",
    "two.factor.authentication",
    "two.factor.authentication.enabled",
    "two.factor.enabled",
    "two.factor.required",
    "unclean.leader.election.enable",
];

/// What the same setting of a topic begins with where it is the default of a broker.
const PREFIXES: [&str; 2] = ["log", "topic"];

/// No setting has more letters, with a prefix.
const MOST_LETTERS: usize = 40;

/// Most names that are joined to that of one setting.
const MOST_WORDS: usize = 5;

static KNOWN: LazyLock<HashMap<String, &str>> =
    LazyLock::new(|| SETTINGS.iter().map(|name| (folded(name), *name)).collect());

/// The setting of this folded name.
pub(super) fn known(folded: &str) -> Option<&'static str> {
    if folded.len() > MOST_LETTERS {
        return None;
    }
    if let Some(name) = KNOWN.get(folded) {
        return Some(name);
    }
    let mut rests = PREFIXES
        .iter()
        .filter_map(|prefix| folded.strip_prefix(prefix));
    rests.find_map(|rest| KNOWN.get(rest).copied().filter(|name| name.contains('.')))
}

/// The setting that a text names, if it is nothing but a name.
pub(super) fn named(text: &str) -> Option<&'static str> {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = text.len() <= 2 * MOST_LETTERS && text.chars().all(is_of_name);
    is_name.then(|| known(&folded(text)))?
}

/// Whether a setting is one of Kafka or of a connector, whose names no one gives by chance.
pub(super) fn is_of_kafka(setting: &str) -> bool {
    setting.contains('.')
        && !["mfa", "sso", "factor"]
            .iter()
            .any(|of| setting.contains(of))
}

/// The settings that the last of these names may mean, alone or with those before it.
pub(super) fn settings(names: &[Name]) -> Vec<&'static str> {
    let mut joined = String::new();
    let mut found = Vec::new();
    for name in names.iter().rev().take(MOST_WORDS) {
        joined.insert_str(0, name.folded());
        if joined.len() > MOST_LETTERS {
            break;
        }
        found.extend(known(&joined).filter(|setting| !found.contains(setting)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_a_name_are_one_name() {
        for name in [
            "mfaEnabled",
            "MfaEnabled",
            "MFA_ENABLED",
            "mfa-enabled",
            " mfa.enabled ",
        ] {
            assert_eq!(dotted(name), "mfa.enabled", "{name}");
            assert_eq!(known(&folded(name)), Some("mfa.enabled"), "{name}");
        }
        assert_eq!(dotted("_"), "");
        assert_eq!(dotted("x2Y"), "x2.y");
        assert_eq!(dotted("Configs.maxConnections"), "max.connections");
        assert_eq!(dotted("configs."), "configs");
        assert_eq!(folded("config.retention.ms"), "retentionms");
        assert_eq!(folded("config_key"), "configkey");
    }

    #[test]
    fn a_setting_is_known_with_the_prefix_of_brokers_and_not_by_a_part_of_its_name() {
        assert_eq!(known("logretentionms"), Some("retention.ms"));
        assert_eq!(known("topiccleanuppolicy"), Some("cleanup.policy"));
        assert_eq!(known("deleteretentionms"), Some("delete.retention.ms"));
        for other in ["topicphase", "xretentionms", "retention", "ms", ""] {
            assert_eq!(known(other), None, "{other}");
        }
    }

    #[test]
    fn names_of_objects_within_each_other_are_one_name() {
        let names = |names: &[&str]| -> Vec<Name> {
            names.iter().map(|name| Name::new((*name).into())).collect()
        };
        assert_eq!(
            settings(&names(&["configs", "retention", "ms"])),
            ["retention.ms"]
        );
        assert_eq!(settings(&names(&["a", "retention.ms"])), ["retention.ms"]);
        assert_eq!(
            settings(&names(&["local", "retention", "ms"])),
            ["retention.ms", "local.retention.ms"]
        );
        assert_eq!(settings(&names(&["retention", "x", "ms"])), [] as [&str; 0]);
    }
}
