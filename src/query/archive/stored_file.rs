//! Data files in the storage, which are read by whoever does not wait for futures.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::archive::{FileEntry, Ranges, TableReader};

/// A data file in the storage.
pub struct StoredFile<'f> {
    reader: TableReader,
    handle: &'f Handle,
    file: &'f FileEntry,
}

impl<'f> StoredFile<'f> {
    /// A file of the table of this reader; `handle` runs the requests to the storage.
    pub fn new(reader: TableReader, file: &'f FileEntry, handle: &'f Handle) -> StoredFile<'f> {
        StoredFile {
            reader,
            handle,
            file,
        }
    }
}

impl Ranges for StoredFile<'_> {
    fn size(&self) -> u64 {
        self.file.size
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let read = self.reader.read(self.file, range);
        self.handle.block_on(read).map_err(io::Error::other)
    }
}
