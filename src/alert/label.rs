//! OCSF `metadata.labels` of alerts: what their readers treat differently.

/// Label of alerts of a rule with `status: experimental`.
pub const EXPERIMENTAL: &str = "status:experimental";

/// Label of alerts that a suppression keeps from people.
pub const SUPPRESSED: &str = "status:suppressed";

/// Label of events and alerts made by `replay`.
pub const REPLAYED: &str = "origin:replay";

/// Label of events and alerts of dead letters that were retried.
pub const RETRIED: &str = "origin:retry";

/// Label of alerts of records that a source held before it was read for the first time.
pub const HISTORY: &str = "origin:history";

/// Label of alerts made by `fire`.
pub const TEST: &str = "origin:test";
