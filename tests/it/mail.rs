//! E-mail, over real connections to a server that implements a part of SMTP.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use watchbell::config;
use watchbell::notice::Notice;
use watchbell::notify::{Client, Encryption, Message, Sink, SinkAnswer};

use crate::sinks::{Authority, certified, send};

/// The lines that the server received; `(TLS)` where TLS began.
type Heard = Arc<Mutex<Vec<String>>>;

/// A mail server, and what it answers to a command other than `250`.
struct Server {
    port: u16,
    heard: Heard,
}

type Answers = &'static [(&'static str, &'static str)];

impl Server {
    fn start(encryption: Encryption, tls: Arc<ServerConfig>, answers: Answers) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Heard::default();
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut plain in listener.incoming().flatten() {
                if encryption != Encryption::Tls {
                    let offer = encryption == Encryption::StartTls;
                    if talk(&mut plain, true, offer, answers, &hearing) != Some(true) {
                        continue;
                    }
                }
                let session = ServerConnection::new(Arc::clone(&tls)).expect("a session");
                let mut stream = StreamOwned::new(session, plain);
                hearing.lock().expect("no panic").push("(TLS)".into());
                // The client may break off whenever it likes.
                let greets = encryption == Encryption::Tls;
                talk(&mut stream, greets, false, answers, &hearing);
            }
        });
        Server { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no panic").clone()
    }

    fn sink(&self, more: &str) -> Sink {
        let text = format!(
            "sources: {{a: {{bootstrap: a:1}}}}\ndestination: {{bootstrap: b:1}}\nnotify:\n  \
             oncall: {{type: email, server: 'localhost:{}', from: watchbell@example.com, \
             to: [jane@example.com, 'Joe <joe@example.com>'], timeout: 2s, {more}}}\n",
            self.port
        );
        let password = (
            "WATCHBELL__NOTIFY__ONCALL__PASSWORD".into(),
            "S3CRET".into(),
        );
        let variables = [password];
        let variables = &variables[..usize::from(more.contains("user"))];
        let loaded = config::from_parts(Some(("w.yaml", &text)), variables);
        let mut loaded = loaded.unwrap_or_else(|faults| panic!("{faults:?}"));
        loaded.config.sinks.remove(0)
    }
}

fn line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).ok()
}

/// Speaks until the end, or until TLS is wanted, which is `true`.
fn talk<S: Read + Write>(
    stream: &mut S,
    greets: bool,
    offers_tls: bool,
    answers: Answers,
    heard: &Heard,
) -> Option<bool> {
    let say = |stream: &mut S, text: &str| {
        stream.write_all(format!("{text}\r\n").as_bytes()).ok()?;
        stream.flush().ok()
    };
    if greets {
        say(stream, "220 mail.example")?;
    }
    loop {
        let command = line(stream)?;
        heard.lock().expect("no panic").push(command.clone());
        let word = command.split(' ').next().unwrap_or_default().to_uppercase();
        let other = answers.iter().find(|(to, _)| *to == word);
        match (word.as_str(), other) {
            (_, Some((_, answer))) if word != "DATA" => say(stream, answer)?,
            ("EHLO", _) if offers_tls => say(stream, "250-mail.example\r\n250 STARTTLS")?,
            ("EHLO", _) => say(stream, "250-mail.example\r\n250 AUTH PLAIN LOGIN")?,
            ("STARTTLS", _) => {
                say(stream, "220 go on")?;
                return Some(true);
            }
            ("AUTH", _) => say(stream, "235 welcome")?,
            ("DATA", _) => {
                say(stream, "354 go on")?;
                loop {
                    let text = line(stream)?;
                    if text == "." {
                        break;
                    }
                    heard.lock().expect("no panic").push(text);
                }
                say(stream, other.map_or("250 taken", |(_, answer)| answer))?;
            }
            ("QUIT", _) => {
                say(stream, "221 bye")?;
                return Some(false);
            }
            _ => say(stream, "250 fine")?,
        }
    }
}

fn check(sink: &Sink) -> Result<&'static str, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(Client::new(sink).expect("a client").check())
}

#[test]
fn mail_goes_to_everybody_over_starttls_and_the_password_only_then() {
    let authority = Authority::new();
    let tls = authority.server(&certified("localhost"));
    let server = Server::start(Encryption::StartTls, tls, &[]);
    let sink = server.sink(&format!("user: watch, ca_file: {}", authority.file()));
    assert_eq!(
        check(&sink),
        Ok("the mail server answers and accepts the login")
    );
    let asked = server.heard();
    assert!(
        !asked.iter().any(|line| line.starts_with("MAIL")),
        "{asked:?}"
    );
    assert_eq!(send(&sink), SinkAnswer::Accepted);
    let heard = server.heard().split_off(asked.len());
    let at = |begin: &str| {
        let found = heard.iter().position(|line| line.starts_with(begin));
        found.unwrap_or_else(|| panic!("{begin}: {heard:#?}"))
    };
    assert!(at("EHLO example.com") < at("(TLS)") && at("(TLS)") < at("AUTH PLAIN"));
    assert!(at("MAIL FROM:<watchbell@example.com>") < at("RCPT TO:<jane@example.com>"));
    assert!(at("RCPT TO:<joe@example.com>") < at("DATA"));
    assert_eq!(
        heard[at("Subject: ")],
        "Subject: [TEST] [HIGH] Jane Doe deleted Flink statement orders-agg in prod"
    );
    assert_eq!(
        heard[at("Message-ID: ")],
        "Message-ID: <watchbell-test-0@watchbell>"
    );
    assert_eq!(
        heard[at("In-Reply-To: ")],
        "In-Reply-To: <watchbell-test-0@watchbell>"
    );
    at("Auto-Submitted: auto-generated");
    at("Who: Jane Doe (u-example");
}

#[test]
fn a_recipient_may_have_a_chinese_name() {
    let text = "sources: {a: {bootstrap: a:1}}\ndestination: {bootstrap: b:1}\nnotify:\n  oncall: \
                {type: email, server: mail.example, from: '告警 <watchbell@example.com>', \
                to: ['值班人员 <oncall@example.com>']}\n";
    let loaded = config::from_parts(Some(("w.yaml", text)), &[]);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{faults:?}"));
    let sink = &loaded.config.sinks[0];
    let message = Message::of_one("oncall", Notice::example(0), 0, None);
    let mail = sink.endpoint.requests(&message, 0).remove(0).body;
    let mail = String::from_utf8(mail).expect("text");
    assert!(mail.is_ascii(), "{mail}");
    for encoded in [
        "=?utf-8?b?5ZGK6K2m?= <watchbell@",
        "=?utf-8?b?5YC854+t5Lq65ZGY?= <oncall@",
    ] {
        assert!(mail.contains(encoded), "{mail}");
    }
}

#[test]
fn without_a_trusted_certificate_nothing_is_sent() {
    let authority = Authority::new();
    let tls = || authority.server(&certified("localhost"));
    let trusting = format!("ca_file: {}", authority.file());
    let wrapped = Server::start(Encryption::Tls, tls(), &[]);
    let sink = wrapped.sink(&format!("encryption: tls, {trusting}"));
    assert_eq!(send(&sink), SinkAnswer::Accepted);

    let bare = Server::start(Encryption::None, tls(), &[]);
    let elsewhere = authority.server(&certified("elsewhere.example"));
    let elsewhere = Server::start(Encryption::StartTls, elsewhere, &[]);
    let unknown = Server::start(Encryption::StartTls, tls(), &[]);
    for (server, more) in [
        (&bare, format!("user: watch, {trusting}")),
        (&elsewhere, format!("user: watch, {trusting}")),
        (&unknown, "user: watch".to_owned()),
    ] {
        let answer = send(&server.sink(&more));
        assert!(matches!(answer, SinkAnswer::Later { .. }), "{answer:?}");
        let heard = server.heard();
        let told = heard
            .iter()
            .any(|l| l.starts_with("AUTH") || l.starts_with("MAIL"));
        assert!(!told, "{heard:?}");
    }
    // Where it is asked for, without.
    assert_eq!(send(&bare.sink("encryption: none")), SinkAnswer::Accepted);
}

#[test]
fn only_a_message_that_is_too_large_is_refused_finally() {
    let authority = Authority::new();
    let cases: [(Answers, bool); 5] = [
        (&[("DATA", "552 too large")], false),
        (&[("DATA", "451 later")], true),
        (&[("RCPT", "550 no such user")], true),
        (&[("MAIL", "421 busy")], true),
        (&[("AUTH", "535 wrong password")], true),
    ];
    for (answers, later) in cases {
        let tls = authority.server(&certified("localhost"));
        let server = Server::start(Encryption::Tls, tls, answers);
        let trusting = format!(
            "encryption: tls, user: watch, ca_file: {}",
            authority.file()
        );
        let (_, said) = answers[0];
        let text = said.split_once(' ').map_or("", |(_, text)| text);
        match send(&server.sink(&trusting)) {
            SinkAnswer::Later { detail, .. } if later => assert!(detail.contains(text), "{detail}"),
            SinkAnswer::Refused { detail } if !later => assert!(detail.contains(text), "{detail}"),
            other => panic!("{said}: {other:?}"),
        }
    }
}
