//! Field paths.
/// A path.
pub struct Path;
