//! How long tests wait for what must happen.

use std::time::{Duration, Instant};

/// For how long a test waits at most for what must happen. It says nothing of how fast something is: a busy machine
/// may need many times what a quiet one needs.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Repeats a check until it holds or the deadline is over.
pub fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
