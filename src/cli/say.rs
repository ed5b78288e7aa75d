//! Messages of a command to people, on standard error.

use std::fmt;
use std::io::{self, Write};

use crate::observe::panics;
use crate::printable::printable_lines;

/// Writes a line to standard error. An error of writing is ignored, because standard error may be closed.
pub(super) fn say(line: impl fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(io::stderr(), "{}", printable_lines(&line));
}

/// Makes every panic print only its place in the code: its message could contain data of a record.
pub(super) fn report_panics() {
    panics::report(|place| say(format_args!("watchbell: a panic at {place}")));
}
