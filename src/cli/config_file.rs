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

    /// The configuration with its archive, which a command asks.
    ///
    /// # Errors
    /// It has faults, or no archive.
    #[cfg(feature = "archive")]
    pub(super) fn load_with_archive(&self) -> Result<(Config, config::Archive), Failure> {
        let config = self.load()?;
        match config.archive.clone() {
            Some(archive) => Ok((config, archive)),
            None => Err(Failure::configuration([format!(
                "{}: error: there is no archive to ask\n  help: write the section `archive`; see docs/archive.md",
                self.path.display()
            )])),
        }
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

/// Checks what only the archive itself knows of its section.
pub(super) fn check_archive(config: &Config) -> Result<(), Failure> {
    #[cfg(feature = "archive")]
    if let Some(archive) = &config.archive {
        let care = crate::roles::archive::CareConfig::new(archive);
        care.map_err(|fault| Failure::configuration([fault]))?;
    }
    #[cfg(not(feature = "archive"))]
    let _ = config;
    Ok(())
}
