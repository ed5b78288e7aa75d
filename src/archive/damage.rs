//! Which file of a table is damaged, and how: looked for after something could not be read, since the libraries do not
//! say it.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use serde::de::IgnoredAny;

use super::file_entry::FileEntry;

/// The folder of the Delta log.
const LOG: &str = "_delta_log";

/// Files that are looked at at the same time.
const CONCURRENT: usize = 16;

/// The bytes at the beginning and the end of a Parquet file.
const MAGIC: &[u8] = b"PAR1";

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, below the table's folder.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { path, what } = self;
        write!(
            f,
            "{path} {what}; restore this file from a backup or from an older version of the object"
        )
    }
}

/// The first file of a table's log that is damaged: of those that make the newest version, from the newest checkpoint on.
///
/// # Errors
/// The storage does not answer.
pub(super) async fn of_log(store: &dyn ObjectStore) -> object_store::Result<Option<Damage>> {
    let listed: Vec<ObjectMeta> = store.list(Some(&Path::from(LOG))).try_collect().await?;
    let names = listed.iter().filter_map(|file| file.location.filename());
    let names: BTreeSet<&str> = names.collect();
    let number = |name: &str| name.get(..20).and_then(|text| text.parse::<u64>().ok());
    let checkpoints = names.iter().filter(|name| name.contains(".checkpoint"));
    let checkpoint = checkpoints.filter_map(|name| number(name)).max();
    let of_checkpoint = |name: &&&str| name.contains(".checkpoint") && number(name) == checkpoint;
    for name in names.iter().filter(of_checkpoint) {
        if let Some(what) = file_fault(&read(store, name).await?) {
            return Ok(Some(damage(name, what)));
        }
    }
    let is_commit = |name: &str| name.len() == 25 && name.ends_with(".json");
    let commits = names.iter().filter(|name| is_commit(name));
    let Some(last) = commits.filter_map(|name| number(name)).max() else {
        return Ok(None);
    };
    for version in checkpoint.map_or(0, |version| version + 1)..=last {
        let name = format!("{version:020}.json");
        if !names.contains(&*name) {
            return Ok(Some(damage(&name, "is missing".into())));
        }
        if let Some(what) = commit_fault(&read(store, &name).await?) {
            return Ok(Some(damage(&name, what)));
        }
    }
    Ok(None)
}

async fn read(store: &dyn ObjectStore, name: &str) -> object_store::Result<Bytes> {
    let path = Path::from(LOG).join(name);
    store.get(&path).await?.bytes().await
}

fn damage(name: &str, what: String) -> Damage {
    Damage {
        path: format!("{LOG}/{name}"),
        what,
    }
}

/// What is wrong with a commit: each of its lines is a document of JSON.
fn commit_fault(bytes: &[u8]) -> Option<String> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(line) {
            let number = number + 1;
            return Some(match error.is_eof() {
                true => format!("is cut off in line {number}"),
                false => format!("is not JSON in line {number}"),
            });
        }
    }
    None
}

/// The first of these data files that is damaged. Those that are not there or not whole are found without reading all of
/// them; then their content is read.
///
/// # Errors
/// The storage does not answer.
pub async fn of_files(
    store: &dyn ObjectStore,
    files: &[FileEntry],
) -> object_store::Result<Option<Damage>> {
    let ends = stream::iter(files).map(|file| async move { (file, end_fault(store, file).await) });
    let mut ends = ends.buffered(CONCURRENT);
    while let Some((file, fault)) = ends.next().await {
        if let Some(what) = fault? {
            let path = file.path.clone();
            return Ok(Some(Damage { path, what }));
        }
    }
    for file in files {
        let bytes = store.get(&Path::from(&*file.path)).await?.bytes().await?;
        if let Some(what) = file_fault(&bytes) {
            let path = file.path.clone();
            return Ok(Some(Damage { path, what }));
        }
    }
    Ok(None)
}

/// What is wrong with a file by its size and its last bytes.
async fn end_fault(
    store: &dyn ObjectStore,
    file: &FileEntry,
) -> object_store::Result<Option<String>> {
    let path = Path::from(&*file.path);
    let found = match store.head(&path).await {
        Ok(found) => found.size,
        Err(object_store::Error::NotFound { .. }) => return Ok(Some("is missing".into())),
        Err(error) => return Err(error),
    };
    if found != file.size {
        let written = file.size;
        return Ok(Some(format!("has {found} bytes in place of {written}")));
    }
    let end = store
        .get_range(&path, found.saturating_sub(4)..found)
        .await?;
    Ok((end != MAGIC).then(|| "does not end as a Parquet file does".into()))
}

/// What is wrong with a Parquet file.
fn file_fault(bytes: &Bytes) -> Option<String> {
    let decode = || {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?.build()?;
        for rows in reader {
            rows?;
        }
        Ok::<_, ParquetError>(())
    };
    let fault = decode().err()?;
    let fault = super::answer::in_words(&fault.to_string());
    Some(format!("cannot be read as Parquet ({fault})"))
}
