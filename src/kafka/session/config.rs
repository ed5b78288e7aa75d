//! The settings of a session: clusters, names, delivery, start, and limits.
//! Invariant: `transaction.timeout.ms` + 10 s < `session.timeout.ms`, so that a dead member's open
//! transaction is aborted (the coordinator scans every 10 s) before its partitions move.

use std::time::Duration;

use super::error::SessionError;
use crate::kafka::{BrokerKind, Cluster};

/// Whether outputs and positions are committed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// In one transaction; readers with `isolation.level=read_committed` see each record once.
    #[default]
    ExactlyOnce,
    /// Positions follow confirmed outputs; a crash in between repeats records.
    AtLeastOnce,
}

/// Where a source is read from when it has no position yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest record there is.
    #[default]
    Earliest,
    /// With the first record written from now on.
    Latest,
    /// With the first record whose timestamp is at or after this, in ms since the Unix epoch.
    Timestamp(i64),
}

/// What happens when records expired before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnGap {
    /// Report the gap and go on with the oldest record there is.
    #[default]
    Continue,
    /// Stop with an explanation.
    Stop,
}

/// Where positions are noted unless the configuration says otherwise.
pub const DEFAULT_POSITIONS_TOPIC: &str = "watchbell.positions";

/// Everything a session needs to know.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Cluster to read from.
    pub source: Cluster,
    /// Cluster to write to; positions live there too.
    pub destination: Cluster,
    /// The source's name in the configuration; names the ownership topic and the transactions.
    pub source_name: String,
    /// Topic to read.
    pub source_topic: String,
    /// What answers at the source cluster.
    pub broker: BrokerKind,
    /// Consumer group on the destination cluster that shares the source's partitions.
    pub group: String,
    /// Compacted topic on the destination that remembers positions when the group forgets them.
    pub positions_topic: String,
    /// Group on the source cluster to which positions are copied for its dashboards; never read
    /// back. Not used where source and destination are one cluster.
    pub lag_group: Option<String>,
    /// Number of this process among its peers, unique in the group.
    pub ordinal: u32,
    /// Number of this session in its process.
    pub worker: u32,
    /// Exactly once, or at least once.
    pub delivery: Delivery,
    /// Where to begin without a position.
    pub start: Start,
    /// What to do about expired records.
    pub on_gap: OnGap,
    /// Longest time between the first record of a transaction and its commit.
    pub commit_interval_ms: u64,
    /// Most source records in a transaction.
    pub commit_records: usize,
    /// Most bytes of source keys and values in a transaction; one larger record goes alone.
    pub commit_bytes: usize,
    /// Most bytes of outputs that the brokers are sent as one batch, which a topic takes or refuses
    /// as a whole: what the one with the smallest `max.message.bytes` takes.
    pub output_batch_bytes: usize,
    /// The group removes a member from which it has heard nothing for so long.
    pub session_timeout_ms: u64,
    /// The cluster aborts an abandoned transaction after this.
    pub transaction_timeout_ms: u64,
    /// Time from the request to shut down to the return of `run`.
    pub shutdown_budget_ms: u64,
}

/// A batch need not be larger, however much the topics take.
pub const MAX_OUTPUT_BATCH_BYTES: usize = 1_000_000;

/// How often a transaction coordinator looks for abandoned transactions:
/// `transaction.abort.timed.out.transaction.cleanup.interval.ms`, 10 s by default.
const COORDINATOR_SCAN_MS: u64 = 10_000;

/// What the transactional ids of a deployment begin with, and those of no other.
pub fn transactional_id_prefix(group: &str) -> String {
    format!("{group}/")
}

impl SessionConfig {
    /// A session with the defaults of the configuration file.
    pub fn new(
        source: Cluster,
        destination: Cluster,
        source_name: impl Into<String>,
        source_topic: impl Into<String>,
    ) -> SessionConfig {
        SessionConfig {
            broker: BrokerKind::of(&source.bootstrap),
            source,
            destination,
            source_name: source_name.into(),
            source_topic: source_topic.into(),
            group: "watchbell".into(),
            positions_topic: DEFAULT_POSITIONS_TOPIC.into(),
            lag_group: None,
            ordinal: 0,
            worker: 0,
            delivery: Delivery::default(),
            start: Start::default(),
            on_gap: OnGap::default(),
            commit_interval_ms: 100,
            commit_records: 10_000,
            commit_bytes: 16 * 1024 * 1024,
            output_batch_bytes: MAX_OUTPUT_BATCH_BYTES,
            session_timeout_ms: 45_000,
            transaction_timeout_ms: 10_000,
            shutdown_budget_ms: 25_000,
        }
    }

    /// `<group>/<source>/<ordinal>/<worker>`: a successor with the same numbers fences this one.
    pub fn transactional_id(&self) -> String {
        self.transactional_id_of(&format!("{}/{}", self.ordinal, self.worker))
    }

    /// `<group>/<source>/<part>`. No group and no source has a `/` in its name, so that no two
    /// deployments or sources can have one id.
    pub(super) fn transactional_id_of(&self, part: &str) -> String {
        let prefix = transactional_id_prefix(&self.group);
        format!("{prefix}{}/{part}", self.source_name)
    }

    /// Whether the settings go together.
    ///
    /// # Errors
    /// Two of them contradict each other.
    pub fn check(&self) -> Result<(), SessionError> {
        let needed_ms = self.transaction_timeout_ms + COORDINATOR_SCAN_MS;
        if needed_ms >= self.session_timeout_ms {
            return Err(SessionError::Config(format!(
                "transaction timeout {} ms + {COORDINATOR_SCAN_MS} ms must be less than the session \
                 timeout {} ms",
                self.transaction_timeout_ms, self.session_timeout_ms
            )));
        }
        if self.commit_records == 0 || self.commit_bytes == 0 {
            return Err(SessionError::Config(
                "commit_records and commit_bytes must be at least 1".into(),
            ));
        }
        Ok(())
    }

    pub(super) fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.commit_interval_ms)
    }

    pub(super) fn transaction_timeout(&self) -> Duration {
        Duration::from_millis(self.transaction_timeout_ms)
    }

    pub(super) fn shutdown_budget(&self) -> Duration {
        Duration::from_millis(self.shutdown_budget_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SessionConfig {
        let cluster = Cluster::plaintext("localhost:1");
        SessionConfig::new(cluster.clone(), cluster, "confluent", "audit")
    }

    #[test]
    fn the_defaults_hold_the_invariant() {
        assert!(config().check().is_ok());
    }

    #[test]
    fn a_transaction_that_outlives_its_owner_is_refused() {
        let mut config = config();
        config.session_timeout_ms = 20_000;
        let error = config.check().expect_err("refused").to_string();
        assert!(error.contains("10000 ms + 10000 ms"), "{error}");
    }

    #[test]
    fn the_transactional_id_names_group_source_process_and_session() {
        let mut config = config();
        config.ordinal = 2;
        config.worker = 1;
        assert_eq!(config.transactional_id(), "watchbell/confluent/2/1");
    }

    #[test]
    fn no_two_deployments_or_sources_have_one_transactional_id() {
        let id = |group: &str, source: &str| {
            let mut config = config();
            (config.group, config.source_name) = (group.into(), source.into());
            config.transactional_id()
        };
        assert_ne!(
            id("watchbell", "eu-confluent"),
            id("watchbell-eu", "confluent")
        );
        assert_ne!(id("watchbell", "a-1"), id("watchbell-a", "1"));
        let prefix = transactional_id_prefix("watchbell");
        assert!(id("watchbell", "confluent").starts_with(&prefix));
        assert!(!id("watchbell-eu", "confluent").starts_with(&prefix));
    }
}
