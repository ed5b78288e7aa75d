//! Mail over SMTP.
//! Invariant: the server's certificate is verified, and a login is never sent without TLS.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use crate::notify::request::{Secret, SinkAnswer, readable};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// STARTTLS; if the server does not offer it, nothing is sent.
    StartTls,
    /// TLS from the beginning.
    Tls,
    /// No encryption.
    None,
}

impl Encryption {
    /// The default port (RFC 8314 and RFC 5321).
    pub fn port(self) -> u16 {
        match self {
            Encryption::StartTls => 587,
            Encryption::Tls => 465,
            Encryption::None => 25,
        }
    }
}

/// A mail server, with sender and recipients.
pub struct MailServer<'e> {
    /// Name of the server.
    pub name: &'e str,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// User and password.
    pub login: Option<&'e (String, Secret)>,
    /// The sender.
    pub from: &'e Mailbox,
    /// The recipients, at least one.
    pub to: &'e [Mailbox],
}

/// Sending a mail takes several answers of the server; the whole may take this many times `timeout`.
const TIMEOUTS_PER_MAIL: u32 = 4;

/// The connection to a mail server.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    envelope: lettre::address::Envelope,
    timeout: Duration,
}

impl Mailer {
    /// A client of this server; no connection is opened yet.
    ///
    /// # Errors
    /// What is wrong with the certificates or the addresses.
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
            timeout: timeout * TIMEOUTS_PER_MAIL,
        })
    }

    pub(super) async fn send(&self, mail: &[u8]) -> SinkAnswer {
        if mail.is_empty() {
            let detail = "the message cannot be written as mail".to_owned();
            return SinkAnswer::Refused { detail };
        }
        let sending = self.transport.send_raw(&self.envelope, mail);
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(Ok(_)) => SinkAnswer::Accepted,
            Ok(Err(error)) => answer(&error),
            Err(_) => SinkAnswer::Later {
                after: None,
                detail: "the mail server did not answer in time".to_owned(),
            },
        }
    }

    /// Connect, log in and disconnect.
    pub(super) async fn check(&self) -> Result<&'static str, String> {
        let trying = self.transport.test_connection();
        match tokio::time::timeout(self.timeout, trying).await {
            Ok(Ok(true)) => Ok("the mail server answers and accepts the login"),
            Ok(Ok(false)) => Err("the mail server closed the connection".to_owned()),
            Ok(Err(error)) => Err(described(&error)),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }
}

/// Only status 552, message too large, refuses the message itself. Any other refusal concerns the login,
/// the sender, a recipient or the right to send, none of which is the alert's fault.
fn answer(error: &Error) -> SinkAnswer {
    let detail = described(error);
    match error.status().map(u16::from) {
        Some(552) => SinkAnswer::Refused { detail },
        _ => SinkAnswer::Later {
            after: None,
            detail,
        },
    }
}

fn described(error: &Error) -> String {
    readable(&error.to_string())
}
