//! What the page is served from, shared by all requests.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::answers::Answers;
use super::audit::Audit;
use super::background::Background;
use super::login::user::User;
use super::login::ways::{Login, LoginError};
use super::retries::{CurrentPipeline, Retries};
use super::rule_book::RuleBook;
use super::snapshot::{Snapshot, Snapshots};
use super::standings::Standings;
use super::triage::{TriageWriter, Triages};
use super::turns::Turns;
use super::verifications::Verifications;
use crate::config::{self, Config};
use crate::pipeline::{self, Catalogs, Content};
use crate::privacy::Policy;
use crate::query::archive::Conditions;
use crate::rules::CurrentRules;
use crate::sigma::Placeholders;

/// Most questions that are answered at the same time.
const QUESTIONS: usize = 8;

/// Most downloads that are written at the same time; others wait.
const DOWNLOADS: usize = 4;

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
    pub(super) retries: Retries,
    pub(super) answers: Answers,
    questions: Turns,
    /// Of downloads, which may take as long as their readers need.
    pub(super) downloads: Turns,
    pub(super) background: Background,
    /// Whether an archive is configured.
    pub(super) has_archive: bool,
    /// The operations that give somebody rights, or take them away.
    pub(super) grants: Vec<String>,
}

impl Web {
    /// The page of a configuration, which is answered from snapshots, rules and records of triage that somebody keeps;
    /// somebody writes the audit. Dead letters are retried through `pipeline`; what takes long is done in the background.
    ///
    /// # Errors
    /// Nobody could log in.
    pub fn new(
        (config, page): (&Arc<Config>, &config::Page),
        catalogs: &Catalogs,
        (rules, placeholders): (Arc<CurrentRules<pipeline::Path>>, Placeholders),
        (snapshots, triages): (Arc<Snapshots>, Arc<Triages>),
        audit: Arc<Audit>,
        pipeline: CurrentPipeline,
        background: Background,
    ) -> Result<Web, LoginError> {
        Ok(Web(Arc::new(Shared {
            login: Login::new(&page.access)?,
            audit,
            rules: RuleBook::new(rules, config.rules.clone()),
            config: config.clone(),
            standings: Standings::new(config),
            verifications: Verifications::default(),
            retries: Retries::new(pipeline),
            page: page.clone(),
            placeholders,
            snapshots,
            triages,
            writer: TriageWriter::new(config),
            alerts_topic: config.outputs.of(Content::Alerts).topic.clone(),
            answers: Answers::default(),
            questions: Turns::new(QUESTIONS),
            downloads: Turns::new(DOWNLOADS),
            background,
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
        match self.policy_of(of) {
            None => Ok(snapshot),
            Some(policy) => {
                let hidden = snapshot.hiding(policy).await;
                hidden.map_err(|error| error.to_string())
            }
        }
    }

    /// Whether fields are hidden from this reader.
    pub(super) fn hides_from(&self, of: &User) -> bool {
        self.policy_of(of).is_some()
    }

    /// What says which fields are hidden from this reader.
    fn policy_of(&self, of: &User) -> Option<&Arc<Policy>> {
        self.0.page.access.policy_of(of.role)
    }

    /// Its name: readers with the same one are given the same answers.
    pub(super) fn policy_name_of(&self, of: &User) -> Option<String> {
        self.policy_of(of).map(|policy| policy.name.clone())
    }

    /// Waits for its turn: the number of questions that are answered at the same time is limited.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.0.questions.take().await
    }

    /// What a question that reads columns of a long time is answered, in the background, when its turn has come. It ends when
    /// nobody waits for it.
    ///
    /// # Errors
    /// Those of the question, for a person.
    pub(super) async fn long<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, String>> + Send + 'static,
    ) -> Result<T, String> {
        let _turn = self.0.background.turns.take().await;
        self.in_background(question).await
    }

    /// The same at once.
    ///
    /// # Errors
    /// Those of the question, for a person.
    pub(super) async fn in_background<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, String>> + Send + 'static,
    ) -> Result<T, String> {
        let answer = self.0.background.answer(question).await;
        answer.map_err(|error| error.to_string())?
    }

    /// The turn that a search for the newest rows with these conditions takes.
    pub(super) async fn search_turn(
        &self,
        conditions: &Conditions,
    ) -> Option<OwnedSemaphorePermit> {
        match conditions.reads_much() {
            false => self.permit().await,
            true => self.0.background.searches.take().await,
        }
    }

    /// The turn that counting the rows with these conditions takes.
    pub(super) async fn count_turn(&self, conditions: &Conditions) -> Option<OwnedSemaphorePermit> {
        match conditions.reads_much() {
            false => self.permit().await,
            true => self.0.background.turns.take().await,
        }
    }

    /// Where an answer to a question with these conditions is written.
    pub(super) fn threads_for(&self, conditions: &Conditions) -> Handle {
        match conditions.reads_much() {
            false => Handle::current(),
            true => self.0.background.handle().clone(),
        }
    }
}
