//! Stores a batch beside the loop: makes the files, stores them, and commits them with the positions.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::encoder::{Encoded, Encoder};
use super::gathered::Batch;
use crate::archive::{
    AppendError, Progress, RowMemory, Storage, Table, TableError, TableKind, TopicPartition,
};
use crate::event::{NextOffset, Partition};

/// Longest wait for the positions in the table.
const QUESTION: Duration = Duration::from_secs(20);

/// A batch is in the table.
pub(super) struct Stored {
    pub(super) rows: usize,
    /// Bytes of the files.
    pub(super) bytes: usize,
    pub(super) positions: Vec<(Partition, NextOffset)>,
    /// The memory of its rows.
    pub(super) memory: RowMemory,
}

/// A batch is not in the table, or nobody knows.
pub(super) enum Failure {
    /// Somebody else was faster.
    Moved(String),
    /// The storage.
    Storage(String),
    /// The program.
    Encode(String),
}

/// The table of a loop. It is opened when it is needed first, and anew after a failure, with new credentials.
#[derive(Clone)]
pub(super) struct SharedTable {
    storage: Storage,
    kind: TableKind,
    handle: Handle,
    table: Arc<Mutex<Option<Table>>>,
}

impl SharedTable {
    pub(super) fn new(storage: Storage, kind: TableKind, handle: Handle) -> SharedTable {
        SharedTable {
            storage,
            kind,
            handle,
            table: Arc::default(),
        }
    }

    /// How far a partition is in the table as it is now.
    ///
    /// # Errors
    /// The storage does not answer, or cannot be used: what to do.
    pub(super) fn progress(&self, of: &TopicPartition) -> Result<Option<Progress>, String> {
        let ask = async {
            let mut slot = self.table.lock().await;
            let mut table = self.take(&mut slot).await?;
            table.refresh().await?;
            let progress = table.progress(of).await?;
            *slot = Some(table);
            Ok::<_, TableError>(progress)
        };
        let answer = self
            .handle
            .block_on(async { tokio::time::timeout(QUESTION, ask).await });
        let answer = answer.map_err(|_| {
            let (url, seconds) = (self.storage.url(), QUESTION.as_secs());
            format!("{url} has not answered for {seconds} s")
        })?;
        answer.map_err(|error| error.to_string())
    }

    /// The table, which is put back once it was used without a failure.
    async fn take(&self, slot: &mut Option<Table>) -> Result<Table, TableError> {
        if let Some(table) = slot.take() {
            return Ok(table);
        }
        let storage = self.storage.anew()?;
        storage.probe().await?;
        Table::open(&storage, self.kind).await
    }

    async fn append(&self, batch: Batch, encoder: &Encoder) -> Result<Stored, Failure> {
        let rows = batch.rows.num_rows();
        let Some(encoded) = encoder.encode(batch.rows).await else {
            return gone();
        };
        let encoded = encoded.map_err(|error| Failure::Encode(error.to_string()));
        let Encoded { files, memory } = encoded?;
        let bytes = files.iter().map(|file| file.parquet.len()).sum();
        let mut slot = self.table.lock().await;
        let storage = |error: TableError| Failure::Storage(error.to_string());
        let mut table = self.take(&mut slot).await.map_err(storage)?;
        match table.append(files, &batch.positions).await {
            Ok(()) => *slot = Some(table),
            Err(AppendError::Moved(which)) => {
                *slot = Some(table);
                return Err(Failure::Moved(which));
            }
            Err(AppendError::Table(error)) => return Err(storage(error)),
        }
        let positions = batch.positions.iter();
        let positions = positions.map(|(of, advance)| (of.partition, advance.to.next));
        Ok(Stored {
            rows,
            bytes,
            positions: positions.collect(),
            memory,
        })
    }
}

/// Stores one batch at a time.
pub(super) struct Store {
    table: SharedTable,
    encoder: Encoder,
    pending: Option<Receiver<Result<Stored, Failure>>>,
    /// When the batch was begun that is stored last.
    begun: Instant,
    finished: Option<Result<Stored, Failure>>,
}

impl Store {
    pub(super) fn new(table: SharedTable, encoder: Encoder) -> Store {
        Store {
            table,
            encoder,
            pending: None,
            begun: Instant::now(),
            finished: None,
        }
    }

    /// Whether a batch is being stored.
    pub(super) fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    /// How long a batch is being stored.
    pub(super) fn busy_for(&self, now: Instant) -> Duration {
        match self.is_busy() {
            true => now.saturating_duration_since(self.begun),
            false => Duration::ZERO,
        }
    }

    /// Begin to store a batch.
    pub(super) fn begin(&mut self, batch: Batch) {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (table, encoder) = (self.table.clone(), self.encoder.clone());
        self.table.handle.spawn(async move {
            // Nobody listens after the loop has ended.
            let _ = sender.send(table.append(batch, &encoder).await);
        });
        self.pending = Some(receiver);
        self.begun = Instant::now();
    }

    /// What has become of the batch, once it is known.
    pub(super) fn finished(&mut self) -> Option<Result<Stored, Failure>> {
        if let Some(finished) = self.finished.take() {
            return Some(finished);
        }
        let answer = match self.pending.as_ref()?.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => gone(),
        };
        self.pending = None;
        Some(answer)
    }

    /// Wait until the batch is stored or has failed, but no longer than until `deadline`.
    pub(super) fn wait(&mut self, deadline: Instant) {
        let Some(pending) = &self.pending else {
            return;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.finished = match pending.recv_timeout(left) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Disconnected) => Some(gone()),
            Err(RecvTimeoutError::Timeout) => return,
        };
        self.pending = None;
    }
}

/// The task or the thread that stored a batch has panicked.
fn gone() -> Result<Stored, Failure> {
    Err(Failure::Encode(
        "a batch could not be stored: the program failed while it made or stored its file".into(),
    ))
}
