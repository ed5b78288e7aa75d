//! How a cluster is reached: bootstrap servers, credentials and any property of librdkafka.
//! Invariant: a secret leaves this file only for librdkafka, never for a log line or a message.

mod context;
mod error;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};

pub(crate) use context::{Quiet, explain, log_line};
pub use error::{ClientError, is_secret};

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

/// Properties of a consumer that reads committed records only, commits nothing by itself and creates no topic.
pub(super) const READ_COMMITTED: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
];

impl Cluster {
    /// A cluster reached in plaintext.
    pub fn plaintext(bootstrap: impl Into<String>) -> Cluster {
        Cluster {
            bootstrap: bootstrap.into(),
            ..Cluster::default()
        }
    }

    /// Properties shared by every client of this cluster; the client id ends with `role`.
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
            let given = self.properties.get(*name);
            if given.is_some_and(|given| given != value) {
                tracing::warn!(
                    property = name,
                    used = value,
                    client = role,
                    "fixed by watchbell (exactly-once delivery needs it): the configured value is ignored"
                );
            }
            config.set(*name, *value);
        }
        config
    }

    /// Where CA certificates are looked for if no property says. The bundled OpenSSL and libcurl know
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
