//! The places and clients that were looked up: each address, user agent and client id is looked up once, for as long as
//! the files are the same and there is room.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::HashMap;

use super::geoip;
use super::lookups::{LookupCounts, LookupFile, LookupOutcome, Lookups};
use crate::event::{Client, Place};

/// Most addresses, and most clients, that are remembered; beyond, all are forgotten, so that memory is bounded however
/// long a batch is.
const MAX_REMEMBERED: usize = 4_096;

/// Longest user agent or client id that is remembered.
const MAX_REMEMBERED_BYTES: usize = 1_024;

/// What a thread keeps from event to event.
#[derive(Debug, Default)]
pub struct LookupMemory {
    /// What was found.
    pub counts: LookupCounts,
    places: HashMap<IpAddr, FoundPlace>,
    /// Clients by the user agents and by the client ids that they give.
    clients: [HashMap<Box<str>, Option<Arc<Client>>>; 2],
}

#[derive(Debug, Clone)]
struct FoundPlace {
    place: Option<Arc<Place>>,
    /// What became of the look-up in each database that there is.
    outcomes: [Option<LookupOutcome>; 2],
}

impl LookupMemory {
    /// The place of an address, if it may be on the internet and a database knows it.
    pub(super) fn place(&mut self, address: IpAddr, lookups: &Lookups) -> Option<Arc<Place>> {
        let address = address.to_canonical();
        if !geoip::is_public(address) {
            return None;
        }
        if self.places.len() >= MAX_REMEMBERED && !self.places.contains_key(&address) {
            self.places.clear();
        }
        let found = self.places.entry(address);
        let found = found.or_insert_with(|| FoundPlace::of(address, lookups));
        for (file, outcome) in [LookupFile::City, LookupFile::Asn]
            .into_iter()
            .zip(found.outcomes)
        {
            if let Some(outcome) = outcome {
                self.counts.add(file, outcome);
            }
        }
        found.place.clone()
    }
}

impl LookupMemory {
    /// The client of a user agent or a client id, if its form is known.
    pub(super) fn client(&mut self, text: &str, is_user_agent: bool) -> Option<Arc<Client>> {
        let clients = &mut self.clients[usize::from(is_user_agent)];
        if let Some(known) = clients.get(text) {
            return known.clone();
        }
        let client = Client::of(text, is_user_agent).map(Arc::new);
        if text.len() <= MAX_REMEMBERED_BYTES {
            if clients.len() >= MAX_REMEMBERED {
                clients.clear();
            }
            clients.insert(text.into(), client.clone());
        }
        client
    }
}

impl FoundPlace {
    fn of(address: IpAddr, lookups: &Lookups) -> FoundPlace {
        let mut place = Place::default();
        let city =
            lookups.city.as_deref().map(|city| {
                outcome(city.city(address).map(|found| {
                    found.is_some_and(|found| geoip::add_location(&mut place, &found))
                }))
            });
        let asn = lookups.asn.as_deref().map(|asn| {
            outcome(asn.asn(address).map(|found| {
                found.is_some_and(|found| geoip::add_autonomous_system(&mut place, &found))
            }))
        });
        let is_known = [city, asn].contains(&Some(LookupOutcome::Hit));
        FoundPlace {
            place: is_known.then(|| Arc::new(place)),
            outcomes: [city, asn],
        }
    }
}

fn outcome<E>(found: Result<bool, E>) -> LookupOutcome {
    match found {
        Ok(true) => LookupOutcome::Hit,
        Ok(false) => LookupOutcome::Miss,
        Err(_) => LookupOutcome::Error,
    }
}
