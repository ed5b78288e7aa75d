//! One thread reads, one thread per core processes, and one thread writes in the order of the input.
//! Invariant: the number of batches in memory is bounded by the queues, which hold a few batches per core.

use std::io;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::emit::Emit;
use super::summary::Summary;
use crate::event::{Offset, OutputBuffer, Partition, Position, RawRecord};
use crate::files::{Batch, Piece};
use crate::pipeline::{Forms, OutputList, Pipeline, TOO_LARGE};

/// The reason for text in which no event was found; it is the reason for a value that is not JSON.
const NOT_JSON: &str = "not_json";

/// What is needed to process an event and to print the result.
pub(super) struct Job {
    pub(super) pipeline: Pipeline,
    pub(super) emit: Emit,
    pub(super) outputs: OutputList,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
}

/// A batch to process, and where to send its result.
struct Task {
    file_name: Arc<str>,
    batch: Batch,
    done: SyncSender<Done>,
}

/// The result of a batch: the lines to print and the counts.
struct Done {
    lines: Vec<u8>,
    summary: Summary,
}

/// Sends batches to be processed, in the order of the input.
pub(super) struct Sender {
    tasks: SyncSender<Task>,
    /// The channels with the result of each batch, in the order of the batches.
    results: SyncSender<Receiver<Done>>,
}

impl Sender {
    /// Waits until the queue has room; returns `false` if no more batches are needed.
    pub(super) fn send(&mut self, file_name: &str, batch: Batch) -> bool {
        let (done, result) = sync_channel(1);
        let file_name = file_name.into();
        self.results.send(result).is_ok()
            && self
                .tasks
                .send(Task {
                    file_name,
                    batch,
                    done,
                })
                .is_ok()
    }
}

/// Calls `read`, which sends every batch; processes the batches, and calls `write` with the lines of each in the
/// order in which they were sent. Returns the summary, and what `read` returned.
///
/// # Errors
/// The error of `write`, which stops the reading and the processing.
pub(super) fn run<T: Send>(
    job: &Job,
    read: impl FnOnce(&mut Sender) -> T + Send,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(Summary, T)> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (tasks, waiting) = sync_channel::<Task>(cores);
    let (results, in_order) = sync_channel::<Receiver<Done>>(4 * cores);
    let waiting = &Mutex::new(waiting);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(move || process_tasks(job, waiting));
        }
        let reader = scope.spawn(move || read(&mut Sender { tasks, results }));
        let mut summary = Summary::default();
        // On an error this receiver is dropped, which stops the reader; then the processing threads stop, too.
        for result in in_order {
            let done = result.recv().map_err(io::Error::other)?;
            write(&done.lines)?;
            summary.add(done.summary);
        }
        match reader.join() {
            Ok(read) => Ok((summary, read)),
            Err(_) => Err(io::Error::other("the reading thread panicked")),
        }
    })
}

/// Processes tasks until there are no more.
fn process_tasks(job: &Job, waiting: &Mutex<Receiver<Task>>) {
    loop {
        let task = {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.recv()
        };
        let Ok(task) = task else {
            return;
        };
        // After a failed write the receiver is gone, and the result is not needed.
        let _ = task.done.send(process(job, &task.file_name, &task.batch));
    }
}

fn process(job: &Job, file_name: &str, batch: &Batch) -> Done {
    let (mut lines, mut summary) = (Vec::new(), Summary::default());
    let mut out = OutputBuffer::default();
    let stages = job.pipeline.begin();
    for (number, piece) in batch.pieces() {
        let record = |value| RawRecord {
            position: Position {
                topic: file_name,
                partition: Partition(0),
                offset: Offset(number),
                element: None,
            },
            timestamp_ms: None,
            key: None,
            value,
            headers: Vec::new(),
        };
        summary.count(match piece {
            Piece::Event(text) => stages.process(&record(Some(text)), job.now_ms, &mut out),
            Piece::Fault { text, detail } => {
                let (record, why) = (record(Some(text)), (NOT_JSON, detail));
                stages.refuse(&record, why, &Forms::WHOLE, job.now_ms, &mut out)
            }
            Piece::Unread { digest, fault } => {
                let (reason, detail) = match fault {
                    Some(detail) => (NOT_JSON, detail),
                    None => (TOO_LARGE, "larger than the limit for one event"),
                };
                let why = (reason, detail);
                stages.refuse_unread(&record(None), why, digest, job.now_ms, &mut out)
            }
        });
        for output in out.iter() {
            job.emit.write(output, &job.outputs, &mut lines);
        }
        out.clear();
    }
    Done { lines, summary }
}
