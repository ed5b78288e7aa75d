//! Authentication and authorization: records pass with every mechanism, a refused login is reported with its
//! remedy, no secret is shown, and missing rights are reported with the commands that grant them.

use std::path::Path;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::broker::{Broker, clusters, turn};
use super::daemon::{Daemon, watchbell};
use super::records::{create, read_committed, unique};
use super::secured::{
    API_SECRET, CLIENT_SECRET, LIMITED_SECRET, SCRAM_PASSWORD, STORE_PASSWORD, Secured, secured,
};
use super::sls::{ACCESS_KEY, PROJECT};
use super::stub::{Stub, ok};
use super::{LIMIT, eventually};

const SEED: &str = include_str!("../data/confluent/seed.ndjson");

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
            "topics: {{events: {}, alerts: {}, dead_letters: {}}}\ngroup: {}\n\
             http: {{listen: \"127.0.0.1:0\"}}\nlog: {{filter: debug}}\n",
            self.topic("events"),
            self.topic("alerts"),
            self.topic("dead"),
            self.name
        )
    }

    /// Keep a configuration in a file; its path.
    fn file(&self, secured: &Secured, configuration: &str) -> String {
        let path = secured.file(&format!("{}.yaml", self.name));
        std::fs::write(&path, configuration).expect("write the configuration");
        path.display().to_string()
    }

    fn create(&self, secured: &Secured, sources: &[&str]) {
        for topic in ["events", "alerts", "dead"].iter().chain(sources) {
            create(&secured.broker, &self.topic(topic), 1);
        }
    }
}

fn start(secured: &Secured, configuration: &str) -> Daemon {
    let log = secured.file(&format!("{}.log", unique("daemon")));
    Daemon::start(Path::new(configuration), log, 0)
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
    // As the endpoint of SLS wants it: the password has a number sign.
    let sls = format!(
        "bootstrap: \"{login}\", broker: sls, kafka: {{security.protocol: SASL_SSL, sasl.mechanism: \
         PLAIN, sasl.username: {PROJECT}, sasl.password_file: {}, ssl.ca.location: {ca}}}",
        secret("access-key", ACCESS_KEY),
    );
    vec![
        ("plain", plain),
        ("scram", scram),
        ("oauth", oauth),
        ("certificate", certificate),
        ("sls", sls),
    ]
}

fn assert_hidden(place: &str, text: &str) {
    for secret in [
        API_SECRET,
        SCRAM_PASSWORD,
        CLIENT_SECRET,
        STORE_PASSWORD,
        LIMITED_SECRET,
        ACCESS_KEY,
    ] {
        assert!(!text.contains(secret), "{place} shows {secret}:\n{text}");
    }
}

fn write(broker: &Broker, topic: &str) -> usize {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
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
fn records_pass_with_every_login_mechanism_and_no_secret_is_shown() {
    let _turn = turn();
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
        written += write(&secured.broker, &topic);
    }
    let (_, own) = &mechanisms[0];
    configuration += &format!("destination: {{{own}}}\n{}", names.yaml());

    let path = names.file(&secured, &configuration);
    let daemon = start(&secured, &path);
    daemon.wait_for_page("/readyz", LIMIT, |status, _| status == 200);
    let mut events = Vec::new();
    let all = eventually(LIMIT, || {
        events = read_committed(&secured.broker, &names.topic("events"));
        events.len() >= written
    });
    assert!(all, "{} of {written}\n{}", events.len(), daemon.log());
    assert_eq!(events.len(), written);
    // The last commit is counted a moment after the broker has it.
    let metrics = daemon.wait_for_page("/metrics", LIMIT, |status, metrics| {
        let mut sources = sources.iter();
        status == 200
            && sources.all(|source| {
                let counted = format!("watchbell_records_total{{source=\"{source}\"}} 9\n");
                metrics.contains(&counted)
            })
    });
    assert_hidden("/metrics", &metrics);
    let status = daemon.wait_for_page("/status", LIMIT, |_, body| {
        let page: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let partition = &page["sources"]["plain"]["partitions"]["0"];
        page["ready"] == true && partition["position"] == 9 && partition["lag_records"] == 0
    });
    assert_hidden("/status", &status);
    let printed = watchbell(&["config", "print", "-c", &path]);
    assert!(printed.status.success());
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.contains("sasl.password_file"), "{printed}");
    assert_hidden("config print", &printed);
    assert_hidden("the log", &daemon.terminate().0);
}

#[test]
fn a_refused_login_is_reported_with_its_remedy_and_no_secret_is_shown() {
    let _turn = turn();
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

    let path = names.file(&secured, &configuration);
    let daemon = start(&secured, &path);
    let login = ("authentication_failed", "check user and password");
    let reasons = [
        ("plain", login.0, login.1),
        ("scram", login.0, login.1),
        ("oauth", login.0, login.1),
        ("certificate", "tls_failed", "the client's certificate"),
        ("sls", login.0, "is <AccessKeyId>#<AccessKeySecret>"),
    ];
    let said = daemon.wait_for_page("/readyz", LIMIT, |status, body| {
        status == 503
            && reasons.iter().all(|(source, reason, remedy)| {
                let start = format!("{source}: {reason}: ");
                let mut lines = body.lines();
                lines.any(|line| line.starts_with(&start) && line.contains(remedy))
            })
    });
    assert_hidden("/readyz", &said);
    let metrics = daemon.wait_for_page("/metrics", LIMIT, |status, _| status == 200);
    assert!(
        metrics.contains("watchbell_ready{source=\"plain\"} 0"),
        "{metrics}"
    );
    assert_hidden("/metrics", &metrics);
    assert_hidden("the log", &daemon.terminate().0);
}

/// Run `validate --connect`; its exit code, standard output and standard error.
fn connect(configuration: &str) -> (Option<i32>, String, String) {
    let ran = watchbell(&["validate", "--connect", "-c", configuration]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert_hidden("validate", &out);
    assert_hidden("validate", &err);
    (ran.status.code(), out, err)
}

#[test]
fn the_commands_that_validate_prints_grant_all_that_the_daemon_needs() {
    let clusters = clusters();
    let secured = secured();
    let names = Names::new("rights");
    names.create(&secured, &["near"]);
    create(&clusters.source, &names.topic("far"), 2);
    let own = format!(
        "bootstrap: \"{}\", kafka: {{{}}}",
        secured.login(),
        secured.as_limited(),
    );
    let (near, far) = (names.topic("near"), names.topic("far"));
    let hook = Stub::start(|_| ok());
    let sinks = format!(
        "notify: {{hook: {{type: webhook, url: '{}/'}}}}\n",
        hook.url()
    );
    let configuration = format!(
        "sources:\n  near: {{topic: {near}, {own}}}\n  {}: {{topic: {far}, bootstrap: \"{}\"}}\n\
         destination: {{{own}}}\n{}{sinks}",
        names.name,
        clusters.source.bootstrap(),
        names.yaml()
    );
    let path = names.file(&secured, &configuration);

    let (code, commands, said) = connect(&path);
    assert_eq!(code, Some(1), "{said}");
    for missing in [
        format!("source near: error: missing: Read and Describe on topic {near}"),
        format!(
            "destination: error: missing: Describe and Write on topic {}",
            names.topic("events")
        ),
        format!(
            "destination: error: missing: Describe and Write on transactional ids {}/*",
            names.name
        ),
    ] {
        assert!(said.contains(&missing), "{missing}\n{said}");
    }
    assert!(
        commands.contains("PRINCIPAL=User:limited\nkafka-acls.sh"),
        "{commands}"
    );

    // What can only be seen once something else is allowed takes another round.
    let mut left = commands;
    for _ in 0..4 {
        secured.paste(&left);
        let (code, commands, said) = connect(&path);
        println!("{said}");
        if code == Some(0) && commands.is_empty() {
            left.clear();
            break;
        }
        left = commands;
    }
    assert_eq!(left, "", "rights are still missing");
    let alarmed = hook.received().iter().any(|asked| !asked.body.is_empty());
    assert!(!alarmed && !hook.received().is_empty(), "only asked");

    let written = write(&secured.broker, &near) + write(&clusters.source, &far);
    let daemon = start(&secured, &path);
    daemon.wait_for_page("/readyz", LIMIT, |status, _| status == 200);
    let (code, commands, said) = connect(&path);
    assert_eq!(code, Some(0), "while it runs: {said}");
    // The settings of a topic that run has just made, which may stay unread.
    let rights = commands.matches("--operation ").count();
    let optional = commands.matches("--operation DescribeConfigs").count();
    assert_eq!(rights, optional, "{commands}");
    let mut events = Vec::new();
    let all = eventually(LIMIT, || {
        events = read_committed(&secured.broker, &names.topic("events"));
        events.len() >= written
    });
    assert!(all, "{} of {written}\n{}", events.len(), daemon.log());
    daemon.terminate();
    for topic in ["events", "alerts", "dead"] {
        let uncommitted = super::records::aborted(&secured.broker, &names.topic(topic));
        assert_eq!(uncommitted, 0, "validate has left something in {topic}");
    }
    assert_eq!(events.len(), written);
}

#[test]
fn a_cluster_that_cannot_be_reached_or_lacks_topics_is_reported_in_one_pass() {
    let _turn = turn();
    let secured = secured();
    let names = Names::new("absent");
    let own = mechanisms(&secured, false).swap_remove(0).1;
    let wrong = mechanisms(&secured, true).swap_remove(0).1;
    let configuration = format!(
        "sources:\n  audit: {{topic: {0}, {own}}}\n  other: {{topic: {0}.other, {wrong}}}\n\
         destination: {{{own}}}\n{1}",
        names.topic("source"),
        names.yaml()
    );
    let (code, commands, said) = connect(&names.file(&secured, &configuration));
    assert_eq!((code, commands.as_str()), (Some(1), ""), "{said}");
    for error in [
        format!(
            "source audit: error: the topic {} does not exist",
            names.topic("source")
        ),
        "source other: error: reach the cluster: sasl_ssl://".to_owned(),
        format!(
            "destination: error: the topic {} does not exist",
            names.topic("alerts")
        ),
    ] {
        assert!(said.contains(&error), "{error}\n{said}");
    }
}
