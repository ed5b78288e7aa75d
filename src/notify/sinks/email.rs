//! E-mail, over SMTP. The `Message-ID` is made of the notification's id, so that a mail that is sent
//! again is recognized; mails of one group are one thread.
//! Invariant: the server's certificate is verified, and no password is sent without TLS.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};

use super::kind::{Endpoint, SinkKind};
use crate::notify::message::Message;
use crate::notify::pace::Rate;
use crate::notify::probe::Probe;
use crate::notify::request::{Request, Secret};
use crate::notify::transport::{Encryption, MailServer, Mailer};
use crate::printable::shorten;
use crate::settings::{Fault, ScalarType, Section, Shape, optional};

/// E-mail, as configured by its keys.
pub static KIND: SinkKind = SinkKind {
    name: "email",
    keys: &[
        optional("server", Shape::Scalar).about("Mail server: its name, or name:port."),
        optional("encryption", Shape::Scalar)
            .scalar_type(ScalarType::Choice(&["starttls", "tls", "none"]))
            .about("Encryption of the connection to the mail server; default starttls."),
        optional("user", Shape::Scalar).about("User name for the mail server."),
        optional("password", Shape::Secret).about("Password of the mail server's user."),
        optional("password_file", Shape::Scalar).about("File that contains password."),
        optional("from", Shape::Scalar).about("Sender of mails."),
        optional("to", Shape::List).about("Recipients of mails."),
    ],
    rate: Rate {
        per_minute: Some(30),
        burst: 5,
    },
    is_read_by_people: true,
    #[cfg(test)]
    example: "server: smtp.example.com, user: watch, password_file: /s, from: watch@example.com, to: [oncall@example.com]",
    read: |section, faults| Some(Arc::new(email(section, faults)?)),
};

/// A mail server, with sender and recipients.
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
    /// The sender.
    pub from: Mailbox,
    /// The recipients, at least one.
    pub to: Vec<Mailbox>,
}

/// Most characters of a subject.
const MAX_SUBJECT: usize = 200;

/// Most characters of an id: a header line has at most 998 (RFC 5322, section 2.1.1).
const MAX_ID: usize = 200;

impl Endpoint for Email {
    /// One message to all recipients; its body is empty if it cannot be written as mail.
    fn requests(&self, message: &Message, now_ms: i64) -> Vec<Request> {
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
            // Automatic replies, such as out-of-office notes, are not sent to it (RFC 3834).
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

    /// None: it is checked over SMTP.
    fn probes(&self) -> Vec<Probe> {
        Vec::new()
    }

    fn mailer(&self, timeout: Duration, ca: Option<&[u8]>) -> Result<Option<Mailer>, String> {
        let server = MailServer {
            name: &self.server,
            port: self.port,
            encryption: self.encryption,
            login: self.login.as_ref(),
            from: &self.from,
            to: &self.to,
        };
        Mailer::new(&server, timeout, ca).map(Some)
    }
}

/// The text with every character replaced that a message id may not have.
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

fn email(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Email> {
    let encryption = match section.text("encryption").as_deref() {
        None | Some("starttls") => Encryption::StartTls,
        Some("tls") => Encryption::Tls,
        Some("none") => Encryption::None,
        Some(other) => {
            let fault = section.fault("encryption", format!("`{other}` is not an encryption"));
            faults.push(fault.one_of(other, &["starttls", "tls", "none"]));
            return None;
        }
    };
    let written = section.required("server", faults);
    let (server, port) = match written.rsplit_once(':') {
        Some((server, port)) => (server, port.parse().ok()),
        None => (written.as_str(), Some(encryption.port())),
    };
    if port.is_none() {
        let fault = section.fault("server", format!("`{written}` is not a mail server"));
        faults.push(fault.remedy("write its name, or name:port"));
    }
    let from = mailbox("from", &section.required("from", faults), section, faults);
    let to = section.words("to");
    if to.is_empty() {
        let fault = section.fault("to", "at least one address is required");
        faults.push(fault.remedy("write `to: [oncall@example.com]`"));
    }
    let to: Vec<Mailbox> = to
        .iter()
        .filter_map(|to| mailbox("to", to, section, faults))
        .collect();
    let login = match (section.text("user"), section.secret("password", faults)) {
        (Some(user), Some(password)) => Some((user, Secret::new(password))),
        (None, None) => None,
        (user, _) => {
            let missing = if user.is_some() { "password" } else { "user" };
            faults.push(section.fault(missing, "a login needs both user and password"));
            None
        }
    };
    if login.is_some() && encryption == Encryption::None {
        let fault = section.fault("encryption", "the password would be sent without TLS");
        faults.push(fault.remedy("write starttls or tls"));
    }
    Some(Email {
        server: server.to_owned(),
        port: port?,
        encryption,
        login,
        from: from?,
        to,
    })
}

fn mailbox(
    key: &str,
    text: &str,
    section: &Section<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Mailbox> {
    let parsed = text.parse().ok();
    if parsed.is_none() && !text.is_empty() {
        let fault = section.fault(key, format!("`{text}` is not a mail address"));
        faults.push(fault.remedy("write name@example.com"));
    }
    parsed
}
