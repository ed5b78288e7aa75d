//! The thread of a topic that makes data files of its rows. It lives as long as the loop of the topic: the allocator of glibc
//! keeps memory for each thread, which grows with every thread of a pool that has made a file.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use arrow::array::RecordBatch;
use tokio::sync::oneshot;

use crate::archive::{DataFile, EncodeError, RowMemory, TableKind, data_files};

/// Rows of which files are made, and who waits for them.
struct Order {
    rows: RecordBatch,
    answer: oneshot::Sender<Result<Encoded, EncodeError>>,
}

/// The files of rows.
pub(super) struct Encoded {
    pub(super) files: Vec<DataFile>,
    /// The memory of the rows.
    pub(super) memory: RowMemory,
}

/// Makes data files on a thread of its own, which ends once nobody can give it rows any more.
#[derive(Clone)]
pub(super) struct Encoder {
    orders: Sender<Order>,
}

impl Encoder {
    /// Start the thread for a table.
    ///
    /// # Errors
    /// The system starts no thread.
    pub(super) fn start(kind: TableKind) -> io::Result<Encoder> {
        let (orders, ordered) = mpsc::channel();
        let name = format!("encode-{}", kind.name());
        let thread = thread::Builder::new().name(name);
        thread.spawn(move || encode(kind, &ordered))?;
        Ok(Encoder { orders })
    }

    /// The files of these rows; `None` if the thread has panicked.
    pub(super) async fn encode(&self, rows: RecordBatch) -> Option<Result<Encoded, EncodeError>> {
        let (answer, encoded) = oneshot::channel();
        self.orders.send(Order { rows, answer }).ok()?;
        encoded.await.ok()
    }
}

fn encode(kind: TableKind, ordered: &Receiver<Order>) {
    for Order { rows, answer } in ordered {
        let encoded = data_files(kind, &rows).map(|files| Encoded {
            files,
            memory: RowMemory::of(rows),
        });
        // Nobody waits for it after the loop has ended.
        let _ = answer.send(encoded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Rows;
    use crate::event::RawRecord;
    use crate::view::Emitted;

    #[tokio::test]
    async fn rows_become_files_and_their_memory_is_used_again() {
        let encoder = Encoder::start(TableKind::Events).unwrap();
        let mut rows = Rows::new(TableKind::Events);
        for uid in ["a", "b", "c"] {
            let event = format!(r#"{{"class_uid":6003,"time":5,"metadata":{{"uid":"{uid}"}}}}"#);
            rows.push(&Emitted::new(RawRecord::of_value(
                "events",
                event.as_bytes(),
            )));
            let batch = rows.take().unwrap();
            let encoded = encoder.encode(batch).await.unwrap().unwrap();
            let days: Vec<i32> = encoded.files.iter().map(|file| file.day).collect();
            assert_eq!(days, [0], "{uid}");
            rows.reuse(encoded.memory);
        }
    }
}
