//! Adds what the files say of the ids and the address of an event. Values of the event itself are kept.

use std::net::IpAddr;

use foldhash::{HashSet, HashSetExt};

use super::lookups::{LookupCounts, LookupFile, Lookups};
use super::memory::LookupMemory;
use super::names::{Name, Names, PrincipalKind};
use super::networks::{Network, Networks};
use crate::event::{AuditEvent, Cloud, Enrichment, EnrichmentKind, User, UserKind};
use crate::json::{Phrase, Text};

/// Looks up the actor, its account, the resources, where they are the source address and the client, and counts what
/// was found.
pub fn apply<'a>(event: &mut AuditEvent<'a>, lookups: &'a Lookups, memory: &mut LookupMemory) {
    event.client = match (&event.user_agent, &event.app_name) {
        (Some(user_agent), _) => memory.client(user_agent, true),
        (None, Some(client_id)) => memory.client(client_id, false),
        (None, None) => None,
    };
    if !lookups.names.is_empty() {
        let mut known = Known {
            names: &lookups.names,
            counts: &mut memory.counts,
        };
        known.user(&mut event.user, &mut event.enrichments);
        if let Some(cloud) = &mut event.cloud {
            known.cloud(cloud, &event.user, &mut event.enrichments);
        }
        known.resources(event);
    }
    if !lookups.knows_addresses() {
        return;
    }
    // Only a literal address is somewhere.
    let ip = event.src_endpoint.ip.as_ref();
    let Some(address) = ip.and_then(|ip| ip.parse().ok()) else {
        return;
    };
    if !lookups.networks.is_empty() {
        network(event, address, &lookups.networks, &mut memory.counts);
    }
    let endpoint = &mut event.src_endpoint;
    if lookups.knows_places() && endpoint.place.is_none() {
        endpoint.place = memory.place(address, lookups);
    }
}

/// The names, and the counts of what is found in them.
struct Known<'a, 'c> {
    names: &'a Names,
    counts: &'c mut LookupCounts,
}

impl<'a> Known<'a, '_> {
    /// The entry of an id, as an enrichment of that attribute.
    fn find(
        &mut self,
        attribute: &'static str,
        id: Option<&Text<'a>>,
    ) -> Option<(&'a Name, Enrichment<'a>)> {
        let id = id?;
        let found = self.names.lookup(id);
        let found = self.counts.counted(LookupFile::Names, found)?;
        let enrichment = Enrichment {
            name: attribute,
            kind: EnrichmentKind::Name,
            value: id.clone(),
            data: &found.json,
        };
        Some((found, enrichment))
    }

    fn user(&mut self, user: &mut User<'a>, enrichments: &mut Vec<Enrichment<'a>>) {
        let mut found = self.find("actor.user.uid", user.uid.as_ref());
        if found.is_none() && user.kind == Some(UserKind::AssumedRole) {
            // `role:session`: sessions are many, and the file knows the role.
            let uid = user.uid.as_ref();
            let role = uid.and_then(|uid| uid.part(|uid| Some(uid.split_once(':')?.0)));
            found = self.find("actor.user.uid", role.as_ref());
        }
        if let Some((Name { facts, .. }, enrichment)) = found {
            user.name.get_or_insert_with(|| facts.name.to_text());
            user.team = facts.team.as_ref().map(Phrase::to_text);
            user.kind = match facts.kind {
                Some(PrincipalKind::Human) => Some(UserKind::User),
                Some(PrincipalKind::Service) => Some(UserKind::Service),
                None => user.kind,
            };
            enrichments.push(enrichment);
        }
        let account = self.find("actor.user.account.uid", user.account_uid.as_ref());
        if let Some((name, enrichment)) = account {
            user.account_name = Some(name.facts.name.to_text());
            enrichments.push(enrichment);
        }
    }

    /// The account, the organization and the environment. The account of the user, which nearly always is the same,
    /// was looked up before.
    fn cloud(
        &mut self,
        cloud: &mut Cloud<'a>,
        user: &User<'a>,
        enrichments: &mut Vec<Enrichment<'a>>,
    ) {
        if cloud.account_uid == user.account_uid {
            cloud.account_name.clone_from(&user.account_name);
        } else if let Some((name, enrichment)) =
            self.find("cloud.account.uid", cloud.account_uid.as_ref())
        {
            cloud.account_name = Some(name.facts.name.to_text());
            enrichments.push(enrichment);
        }
        if let Some((name, enrichment)) = self.find("cloud.org.uid", cloud.org_uid.as_ref()) {
            cloud.org_name = Some(name.facts.name.to_text());
            enrichments.push(enrichment);
        }
        let environment = self.find("cloud.project_uid", cloud.project_uid.as_ref());
        enrichments.extend(environment.map(|(_, enrichment)| enrichment));
    }

    /// The resources and their namespaces. A resource can occur once for each of its scopes, and a namespace with
    /// each of its resources; an enrichment is added once.
    fn resources(&mut self, event: &mut AuditEvent<'a>) {
        let resource_path = match event.class.has_resources {
            true => "resources.uid",
            false => "service.uid",
        };
        let project = event
            .cloud
            .as_ref()
            .and_then(|cloud| cloud.project_uid.as_ref());
        // Only of several resources an id may be told twice, or of one that is its own namespace.
        let is_only = event.resources.len() == 1;
        let mut told: HashSet<Text<'a>> = HashSet::new();
        let mut namespace: Option<Text<'a>> = project.cloned();
        for resource in &mut event.resources {
            if let Some((name, enrichment)) = self.find(resource_path, resource.uid.as_ref()) {
                let facts = &name.facts;
                resource.name.get_or_insert_with(|| facts.name.to_text());
                resource.owner = facts.owner.as_ref().map(Phrase::to_text);
                resource.team = facts.team.as_ref().map(Phrase::to_text);
                if is_only || told.insert(enrichment.value.clone()) {
                    event.enrichments.push(enrichment);
                }
            }
            if resource.namespace == namespace {
                continue;
            }
            namespace.clone_from(&resource.namespace);
            let found = self.find("resources.namespace", namespace.as_ref());
            if let Some((_, enrichment)) = found {
                let is_new = match is_only {
                    true => resource.namespace != resource.uid,
                    false => told.insert(enrichment.value.clone()),
                };
                if is_new {
                    event.enrichments.push(enrichment);
                }
            }
        }
    }
}

/// The network of the source address.
fn network<'a>(
    event: &mut AuditEvent<'a>,
    address: IpAddr,
    networks: &'a Networks,
    counts: &mut LookupCounts,
) {
    let endpoint = &mut event.src_endpoint;
    let found = networks.lookup(address);
    let Some(Network { facts, json, .. }) = counts.counted(LookupFile::Networks, found) else {
        return;
    };
    event.enrichments.push(Enrichment {
        name: "src_endpoint.ip",
        kind: EnrichmentKind::Network,
        value: endpoint.ip.clone().unwrap_or_default(),
        data: json,
    });
    if endpoint.zone.is_none() {
        endpoint.zone = facts.zone.as_ref().map(Phrase::to_text);
    }
    if endpoint.owner.is_none() {
        endpoint.owner = facts.owner.as_ref().map(Phrase::to_text);
    }
}

#[cfg(test)]
mod tests;
