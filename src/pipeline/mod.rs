//! One record through normalize, enrich, detect, route and encode.
// The API that the daemon composes; replaced as a whole by the real pipeline.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::event::{OutputRecord, RawRecord};
use crate::rules::{CurrentRules, Known};
use crate::sigma::{Level, UnknownField};

/// Field path.
#[derive(Debug)]
pub struct Path;

impl Path {
    /// Compile a field's name.
    ///
    /// # Errors
    /// No event has it.
    pub fn parse(_name: &str) -> Result<Path, UnknownField> {
        Ok(Path)
    }
}

/// Methods.
#[derive(Debug, Default)]
pub struct Catalog(());

impl Catalog {
    /// The catalogue compiled into the binary.
    pub fn shipped() -> Catalog {
        Catalog(())
    }

    /// What rules may name.
    pub fn known(&self) -> Known {
        let services = ["flink", "kafka", "iam"].map(String::from).into();
        Known {
            services: [("confluent".to_owned(), services)].into(),
            ..Known::default()
        }
    }
}

/// Names by id.
#[derive(Debug, Default)]
pub struct Names(());

impl Names {
    /// Read a names file.
    ///
    /// # Errors
    /// It is unreadable.
    pub fn load(path: &std::path::Path) -> Result<Names, std::io::Error> {
        std::fs::read(path).map(|_| Names(()))
    }
}

/// Names of the output topics.
#[derive(Debug, Clone)]
pub struct Topics {
    /// Normalized events.
    pub events: Arc<str>,
    /// Alerts.
    pub alerts: Arc<str>,
    /// Dead letters.
    pub dead_letters: Arc<str>,
}

/// Settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Output topics.
    pub topics: Topics,
    /// The largest record that they take, in bytes.
    pub max_message_bytes: usize,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An event.
    Event {
        /// The catalogue does not have its method.
        unknown_method: bool,
        /// Milliseconds since the Unix epoch.
        event_time_ms: i64,
        /// Rule id and level of each alert.
        alerts: Vec<(Arc<str>, Level)>,
    },
    /// A dead letter.
    DeadLetter {
        /// Metric label.
        reason: &'static str,
    },
}

/// The pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    settings: Settings,
}

impl Pipeline {
    /// Compose the stages.
    pub fn new(
        settings: Settings,
        _catalog: Arc<Catalog>,
        _rules: Arc<CurrentRules<Path>>,
        _names: Arc<ArcSwap<Names>>,
    ) -> Pipeline {
        Pipeline { settings }
    }

    /// Process one record.
    pub fn process(
        &self,
        record: &RawRecord<'_>,
        now_ms: i64,
        out: &mut Vec<OutputRecord>,
    ) -> Outcome {
        // The tests of the worker need a record that panics.
        assert_ne!(record.value, Some(&b"panic"[..]), "asked to");
        out.push(OutputRecord {
            topic: self.settings.topics.events.clone(),
            key: None,
            value: record.value.map(<[u8]>::to_vec),
            headers: Vec::new(),
        });
        Outcome::Event {
            unknown_method: false,
            event_time_ms: now_ms,
            alerts: Vec::new(),
        }
    }

    /// Dead letter for a record that may not be processed.
    pub fn refuse(
        &self,
        record: &RawRecord<'_>,
        reason: &str,
        _detail: &str,
        cut: bool,
        out: &mut Vec<OutputRecord>,
    ) {
        out.push(OutputRecord {
            topic: self.settings.topics.dead_letters.clone(),
            key: None,
            value: record.value.filter(|_| !cut).map(<[u8]>::to_vec),
            headers: vec![("watchbell-reason".into(), Some(reason.into()))],
        });
    }
}
