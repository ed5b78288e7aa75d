//! The effect of a sink's answers on a notification, over real connections.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::Sha256;
use watchbell::config;
use watchbell::notice::Notice;
use watchbell::notify::sinks::teams::Teams;
use watchbell::notify::{Client, Message, Secret, Sink, SinkAnswer};

use crate::stub::{Received, Reply, Stub, ok};

/// The only sink of a configuration with these lines.
fn sink(kind: &str) -> Sink {
    let text = format!(
        "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\n\
         notify:\n  oncall: {{{kind}, timeout: 1s}}\n"
    );
    let secrets = [
        ("ROUTING_KEY", "pagerduty", "KEY"),
        ("TOKEN", "channel", "KEY"),
        ("SECRET", "webhook", "KEY"),
        ("WEBHOOK_URL", "teams", "https://teams.example/"),
    ]
    .iter()
    .filter(|(_, word, _)| kind.contains(word))
    .map(|(name, _, secret)| {
        (
            format!("WATCHBELL__NOTIFY__ONCALL__{name}"),
            (*secret).into(),
        )
    })
    .collect::<Vec<(String, String)>>();
    let loaded = config::from_parts(Some(("w.yaml", &text)), &secrets);
    let mut loaded = loaded.unwrap_or_else(|faults| panic!("{faults:?}"));
    loaded.config.sinks.remove(0)
}

pub fn send(sink: &Sink) -> SinkAnswer {
    let message = Message::of_one(&sink.name, Notice::example(0), 0, None);
    let requests = sink.endpoint.requests(&message, 1_700_000_000_000);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(Client::new(sink).expect("a client").send(requests))
}

fn webhook(stub: &Stub) -> Sink {
    sink(&format!("type: webhook, url: '{}/hook'", stub.url()))
}

fn status(
    status: u16,
    headers: &'static str,
    body: &str,
) -> impl FnMut(&Received) -> Reply + use<> {
    let body = body.to_owned();
    move |_| Reply::Status(status, headers, body.clone())
}

#[test]
fn a_refusal_is_final_and_every_other_failure_is_tried_again() {
    let stub = Stub::start(status(200, "", ""));
    let sink = webhook(&stub);
    assert_eq!(send(&sink), SinkAnswer::Accepted);
    for refused in [400, 413, 422] {
        stub.answer(status(refused, "", "no\u{1b}such"));
        let answer = send(&sink);
        let SinkAnswer::Refused { detail } = &answer else {
            panic!("{refused}: {answer:?}")
        };
        assert_eq!(*detail, format!("status {refused}: no\\u001bsuch"));
    }
    // A wrong credential or address is no alert's fault; nobody is sent elsewhere with it.
    let elsewhere = Stub::start(status(200, "", ""));
    let location: &'static str = format!("location: {}\r\n", elsewhere.url()).leak();
    for later in [302, 401, 403, 404, 408, 425, 500, 502, 503, 504] {
        stub.answer(status(later, location, ""));
        assert!(
            matches!(send(&sink), SinkAnswer::Later { after: None, .. }),
            "{later}"
        );
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn retry_after_is_obeyed_in_seconds_and_as_a_date() {
    let stub = Stub::start(status(429, "retry-after: 7\r\n", ""));
    let sink = webhook(&stub);
    let after = || match send(&sink) {
        SinkAnswer::Later { after, .. } => after.expect("a time"),
        other => panic!("{other:?}"),
    };
    assert_eq!(after(), Duration::from_secs(7));
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
    let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let header = format!("retry-after: {date}\r\n").leak();
    stub.answer(status(503, header, ""));
    let left = after().as_secs();
    assert!((90..=100).contains(&left), "{left}");
}

#[test]
fn an_answer_about_the_sinks_configuration_is_not_a_refusal_of_the_alert() {
    let stub = Stub::start(|_| ok());
    let pagerduty = sink(&format!("type: pagerduty, url: '{}'", stub.url()));
    assert_eq!(send(&pagerduty), SinkAnswer::Accepted);
    let received = stub.received().remove(0);
    assert_eq!(received.path, "/v2/enqueue");
    assert_eq!(received.json()["routing_key"], "KEY");
    let invalid = |why: &str| {
        format!(
            r#"{{"status":"invalid event","message":"Event object is invalid","errors":["{why}"]}}"#
        )
    };
    let key = "Length of 'routing_key' is incorrect (should be 32 characters)";
    for (sink, setup, alert) in [
        (
            pagerduty,
            invalid(key),
            invalid("'payload.severity' is invalid"),
        ),
        (
            sink("type: teams"),
            r#"{"error":{"code":"WorkflowTriggerIsNotEnabled"}}"#.into(),
            r#"{"error":{"code":"TriggerInputSchemaMismatch"}}"#.into(),
        ),
    ] {
        let sink = match format!("{:?}", sink.endpoint).starts_with("Teams") {
            true => Sink {
                endpoint: Arc::new(Teams {
                    url: Secret::new(stub.url()),
                }),
                ..sink
            },
            false => sink,
        };
        stub.answer(status(400, "", &setup));
        assert!(matches!(send(&sink), SinkAnswer::Later { .. }), "{setup}");
        stub.answer(status(400, "", &alert));
        assert!(matches!(send(&sink), SinkAnswer::Refused { .. }), "{alert}");
    }
}

#[test]
fn a_sink_that_closes_the_connection_or_does_not_answer_is_tried_again_and_its_address_not_shown() {
    let stub = Stub::start(|_| Reply::HalfClosed);
    let sink = self::sink(&format!("type: slack, url: '{}', channel: C1", stub.url()));
    let said = |answer: SinkAnswer| match answer {
        SinkAnswer::Later { detail, .. } => detail,
        other => panic!("{other:?}"),
    };
    said(send(&sink));
    stub.answer(|_| Reply::Silence(Duration::from_secs(3)));
    let detail = said(send(&sink));
    assert!(!detail.contains("127.0.0.1"), "{detail}");
    assert!(stub.accepted().is_empty());
    let asked = stub.received().pop().expect("a request");
    assert!(
        asked.at.elapsed() >= Duration::from_millis(900),
        "not patient"
    );
    // Plain HTTP where TLS is spoken.
    let over_tls = stub.url().replace("http:", "https:");
    let sink = self::sink(&format!("type: webhook, url: '{over_tls}/hook'"));
    said(send(&sink));
    let nobody = self::sink("type: webhook, url: 'http://127.0.0.1:1/hook'");
    said(send(&nobody));
}

/// An authority that nobody knows, with its certificate in a file.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let own = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("authority.pem"), own.pem()).expect("a file");
        Authority {
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    /// The path of its certificate.
    pub fn file(&self) -> String {
        self.folder
            .path()
            .join("authority.pem")
            .display()
            .to_string()
    }

    /// What a server with a certificate by the authority needs.
    pub fn server(&self, certified: &CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let certificate = certified.signed_by(&key, &self.issuer);
        let certificate = certificate.expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.expect("a certificate and its key"))
    }
}

/// A server of HTTPS at `localhost`; returns its port.
fn serve_tls(config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let session = ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut stream = StreamOwned::new(session, connection);
            // The client may break off, and does where it does not trust us.
            let _ = stream.read(&mut [0; 16 * 1024]);
            let _ = stream.write_all(b"HTTP/1.1 202 said\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.flush();
        }
    });
    port
}

pub fn certified(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

#[test]
fn a_wrong_certificate_is_not_trusted_and_one_of_the_configured_authority_is() {
    let authority = Authority::new();
    let port = serve_tls(authority.server(&certified("localhost")));
    let url = format!("type: webhook, url: 'https://localhost:{port}/hook'");
    let distrusted = |sink: &str| match send(&self::sink(sink)) {
        SinkAnswer::Later { detail, .. } => detail,
        other => panic!("{other:?}"),
    };
    let unknown = distrusted(&url);
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let trusting = |url: &str| format!("{url}, ca_file: {}", authority.file());
    assert_eq!(send(&sink(&trusting(&url))), SinkAnswer::Accepted);

    let port = serve_tls(authority.server(&certified("elsewhere.example")));
    let url = format!("type: webhook, url: 'https://localhost:{port}/hook'");
    let elsewhere = distrusted(&trusting(&url));
    assert!(elsewhere.contains("not valid for name"), "{elsewhere}");

    let mut old = certified("localhost");
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let port = serve_tls(authority.server(&old));
    let url = format!("type: webhook, url: 'https://localhost:{port}/hook'");
    let expired = distrusted(&trusting(&url));
    assert!(expired.contains("expired"), "{expired}");
}

#[test]
fn a_webhook_is_signed_over_its_timestamp_and_body() {
    let stub = Stub::start(|_| ok());
    assert_eq!(send(&webhook(&stub)), SinkAnswer::Accepted);
    let received = stub.received().remove(0);
    let timestamp = received.header("watchbell-timestamp").expect("a timestamp");
    assert_eq!(timestamp, "1700000000");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"KEY").expect("a key");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(&received.body);
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let signature = received.header("watchbell-signature");
    assert_eq!(signature, Some(format!("v1={hex}").as_str()));
    let event = received.json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "watchbell.notification.v1");
    let content_type = received.header("content-type").expect("a content type");
    assert!(content_type.starts_with("application/cloudevents+json"));
}

#[test]
fn the_verdict_of_slack_is_in_the_body() {
    let stub = Stub::start(status(200, "", r#"{"ok":true}"#));
    let sink = sink(&format!("type: slack, url: '{}', channel: C1", stub.url()));
    assert_eq!(send(&sink), SinkAnswer::Accepted);
    let received = stub.received().remove(0);
    assert_eq!(received.path, "/chat.postMessage");
    assert_eq!(received.header("authorization"), Some("Bearer KEY"));
    stub.answer(status(200, "", r#"{"ok":false,"error":"invalid_blocks"}"#));
    assert!(matches!(send(&sink), SinkAnswer::Refused { .. }));
    for error in ["ratelimited", "token_revoked", "channel_not_found"] {
        let body = format!(r#"{{"ok":false,"error":"{error}"}}"#);
        stub.answer(status(200, "", &body));
        assert!(matches!(send(&sink), SinkAnswer::Later { .. }), "{error}");
    }
}

#[test]
fn every_alertmanager_peer_gets_the_alert_and_one_acceptance_is_enough() {
    let (up, down) = (
        Stub::start(status(200, "", "")),
        Stub::start(status(503, "", "")),
    );
    let sink = sink(&format!(
        "type: alertmanager, urls: ['{}', '{}', 'http://127.0.0.1:1']",
        down.url(),
        up.url()
    ));
    assert_eq!(send(&sink), SinkAnswer::Accepted);
    assert_eq!((up.received().len(), down.received().len()), (1, 1));
    up.answer(status(400, "", ""));
    assert!(
        matches!(send(&sink), SinkAnswer::Later { .. }),
        "one may still take it"
    );
}

#[test]
fn a_check_sends_no_alert() {
    let stub = Stub::start(status(200, "", r#"{"ok":true}"#));
    let check = |sink: &Sink| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(Client::new(sink).expect("a client").check())
    };
    let slack = sink(&format!("type: slack, url: '{}', channel: C1", stub.url()));
    assert_eq!(check(&slack), Ok("Slack accepts the token"));
    let am = sink(&format!("type: alertmanager, urls: ['{}']", stub.url()));
    assert_eq!(check(&am), Ok("every peer answers"));
    assert!(check(&webhook(&stub)).is_ok());
    let asked: Vec<String> = stub.received().into_iter().map(|r| r.path).collect();
    assert_eq!(asked, ["/auth.test", "/api/v2/status", "/"]);
    assert!(
        stub.received()
            .iter()
            .all(|request| request.body.is_empty())
    );
    stub.answer(status(200, "", r#"{"ok":false,"error":"token_revoked"}"#));
    assert!(check(&slack).is_err_and(|said| said.contains("token_revoked")));
    stub.answer(status(503, "", ""));
    assert!(check(&am).is_err());
    assert!(check(&sink("type: webhook, url: 'http://127.0.0.1:1/'")).is_err());
}
