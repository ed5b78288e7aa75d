//! The section of a cluster: bootstrap servers, credentials and librdkafka properties.

use std::collections::BTreeMap;

use crate::kafka::client::is_secret;
use crate::kafka::{Cluster, Credentials};
use crate::settings::{Fault, Section};

/// The cluster that this section describes.
pub(super) fn cluster(section: &Section<'_>, faults: &mut Vec<Fault>) -> Cluster {
    let credentials = match (
        section.secret("api_key", faults),
        section.secret("api_secret", faults),
    ) {
        (Some(key), Some(secret)) => Some(Credentials { key, secret }),
        (None, None) => None,
        (key, _) => {
            let (set, missing) = match key {
                Some(_) => ("api_key", "api_secret"),
                None => ("api_secret", "api_key"),
            };
            let variable = section.variable(missing);
            let fault = section.fault(missing, format!("missing, although {set} is set"));
            faults.push(fault.remedy(format!("set {missing}_file, or the variable {variable}")));
            None
        }
    };
    Cluster {
        bootstrap: section.required("bootstrap", faults),
        credentials,
        properties: properties(&section.section("kafka"), faults),
    }
}

fn properties(section: &Section<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    for name in section.names() {
        match name.strip_suffix("_file") {
            Some(property) if is_secret(property) => {
                if let Some(secret) = section.secret(property, faults) {
                    properties.insert(property.to_owned(), secret);
                }
            }
            _ => {
                if let Some(text) = section.text(name) {
                    properties.insert(name.to_owned(), text);
                }
            }
        }
    }
    properties
}
