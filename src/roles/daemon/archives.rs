//! The parts of the archive: a loop for each output topic, and the care for the tables. None where there is no archive.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::output_topics::OutputTopics;
use super::parts::ArchivePart;
#[cfg(feature = "archive")]
use super::parts::CarePart;
use crate::config::{Archive, Config};
use crate::kafka::session::Shutdown;
use crate::observe::{
    ArchiveObserver, ArchiveState, CareObserver, CareState, Metrics, ServiceState,
};
use crate::pipeline::OutputTopic;
#[cfg(feature = "archive")]
use crate::roles::archive::Caretaker;
use crate::roles::outbox::Outbox;
use crate::roles::supervise::DaemonPart;

/// The topics that are archived, and what is seen of their loops from outside.
pub(super) struct Archives<'d> {
    config: &'d Config,
    #[cfg(feature = "archive")]
    archive: Option<&'d Archive>,
    topics: Vec<(&'d Archive, &'d OutputTopic, ArchiveObserver)>,
    care: Arc<ServiceState>,
    care_observer: CareObserver,
}

impl<'d> Archives<'d> {
    pub(super) fn new(
        (config, archive): (&'d Config, Option<&'d Archive>),
        metrics: &Arc<Metrics>,
    ) -> Archives<'d> {
        let topics = archive.into_iter().flat_map(|archive| {
            config.outputs.iter().map(move |output| {
                let state = Arc::new(ArchiveState::new(&output.topic));
                (
                    archive,
                    output,
                    ArchiveObserver::new(state, metrics.clone()),
                )
            })
        });
        Archives {
            config,
            #[cfg(feature = "archive")]
            archive,
            topics: topics.collect(),
            care: Arc::new(ServiceState::new("archive care")),
            care_observer: CareObserver::new(Arc::default(), metrics.clone()),
        }
    }

    /// What the probes show of the loops.
    pub(super) fn states(&self) -> Vec<Arc<ArchiveState>> {
        self.topics
            .iter()
            .map(|(_, _, observer)| observer.state())
            .collect()
    }

    /// What the page of the status shows of the care for the tables.
    pub(super) fn care_state(&self) -> Arc<CareState> {
        self.care_observer.state()
    }

    /// What the probes show of the care for the tables.
    pub(super) fn care(&self) -> Arc<ServiceState> {
        self.care.clone()
    }

    /// The parts.
    pub(super) fn parts<'p>(
        &'p self,
        topics: &'p OutputTopics<'p>,
        handle: &'p Handle,
        outbox: &'p Outbox,
        shutdown: &'p Shutdown,
    ) -> Vec<Box<dyn DaemonPart + 'p>> {
        #[cfg(feature = "archive")]
        let caretaker = Caretaker::default();
        let mut parts: Vec<Box<dyn DaemonPart + 'p>> = Vec::new();
        for (archive, output, observer) in &self.topics {
            parts.push(Box::new(ArchivePart {
                config: self.config,
                archive,
                output,
                #[cfg(feature = "archive")]
                caretaker: caretaker.clone(),
                topics,
                handle,
                observer,
                outbox,
                shutdown,
            }));
        }
        #[cfg(feature = "archive")]
        if let Some(archive) = self.archive {
            parts.push(Box::new(CarePart {
                state: self.care.clone(),
                archive,
                caretaker,
                handle,
                observer: self.care_observer.clone(),
                shutdown,
            }));
        }
        parts
    }
}
