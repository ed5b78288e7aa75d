//! How requests travel: over HTTPS, or as mail.

mod http;
mod smtp;

pub use http::{Client, ClientError};
pub use smtp::{Encryption, MailServer, Mailer};
