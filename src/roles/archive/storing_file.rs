//! A data file that is being stored, which is written by whoever does not wait for futures.

use std::io::{self, Write};

use tokio::runtime::Handle;

use crate::archive::Upload;

/// A data file that is being stored.
pub(super) struct StoringFile<'f> {
    pub(super) upload: Upload,
    handle: &'f Handle,
}

impl<'f> StoringFile<'f> {
    pub(super) fn new(upload: Upload, handle: &'f Handle) -> StoringFile<'f> {
        StoringFile { upload, handle }
    }
}

impl Write for StoringFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.handle.block_on(self.upload.write(bytes));
        written.map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
