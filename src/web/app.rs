//! What the page is served from, shared by all requests.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::audit::Audit;
use super::login::user::User;
use super::login::ways::{Login, LoginError};
use super::rule_book::RuleBook;
use super::snapshot::{Snapshot, Snapshots};
use super::standings::Standings;
use super::triage::{TriageWriter, Triages};
use super::verifications::Verifications;
use crate::config::{self, Config};
use crate::pipeline::{self, Catalogs, Content};
use crate::rules::CurrentRules;
use crate::sigma::Placeholders;

/// Most questions that are answered at the same time.
const QUESTIONS: usize = 8;

/// What the page is served from.
#[derive(Clone)]
pub struct Web(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) page: config::Page,
    pub(super) placeholders: Placeholders,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) triages: Arc<Triages>,
    pub(super) writer: TriageWriter,
    pub(super) alerts_topic: Arc<str>,
    pub(super) login: Login,
    pub(super) audit: Arc<Audit>,
    pub(super) rules: RuleBook,
    pub(super) standings: Standings,
    pub(super) verifications: Verifications,
    questions: Arc<Semaphore>,
    /// Whether an archive is configured.
    pub(super) has_archive: bool,
    /// The operations that give somebody rights, or take them away.
    pub(super) grants: Vec<String>,
}

impl Web {
    /// The page of a configuration, which is answered from snapshots, rules and records of triage that somebody keeps;
    /// somebody writes the audit.
    ///
    /// # Errors
    /// Nobody could log in.
    pub fn new(
        (config, page): (&Arc<Config>, &config::Page),
        catalogs: &Catalogs,
        (rules, placeholders): (Arc<CurrentRules<pipeline::Path>>, Placeholders),
        snapshots: Arc<Snapshots>,
        triages: Arc<Triages>,
        audit: Arc<Audit>,
    ) -> Result<Web, LoginError> {
        Ok(Web(Arc::new(Shared {
            login: Login::new(&page.access)?,
            audit,
            rules: RuleBook::new(rules, config.rules.clone()),
            config: config.clone(),
            standings: Standings::new(config),
            verifications: Verifications::default(),
            page: page.clone(),
            placeholders,
            snapshots,
            triages,
            writer: TriageWriter::new(config),
            alerts_topic: config.outputs.of(Content::Alerts).topic.clone(),
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            has_archive: config.archive.is_some(),
            grants: catalogs.grants().into_iter().map(str::to_owned).collect(),
        })))
    }

    /// A snapshot that is some seconds old at most, without what is hidden from this reader. There is no other way to one.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(super) async fn snapshot(&self, of: &User) -> Result<Arc<Snapshot>, String> {
        let snapshot = self.0.snapshots.get().await;
        let snapshot = snapshot.map_err(|reason| reason.to_string())?;
        match self.0.page.access.policy_of(of.role) {
            None => Ok(snapshot),
            Some(policy) => {
                let hidden = snapshot.hiding(policy).await;
                hidden.map_err(|error| error.to_string())
            }
        }
    }

    /// Whether fields are hidden from this reader.
    pub(super) fn hides_from(&self, of: &User) -> bool {
        self.0.page.access.policy_of(of.role).is_some()
    }

    /// Waits for its turn: the number of questions that are answered at the same time is limited.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        self.0.questions.clone().acquire_owned().await.ok()
    }
}
