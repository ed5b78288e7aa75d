//! What a pipeline is given beside rules: names, networks, databases of places and systems, and ten routes.

use std::sync::Arc;

use serde_json::json;
use watchbell::enrich::geoip::{Database, DatabaseKind};
use watchbell::enrich::{Lookups, Names, Networks};
use watchbell::route::{self, Routes};
use watchbell::yaml;

use crate::corpus;
use crate::mmdb;

/// Routes as teams have them: most are about changes, refusals and single services.
const ROUTES: &str = "\
- {name: changes, when: {s: {metadata.labels: 'access:write'}, robots: {actor.user.name|startswith: ci-}, condition: s and not robots}, to: audit.changes, key: resources.uid, continue: true}
- {name: refused, when: {status: Failure}, to: security.refused, shape: lean, continue: true}
- {name: guests, when: {src_endpoint.zone: guest, metadata.labels: 'access:write'}, to: security.guests, continue: true}
- {name: keys, when: {api.operation: [CreateAPIKey, DeleteAPIKey, UpdateAPIKey]}, to: security.keys}
- {name: statements, when: {api.operation|endswith: Statement, metadata.labels: 'access:write'}, to: team.flink, shape: lean}
- {name: schemas, when: {api.operation|startswith: 'schema-registry.Register'}, to: team.schemas, shape: {fields: [time, actor.user, api.operation, resources]}}
- {name: connectors, when: {api.operation|endswith: Connector}, to: team.connect, key: none}
- {name: payments, when: {resources.name|startswith: payments}, to: team.payments}
- {name: roles, when: {api.operation: [BindRoleForPrincipal, UnbindRoleForPrincipal]}, to: security.roles, shape: raw}
- {name: heartbeats, when: {api.operation: GetEnvironments, actor.user.name: heartbeat}, drop: true}
";

/// The topics of these routes.
pub const TOPICS: [&str; 9] = [
    "audit.changes",
    "security.refused",
    "security.guests",
    "security.keys",
    "team.flink",
    "team.schemas",
    "team.connect",
    "team.payments",
    "security.roles",
];

pub fn routes() -> Routes {
    let (routes, problems) = route::read(&yaml::document(ROUTES).expect("YAML"));
    assert!(problems.is_empty(), "{problems:?}");
    routes
}

/// The names of the corpus.
pub fn names() -> Lookups {
    let names = Names::parse_yaml(&corpus::names(), "names.yaml");
    names.expect("names").into()
}

/// The same with 5,000 networks and two databases.
pub fn everything() -> Lookups {
    let networks = Networks::parse_yaml(&corpus::networks(), "networks.yaml");
    Lookups {
        networks: Arc::new(networks.expect("networks")),
        city: Some(city()),
        asn: Some(systems()),
        ..names()
    }
}

/// A place for each public network.
fn city() -> Arc<Database> {
    let place = |(first, second): (u64, u64)| {
        let said = json!({
            "city": {"names": {"en": format!("City {second}"), "de": format!("Stadt {second}")}},
            "continent": {"code": "EU", "names": {"en": "Europe"}},
            "country": {"iso_code": "DE", "names": {"en": "Germany"}},
            "location": {"latitude": first as f64, "longitude": second as f64, "accuracy_radius": {"u16": 5}},
            "subdivisions": [{"iso_code": "BE", "names": {"en": "Berlin"}}],
        });
        (format!("{first}.{second}.0.0"), 20, said)
    };
    database(
        "GeoLite2-City",
        DatabaseKind::City,
        corpus::public_networks().map(place),
    )
}

/// An autonomous system for each 256 of them.
fn systems() -> Arc<Database> {
    let system = |first: u64| {
        let said = json!({
            "autonomous_system_number": {"u32": 64_496 + first},
            "autonomous_system_organization": format!("Example Networks {first}"),
        });
        (format!("{first}.0.0.0"), 8, said)
    };
    let all = (34..50).map(system);
    database("GeoLite2-ASN", DatabaseKind::Asn, all)
}

fn database(
    name: &str,
    kind: DatabaseKind,
    entries: impl Iterator<Item = (String, u32, serde_json::Value)>,
) -> Arc<Database> {
    let entries: Vec<_> = entries.collect();
    let entries: Vec<_> = entries
        .iter()
        .map(|(address, length, said)| (&**address, *length, said.clone()))
        .collect();
    let bytes = mmdb::database(name, &entries);
    Arc::new(Database::open(bytes, kind, "bench.mmdb").expect("a database"))
}
