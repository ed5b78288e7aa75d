//! The options of the commands that ask the archive that say in which form the answer is given.

use std::path::PathBuf;

use clap::Args;

use super::download::form_of;
use crate::cli::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// Print a line of JSON for each record or row.
    #[arg(long, conflicts_with_all = ["csv", "output"])]
    pub(super) json: bool,
    /// Print comma-separated values, of records all columns of the table. Null is an empty cell, an empty text is \"\".
    #[arg(long, conflicts_with = "output")]
    pub(super) csv: bool,
    /// Write all of the answer to this file, with a manifest beside it: .parquet and .csv have columns, of records those
    /// of the table, .ndjson has a line of JSON for each record or row; .gz may follow the last two.
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl OutputArgs {
    /// Whether the file can be written by its name.
    ///
    /// # Errors
    /// The name does not say the form.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.output {
            Some(path) => form_of(path).map(drop),
            None => Ok(()),
        }
    }
}
