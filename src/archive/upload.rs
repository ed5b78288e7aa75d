//! A data file that is stored while it is written, so that memory holds a part of it only. A file of one part is stored by one
//! request.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};

use super::file_entry::NewFile;
use super::table_error::TableError;

/// Bytes of a part. Object storages want 5 MiB at least, and the same for all parts but the last.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// A data file that is being stored.
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    path: String,
    day: String,
    /// The parts that are stored, if there are any.
    parts: Option<Box<dyn MultipartUpload>>,
    /// What no part has yet.
    open: Vec<u8>,
    size: usize,
}

impl Upload {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: String, day: String) -> Upload {
        Upload {
            store,
            path,
            day,
            parts: None,
            open: Vec::new(),
            size: 0,
        }
    }

    /// Write on.
    ///
    /// # Errors
    /// The storage does not take it.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), TableError> {
        self.size += bytes.len();
        while self.open.len() + bytes.len() > PART_BYTES {
            let (fitting, rest) = bytes.split_at(PART_BYTES - self.open.len());
            self.open.extend_from_slice(fitting);
            bytes = rest;
            self.send().await.map_err(failed(&self.path))?;
        }
        if self.open.capacity() == 0 {
            self.open.reserve_exact(PART_BYTES);
        }
        self.open.extend_from_slice(bytes);
        Ok(())
    }

    /// Store the last part; the file is in the storage then.
    ///
    /// # Errors
    /// The storage does not take it.
    pub async fn finish(mut self, statistics: String) -> Result<NewFile, TableError> {
        if let Err(answer) = self.close().await {
            let error = failed(&self.path)(answer);
            self.abort().await;
            return Err(error);
        }
        Ok(NewFile {
            path: self.path,
            day: self.day,
            size: self.size,
            statistics,
        })
    }

    /// Take back what is stored of the file.
    pub async fn abort(mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Err(error) = parts.abort().await
        {
            tracing::debug!(path = self.path, %error, "take back the parts of a data file");
        }
    }

    /// Store what is open as a part.
    async fn send(&mut self) -> object_store::Result<()> {
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => {
                let path = Path::from(self.path.as_str());
                self.store.put_multipart(&path).await?
            }
        };
        let part = Bytes::from(std::mem::take(&mut self.open));
        let sent = parts.put_part(part.into()).await;
        self.parts = Some(parts);
        sent
    }

    async fn close(&mut self) -> object_store::Result<()> {
        if self.parts.is_some() {
            self.send().await?;
        }
        match &mut self.parts {
            Some(parts) => parts.complete().await.map(|_| ()),
            None => {
                let path = Path::from(self.path.as_str());
                let whole = Bytes::from(std::mem::take(&mut self.open));
                self.store.put(&path, whole.into()).await.map(|_| ())
            }
        }
    }
}

fn failed(path: &str) -> impl FnOnce(object_store::Error) -> TableError {
    let path = path.to_owned();
    move |answer| TableError::Write { path, answer }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::memory::InMemory;

    use super::*;

    fn upload(store: &Arc<InMemory>) -> Upload {
        Upload::new(
            store.clone(),
            "day=2026-03-14/a".into(),
            "2026-03-14".into(),
        )
    }

    async fn stored(store: &InMemory) -> Vec<Bytes> {
        let files: Vec<_> = store.list(None).try_collect().await.unwrap();
        let mut contents = Vec::new();
        for file in files {
            let file = store.get(&file.location).await.unwrap();
            contents.push(file.bytes().await.unwrap());
        }
        contents
    }

    #[tokio::test]
    async fn what_is_written_is_the_file_in_however_many_parts() {
        let bytes: Vec<u8> = (0..2 * PART_BYTES + 5).map(|at| (at % 251) as u8).collect();
        for size in [
            0,
            7,
            PART_BYTES,
            PART_BYTES + 1,
            2 * PART_BYTES,
            bytes.len(),
        ] {
            let store = Arc::new(InMemory::new());
            let mut upload = upload(&store);
            for written in bytes[..size].chunks(PART_BYTES / 3) {
                upload.write(written).await.unwrap();
                assert!(upload.open.len() <= PART_BYTES);
            }
            assert_eq!(stored(&store).await, Vec::<Bytes>::new(), "{size}");
            let file = upload.finish("{}".into()).await.unwrap();
            assert_eq!((file.path(), file.size), ("day=2026-03-14/a", size));
            let stored = stored(&store).await;
            assert!(stored == [Bytes::copy_from_slice(&bytes[..size])], "{size}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_taken_back_is_not_there() {
        let store = Arc::new(InMemory::new());
        let mut upload = upload(&store);
        upload.write(&vec![1; PART_BYTES + 1]).await.unwrap();
        upload.abort().await;
        assert_eq!(stored(&store).await, Vec::<Bytes>::new());
    }
}
