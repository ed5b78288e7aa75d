//! E-mail, over SMTP. A message's id is that of the notification, so that a repeat is known as one, and
//! those of a group are one thread.
//! Invariant: the server's certificate is checked, and no password travels without TLS.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use super::message::Message;
use super::request::{Answer, Request, Secret, readable};
use crate::alert::shorten;

/// A mail server, and who gets mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Name of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Who sends.
    pub from: Mailbox,
    /// Who gets it, at least one.
    pub to: Vec<Mailbox>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Plain at first, then TLS, or nothing is sent.
    StartTls,
    /// TLS from the beginning.
    Tls,
    /// Not at all.
    None,
}

impl Encryption {
    /// The port where nobody names one (RFC 8314 and RFC 5321).
    pub fn port(self) -> u16 {
        match self {
            Encryption::StartTls => 587,
            Encryption::Tls => 465,
            Encryption::None => 25,
        }
    }
}

/// Most characters of a subject.
const MAX_SUBJECT: usize = 200;

/// Most characters of what an id is made of: a line has no more than 998 (RFC 5322, section 2.1.1).
const MAX_ID: usize = 200;

/// An exchange has so many answers that each may take as long as a sink's answer may.
const ANSWERS: u32 = 4;

impl Email {
    /// One message to everybody; without a body where it cannot be written.
    pub(super) fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
        let mut text = message.text.clone();
        if let Some(record) = &message.record {
            text.push_str("\n\nRecord:\n");
            text.push_str(record);
        }
        text.push('\n');
        let thread = format!("<{}@watchbell>", id(&message.group_key));
        let now = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        let mut mail = lettre::Message::builder()
            .from(self.from.clone())
            .subject(shorten(&message.title, MAX_SUBJECT))
            .date(UNIX_EPOCH + now)
            .message_id(Some(format!("<{}@watchbell>", id(&message.id))))
            .in_reply_to(thread.clone())
            .references(thread)
            // Out-of-office notes do not answer it (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".into(),
            ))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let body = mail.body(text).map(|mail| mail.formatted());
        vec![Request {
            url: format!("smtp://{}:{}", self.server, self.port),
            headers: Vec::new(),
            body: body.unwrap_or_default(),
        }]
    }
}

/// What may stand in an id, whatever the text holds.
fn id(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    text.chars().take(MAX_ID).map(plain).collect()
}

/// The way to the mail server.
#[derive(Debug, Clone)]
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    envelope: lettre::address::Envelope,
    timeout: Duration,
}

impl Mailer {
    /// Prepare; nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the certificates or the addresses, in words.
    pub(super) fn new(
        email: &Email,
        timeout: Duration,
        ca: Option<&[u8]>,
    ) -> Result<Mailer, String> {
        let tls = || -> Result<TlsParameters, Error> {
            let mut tls = TlsParameters::builder(email.server.clone());
            if let Some(pem) = ca {
                tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
            }
            tls.build()
        };
        let tls = match email.encryption {
            Encryption::StartTls => Tls::Required(tls().map_err(|e| e.to_string())?),
            Encryption::Tls => Tls::Wrapper(tls().map_err(|e| e.to_string())?),
            Encryption::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.server)
            .port(email.port)
            .tls(tls)
            .hello_name(ClientId::Domain(email.from.email.domain().to_owned()))
            .timeout(Some(timeout));
        if let Some((user, password)) = &email.login {
            let password = password.expose().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        let to = email.to.iter().map(|to| to.email.clone()).collect();
        let envelope = lettre::address::Envelope::new(Some(email.from.email.clone()), to);
        Ok(Mailer {
            transport: transport.build(),
            envelope: envelope.map_err(|error| error.to_string())?,
            timeout: timeout * ANSWERS,
        })
    }

    pub(super) async fn send(&self, mail: &[u8]) -> Answer {
        if mail.is_empty() {
            let detail = "the message cannot be written as mail".to_owned();
            return Answer::Refused { detail };
        }
        let sending = self.transport.send_raw(&self.envelope, mail);
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(Ok(_)) => Answer::Accepted,
            Ok(Err(error)) => answer(&error),
            Err(_) => Answer::Later {
                after: None,
                detail: "the mail server takes too long".to_owned(),
            },
        }
    }

    /// Connect, log in, leave.
    pub(super) async fn check(&self) -> Result<&'static str, String> {
        let trying = self.transport.test_connection();
        match tokio::time::timeout(self.timeout, trying).await {
            Ok(Ok(true)) => Ok("the mail server answers and takes the login"),
            Ok(Ok(false)) => Err("the mail server breaks off".to_owned()),
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err("the mail server takes too long".to_owned()),
        }
    }
}

/// A message that is too large is refused for good. What else a server refuses is the login, the
/// sender, a recipient or the right to send, none of which is an alert's fault.
fn answer(error: &Error) -> Answer {
    let detail = words(error);
    match error.status().map(u16::from) {
        Some(552) => Answer::Refused { detail },
        _ => Answer::Later {
            after: None,
            detail,
        },
    }
}

fn words(error: &Error) -> String {
    readable(&error.to_string())
}
