//! `init`: writes a commented configuration to start from.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::failure::Failure;
use super::say::say;
use crate::vendors::{VENDORS, Vendor};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// The vendor of the audit log.
    #[arg(value_parser = vendors())]
    vendor: &'static Vendor,
    /// Write to this file instead of standard output; the file must not exist yet.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn vendors() -> impl TypedValueParser<Value = &'static Vendor> {
    let names = VENDORS.map(|vendor| PossibleValue::new(vendor.product).help(vendor.about));
    let find = |name: String| VENDORS.into_iter().find(|vendor| vendor.product == name);
    PossibleValuesParser::new(names).try_map(move |name| find(name).ok_or("no such vendor"))
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let text = command.vendor.template.text.as_bytes();
    let Some(path) = &command.output else {
        return Ok(std::io::stdout().write_all(text)?);
    };
    let name = path.display();
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow!("{name} exists already and was not changed"),
        _ => anyhow!(error).context(format!("write {name}")),
    })?;
    file.write_all(text)
        .with_context(|| format!("write {name}"))?;
    say(format_args!(
        "{name} was written; replace the values marked REPLACE, then run `watchbell validate -c {name}`"
    ));
    Ok(())
}
