//! Limits of depth and length for what one module writes and another reads, in one place, so that readers
//! accept everything that writers may write.

/// Nesting of arrays and objects in a record of a source; a deeper one is a dead letter.
pub const SOURCE_DEPTH: usize = crate::json::DEPTH;

/// Nesting of an event. The input lies under `unmapped`, one of a binary CloudEvent under
/// `unmapped.data`, and the request of a login outside the cloud under `unmapped.api.request.data`.
pub const EVENT_DEPTH: usize = SOURCE_DEPTH + 2;

/// Nesting of an alert, which holds its event as `evidences[0].data`.
pub const ALERT_DEPTH: usize = EVENT_DEPTH + 3;

/// Most bytes of what a sink knows of one alert: its words, and beside them the record.
pub const NOTICE_WORDS_BYTES: usize = 16 * 1024;

/// Most bytes of the record that a sink shows.
pub const NOTICE_RECORD_BYTES: usize = 8 * 1024;

/// Most bytes of what a session or a sink notes beside a committed position. The follower of a sink's topic
/// adds up to 600 bytes to what a sink writes, which leaves them room; Kafka's default of
/// `offset.metadata.max.bytes` is 4,096.
pub const COMMIT_NOTE_BYTES: usize = 3_500;
