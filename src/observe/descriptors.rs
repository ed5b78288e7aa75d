//! How many files and sockets this process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this the limit is called low: a source keeps four clients and a sink three, each of which
/// has a connection to every broker.
const LOW: u64 = 1024;

/// Raise the soft limit to the hard one and say what is in force. Many systems begin with a soft
/// limit of 1024 for the sake of old programs that use `select`.
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
            "few files may be open at a time: connections to brokers and sinks may fail; raise the \
             hard limit (ulimit -Hn, LimitNOFILE=, the container runtime's nofile) to {LOW} or more"
        ),
        _ => tracing::info!(limit, "limit of open files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
