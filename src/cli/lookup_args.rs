//! The options that name the files in which values of events are looked up.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::enrich::LookupFiles;

#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// The names file, in place of that of the configuration.
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// The networks file, in place of that of the configuration.
    #[arg(long, value_name = "FILE")]
    networks: Option<PathBuf>,
    /// The City or Country database in MaxMind's format, in place of that of the configuration.
    #[arg(long, value_name = "FILE")]
    geoip_city: Option<PathBuf>,
    /// The ASN database in MaxMind's format, in place of that of the configuration.
    #[arg(long, value_name = "FILE")]
    geoip_asn: Option<PathBuf>,
}

impl LookupArgs {
    /// The files that are named here, and for the others those of the configuration.
    pub(super) fn files(&self, config: Option<&Config>) -> LookupFiles {
        let named = LookupFiles {
            names: self.names.clone(),
            networks: self.networks.clone(),
            city: self.geoip_city.clone(),
            asn: self.geoip_asn.clone(),
        };
        match config {
            Some(config) => named.or_else(config.lookups.clone()),
            None => named,
        }
    }
}
