//! Work that is divided among threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many threads the machine runs at the same time.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work for each number below `count`, on so many threads; in what order is not known.
///
/// # Errors
/// The first error; the work ends with it.
pub fn parallel<T: Send, E: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Result<Vec<T>, E>> = Mutex::new(Ok(Vec::new()));
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let result = work(number);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *done, result) {
                (Ok(all), Ok(one)) => all.push(one),
                (Ok(_), Err(error)) => {
                    *done = Err(error);
                    next.store(count, Ordering::Relaxed);
                }
                (Err(_), _) => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(run);
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}
