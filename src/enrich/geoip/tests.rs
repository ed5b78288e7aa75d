//! What is read from databases, which addresses are looked up, and that damaged ones are refused or fail look-ups.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::enrich::{LookupFile, LookupMemory, LookupOutcome, Lookups};

#[path = "../../../tests/mmdb/mod.rs"]
mod mmdb;

fn lookups(city: Vec<u8>, asn: Vec<u8>) -> Lookups {
    let open = |bytes, kind| Database::open(bytes, kind, "test.mmdb").map(Arc::new).ok();
    Lookups {
        city: open(city, DatabaseKind::City),
        asn: open(asn, DatabaseKind::Asn),
        ..Lookups::default()
    }
}

fn place(address: &str, lookups: &Lookups) -> Option<Place> {
    let found = LookupMemory::default().place(address.parse().unwrap(), lookups);
    found.map(|place| (*place).clone())
}

#[test]
fn an_address_has_a_place_and_an_autonomous_system() {
    let lookups = lookups(mmdb::city(), mmdb::asn());
    let expected = Place {
        city: Some("Berlin".into()),
        region: Some("DE-BE".into()),
        country: Some("DE".into()),
        continent: Some("Europe".into()),
        coordinates: Some((Written::of(&52.5), Written::of(&13.25))),
        as_number: Some(64_496),
        as_name: Some("Example \"Networks\"".into()),
    };
    assert_eq!(place("134.238.202.222", &lookups), Some(expected.clone()));
    assert_eq!(place("::ffff:134.238.202.222", &lookups), Some(expected));
    let country = place("66.159.216.54", &lookups).unwrap();
    assert_eq!(country.country, Some("US".into()));
    assert_eq!((country.city, country.as_number), (None, None));
    let german = place("2d00:1::1", &lookups).unwrap();
    assert_eq!(
        (german.city, german.as_number),
        (Some("Hamburg".into()), Some(64_497))
    );
    assert_eq!(place("11.0.0.1", &lookups), None);
}

#[test]
fn each_address_is_looked_up_once_and_each_event_counted() {
    let lookups = lookups(mmdb::city(), mmdb::asn());
    let mut memory = LookupMemory::default();
    let mut of = |address: &str| memory.place(address.parse().unwrap(), &lookups);
    let first = of("134.238.202.222").unwrap();
    assert!(Arc::ptr_eq(&first, &of("134.238.202.222").unwrap()));
    of("66.159.216.54");
    // No place on the internet, so not looked up.
    of("10.1.2.3");
    let count = |file, outcome| memory.counts.of(file, outcome);
    assert_eq!(count(LookupFile::City, LookupOutcome::Hit), 3);
    assert_eq!(count(LookupFile::Asn, LookupOutcome::Hit), 2);
    assert_eq!(count(LookupFile::Asn, LookupOutcome::Miss), 1);
}

fn refused(bytes: Vec<u8>, kind: DatabaseKind) -> String {
    let wrong = Database::open(bytes, kind, "test.mmdb").unwrap_err();
    let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_file_of_another_type_is_refused_with_what_it_is_and_what_is_expected() {
    assert_eq!(
        refused(mmdb::asn(), DatabaseKind::City),
        "test.mmdb:1:1: error: the database is of type GeoLite2-ASN\n  help: geoip.city needs a City or \
         Country database, such as GeoLite2-City; this one belongs under geoip.asn"
    );
    assert_eq!(
        refused(mmdb::city(), DatabaseKind::Asn),
        "test.mmdb:1:1: error: the database is of type GeoLite2-City\n  help: geoip.asn needs an ASN \
         database, such as GeoLite2-ASN; this one belongs under geoip.city"
    );
    let other = mmdb::database("GeoIP2-Domain", &[]);
    assert_eq!(
        refused(other, DatabaseKind::City),
        "test.mmdb:1:1: error: the database is of type GeoIP2-Domain\n  help: geoip.city needs a City or \
         Country database, such as GeoLite2-City"
    );
    for bytes in [
        b"u-1: {name: Ada}\n".to_vec(),
        Vec::new(),
        mmdb::city()[..900].to_vec(),
    ] {
        let problem = refused(bytes, DatabaseKind::City);
        let start = "test.mmdb:1:1: error: not readable as a MaxMind database: ";
        assert!(problem.starts_with(start), "{problem}");
    }
    for name in ["GeoIP2-Country", "DBIP-Country-Lite", "GeoIP2-Enterprise"] {
        let country = mmdb::database(name, &[]);
        assert!(
            Database::open(country, DatabaseKind::City, "c.mmdb").is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_that_is_counted() {
    let entries = [(
        "11.0.0.0",
        8,
        serde_json::json!({"city": {"names": ["no", "map"]}}),
    )];
    let lookups = lookups(mmdb::database("GeoLite2-City", &entries), mmdb::asn());
    let mut memory = LookupMemory::default();
    assert_eq!(memory.place([11, 1, 1, 1].into(), &lookups), None);
    assert_eq!(memory.counts.of(LookupFile::City, LookupOutcome::Error), 1);
}

/// Opens what may be damaged and looks addresses up in it.
fn survives(bytes: Vec<u8>) {
    let lookups = lookups(bytes.clone(), bytes);
    for address in ["134.238.202.222", "66.159.216.54", "2d00:1::1", "11.0.0.1"] {
        place(address, &lookups);
    }
}

proptest! {
    #[test]
    fn a_damaged_database_is_refused_or_fails_look_ups(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0..8_u32), 1..12),
        is_city: bool,
    ) {
        let mut bytes = if is_city { mmdb::city() } else { mmdb::asn() };
        for (index, bit) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        survives(bytes);
    }

    #[test]
    fn a_database_without_its_end_or_beginning_is_refused_or_fails_look_ups(
        start in any::<proptest::sample::Index>(),
        end in any::<proptest::sample::Index>(),
    ) {
        let bytes = mmdb::city();
        survives(bytes[..end.index(bytes.len())].to_vec());
        survives(bytes[start.index(bytes.len())..].to_vec());
    }
}

#[test]
fn only_addresses_of_the_internet_are_places() {
    let public = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.0.1 \
                  172.32.0.0 192.0.1.0 198.17.255.255 198.20.0.0 223.255.255.255 2600:: \
                  2001:200:: 2003:: 3ffe::";
    let special = "0.0.0.0 10.1.2.3 100.64.0.0 100.127.255.255 127.0.0.1 169.254.169.254 \
                   172.16.0.0 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 \
                   198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1 240.0.0.1 \
                   255.255.255.255 :: ::1 ::ffff:1.1.1.1 64:ff9b::101:101 100::1 fc00::1 \
                   fe80::1 ff02::1 2001::1 2001:1ff:: 2001:db8::7 2002:101:101:: 3fff:fff::";
    for (addresses, expected) in [(public, true), (special, false)] {
        for address in addresses.split_whitespace() {
            let parsed = address.parse().unwrap();
            assert_eq!(is_public(parsed), expected, "{address}");
        }
    }
}
