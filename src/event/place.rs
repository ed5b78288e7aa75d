//! Where an address is, and to which autonomous system it belongs.

use crate::json::{Phrase, Written};

/// OCSF `location` and `autonomous_system` of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// OCSF `location.city`.
    pub city: Option<Phrase>,
    /// OCSF `location.region`: ISO 3166-2, such as `DE-BE`.
    pub region: Option<Phrase>,
    /// OCSF `location.country`: ISO 3166-1 alpha-2, such as `DE`.
    pub country: Option<Phrase>,
    /// OCSF `location.continent`.
    pub continent: Option<Phrase>,
    /// OCSF `location.lat` and `location.long`, as the numbers that are written.
    pub coordinates: Option<(Written, Written)>,
    /// OCSF `autonomous_system.number`.
    pub as_number: Option<u32>,
    /// OCSF `autonomous_system.name`.
    pub as_name: Option<Phrase>,
}

impl Place {
    /// Whether there is what OCSF requires of a location.
    pub fn has_location(&self) -> bool {
        self.city.is_some() || self.region.is_some() || self.country.is_some()
    }

    /// Whether the autonomous system is known.
    pub fn has_autonomous_system(&self) -> bool {
        self.as_number.is_some() || self.as_name.is_some()
    }
}
