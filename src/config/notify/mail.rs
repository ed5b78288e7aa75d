//! A sink of type email.

use crate::config::fault::Fault;
use crate::config::read::Section;
use crate::notify::{Email, Encryption, Mailbox, Secret};

pub(super) fn email(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Email> {
    let encryption = match section.text("encryption").as_deref() {
        None | Some("starttls") => Encryption::StartTls,
        Some("tls") => Encryption::Tls,
        Some("none") => Encryption::None,
        Some(other) => {
            let fault = section.fault("encryption", format!("`{other}` is not known"));
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
        let fault = section.fault("server", format!("`{written}` is no mail server"));
        faults.push(fault.remedy("write its name, or name:port"));
    }
    let from = mailbox("from", &section.required("from", faults), section, faults);
    let to = section.words("to");
    if to.is_empty() {
        let fault = section.fault("to", "at least one address is needed");
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
            let lacks = if user.is_some() { "password" } else { "user" };
            faults.push(section.fault(lacks, "a login is a user and a password"));
            None
        }
    };
    if login.is_some() && encryption == Encryption::None {
        let fault = section.fault("encryption", "the password would travel without TLS");
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
        let fault = section.fault(key, format!("`{text}` is no mail address"));
        faults.push(fault.remedy("write name@example.com"));
    }
    parsed
}
