//! Where each source stands, as Kafka says it: asked while somebody reads, at most once in some seconds however many read.
//! Each source is asked on a thread of its own, so that one cluster that does not answer keeps no other source waiting.
//! Nobody waits long: while others read, too, what they were told some seconds ago is shown at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::kafka::session::{Offsets, OffsetsError, SeenPosition, SessionConfig};
use crate::page::Standing;

/// Age from which a source is asked again.
const AGE: Duration = Duration::from_secs(5);

/// Age up to which nobody waits for the new answer: what is known is shown with its time.
const SHOWN_AGE: Duration = Duration::from_secs(15);

/// How long a reader waits for the answer of a source after it was asked.
const PATIENCE: Duration = Duration::from_secs(3);

/// The sources of the configuration.
pub(super) struct Standings(Vec<Arc<AskedSource>>);

/// A source.
struct AskedSource {
    session: SessionConfig,
    /// What is known of it, and when it was last answered.
    known: watch::Sender<(Standing, Option<Instant>)>,
    /// Since when it is being asked.
    asked: Mutex<Option<Instant>>,
}

impl Standings {
    pub(super) fn new(config: &Config) -> Standings {
        let sources = config.sessions(0).into_iter().map(|session| {
            Arc::new(AskedSource {
                session,
                known: watch::Sender::new((Standing::default(), None)),
                asked: Mutex::new(None),
            })
        });
        Standings(sources.collect())
    }

    /// Where each source stands, by its name; some seconds old, or older if its clusters do not answer.
    pub(super) async fn now(&self) -> BTreeMap<String, Standing> {
        let all = self
            .0
            .iter()
            .map(|source| async { (source.session.source_name.clone(), source.now().await) });
        join_all(all).await.into_iter().collect()
    }
}

impl AskedSource {
    async fn now(self: &Arc<AskedSource>) -> Standing {
        let mut known = self.known.subscribe();
        if let Some(since) = self.ask()
            && !self.is_younger_than(SHOWN_AGE)
        {
            let is_new = |(_, answered): &(Standing, Option<Instant>)| {
                answered.is_some_and(|answered| answered >= since)
            };
            if timeout_at(since + PATIENCE, known.wait_for(is_new))
                .await
                .is_err()
            {
                let (standing, _) = known.borrow().clone();
                return Standing {
                    is_late: true,
                    ..standing
                };
            }
        }
        let (standing, _) = known.borrow().clone();
        standing
    }

    /// Sees to it that the source is being asked, unless what is known is new; since when it is.
    fn ask(self: &Arc<AskedSource>) -> Option<Instant> {
        let mut asked = self.asked();
        if asked.is_some() {
            return *asked;
        }
        if self.is_younger_than(AGE) {
            return None;
        }
        let since = Instant::now();
        *asked = Some(since);
        drop(asked);
        let asking = Asking(self.clone());
        spawn_blocking(move || asking.0.take(look(&asking.0.session)));
        Some(since)
    }

    /// Whether the newest answer is.
    fn is_younger_than(&self, age: Duration) -> bool {
        let (_, answered) = *self.known.borrow();
        answered.is_some_and(|answered| answered.elapsed() < age)
    }

    /// Takes an answer. What was known stays where there is none.
    fn take(&self, answer: Result<Vec<SeenPosition>, OffsetsError>) {
        self.known.send_modify(|(standing, answered)| {
            *answered = Some(Instant::now());
            match answer {
                Ok(positions) => {
                    *standing = Standing {
                        positions,
                        at_ms: Timestamp::now().as_millisecond(),
                        trouble: None,
                        is_late: false,
                    };
                }
                Err(error) => standing.trouble = Some(error.to_string()),
            }
        });
    }

    fn asked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source that is being asked, until this is dropped.
struct Asking(Arc<AskedSource>);

impl Drop for Asking {
    fn drop(&mut self) {
        *self.0.asked() = None;
    }
}

/// Asks both clusters. It blocks.
fn look(session: &SessionConfig) -> Result<Vec<SeenPosition>, OffsetsError> {
    Offsets::open(session)?.show()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{NextOffset, Partition};
    use crate::kafka::session::Same;

    fn source() -> Arc<AskedSource> {
        let cluster = crate::kafka::Cluster {
            bootstrap: "127.0.0.1:1".into(),
            ..Default::default()
        };
        Arc::new(AskedSource {
            session: SessionConfig::new(cluster.clone(), cluster, "audit", "watchbell"),
            known: watch::Sender::new((Standing::default(), None)),
            asked: Mutex::new(None),
        })
    }

    fn seen() -> SeenPosition {
        SeenPosition {
            partition: Partition(0),
            position: Some(NextOffset(3)),
            noted: None,
            oldest: NextOffset(0),
            end: NextOffset(5),
            time_ms: None,
            last_read_ms: None,
            source: Same::Yes,
            last: Same::Yes,
            offsets_jump: false,
        }
    }

    #[tokio::test]
    async fn what_is_new_is_given_without_asking_and_stays_where_a_cluster_fails() {
        let source = source();
        source.take(Ok(vec![seen()]));
        let standing = source.now().await;
        assert_eq!(standing.positions, [seen()]);
        assert!(source.asked().is_none());
        source.take(Err(OffsetsError::Clusters("mend it".into())));
        let standing = source.now().await;
        assert_eq!(standing.positions, [seen()]);
        assert_eq!(standing.trouble.as_deref(), Some("mend it"));
    }

    #[tokio::test]
    async fn what_is_some_seconds_old_is_given_while_the_source_is_asked_again() {
        let source = source();
        source.take(Ok(vec![seen()]));
        let ago = |age: Duration| Instant::now().checked_sub(age);
        source
            .known
            .send_modify(|(_, answered)| *answered = ago(AGE));
        // No answer comes.
        *source.asked() = ago(Duration::ZERO);
        let standing = source.now().await;
        assert_eq!(
            (standing.positions, standing.is_late),
            (vec![seen()], false)
        );
        source
            .known
            .send_modify(|(_, answered)| *answered = ago(SHOWN_AGE));
        *source.asked() = ago(PATIENCE);
        assert!(source.now().await.is_late);
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_for_the_first_three_seconds_of_a_question() {
        let source = source();
        // No answer comes.
        let ago = |age: Duration| Instant::now().checked_sub(age);
        let left = Duration::from_millis(100);
        *source.asked() = ago(PATIENCE - left);
        let begun = Instant::now();
        assert!(source.now().await.is_late);
        let waited = begun.elapsed();
        assert!(waited > left / 2 && waited < PATIENCE, "{waited:?}");
        *source.asked() = ago(PATIENCE);
        let begun = Instant::now();
        assert!(source.now().await.is_late);
        assert!(begun.elapsed() < PATIENCE);
    }
}
