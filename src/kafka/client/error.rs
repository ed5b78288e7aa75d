//! Why a client could not be made, or a question was not answered, and what to repair.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::kafka::fault::{Purpose, Repair, repair_of};

/// A Kafka client could not be made, or a question to the cluster was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// librdkafka refused a property; the value is left out, since it may be a secret.
    #[error("librdkafka refuses the property {property}: {detail}")]
    Property {
        /// Name of the property.
        property: String,
        /// librdkafka's explanation, withheld for secrets.
        detail: String,
    },
    /// The properties contradict each other, or a file they name is unreadable.
    #[error("create a Kafka client: {0}")]
    Creation(String),
    /// The cluster was reached, but the login or the TLS handshake fails.
    #[error("{action}: {detail}: {}", .repair.remedy(Purpose::WriteDestination))]
    Login {
        /// What was being done.
        action: &'static str,
        /// librdkafka's explanation; it quotes no secret.
        detail: String,
        /// Login or TLS, as for any other client that meets it.
        repair: Repair,
    },
    /// The cluster did not answer, or refused.
    #[error("{action}: {detail}")]
    Request {
        /// What was being done.
        action: &'static str,
        /// librdkafka's explanation.
        detail: String,
        /// What has to be repaired, where the answer says so.
        repair: Option<Repair>,
    },
}

impl ClientError {
    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            ClientError::Property { .. } | ClientError::Creation(_) => "client",
            ClientError::Login { repair, .. }
            | ClientError::Request {
                repair: Some(repair),
                ..
            } => repair.reason,
            ClientError::Request { repair: None, .. } => "unreachable",
        }
    }

    pub(crate) fn new(action: &'static str, error: &KafkaError) -> ClientError {
        match error {
            KafkaError::ClientConfig(_, detail, property, _) => ClientError::Property {
                property: property.clone(),
                detail: if is_secret(property) {
                    "the value is withheld".into()
                } else {
                    detail.clone()
                },
            },
            KafkaError::ClientCreation(detail) => ClientError::Creation(detail.clone()),
            other => ClientError::Request {
                action,
                detail: other.to_string(),
                repair: other.rdkafka_error_code().and_then(repair_of),
            },
        }
    }

    /// What to repair, where the answer says so and the error's text does not: a missing right is named by
    /// whoever knows what was asked for.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            ClientError::Request {
                repair: Some(repair),
                ..
            } if !repair.is_denial() => Some(repair.remedy(Purpose::WriteDestination)),
            _ => None,
        }
    }

    /// A request for something that the cluster refuses with this code.
    pub(crate) fn refused(action: &'static str, of: &str, code: Code) -> ClientError {
        ClientError::Request {
            action,
            detail: format!("{of}: {code}"),
            repair: repair_of(code),
        }
    }
}

/// Whether the value of a librdkafka property must not be shown.
pub fn is_secret(property: &str) -> bool {
    const SECRET_WORDS: [&str; 6] = [
        "password",
        "passphrase",
        "secret",
        "key",
        "token",
        "oauthbearer.config",
    ];
    // They say where something is, not what it is.
    const PLACES: [&str; 4] = [".location", ".file", ".url", ".keytab"];
    !PLACES.iter().any(|place| property.ends_with(place))
        && SECRET_WORDS.iter().any(|word| property.contains(word))
}
