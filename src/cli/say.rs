//! Messages of a command to people, on standard error.

use std::fmt;
use std::io::{self, Write};

use crate::observe::panics;
use crate::printable::printable_lines;

/// Write a line to standard error; errors are ignored, since it may be closed.
pub(super) fn say(line: impl fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(io::stderr(), "{}", printable_lines(&line));
}

/// Report every panic by its place in the code only.
pub(super) fn say_panics() {
    panics::report(|place| say(format_args!("watchbell: a panic at {place}")));
}
