//! Catches a panic that a record causes; the record becomes a dead letter.
//! Invariant: the text of the panic is not passed on, since it may quote the record.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The reason of a dead letter whose record made a stage panic.
pub const PANIC: &str = "panic";

/// The detail of such a dead letter; the log has the place in the code.
pub(super) const DETAIL: &str = "a stage of the pipeline panicked; the log says where";

/// What `work` returns, or `None` if it panicked. After a panic the
/// caller must discard what `work` has written in part.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
