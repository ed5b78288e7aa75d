//! Observability of the daemon: metrics, probes, log.
//! Invariant: nothing here stops or delays a record, and no label of a metric contains a principal, an
//! address, a resource or an event's id.

mod archive;
pub mod descriptors;
mod exposition;
pub mod health;
pub mod http;
pub mod log;
pub mod metrics;
pub mod panics;
mod readiness;
mod sink;
mod source;
mod status;

pub use archive::{ArchiveObserver, ArchiveState, CareObserver, CareState};
pub use exposition::exposition;
pub use health::{Health, ServiceState};
pub use metrics::{Metrics, MetricsError};
pub use sink::{SinkObserver, SinkState};
pub use source::{SourceObserver, SourceState};
