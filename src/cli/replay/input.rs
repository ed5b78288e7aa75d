//! A file whose events are replayed.

use std::sync::Arc;

/// A file that is read.
#[derive(Debug)]
pub(super) struct InputFile {
    /// Its name, as it was given.
    pub(super) name: Arc<str>,
    /// What stands for it in the positions of its events, in place of its name.
    pub(super) alias: Option<Arc<str>>,
    /// The number of the first event that is processed.
    pub(super) first: i64,
}

impl InputFile {
    /// What stands in the positions of its events in place of a topic.
    pub(super) fn topic(&self) -> &Arc<str> {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}
