//! An alert: a rule that matched an event, or what was lost of a source; and its two keys.

mod catalog_entry;
mod change;
mod dead_letter;
mod deed;
mod label;
mod loss;
mod stopped;
mod suppression;

pub use dead_letter::{DEAD_LETTER, SENSITIVE_DEAD_LETTER};
pub use deed::{Deed, DeedResource};
pub use label::{EXPERIMENTAL, HISTORY, REPLAYED, RETRIED, SUPPRESSED, TEST};
pub use loss::{BuiltIn, POSITIONS_LOST, RECORDS_EXPIRED, RECORDS_UNREADABLE, Source, SourceAlert};
pub use stopped::{ARCHIVE_STOPPED, SINK_STOPPED, SOURCE_STOPPED, Stopped};
pub use suppression::SUPPRESSION_ENDS;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::event::{AuditEvent, Resource};
use crate::printable::shorten;
use crate::rules::{LoadedRule, RuleSet};
use crate::sigma::{Fields, RuleIndex, Suppression, TestOutcome, Value};

/// Every rule that is a part of watchbell.
pub static BUILT_IN: [&BuiltIn; 9] = [
    &DEAD_LETTER,
    &SENSITIVE_DEAD_LETTER,
    &RECORDS_EXPIRED,
    &POSITIONS_LOST,
    &RECORDS_UNREADABLE,
    &SOURCE_STOPPED,
    &SINK_STOPPED,
    &ARCHIVE_STOPPED,
    &SUPPRESSION_ENDS,
];

/// Most characters of a name in an alert's title: an event may hold any.
const TITLE_CHARS: usize = 300;

/// Who acted, for the group key, where no event says it.
pub const NOBODY: &str = "unknown";

/// Where an event says who acted; the first that has a value counts.
pub const WHO: [&str; 3] = ["actor.user.uid", "actor.user.name", "actor.user.email_addr"];

/// A rule's match on one event.
#[derive(Debug)]
pub struct Alert<'r, P> {
    /// The rule, with its level after overrides.
    pub rule: &'r LoadedRule<P>,
    /// Idempotency key: the same rule, source and event give the same one.
    pub uid: String,
    /// What belongs together: the rule and its entity, by default the actor.
    pub group_key: String,
    /// One line: the rule's title, who did what to which resource.
    pub title: String,
    /// What the event changed, such as `compatibility from FULL to NONE`.
    pub changes: Vec<String>,
    /// Of an event with a method that is in no catalogue: an entry to propose for it.
    pub catalog_entry: Option<String>,
    /// Why: `field = value` of the selections that held.
    pub why: Vec<String>,
    /// The fields that the rule wants shown, and their values; each once, at most eight; those without a
    /// value left out.
    pub shown: Vec<(&'r str, Vec<String>)>,
    /// OCSF `labels`: [`EXPERIMENTAL`], [`SUPPRESSED`], [`REPLAYED`], [`RETRIED`], [`HISTORY`].
    pub labels: Vec<&'static str>,
    /// Because of this suppression nobody is notified of the alert.
    pub suppression: Option<&'r Suppression>,
    /// How far the log that the record stands in had come when it was read: the greatest timestamp of
    /// its partition's records, ms since the Unix epoch.
    pub logged_ms: Option<i64>,
}

impl<'r, P> Alert<'r, P> {
    /// Builds the alert of a match. `position` names the record, for events without an id.
    pub fn new<'a>(
        rules: &'r RuleSet<P>,
        index: RuleIndex,
        event: &AuditEvent<'a>,
        position: &str,
    ) -> Option<Self>
    where
        AuditEvent<'a>: Fields<Path = P>,
    {
        let rule = rules.rules().get(index)?;
        let id = rule.rule.id.as_str();
        let uid = match &event.metadata.uid {
            Some(event_id) => {
                let source = event.metadata.source.as_deref().unwrap_or_default();
                digest(&[id, source, event_id])
            }
            None => digest(&[id, position]),
        };
        let why = rules
            .explain(index, event)
            .into_iter()
            .filter(|selection| selection.holds)
            .flat_map(|selection| selection.tests)
            .filter(|test| test.holds)
            .map(|test| format!("{} = {}", test.field.unwrap_or("*"), test.values.join(", ")))
            .collect();
        let changes = change::changes(event);
        Some(Self {
            rule,
            uid,
            group_key: group_key(rule, event, who(event)),
            title: title(rule, event, &changes),
            changes,
            catalog_entry: catalog_entry::proposed(event),
            why,
            shown: shown(rule, event),
            labels: rule
                .is_experimental()
                .then_some(EXPERIMENTAL)
                .into_iter()
                .collect(),
            suppression: None,
            logged_ms: None,
        })
    }

    /// Marks the alert as suppressed.
    pub fn suppress(&mut self, suppression: &'r Suppression) {
        self.suppression = Some(suppression);
        self.labels.push(SUPPRESSED);
    }

    /// Whether the alert is meant to notify people.
    pub fn notifies(&self) -> bool {
        !self.rule.is_experimental() && self.suppression.is_none()
    }
}

fn shown<'r, 'a, P>(rule: &'r LoadedRule<P>, event: &AuditEvent<'a>) -> Vec<(&'r str, Vec<String>)>
where
    AuditEvent<'a>: Fields<Path = P>,
{
    rule.shown
        .iter()
        .map(|(name, path)| {
            let values = values(event, path, TestOutcome::MAX_VALUES).into_iter();
            let mut values: Vec<String> = values.map(|v| TestOutcome::reported(v.into())).collect();
            let mut seen = HashSet::new();
            values.retain(|value| seen.insert(value.clone()));
            (name.as_str(), values)
        })
        .filter(|(_, values)| !values.is_empty())
        .collect()
}

/// The values of a field as texts, so many at most.
fn values<E: Fields>(event: &E, path: &E::Path, most: usize) -> Vec<String> {
    let mut values = Vec::new();
    event.values(path, &mut |value: Value<'_>| {
        values.extend(value.text().map(Cow::into_owned));
        if values.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    values
}

/// The group key of a rule's alert for an event; `who` acted, which is the group unless the rule says another.
pub fn group_key<E: Fields>(rule: &LoadedRule<E::Path>, event: &E, who: &str) -> String {
    let mut parts = vec![rule.rule.id.as_str().to_owned()];
    if rule.group_by.is_empty() {
        parts.push(who.to_owned());
    }
    for path in &rule.group_by {
        parts.push(values(event, path, usize::MAX).join(","));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    digest(&parts)
}

fn who<'e>(event: &'e AuditEvent<'_>) -> &'e str {
    let user = &event.user;
    [&user.uid, &user.name, &user.email_addr]
        .into_iter()
        .find_map(|part| part.as_deref())
        .unwrap_or(NOBODY)
}

/// The rule's title, and who did what to which resource in which environment, and what that changed.
fn title<P>(rule: &LoadedRule<P>, event: &AuditEvent<'_>, changes: &[String]) -> String {
    let short = |word: &str| shorten(word, TITLE_CHARS);
    let user = &event.user;
    let who = [&user.name, &user.email_addr, &user.uid];
    let who = who.into_iter().find_map(|part| part.as_deref());
    let first = event.resources.first();
    let name = first.and_then(|first| first.name.as_deref().or(first.uid.as_deref()));
    // One resource may be named once for each of its scopes.
    let different: HashSet<_> = event.resources.iter().map(|one| &one.uid).collect();
    let (who, name, kind, environment) = (
        who.map(short),
        name.map(short),
        first.and_then(|first| first.kind.as_deref()).map(short),
        first
            .and_then(|first| environment(event, first))
            .map(|name| short(&name)),
    );
    let deed = Deed {
        who: who.as_deref(),
        operation: &short(&event.api.operation),
        activity: Some(event.class.activity(event.activity).1),
        outcome: event.status.name(),
        service: event.api.service_name.as_deref(),
        resource: first.map(|_| DeedResource {
            name: name.as_deref(),
            kind: kind.as_deref(),
            more: different.len().saturating_sub(1),
        }),
        environment: environment.as_deref(),
        changes,
    };
    format!("{}: {deed}", rule.rule.title)
}

/// The environment of a resource: by the name that the names file gives it or its
/// id, else by its id.
fn environment<'e>(event: &'e AuditEvent<'_>, resource: &'e Resource<'_>) -> Option<Cow<'e, str>> {
    let said = |id: Option<&str>, member| {
        let mut enrichments = event.enrichments.iter();
        let known = enrichments.find(|one| Some(&*one.value) == id)?;
        known.data.text(member)
    };
    said(resource.uid.as_deref(), "environment")
        .or_else(|| said(resource.namespace.as_deref(), "name"))
        .or_else(|| resource.namespace.as_deref().map(Cow::Borrowed))
}

/// Sixteen bytes of SHA-256 over the parts and their lengths, in hexadecimal.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    HEXLOWER.encode(&digest[..16])
}

#[cfg(test)]
mod tests;
