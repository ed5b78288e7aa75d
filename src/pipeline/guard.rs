//! A panic is one record's misfortune: it is caught, and the record becomes a dead letter.
//! Invariant: nothing of the panic's text travels on, since it may quote the record.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The reason of a dead letter whose record made a stage panic.
pub const PANIC: &str = "panic";

/// The detail of such a dead letter: where it was is for the log.
pub(super) const DETAIL: &str = "a stage of the pipeline panicked; the log says where";

/// What `work` returns, or `None` if it panicked. `work` may leave nothing half-written behind but
/// what its caller then throws away.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
