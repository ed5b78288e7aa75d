//! How a cluster is reached: bootstrap servers, credentials and any property of librdkafka.
//! Invariant: a secret leaves this file only for librdkafka, never for a log line or a message.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// The API key of a cluster; its parts are already read from file or environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// SASL user name.
    pub key: String,
    /// SASL password.
    pub secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// One Kafka cluster and how to log in to it.
///
/// With `credentials` the connection is SASL_SSL with PLAIN, without it plaintext; `properties` are
/// librdkafka's own (SCRAM, OAUTHBEARER, mutual TLS, tuning) and win over everything else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// `host:port[,host:port]`.
    pub bootstrap: String,
    /// Log in with an API key.
    pub credentials: Option<Credentials>,
    /// Properties handed to librdkafka unchanged.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: BTreeMap<&str, &str> = self
            .properties
            .iter()
            .map(|(name, value)| {
                let value = if is_secret(name) { "***" } else { value };
                (name.as_str(), value)
            })
            .collect();
        f.debug_struct("Cluster")
            .field("bootstrap", &self.bootstrap)
            .field("credentials", &self.credentials)
            .field("properties", &shown)
            .finish()
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
    fn of(code: Code, reason: &str) -> Option<LoginFault> {
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

impl Cluster {
    /// A cluster reached in plaintext.
    pub fn plaintext(bootstrap: impl Into<String>) -> Cluster {
        Cluster {
            bootstrap: bootstrap.into(),
            ..Cluster::default()
        }
    }

    /// Properties shared by every client of this cluster; `role` ends the client id.
    pub(crate) fn client_config(
        &self,
        role: &str,
        defaults: &[(&str, &str)],
        fixed: &[(&str, &str)],
    ) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("client.id", format!("watchbell-{role}"));
        // Without it an idle broker's closed connection is logged as an error every ten minutes.
        config.set("log.connection.close", "false");
        if let Some(Credentials { key, secret }) = &self.credentials {
            config.set("security.protocol", "SASL_SSL");
            config.set("sasl.mechanism", "PLAIN");
            config.set("sasl.username", key);
            config.set("sasl.password", secret);
        }
        for (name, value) in self.trust() {
            config.set(name, value);
        }
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        for (name, value) in fixed {
            config.set(*name, *value);
        }
        config
    }

    /// Where CA certificates are looked for when nobody says. The bundled OpenSSL and libcurl know
    /// only the paths they were built with; `probe` tries those of the usual distributions.
    fn trust(&self) -> Vec<(&'static str, &'static str)> {
        let is = |name: &str, wanted: &[&str]| {
            let value = self.properties.get(name);
            value.is_some_and(|value| wanted.iter().any(|w| value.eq_ignore_ascii_case(w)))
        };
        let given = |names: &[&str]| names.iter().any(|n| self.properties.contains_key(*n));
        let encrypted = if given(&["security.protocol"]) {
            is("security.protocol", &["ssl", "sasl_ssl"])
        } else {
            self.credentials.is_some()
        };
        let mut trust = Vec::new();
        if encrypted && !given(&["ssl.ca.location", "ssl.ca.pem"]) {
            trust.push(("ssl.ca.location", "probe"));
        }
        let fetches_tokens = is("sasl.oauthbearer.method", &["oidc"]);
        if fetches_tokens && !given(&["https.ca.location", "https.ca.pem"]) {
            trust.push(("https.ca.location", "probe"));
        }
        trust
    }

    /// Ask the cluster for its id: `None` where a broker predates cluster ids.
    ///
    /// # Errors
    /// The properties are refused, or the cluster does not answer within `timeout`.
    pub fn cluster_id(&self, timeout: Duration) -> Result<Option<String>, ClientError> {
        let probe = self.probe()?;
        probe
            .fetch_metadata(Some("__watchbell_probe"), timeout)
            .map_err(|error| explain(&probe, "reach the cluster", &error))?;
        Ok(probe.client().fetch_cluster_id(timeout))
    }

    /// A client for questions only: it joins no group and reads nothing.
    pub(crate) fn probe(&self) -> Result<BaseConsumer<Quiet>, ClientError> {
        self.client_config("probe", &[], &[("allow.auto.create.topics", "false")])
            .create_with_context(Quiet::default())
            .map_err(|error| ClientError::new("create a probe", &error))
    }
}

/// What a question's failure is due to: where the client complained of its login meanwhile, that.
pub(crate) fn explain(
    client: &BaseConsumer<Quiet>,
    action: &'static str,
    error: &KafkaError,
) -> ClientError {
    // A client says what is wrong with its connections only where it is polled; log lines come the
    // same way, and end a poll that does not wait. One that reads would lose records here.
    let reads = client.assignment().is_ok_and(|list| list.count() > 0);
    for _ in 0..MOST_COMPLAINTS {
        if reads || client.poll(COMPLAINING).is_none() {
            break;
        }
    }
    match client.context().take_complaint() {
        Some((reason, detail)) => ClientError::Login {
            action,
            detail,
            reason,
        },
        None => ClientError::new(action, error),
    }
}

/// Most complaints that are read from a client at a time.
const MOST_COMPLAINTS: usize = 100;

/// How long the next complaint is waited for.
const COMPLAINING: Duration = Duration::from_millis(20);

/// A context that hands librdkafka's log lines to `tracing` and keeps why a login failed.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    complaint: Mutex<Option<(LoginFault, String)>>,
}

impl Quiet {
    fn take_complaint(&self) -> Option<(LoginFault, String)> {
        let mut complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        complaint.take()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        let fault = |code| LoginFault::of(code, reason);
        if let Some(fault) = error.rdkafka_error_code().and_then(fault) {
            let mut complaint = self
                .complaint
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *complaint = Some((fault, reason.to_owned()));
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

/// Hand a log line of librdkafka to `tracing`, at most as a warning: whether something is an error
/// for watchbell is decided where the failing call is made.
pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    let level = match level {
        // A cluster's properties go to its producers and consumers alike.
        _ if facility == "CONFWARN" && message.contains("will be ignored by this") => {
            RDKafkaLogLevel::Debug
        }
        level => level,
    };
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, message),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_api_key() -> Cluster {
        Cluster {
            bootstrap: "pkc.example:9092".into(),
            credentials: Some(Credentials {
                key: "THEKEY".into(),
                secret: "THESECRET".into(),
            }),
            properties: BTreeMap::from([("ssl.key.password".into(), "HIDDEN".into())]),
        }
    }

    #[test]
    fn an_api_key_means_sasl_ssl_with_plain() {
        let config = with_api_key().client_config("test", &[], &[]);
        assert_eq!(config.get("security.protocol"), Some("SASL_SSL"));
        assert_eq!(config.get("sasl.mechanism"), Some("PLAIN"));
        assert_eq!(config.get("sasl.username"), Some("THEKEY"));
        assert_eq!(config.get("client.id"), Some("watchbell-test"));
    }

    #[test]
    fn without_an_api_key_the_protocol_is_left_to_the_properties() {
        let mut cluster = Cluster::plaintext("localhost:9092");
        assert_eq!(
            cluster
                .client_config("t", &[], &[])
                .get("security.protocol"),
            None
        );
        cluster
            .properties
            .insert("security.protocol".into(), "SSL".into());
        assert_eq!(
            cluster
                .client_config("t", &[], &[])
                .get("security.protocol"),
            Some("SSL")
        );
    }

    #[test]
    fn properties_win_over_defaults_and_lose_to_what_delivery_depends_on() {
        let mut cluster = Cluster::plaintext("localhost:9092");
        cluster.properties.insert("linger.ms".into(), "7".into());
        cluster
            .properties
            .insert("enable.auto.commit".into(), "true".into());
        let config = cluster.client_config(
            "t",
            &[("linger.ms", "20")],
            &[("enable.auto.commit", "false")],
        );
        assert_eq!(config.get("linger.ms"), Some("7"));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
    }

    #[test]
    fn certificates_are_looked_for_unless_somebody_says_where_they_are() {
        let trust = |properties: &[(&str, &str)]| {
            let mut cluster = Cluster::plaintext("localhost:9092");
            let owned = properties.iter().map(|(n, v)| ((*n).into(), (*v).into()));
            cluster.properties = owned.collect();
            cluster.trust()
        };
        assert_eq!(with_api_key().trust(), [("ssl.ca.location", "probe")]);
        assert_eq!(trust(&[]), []);
        assert_eq!(trust(&[("security.protocol", "sasl_plaintext")]), []);
        let ssl = ("security.protocol", "SSL");
        assert_eq!(trust(&[ssl]), [("ssl.ca.location", "probe")]);
        assert_eq!(trust(&[ssl, ("ssl.ca.location", "/ca.pem")]), []);
        assert_eq!(trust(&[ssl, ("ssl.ca.pem", "-----BEGIN")]), []);
        assert_eq!(
            trust(&[ssl, ("sasl.oauthbearer.method", "OIDC")]),
            [("ssl.ca.location", "probe"), ("https.ca.location", "probe")]
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", with_api_key());
        assert!(shown.contains("pkc.example"), "{shown}");
        for secret in ["THEKEY", "THESECRET", "HIDDEN"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn what_is_secret_is_told_by_the_name_and_places_are_not() {
        for secret in [
            "sasl.password",
            "ssl.key.pem",
            "ssl.keystore.password",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
        ] {
            assert!(is_secret(secret), "{secret}");
        }
        for public in [
            "sasl.username",
            "ssl.key.location",
            "ssl.keystore.location",
            "sasl.oauthbearer.token.endpoint.url",
            "sasl.oauthbearer.assertion.private.key.file",
            "sasl.kerberos.keytab",
        ] {
            assert!(!is_secret(public), "{public}");
        }
    }

    #[test]
    fn a_refused_secret_is_not_quoted() {
        let mut cluster = Cluster::plaintext("localhost:9092");
        cluster
            .properties
            .insert("no.such.password".into(), "HIDDEN".into());
        let error = cluster.probe().err().expect("refused");
        assert!(error.to_string().contains("no.such.password"), "{error}");
        assert!(!format!("{error:?}").contains("HIDDEN"), "{error:?}");
    }
}
