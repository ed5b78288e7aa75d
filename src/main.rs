//! Parse the command line, run the command, turn its result into an exit code.
fn main() {}
