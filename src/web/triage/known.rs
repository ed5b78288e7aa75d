//! The records in force, as far as this process has read them.

use std::sync::Arc;

use tokio::sync::watch;

use crate::event::RawRecord;
use crate::triage::Board;

/// What is known of the topic.
#[derive(Clone, Default)]
pub(in crate::web) struct Known {
    /// The records in force.
    pub(in crate::web) board: Arc<Board>,
    /// Whether the topic was read to its end once.
    pub(in crate::web) is_whole: bool,
    /// Why it cannot be read at the moment.
    pub(in crate::web) trouble: Option<Arc<str>>,
}

/// The records in force, as far as this process knows.
pub struct Triages {
    known: watch::Sender<Known>,
}

impl Default for Triages {
    fn default() -> Triages {
        Triages {
            known: watch::Sender::new(Known::default()),
        }
    }
}

impl Triages {
    /// What is known now.
    pub(in crate::web) fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// Is told of every change.
    pub(in crate::web) fn changes(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// Takes records that were read; those that are no triage records are logged.
    pub(super) fn take(&self, records: &[Taken]) {
        self.known.send_modify(|known| {
            let board = Arc::make_mut(&mut known.board);
            records.iter().for_each(|record| record.read_into(board));
        });
    }

    /// The topic was read to its end.
    pub(super) fn show_whole(&self) {
        self.known.send_modify(|known| {
            known.is_whole = true;
            known.trouble = None;
        });
    }

    /// The topic is another one, which has to be read from its beginning.
    pub(super) fn forget(&self) {
        self.known.send_modify(|known| *known = Known::default());
    }

    pub(super) fn show_trouble(&self, trouble: Option<String>) {
        self.known.send_if_modified(|known| {
            let is_new = known.trouble.as_deref() != trouble.as_deref();
            known.trouble = trouble.map(Arc::from);
            is_new
        });
    }
}

/// A record of the topic.
pub(super) struct Taken {
    pub(super) offset: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

impl Taken {
    pub(super) fn of(record: &RawRecord<'_>) -> Taken {
        Taken {
            offset: record.position.offset.0,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
        }
    }

    pub(super) fn read_into(&self, board: &mut Board) {
        let read = board.read(self.offset, self.key.as_deref(), self.value.as_deref());
        if read.is_err() {
            tracing::warn!(
                offset = self.offset,
                "a record in the topic of triage is none of watchbell's, and is ignored"
            );
        }
    }
}
