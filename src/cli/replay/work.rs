//! One thread reads, one thread per core processes, and one thread writes in the order of the input.
//! Invariant: the number of batches in memory is bounded by the queues, which hold a few batches per core.

use std::io;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::emit::Emit;
use super::input::InputFile;
use super::summary::Summary;
#[cfg(feature = "archive")]
use super::to_archive::{ArchiveRows, RowMaker};
use crate::event::{Offset, OutputBuffer, Partition, Position, RawRecord};
use crate::files::{Batch, Piece};
use crate::kafka::Stored;
use crate::pipeline::{self, Content, Forms, Outcome, OutputList, Pipeline, TOO_LARGE};

/// The reason for text in which no event was found; it is the reason for a value that is not JSON.
const NOT_JSON: &str = "not_json";

/// What is printed on standard output.
pub(super) enum Print {
    /// These output records, as lines.
    Records(Emit),
    /// The summary only, with samples of the alerts.
    Summary,
    /// Nothing: the records are written to their topics.
    Nothing,
    /// Nothing: the records become rows of the archive.
    #[cfg(feature = "archive")]
    Rows(Arc<RowMaker>),
}

/// What is needed to process an event and to print the result.
pub(super) struct Job {
    pub(super) pipeline: Pipeline,
    pub(super) print: Print,
    pub(super) outputs: OutputList,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
}

/// Consecutive records of the input.
pub(super) enum Input {
    /// Of a file.
    File { file: Arc<InputFile>, batch: Batch },
    /// The end of a file of which everything was read, and how many events it has.
    FileEnd { file: Arc<InputFile>, events: i64 },
    /// Of a topic.
    Topic(Vec<Stored>),
}

/// A part of the input to process, and where to send its result.
struct Task {
    input: Input,
    done: SyncSender<Done>,
}

/// The result of a batch: the lines to print, or the records or rows to write, and the counts.
#[derive(Default)]
pub(super) struct Done {
    pub(super) lines: Vec<u8>,
    pub(super) records: OutputBuffer,
    #[cfg(feature = "archive")]
    pub(super) rows: Option<ArchiveRows>,
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
    pub(super) fn send(&mut self, input: Input) -> bool {
        let (done, result) = sync_channel(1);
        self.results.send(result).is_ok() && self.tasks.send(Task { input, done }).is_ok()
    }
}

/// Calls `read`, which sends every batch; processes the batches, and calls `write` with the result of each
/// in the order in which they were sent. Returns the summary, and what `read` returned.
///
/// # Errors
/// The error of `write`, which stops the reading and the processing.
pub(super) fn run<T: Send>(
    job: &Job,
    read: impl FnOnce(&mut Sender) -> T + Send,
    mut write: impl FnMut(&mut Done) -> io::Result<()>,
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
            let mut done = result.recv().map_err(io::Error::other)?;
            write(&mut done)?;
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
        let _ = task.done.send(Work::new(job).process(&task.input));
    }
}

/// The processing of a part of the input.
struct Work<'j> {
    job: &'j Job,
    stages: pipeline::Batch,
    out: OutputBuffer,
    done: Done,
}

impl<'j> Work<'j> {
    fn new(job: &'j Job) -> Work<'j> {
        Work {
            job,
            stages: job.pipeline.begin(),
            out: OutputBuffer::default(),
            done: Done::default(),
        }
    }

    fn process(mut self, input: &Input) -> Done {
        match input {
            Input::File { file, batch } => {
                self.begin_rows(file);
                for (number, piece) in batch.pieces() {
                    if number >= file.first {
                        self.piece(file.topic(), number, piece);
                    }
                }
            }
            Input::FileEnd { file, events } => {
                self.begin_rows(file);
                self.end_rows(*events);
            }
            Input::Topic(records) => {
                for stored in records {
                    let record = stored.record();
                    let outcome = self.stages.process(&record, self.job.now_ms, &mut self.out);
                    self.finish(outcome, &record);
                }
            }
        }
        self.done
    }

    /// Begins the rows of a part of a file, if rows are made.
    fn begin_rows(&mut self, file: &Arc<InputFile>) {
        #[cfg(feature = "archive")]
        if let Print::Rows(maker) = &self.job.print {
            self.done.rows = Some(maker.begin(file));
        }
        #[cfg(not(feature = "archive"))]
        let _ = file;
    }

    /// Everything of the file was read.
    fn end_rows(&mut self, events: i64) {
        #[cfg(feature = "archive")]
        if let Some(rows) = &mut self.done.rows {
            rows.end(events);
        }
        #[cfg(not(feature = "archive"))]
        let _ = events;
    }

    /// Processes a piece of a file; `number` counts from 0.
    fn piece(&mut self, file: &str, number: i64, piece: Piece<'_>) {
        let record = |value| RawRecord {
            position: Position {
                topic: file,
                partition: Partition(0),
                offset: Offset(number),
                element: None,
            },
            timestamp_ms: None,
            key: None,
            value,
            headers: Vec::new(),
        };
        let (stages, now_ms, out) = (&self.stages, self.job.now_ms, &mut self.out);
        let (outcome, record) = match piece {
            Piece::Event(text) => {
                let record = record(Some(text));
                (stages.process(&record, now_ms, out), record)
            }
            Piece::Fault { text, detail } => {
                let (record, why) = (record(Some(text)), (NOT_JSON, detail));
                let outcome = stages.refuse(&record, why, &Forms::WHOLE, now_ms, out);
                (outcome, record)
            }
            Piece::Unread { digest, fault } => {
                let why = match fault {
                    Some(detail) => (NOT_JSON, detail),
                    None => (TOO_LARGE, "larger than the limit for one event"),
                };
                let record = record(None);
                let outcome = stages.refuse_unread(&record, why, digest, now_ms, out);
                (outcome, record)
            }
        };
        self.finish(outcome, &record);
    }

    /// Counts the outcome of a record, and writes its outputs as lines or keeps its alerts as samples.
    fn finish(&mut self, outcome: Outcome, record: &RawRecord<'_>) {
        let Job { outputs, print, .. } = self.job;
        let Done {
            lines,
            records,
            summary,
            #[cfg(feature = "archive")]
            rows,
        } = &mut self.done;
        summary.count(outcome, record.timestamp_ms);
        #[cfg(feature = "archive")]
        if let (Print::Rows(maker), Some(rows)) = (print, rows) {
            rows.push(maker, record.position, &self.out);
        }
        for output in self.out.iter() {
            match (print, output.value) {
                (Print::Records(emit), _) => emit.write(output, outputs, lines),
                (Print::Summary, Some(alert))
                    if *output.topic == outputs.of(Content::Alerts).topic =>
                {
                    summary.sample(alert, record);
                }
                (Print::Nothing, value) => {
                    records.push_copy(output.topic, output.key, output.headers(), value);
                }
                (Print::Summary, _) => {}
                #[cfg(feature = "archive")]
                (Print::Rows(_), _) => {}
            }
        }
        self.out.clear();
    }
}
