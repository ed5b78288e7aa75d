//! Where the archive is stored: a folder, or object storage that honours conditional writes.

use std::fmt;
use std::sync::Arc;

use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, parse_url_opts};
use url::Url;
use uuid::Uuid;

use super::answer::in_words;

/// The folder of the objects that [`Storage::probe`] writes.
const PROBES: &str = "_watchbell_probes";

/// The archive's storage cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The URL is not that of a storage.
    #[error("{url}: {fault}; an archive is stored at file:///…, s3://…, gs://… or az://…")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong.
        fault: object_store::Error,
    },
    /// The storage answered a request with an error.
    #[error("{doing} {path}: {}", in_words(&answer.to_string()))]
    Request {
        /// What was tried.
        doing: &'static str,
        /// The object.
        path: String,
        /// The answer.
        answer: object_store::Error,
    },
    /// An object that exists was overwritten by a write on the condition that it does not.
    #[error(
        "{0} ignores conditional writes (If-None-Match: *): two writers would overwrite each other's commits, and \
         records would be lost; use a storage that honours them, such as Amazon S3, Google Cloud Storage, Azure Blob \
         Storage, MinIO, or a folder"
    )]
    Unconditional(Url),
}

/// A folder or a prefix of a bucket.
#[derive(Clone)]
pub struct Storage {
    url: Url,
    /// Among them are secrets.
    options: Vec<(String, String)>,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// Without the options, among which are secrets.
impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_str();
        f.debug_struct("Storage")
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// The storage at a URL. `options` are those of the `object_store` crate, such as `aws_endpoint`; what they do not
    /// say the environment may, as in `AWS_REGION`.
    ///
    /// # Errors
    /// The URL or an option cannot be read.
    pub fn open(url: &str, options: &[(String, String)]) -> Result<Storage, StorageError> {
        let url = &Url::parse(url).map_err(|error| StorageError::Url {
            url: url.to_owned(),
            fault: object_store::Error::Generic {
                store: "url",
                source: Box::new(error),
            },
        })?;
        let environment = std::env::vars().filter(|(name, _)| is_of_a_storage(name));
        let all = environment.chain(options.iter().cloned());
        let (root, prefix) = parse_url_opts(url, all).map_err(|fault| StorageError::Url {
            url: url.to_string(),
            fault,
        })?;
        // Paths below a URL are found by joining, so it has to end in a slash.
        let mut url = url.clone();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Storage {
            url,
            options: options.to_vec(),
            root: Arc::from(root),
            prefix,
        })
    }

    /// The same storage with new connections, and credentials that are asked for anew. Those that were given for longer
    /// than they are taken would be used for good.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub fn anew(&self) -> Result<Storage, StorageError> {
        Storage::open(self.url.as_str(), &self.options)
    }

    /// The URL, which ends in a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// See whether the storage honours conditional writes.
    ///
    /// # Errors
    /// It does not, or it cannot be written to.
    pub async fn probe(&self) -> Result<(), StorageError> {
        let path = self
            .prefix
            .clone()
            .join(PROBES)
            .join(Uuid::new_v4().to_string());
        let once = || PutOptions::from(PutMode::Create);
        let failed = |answer| StorageError::Request {
            doing: "write",
            path: path.to_string(),
            answer,
        };
        let content = || PutPayload::from_static(b"watchbell");
        self.root
            .put_opts(&path, content(), once())
            .await
            .map_err(failed)?;
        let second = self.root.put_opts(&path, content(), once()).await;
        // What cannot be deleted is a few bytes that nobody reads.
        if let Err(error) = self.root.delete(&path).await {
            tracing::debug!(%error, %path, "delete the probe");
        }
        match second {
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(()),
            Ok(_) => Err(StorageError::Unconditional(self.url.clone())),
            Err(answer) => Err(failed(answer)),
        }
    }

    /// The log of a table in this folder.
    pub(super) fn log_store(&self, folder: &str) -> Result<LogStoreRef, StorageError> {
        let url = self
            .url
            .join(&format!("{folder}/"))
            .map_err(|error| StorageError::Url {
                url: format!("{}{folder}", self.url),
                fault: object_store::Error::Generic {
                    store: "url",
                    source: Box::new(error),
                },
            })?;
        let prefixed = PrefixStore::new(self.root.clone(), self.prefix.clone().join(folder));
        Ok(default_logstore(
            Arc::new(prefixed),
            self.root.clone(),
            &url,
            &StorageConfig::default(),
        ))
    }
}

/// Whether a variable of the environment is one that clients of the storages read.
fn is_of_a_storage(name: &str) -> bool {
    ["AWS_", "AZURE_", "GOOGLE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
