//! Opens a file with events, or standard input.

use std::io::{self, Read};
use std::path::Path;

use crate::diagnostic::Problem;
use crate::input_file;

/// The name of standard input on the command line.
pub(super) const STANDARD_INPUT: &str = "-";

/// The contents of a file, or of standard input.
///
/// # Errors
/// The file cannot be read, or is none.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Problem> {
    match path.to_str() {
        Some(STANDARD_INPUT) => Ok(Box::new(io::stdin())),
        _ => Ok(Box::new(input_file::open(path)?)),
    }
}
