//! The priorities of the page's threads: where the processor is short, other threads run first.

use std::io;

use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};

/// Nice value of the threads that answer requests: they get about a third of what a thread of ingest gets. Where there is
/// processor time to spare it changes nothing.
pub(super) const SHORT: i32 = 5;

/// The same of threads whose work may take long: about a tenth of what those get.
pub(super) const LONG: i32 = 15;

/// A runtime whose threads have this name and this nice value; so many of them run futures.
///
/// # Errors
/// The threads cannot be started.
pub(super) fn runtime(name: &str, threads: usize, nice: i32) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .on_thread_start(move || lower(nice))
        .enable_all()
        .build()
}

/// Gives the calling thread this nice value, unless it has a higher one.
fn lower(nice: i32) {
    // On Linux these are about the calling thread alone.
    let lowered = match getpriority_process(None) {
        Ok(now) if now >= nice => Ok(()),
        _ => setpriority_process(None, nice),
    };
    if let Err(error) = lowered {
        tracing::debug!(%error, "a thread of the page keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_is_lowered_once_and_the_rest_of_the_process_is_not() {
        let own = || getpriority_process(None).unwrap();
        let before = own();
        let of_threads = move || {
            lower(LONG);
            // Threads that it starts have the same value, and not twice as much.
            let child = thread::spawn(move || {
                lower(LONG);
                lower(SHORT);
                own()
            });
            (own(), child.join().unwrap())
        };
        let wanted = before.max(LONG);
        assert_eq!(thread::spawn(of_threads).join().unwrap(), (wanted, wanted));
        assert_eq!(own(), before);
    }
}
