//! Work on a thread that stops once nobody waits for it.

use crate::kafka::session::Shutdown;

/// Asks the work to stop when it is dropped: when the work has ended, or the reader has left.
#[derive(Default)]
pub(super) struct StopWhenLeft(Shutdown);

impl StopWhenLeft {
    /// The request, for the work to look at.
    pub(super) fn request(&self) -> Shutdown {
        self.0.clone()
    }
}

impl Drop for StopWhenLeft {
    fn drop(&mut self) {
        self.0.request();
    }
}
