//! The argument that names the configuration file, and how the file is read.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::say::say;
use crate::config::{self, Config, Draft, Loaded};

/// The argument with the path of the configuration file.
#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// The configuration file.
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        default_value = "watchbell.yaml"
    )]
    pub(super) path: PathBuf,
}

impl ConfigFile {
    pub(super) fn load(&self) -> Result<Config, Failure> {
        load_config(&self.path)
    }

    /// Reads the file even if it has faults, which are returned with it.
    pub(super) fn draft(&self) -> Draft {
        config::draft(&self.path)
    }
}

pub(super) fn load(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(Failure::configuration)
}

/// Reads a configuration and shows its warnings.
pub(super) fn load_config(path: &Path) -> Result<Config, Failure> {
    let loaded = load(path)?;
    loaded.warnings().iter().for_each(say);
    Ok(loaded.config)
}
