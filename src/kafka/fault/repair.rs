//! What somebody has to repair, and where, with a reason for metrics and a remedy for a person.

/// Which cluster answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kafka) enum Side {
    Source,
    Destination,
}

/// What a client does with a topic: the right that it needs is named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kafka) enum Purpose {
    /// A session reads the source.
    ReadSource,
    /// A session writes outputs, or an inspection asks for the right to.
    WriteDestination,
    /// A sink reads alerts.
    ReadDestination,
}

impl From<Side> for Purpose {
    fn from(side: Side) -> Purpose {
        match side {
            Side::Source => Purpose::ReadSource,
            Side::Destination => Purpose::WriteDestination,
        }
    }
}

/// What has to be repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair {
    pub(in crate::kafka) party: Party,
    /// Metric label.
    pub(in crate::kafka) reason: &'static str,
    /// For a person, in the order of [`Purpose`].
    pub(super) remedy: [&'static str; 3],
}

/// Where it has to be repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kafka) enum Party {
    /// A topic: it is missing, or has a setting that does not go with what is written.
    Topic,
    /// The clock of this machine, or a topic's limits on timestamps.
    Clock,
    /// A right, or the login.
    Right,
    /// Brokers, their settings, or the way to them.
    Cluster,
    /// This process: its configuration.
    Configuration,
}

impl Repair {
    /// Whether an authorizer refuses a right to somebody whose login is accepted.
    pub(in crate::kafka) fn is_denial(&self) -> bool {
        self.party == Party::Right && self.reason != AUTHENTICATION_FAILED
    }

    /// What to repair, for a person.
    pub(in crate::kafka) fn remedy(&self, purpose: impl Into<Purpose>) -> &'static str {
        match purpose.into() {
            Purpose::ReadSource => self.remedy[0],
            Purpose::WriteDestination => self.remedy[1],
            Purpose::ReadDestination => self.remedy[2],
        }
    }
}

/// The reason of a trouble: a topic may not be read, or not be written.
pub(in crate::kafka) const TOPIC_UNAUTHORIZED: &str = "topic_unauthorized";

/// The reason where a login is refused.
pub(super) const AUTHENTICATION_FAILED: &str = "authentication_failed";

const LOGIN_REMEDY: &str = "check user and password, or API key and secret: they must belong to this \
                            cluster; and sasl.mechanism";

const TLS_REMEDY: &str = "check security.protocol, the port, the CA certificates (ssl.ca.location) and, \
                          where the cluster asks for one, the client's certificate";

/// The broker refuses the credentials, or there is no token for them.
pub(super) const LOGIN: Repair = Repair {
    party: Party::Right,
    reason: AUTHENTICATION_FAILED,
    remedy: [LOGIN_REMEDY; 3],
};

/// The connection cannot be encrypted, or a certificate is not trusted.
pub(super) const TLS: Repair = Repair {
    party: Party::Cluster,
    reason: "tls_failed",
    remedy: [TLS_REMEDY; 3],
};

/// The reason where a topic does not exist, or may not be described.
pub(super) const TOPIC_MISSING: &str = "topic_missing";
