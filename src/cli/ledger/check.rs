//! `ledger verify`: whether a day of the archive is complete and unaltered.

use std::io::Write;

use anyhow::anyhow;
use jiff::Timestamp;

use super::arguments::Verify;
use crate::archive::day_number;
use crate::cli::failure::Failure;
use crate::config::{Archive, Config};
use crate::query::ledger::{Effort, Report, Verification, fault_line};
use crate::view::{printable, printable_json};

pub(super) fn verify(config: &Config, archive: &Archive, command: &Verify) -> Result<(), Failure> {
    let verification = Verification {
        config,
        archive,
        source: command.source.as_deref(),
        day: day_number(&command.day.to_string()),
        now: Timestamp::now(),
        effort: Effort::whole(),
    };
    let report = verification.report().map_err(anyhow::Error::from)?;
    write(&report, command.json, &mut std::io::stdout().lock())?;
    report.result().map_err(|why| anyhow!(why).into())
}

fn write(report: &Report, is_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if is_json {
        writeln!(out, "{}", printable_json(&report.json().to_string()))?;
        return Ok(());
    }
    for fault in &report.faults.named {
        writeln!(out, "{}", printable(&fault_line(fault)))?;
    }
    for note in report.notes() {
        writeln!(out, "note: {}", printable(&note))?;
    }
    writeln!(out, "{}", report.summary())?;
    Ok(())
}
