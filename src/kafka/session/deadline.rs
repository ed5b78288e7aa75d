//! Calls of the client library that can take longer than every time-out they are given. Each runs on a
//! thread of its own, so that the loop goes on at its deadline whatever the call does.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

/// How often `turn` is called while an answer is waited for.
const TURN: Duration = Duration::from_millis(20);

/// Run `call` on a thread of its own until `deadline`, which may come nearer meanwhile, and `turn` on this
/// one. A call that has not returned by then keeps what it holds until it returns; its answer is dropped.
///
/// # Errors
/// `OperationTimedOut`, or `CriticalSystemResource` where no thread can be started.
pub(super) fn call_with_deadline<T: Send + 'static>(
    name: &str,
    deadline: impl Fn() -> Instant,
    call: impl FnOnce() -> T + Send + 'static,
    mut turn: impl FnMut(),
) -> Result<T, Code> {
    let (answer, answered) = mpsc::sync_channel(1);
    let run = move || {
        // Nobody listens any more once the deadline is over.
        let _ = answer.send(call());
    };
    let thread = thread::Builder::new().name(name.into());
    if thread.spawn(run).is_err() {
        return Err(Code::CriticalSystemResource);
    }
    loop {
        match answered.recv_timeout(TURN) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline() => turn(),
            Err(_) => return Err(Code::OperationTimedOut),
        }
    }
}

/// Run `close` on a thread of its own and wait for it at most `budget`: closing a client can wait
/// for brokers that are gone, and the cluster forgets a member that left without a word.
pub(super) fn close_within(budget: Duration, close: impl FnOnce() + Send + 'static) {
    let closing = thread::Builder::new()
        .name("kafka-close".into())
        .spawn(close);
    let Ok(closing) = closing else {
        return;
    };
    let deadline = Instant::now() + budget;
    while !closing.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_waited_for_and_time_goes_on_meanwhile() {
        let mut turns = 0;
        let (go, gone) = mpsc::channel();
        let answer = call_with_deadline(
            "test",
            || Instant::now() + Duration::from_secs(60),
            move || gone.recv().map(|()| 7),
            || {
                turns += 1;
                let _ = go.send(());
            },
        );
        assert_eq!(answer, Ok(Ok(7)));
        assert!(turns > 0);
    }

    #[test]
    fn a_call_that_does_not_return_is_left_alone_at_the_deadline() {
        let (_go, gone) = mpsc::channel::<()>();
        let deadline = Instant::now() + TURN;
        let answer = call_with_deadline("test", || deadline, move || gone.recv(), || ());
        assert_eq!(answer, Err(Code::OperationTimedOut));
    }
}
