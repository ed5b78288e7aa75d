//! Puts names, owners and teams to the ids of an event.

use foldhash::{HashSet, HashSetExt};

use super::names::{Kind, Name, Names};
use crate::event::{AuditEvent, Enrichment, UserKind};
use crate::json::{Phrase, Text};

/// Looks the actor and the resources up. What the event itself says is kept.
pub fn apply<'a>(event: &mut AuditEvent<'a>, names: &'a Names) {
    if names.is_empty() {
        return;
    }
    if let Some(uid) = event.user.uid.clone()
        && let Some(Name { facts, json }) = names.lookup(&uid)
    {
        let user = &mut event.user;
        user.name.get_or_insert_with(|| facts.name.to_text());
        user.team = facts.team.as_ref().map(Phrase::to_text);
        user.kind = match facts.kind {
            Some(Kind::Human) => Some(UserKind::User),
            Some(Kind::Service) => Some(UserKind::Service),
            None => user.kind,
        };
        event.enrichments.push(Enrichment {
            name: "actor.user.uid",
            value: uid,
            data: json,
        });
    }
    let resource_path = match event.class.has_resources {
        true => "resources.uid",
        false => "service.uid",
    };
    // One resource may be told of once for each of its scopes; its name is told once.
    let mut told: HashSet<Text<'a>> = HashSet::new();
    let several = event.resources.len() > 1;
    for resource in &mut event.resources {
        let Some((uid, Name { facts, json })) = resource
            .uid
            .clone()
            .and_then(|uid| names.lookup(&uid).map(|name| (uid, name)))
        else {
            continue;
        };
        resource.name.get_or_insert_with(|| facts.name.to_text());
        resource.owner = facts.owner.as_ref().map(Phrase::to_text);
        resource.team = facts.team.as_ref().map(Phrase::to_text);
        if several && !told.insert(uid.clone()) {
            continue;
        }
        event.enrichments.push(Enrichment {
            name: resource_path,
            value: uid,
            data: json,
        });
    }
}

#[cfg(test)]
mod tests;
