//! Answers that are given again for some time. What many readers ask, or one reader asks again, is asked of the archive once,
//! also while the first of them still waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

/// How much longer than it took to find an answer it is given again, where that is longer than the usual time; and for how long
/// at most. Else those who look at what takes long would keep the machine busy.
const PER_COST: u32 = 60;
const LONGEST: Duration = Duration::from_secs(600);

/// Answers to questions.
pub(super) struct Remembered<Q, A> {
    /// How long an answer is given again.
    age: Duration,
    /// How many answers are kept.
    most: usize,
    /// The newest question last.
    asked: Mutex<Vec<(Q, Cell<A>)>>,
}

/// The answer to a question, and until when it is given.
type Cell<A> = Arc<OnceCell<(Instant, Arc<A>)>>;

impl<Q: PartialEq, A> Remembered<Q, A> {
    /// Keeps at most so many answers for this time.
    pub(super) fn new(most: usize, age: Duration) -> Remembered<Q, A> {
        Remembered {
            age,
            most,
            asked: Mutex::default(),
        }
    }

    /// The answer to a question, which is asked if nobody has asked it for some time.
    ///
    /// # Errors
    /// Those of `ask`, which are not remembered.
    pub(super) async fn get<E>(
        &self,
        question: Q,
        ask: impl Future<Output = Result<A, E>>,
    ) -> Result<Arc<A>, E> {
        let cell = self.cell(question);
        let begun = Instant::now();
        let ask = async {
            let answer = Arc::new(ask.await?);
            Ok((Instant::now() + self.given_for(begun.elapsed()), answer))
        };
        let (_, answer) = cell.get_or_try_init(|| ask).await?;
        Ok(answer.clone())
    }

    /// The answer to a question, if it is known.
    pub(super) fn known(&self, question: &Q) -> Option<Arc<A>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = asked.iter().filter(|(known, _)| known == question);
        let (until, answer) = known.next()?.1.get()?;
        (Instant::now() < *until).then(|| answer.clone())
    }

    /// How long an answer is given that took so long to find.
    fn given_for(&self, took: Duration) -> Duration {
        self.age.max((took * PER_COST).min(LONGEST))
    }

    fn cell(&self, question: Q) -> Cell<A> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        asked.retain(|(_, cell)| cell.get().is_none_or(|(until, _)| now < *until));
        if let Some((_, cell)) = asked.iter().find(|(known, _)| *known == question) {
            return cell.clone();
        }
        if asked.len() >= self.most {
            asked.remove(0);
        }
        let cell = Cell::default();
        asked.push((question, cell.clone()));
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::{sleep, timeout};

    const LONG: Duration = Duration::from_secs(3_600);

    /// Counts how often it is asked.
    #[derive(Default)]
    struct Archive(AtomicU32);

    impl Archive {
        async fn ask(&self, of: &str) -> Result<String, Infallible> {
            sleep(Duration::from_millis(20)).await;
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(format!("{of} {number}"))
        }
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once() {
        let (known, archive) = (Remembered::new(10, LONG), Archive::default());
        assert!(known.known(&"ann").is_none());
        let (first, second) = tokio::join!(
            known.get("ann", archive.ask("ann")),
            known.get("ann", archive.ask("ann"))
        );
        assert_eq!((&**first.unwrap(), &**second.unwrap()), ("ann 1", "ann 1"));
        assert_eq!(
            known.known(&"ann").as_deref().map(String::as_str),
            Some("ann 1")
        );
        assert_eq!(
            *known.get("bob", archive.ask("bob")).await.unwrap(),
            "bob 2"
        );
        assert_eq!(
            *known.get("ann", archive.ask("ann")).await.unwrap(),
            "ann 1"
        );
    }

    #[tokio::test]
    async fn an_old_answer_is_asked_anew() {
        let (known, archive) = (Remembered::new(10, Duration::ZERO), Archive::default());
        let first = known.get("ann", archive.ask("ann")).await.unwrap();
        assert_eq!(*first, "ann 1");
        let again = async {
            while *known.get("ann", archive.ask("ann")).await.unwrap() == "ann 1" {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(60), again).await.unwrap();
    }

    #[test]
    fn what_takes_long_to_find_is_given_for_longer() {
        let known: Remembered<&str, ()> = Remembered::new(10, Duration::from_secs(60));
        let times = [(0, 60), (1, 60), (4, 240), (3_600, 600)];
        for (took_s, given_s) in times {
            let given = known.given_for(Duration::from_secs(took_s));
            assert_eq!(given, Duration::from_secs(given_s));
        }
        let known: Remembered<&str, ()> = Remembered::new(10, LONG);
        assert_eq!(known.given_for(LONG), LONG);
    }

    #[tokio::test]
    async fn the_oldest_answer_makes_room() {
        let (known, archive) = (Remembered::new(2, LONG), Archive::default());
        for (name, answer) in [
            ("ann", "ann 1"),
            ("bob", "bob 2"),
            ("cid", "cid 3"),
            ("bob", "bob 2"),
        ] {
            assert_eq!(*known.get(name, archive.ask(name)).await.unwrap(), answer);
        }
        assert_eq!(
            *known.get("ann", archive.ask("ann")).await.unwrap(),
            "ann 4"
        );
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let known = Remembered::new(10, LONG);
        let failed = known.get("ann", async { Err("no storage") }).await;
        assert_eq!(failed, Err("no storage"));
        let answer: Result<_, &str> = known.get("ann", async { Ok(7) }).await;
        assert_eq!(*answer.unwrap(), 7);
    }
}
