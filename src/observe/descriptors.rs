//! The limit of open files and sockets of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A lower limit is warned about: a source has four Kafka clients and a sink three, each with a
/// connection to every broker.
const LOW: u64 = 1024;

/// Raise the soft limit to the hard limit, and log the limit in force. Many systems set a soft limit of
/// 1024 for old programs that use `select`.
pub fn raise_limit() {
    let found = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: found.maximum,
        maximum: found.maximum,
    };
    let limit = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => found.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            found.current
        }
    };
    match limit {
        Some(limit) if limit < LOW => tracing::warn!(
            limit,
            "the limit of open files is low: connections to brokers and sinks may fail; raise the \
             hard limit (ulimit -Hn, LimitNOFILE=, the container runtime's nofile) to {LOW} or more"
        ),
        _ => tracing::info!(limit, "limit of open files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
