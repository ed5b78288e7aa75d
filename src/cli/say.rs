//! What a command tells a person, on standard error.

use std::fmt;
use std::io::{self, Write};

use crate::observe::panics;
use crate::printable::printable_lines;

/// Write a line to standard error; whoever closed it does not want to read it.
pub(super) fn say(line: impl fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(io::stderr(), "{}", printable_lines(&line));
}

/// Say of every panic where it was, and nothing else.
pub(super) fn say_panics() {
    panics::report(|place| say(format_args!("watchbell: a panic at {place}")));
}
