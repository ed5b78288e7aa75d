//! From a source topic to destination topics, each record exactly once, also across two clusters.
//! An ownership group on the destination shares the source's partitions (`owner`), a reader without
//! a group reads them (`source_reader`), a transaction commits outputs and positions together (`writer`).
//! `turn` is the loop. It composes values that own their state and are told the time: `gathering`, `pace`,
//! `figures`, `growth`, `mirror`, `readiness`, `positions`, `first_positions`, `blame`, `transaction`; `failure` says
//! how a session recovers.
//! Invariant: a position is committed with the outputs of every record before it, by the member
//! that owns the partition at that moment, or not at all.

mod batches;
mod blame;
mod clock;
mod cluster_facts;
mod commit;
mod committed_position;
mod config;
mod deadline;
mod deliveries;
mod error;
mod failure;
mod figures;
mod first_positions;
mod gathering;
mod growth;
mod health;
mod mirror;
mod notes;
mod observe;
mod offsets;
mod open;
mod owner;
mod ownership;
mod pace;
mod positions;
mod readable_search;
mod readiness;
mod recover;
mod settle;
mod settle_schedule;
mod source_reader;
mod transaction;
mod turn;
mod unreadable;
mod verdict;
mod worker;
mod worker_state;
mod writer;

pub use config::{
    DEFAULT_POSITIONS_TOPIC, Delivery, MAX_OUTPUT_BATCH_BYTES, OnGap, SessionConfig, Start,
    transactional_id_prefix,
};
pub use error::SessionError;
pub use observe::{Commit, Gap, Lag, NotReady, SessionObserver, Shutdown, Silent, Unreadable};
pub use offsets::{
    Members, Move, MoveTarget, Offsets, OffsetsError, Same, SeenPosition, would_stop,
};
pub use open::run;
pub use worker::{
    Advice, Cause, Outputs, Records, Refusal, Refusals, RefusedOutput, SourceRecord, Worker,
};
pub use worker_state::{Kept, WorkerState};
