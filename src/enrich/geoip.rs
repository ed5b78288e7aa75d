//! Databases in MaxMind's format, held in memory: the place of an address, and its autonomous system.
//! Invariant: a database with an error in it fails look-ups at most; it never ends the process.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::{MaxMindDbError, Reader, geoip2};

use crate::diagnostic::{Diagnostic, Mark, Problem};
use crate::event::Place;
use crate::json::{Phrase, Written};

/// What a database is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Places, down to the city or only to the country.
    City,
    /// Autonomous systems.
    Asn,
}

impl DatabaseKind {
    const ALL: [DatabaseKind; 2] = [DatabaseKind::City, DatabaseKind::Asn];

    /// Whether a database of this type says it. Other makers name the type with which theirs is compatible.
    fn takes(self, database_type: &str) -> bool {
        let words: &[&str] = match self {
            DatabaseKind::City => &["City", "Country", "Enterprise"],
            DatabaseKind::Asn => &["ASN", "ISP"],
        };
        words.iter().any(|word| database_type.contains(word))
    }

    /// The key of the configuration, and what is expected there.
    fn expected(self) -> (&'static str, &'static str) {
        match self {
            DatabaseKind::City => ("city", "a City or Country database, such as GeoLite2-City"),
            DatabaseKind::Asn => ("asn", "an ASN database, such as GeoLite2-ASN"),
        }
    }
}

/// A database.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("type", &self.reader.metadata().database_type)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Opens a database; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// The bytes are no database, or one of another type.
    pub fn open(
        bytes: Vec<u8>,
        kind: DatabaseKind,
        file: &str,
    ) -> Result<Database, Vec<Diagnostic>> {
        let (key, expected) = kind.expected();
        let refused = |message: String, remedy: String| {
            let problem = Problem::error(Mark::START, message).remedy(remedy);
            let file = file.into();
            vec![Diagnostic { file, problem }]
        };
        let reader = Reader::from_source(bytes).map_err(|error| {
            let message = format!("not readable as a MaxMind database: {error}");
            refused(
                message,
                format!("geoip.{key} needs {expected}, as a file .mmdb"),
            )
        })?;
        let found = &reader.metadata().database_type;
        if kind.takes(found) {
            return Ok(Database { reader });
        }
        let other = DatabaseKind::ALL
            .into_iter()
            .find(|other| other.takes(found));
        let remedy = match other {
            Some(other) => format!(
                "geoip.{key} needs {expected}; this one belongs under geoip.{}",
                other.expected().0
            ),
            None => format!("geoip.{key} needs {expected}"),
        };
        Err(refused(format!("the database is of type {found}"), remedy))
    }

    /// The place of an address.
    ///
    /// # Errors
    /// The database cannot be read there.
    pub fn city<'d>(&'d self, address: IpAddr) -> Result<Option<geoip2::City<'d>>, MaxMindDbError> {
        match self.covers(address) {
            true => self.reader.lookup(address)?.decode(),
            false => Ok(None),
        }
    }

    /// The autonomous system of an address.
    ///
    /// # Errors
    /// The database cannot be read there.
    pub fn asn<'d>(&'d self, address: IpAddr) -> Result<Option<geoip2::Asn<'d>>, MaxMindDbError> {
        match self.covers(address) {
            true => self.reader.lookup(address)?.decode(),
            false => Ok(None),
        }
    }

    /// A database may have IPv4 alone.
    fn covers(&self, address: IpAddr) -> bool {
        address.is_ipv4() || self.reader.metadata().ip_version == 6
    }
}

/// Adds the location to a place; returns whether there is one.
pub(super) fn add_location(place: &mut Place, city: &geoip2::City<'_>) -> bool {
    let phrase = |text: &str| Phrase::from(text);
    let country = city.country.iso_code;
    place.city = city.city.names.english.map(phrase);
    place.country = country.map(phrase);
    place.continent = city.continent.names.english.map(phrase);
    let subdivision = city.subdivisions.first().and_then(|first| first.iso_code);
    place.region = country
        .zip(subdivision)
        .map(|(country, code)| Phrase::from(&*format!("{country}-{code}")));
    let number = |degrees: f64| degrees.is_finite().then(|| Written::of(&degrees));
    let location = &city.location;
    let lat = location.latitude.and_then(number);
    place.coordinates = lat.zip(location.longitude.and_then(number));
    place.has_location()
}

/// Adds the autonomous system to a place; returns whether there is one.
pub(super) fn add_autonomous_system(place: &mut Place, asn: &geoip2::Asn<'_>) -> bool {
    place.as_number = asn.autonomous_system_number;
    place.as_name = asn.autonomous_system_organization.map(Phrase::from);
    place.has_autonomous_system()
}

/// The IPv4 prefixes that are no place on the internet: private, shared, loopback, link-local, for documentation and
/// benchmarks, multicast, reserved (IANA's registry of special-purpose addresses).
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Those of IPv6 within 2000::/3, outside of which no address is a place: protocols and Teredo, documentation, 6to4.
const SPECIAL_V6: [(u32, u32); 4] = [
    (0x2001_0000, 23),
    (0x2001_0db8, 32),
    (0x2002_0000, 16),
    (0x3fff_0000, 20),
];

/// Whether an address may be somewhere on the internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, length): &([u8; 4], u32)| {
        let differing = address.to_bits() ^ u32::from_be_bytes(*network);
        differing >> (32 - length) == 0
    };
    !SPECIAL_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // No special prefix is longer than 32 bits.
    let first = u32::try_from(address.to_bits() >> 96).unwrap_or(u32::MAX);
    let within = |(network, length): &(u32, u32)| (first ^ network) >> (32 - length) == 0;
    first >> 29 == 1 && !SPECIAL_V6.iter().any(within)
}

#[cfg(test)]
mod tests;
