//! Mail over SMTP.
//! Invariant: the server's certificate is checked, and without TLS only what needs no login is sent.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use crate::notify::request::{Answer, Secret, readable};

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

/// A mail server, and between whom mail travels.
pub struct MailServer<'e> {
    /// Name of the server.
    pub name: &'e str,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// User and password.
    pub login: Option<&'e (String, Secret)>,
    /// Who sends.
    pub from: &'e Mailbox,
    /// Who gets it, at least one.
    pub to: &'e [Mailbox],
}

/// An exchange has so many answers that each may take as long as a sink's answer may.
const ANSWERS: u32 = 4;

/// The way to the mail server.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    envelope: lettre::address::Envelope,
    timeout: Duration,
}

impl Mailer {
    /// Prepare; nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the certificates or the addresses, in words.
    pub(crate) fn new(
        server: &MailServer<'_>,
        timeout: Duration,
        ca: Option<&[u8]>,
    ) -> Result<Mailer, String> {
        let tls = || -> Result<TlsParameters, Error> {
            let mut tls = TlsParameters::builder(server.name.to_owned());
            if let Some(pem) = ca {
                tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
            }
            tls.build()
        };
        let tls = match server.encryption {
            Encryption::StartTls => Tls::Required(tls().map_err(|e| e.to_string())?),
            Encryption::Tls => Tls::Wrapper(tls().map_err(|e| e.to_string())?),
            Encryption::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.name)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(server.from.email.domain().to_owned()))
            .timeout(Some(timeout));
        if let Some((user, password)) = server.login {
            let password = password.expose().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        let to = server.to.iter().map(|to| to.email.clone()).collect();
        let envelope = lettre::address::Envelope::new(Some(server.from.email.clone()), to);
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
