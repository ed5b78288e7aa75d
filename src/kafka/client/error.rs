//! Why a client could not be made, or a question was not answered, and what to repair.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::is_secret;

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
    /// The cluster was reached, but there is no talking to it: the login or TLS fails.
    #[error("{action}: {detail}: {}", .reason.remedy())]
    Login {
        /// What was being done.
        action: &'static str,
        /// librdkafka's explanation; it quotes no secret.
        detail: String,
        /// Which of the two.
        reason: LoginFault,
    },
    /// The cluster did not answer, or refused.
    #[error("{action}: {detail}")]
    Request {
        /// What was being done.
        action: &'static str,
        /// librdkafka's explanation.
        detail: String,
        /// The topic does not exist, or may not be seen.
        topic_missing: bool,
    },
}

/// What keeps a client from talking to a broker that it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFault {
    /// The broker refuses the credentials, or no token is to be had for them.
    Authentication,
    /// The connection cannot be encrypted, or a certificate is not trusted.
    Tls,
}

impl LoginFault {
    pub(super) fn of(code: Code, reason: &str) -> Option<LoginFault> {
        match code {
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::IllegalSASLState
            | Code::UnsupportedSASLMechanism => Some(LoginFault::Authentication),
            Code::SSL => Some(LoginFault::Tls),
            // In TLS 1.3 a refused certificate is an alert after the handshake, which librdkafka
            // takes for a lost connection; the words are OpenSSL's.
            Code::BrokerTransportFailure if reason.contains("SSL routines") => {
                Some(LoginFault::Tls)
            }
            _ => None,
        }
    }

    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            LoginFault::Authentication => "authentication_failed",
            LoginFault::Tls => "tls_failed",
        }
    }

    /// What to repair.
    pub fn remedy(self) -> &'static str {
        match self {
            LoginFault::Authentication => {
                "check user and password, or API key and secret: they must belong to this cluster; \
                 and sasl.mechanism"
            }
            LoginFault::Tls => {
                "check security.protocol, the port, the CA certificates (ssl.ca.location) and, \
                 where the cluster asks for one, the client's certificate"
            }
        }
    }
}

impl ClientError {
    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            ClientError::Property { .. } | ClientError::Creation(_) => "client",
            ClientError::Login { reason, .. } => reason.as_str(),
            ClientError::Request { .. } => "unreachable",
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
                topic_missing: other.rdkafka_error_code().is_some_and(is_missing),
            },
        }
    }
}

/// Whether a code says that a topic is not there, or may not be seen.
pub(crate) fn is_missing(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition
    )
}
