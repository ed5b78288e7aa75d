//! One thread reads, all cores process, one thread writes in the order of the input.
//! Invariant: what is in work at a time is bounded by the queues, which hold a few batches a core.

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

/// The reason of text in which no event was found: the same as of a value that is not JSON.
const NOT_JSON: &str = "not_json";

/// How every event is processed.
pub(super) struct Job {
    pub(super) pipeline: Pipeline,
    pub(super) emit: Emit,
    pub(super) outputs: OutputList,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
}

struct Task {
    name: Arc<str>,
    batch: Batch,
    done: SyncSender<Done>,
}

struct Done {
    lines: Vec<u8>,
    summary: Summary,
}

/// Takes batches in their order.
pub(super) struct Sender {
    tasks: SyncSender<Task>,
    /// The channels with the result of each batch, in the order of the batches.
    results: SyncSender<Receiver<Done>>,
}

impl Sender {
    /// Waits until there is room; `false` if no more batches are needed.
    pub(super) fn send(&mut self, name: &str, batch: Batch) -> bool {
        let (done, result) = sync_channel(1);
        let name = name.into();
        self.results.send(result).is_ok() && self.tasks.send(Task { name, batch, done }).is_ok()
    }
}

/// Has `read` send every batch, processes them, and gives the lines of each to `write` in the order
/// in which they were sent. Returns the summary, and what `read` returned.
///
/// # Errors
/// That of `write`, which ends everything.
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
            scope.spawn(move || work(job, waiting));
        }
        let reader = scope.spawn(move || read(&mut Sender { tasks, results }));
        let mut summary = Summary::default();
        // Dropped on an error, which stops the reader and with it the others.
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

fn work(job: &Job, waiting: &Mutex<Receiver<Task>>) {
    loop {
        let task = {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.recv()
        };
        let Ok(task) = task else {
            return;
        };
        // After a failed write nobody receives it.
        let _ = task.done.send(process(job, &task.name, &task.batch));
    }
}

fn process(job: &Job, name: &str, batch: &Batch) -> Done {
    let (mut lines, mut summary) = (Vec::new(), Summary::default());
    let mut out = OutputBuffer::default();
    let stages = job.pipeline.begin();
    for (number, piece) in batch.pieces() {
        let record = |value| RawRecord {
            position: Position {
                topic: name,
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
                    None => (TOO_LARGE, "longer than one event may be"),
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
