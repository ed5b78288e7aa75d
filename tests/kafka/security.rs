//! Logging in: every mechanism carries records, a refused login is said with its remedy, and no
//! secret is ever shown.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::binary::{Daemon, watchbell};
use super::eventually;
use super::records::{create, read_committed, unique};
use super::secured::{
    API_SECRET, CLIENT_SECRET, LIMITED_SECRET, SCRAM_PASSWORD, STORE_PASSWORD, Secured, secured,
};

const SEED: &str = include_str!("../data/confluent/seed.ndjson");

const LIMIT: Duration = Duration::from_secs(60);

/// The topics and the group of one test, as a configuration names them.
struct Names {
    name: String,
}

impl Names {
    fn new(name: &str) -> Names {
        Names { name: unique(name) }
    }

    fn topic(&self, of: &str) -> String {
        format!("{}.{of}", self.name)
    }

    /// Output topics and group.
    fn yaml(&self) -> String {
        format!(
            "topics: {{events: {}, alerts: {}, dead_letters: {}}}\ngroup: {}\n",
            self.topic("events"),
            self.topic("alerts"),
            self.topic("dead"),
            self.name
        )
    }

    fn create(&self, secured: &Secured, sources: &[&str]) {
        for topic in ["events", "alerts", "dead"].iter().chain(sources) {
            create(&secured.broker, &self.topic(topic), 1);
        }
    }
}

/// How each source logs in: name, and its part of the configuration.
fn mechanisms(secured: &Secured, wrong: bool) -> Vec<(&'static str, String)> {
    let secret = |name: &str, right: &str| {
        let (name, text) = if wrong {
            (format!("{name}-wrong"), format!("wrong-{right}"))
        } else {
            (name.to_owned(), right.to_owned())
        };
        secured.secret(&name, &text)
    };
    let ca = secured.file("broker.pem").display().to_string();
    let login = secured.login();
    let plain = format!(
        "bootstrap: \"{login}\", api_key_file: {}, api_secret_file: {}, kafka: {{ssl.ca.location: {ca}}}",
        secured.secret("api-key", "plain-key"),
        secret("api-secret", API_SECRET),
    );
    let scram = format!(
        "bootstrap: \"{login}\", kafka: {{security.protocol: SASL_SSL, sasl.mechanism: \
         SCRAM-SHA-512, sasl.username: scram-user, sasl.password_file: {}, ssl.ca.location: {ca}}}",
        secret("scram-password", SCRAM_PASSWORD),
    );
    let oauth = format!(
        "bootstrap: \"{login}\", kafka: {{security.protocol: SASL_SSL, sasl.mechanism: OAUTHBEARER, \
         sasl.oauthbearer.method: oidc, sasl.oauthbearer.client.id: oauth-user, \
         sasl.oauthbearer.client.secret_file: {}, sasl.oauthbearer.token.endpoint.url: \"{}\", \
         ssl.ca.location: {ca}}}",
        secret("client-secret", CLIENT_SECRET),
        secured.token_url(),
    );
    let certificate = if wrong {
        String::new()
    } else {
        format!(
            "ssl.keystore.location: {}, ssl.keystore.password_file: {}, ",
            secured.file("client.p12").display(),
            secret("store-password", STORE_PASSWORD),
        )
    };
    let certificate = format!(
        "bootstrap: \"{}\", kafka: {{security.protocol: SSL, {certificate}ssl.ca.location: {ca}}}",
        secured.certificate(),
    );
    vec![
        ("plain", plain),
        ("scram", scram),
        ("oauth", oauth),
        ("certificate", certificate),
    ]
}

fn assert_hidden(place: &str, text: &str) {
    for secret in [
        API_SECRET,
        SCRAM_PASSWORD,
        CLIENT_SECRET,
        STORE_PASSWORD,
        LIMITED_SECRET,
    ] {
        assert!(!text.contains(secret), "{place} shows {secret}:\n{text}");
    }
}

fn write(secured: &Secured, topic: &str) -> usize {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", secured.broker.bootstrap())
        .create()
        .expect("a producer");
    for line in SEED.lines() {
        let record = BaseRecord::<str, str>::to(topic).payload(line);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).expect("flush");
    SEED.lines().count()
}

#[test]
fn every_way_to_log_in_carries_records_and_no_secret_is_shown() {
    let secured = secured();
    let names = Names::new("login");
    let mechanisms = mechanisms(&secured, false);
    let sources: Vec<&str> = mechanisms.iter().map(|(name, _)| *name).collect();
    names.create(&secured, &sources);
    let mut configuration = "sources:\n".to_owned();
    let mut written = 0;
    for (source, login) in &mechanisms {
        let topic = names.topic(source);
        configuration += &format!("  {source}: {{topic: {topic}, {login}}}\n");
        written += write(&secured, &topic);
    }
    let (_, own) = &mechanisms[0];
    configuration += &format!("destination: {{{own}}}\n{}", names.yaml());

    let mut daemon = Daemon::start(&configuration);
    daemon.wait_for("/readyz", LIMIT, |status, _| status == 200);
    let mut events = Vec::new();
    let all = eventually(LIMIT, || {
        events = read_committed(&secured.broker, &names.topic("events"));
        events.len() >= written
    });
    assert!(all, "{} of {written}\n{}", events.len(), daemon.log());
    assert_eq!(events.len(), written);
    let metrics = daemon.wait_for("/metrics", LIMIT, |status, _| status == 200);
    for source in sources {
        let counted = format!("watchbell_records_total{{source=\"{source}\"}} 9\n");
        assert!(metrics.contains(&counted), "{source}:\n{metrics}");
    }
    assert_hidden("/metrics", &metrics);
    let printed = watchbell(&["config", "print", "-c", &daemon.configuration()]);
    assert!(printed.status.success());
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.contains("sasl.password_file"), "{printed}");
    assert_hidden("config print", &printed);
    assert_hidden("the log", &daemon.terminate());
}

#[test]
fn a_refused_login_is_said_with_its_remedy_and_no_secret_is_shown() {
    let secured = secured();
    let names = Names::new("refused");
    let right = mechanisms(&secured, false);
    let wrong = mechanisms(&secured, true);
    let sources: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    names.create(&secured, &sources);
    let mut configuration = "sources:\n".to_owned();
    for (source, login) in &wrong {
        let topic = names.topic(source);
        configuration += &format!("  {source}: {{topic: {topic}, {login}}}\n");
    }
    let (_, own) = &right[1];
    configuration += &format!("destination: {{{own}}}\n{}", names.yaml());

    let mut daemon = Daemon::start(&configuration);
    let login = ("authentication_failed", "check user and password");
    let reasons = [
        ("plain", login.0, login.1),
        ("scram", login.0, login.1),
        ("oauth", login.0, login.1),
        ("certificate", "tls_failed", "the client's certificate"),
    ];
    let said = daemon.wait_for("/readyz", LIMIT, |status, body| {
        status == 503
            && reasons.iter().all(|(source, reason, remedy)| {
                let start = format!("{source}: {reason}: ");
                let mut lines = body.lines();
                lines.any(|line| line.starts_with(&start) && line.contains(remedy))
            })
    });
    assert_hidden("/readyz", &said);
    let metrics = daemon.wait_for("/metrics", LIMIT, |status, _| status == 200);
    assert!(
        metrics.contains("watchbell_ready{source=\"plain\"} 0"),
        "{metrics}"
    );
    assert_hidden("/metrics", &metrics);
    assert_hidden("the log", &daemon.terminate());
}
