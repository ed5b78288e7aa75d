//! How requests are sent: over HTTPS, or as mail over SMTP.

mod http;
mod smtp;

pub use http::{Client, ClientError};
pub use smtp::{Encryption, MailServer, Mailer};
