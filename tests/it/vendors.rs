//! The vendors whose mapping, golden cases and generated records are tested: one row each.

use std::cell::OnceCell;
use std::sync::{Arc, LazyLock};

use proptest::strategy::BoxedStrategy;
use watchbell::catalog::Catalogs;
use watchbell::enrich::geoip::{Database, DatabaseKind};
use watchbell::enrich::{self, LookupMemory, Lookups, Names, Networks};
use watchbell::event::{AuditEvent, RawRecord};
use watchbell::normalize::{Normalized, Within, normalize};
use watchbell::vendors;

use crate::mmdb;
use crate::samples::{self, Sample};

/// A vendor as these tests know it.
pub struct Vendor {
    /// Its word: `docs/mapping-<product>.md`, `tests/data/<product>/golden`.
    pub product: &'static str,
    /// The topic from which its golden cases are read.
    pub topic: &'static str,
    /// Its records as documented, one a line. Each of them is a golden case.
    pub documented: [&'static str; 2],
    /// The names file in force in its golden cases.
    pub names: &'static str,
    /// Attributes that its events never have.
    pub absent: &'static [&'static str],
    /// Its records, generated.
    pub samples: fn() -> BoxedStrategy<Sample>,
}

pub static VENDORS: [Vendor; 3] = [
    Vendor {
        product: "confluent",
        topic: "confluent-audit-log-events",
        documented: [
            include_str!("../data/confluent/seed.ndjson"),
            include_str!("../data/confluent/shapes.ndjson"),
        ],
        names: include_str!("../data/confluent/golden/names.yaml"),
        absent: vendors::CONFLUENT.absent,
        samples: samples::confluent,
    },
    Vendor {
        product: "actiontrail",
        topic: "actiontrail_audit",
        documented: [
            include_str!("../data/actiontrail/seed.ndjson"),
            include_str!("../data/actiontrail/shapes.ndjson"),
        ],
        names: include_str!("../data/actiontrail/golden/names.yaml"),
        absent: vendors::ACTIONTRAIL.absent,
        samples: samples::actiontrail,
    },
    Vendor {
        product: "redpanda",
        topic: "_redpanda.audit_log",
        documented: [include_str!("../data/redpanda/shapes.ndjson"), ""],
        names: include_str!("../data/redpanda/golden/names.yaml"),
        absent: vendors::REDPANDA.absent,
        samples: samples::redpanda,
    },
];

impl Vendor {
    /// What the values of its golden cases are looked up in.
    pub fn lookups(&self) -> Lookups {
        lookups(self.names)
    }

    /// The vendor's records as documented.
    pub fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.documented.iter().flat_map(|text| text.lines())
    }
}

/// These names, and the networks and places of all golden cases.
pub fn lookups(names: &str) -> Lookups {
    let networks = include_str!("../data/networks.yaml");
    let open =
        |bytes, kind| Arc::new(Database::open(bytes, kind, "test.mmdb").expect("a database"));
    Lookups {
        networks: Arc::new(Networks::parse_yaml(networks, "networks.yaml").expect("networks")),
        city: Some(open(mmdb::city(), DatabaseKind::City)),
        asn: Some(open(mmdb::asn(), DatabaseKind::Asn)),
        ..Names::parse_yaml(names, "names.yaml")
            .expect("names")
            .into()
    }
}

static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| Catalogs::shipped().expect("catalogues"));

/// Visits every event that a record holds, as rules see it.
pub fn each_event(
    record: &RawRecord<'_>,
    lookups: &Lookups,
    visit: &mut dyn FnMut(&AuditEvent<'_>),
) {
    each_event_within(record, &Within::default(), lookups, visit);
}

fn each_event_within(
    record: &RawRecord<'_>,
    within: &Within<'_>,
    lookups: &Lookups,
    visit: &mut dyn FnMut(&AuditEvent<'_>),
) {
    let portable = OnceCell::new();
    match &mut normalize(record, &portable, within, &CATALOGS, None) {
        Ok(Normalized::Event(event)) => {
            enrich::apply(event, lookups, &mut LookupMemory::default());
            visit(event);
        }
        Ok(Normalized::Container(container)) => {
            let Ok(within) = container.within(record, within) else {
                return;
            };
            for text in &container.events {
                let record = container.record_of(record, text);
                each_event_within(&record, &within, lookups, visit);
            }
        }
        Err(_) => {}
    }
}
