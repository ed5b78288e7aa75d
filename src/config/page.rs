//! The section `page`: where the page is served, and to whom.

use std::net::{Ipv4Addr, SocketAddr};

use super::access::{self, Access};
use super::login;
use crate::privacy::Policies;
use crate::settings::{Fault, Key, ScalarType, Section, Shape, optional};

/// The keys of the section.
pub(super) const PAGE: &[Key] = &[
    // No key has a default here: without the section there is no page.
    optional("listen", Shape::Scalar)
        .scalar_type(ScalarType::Address)
        .about("Address of the page; default: 127.0.0.1:9465."),
    optional("hosts", Shape::List).about(
        "Names under which people reach the page, such as audit.example.com; requests for other hosts are refused.",
    ),
    optional("memory", Shape::Scalar)
        .scalar_type(ScalarType::Count)
        .about("About how many bytes of memory the answers may use together; default: 256 MiB."),
    optional("login", Shape::Section(login::LOGIN))
        .about("How people log in: one of oidc, header and token_file; without it, the page listens on this machine alone."),
    optional("public_url", Shape::Scalar).about(
        "The address under which browsers reach the page, such as https://audit.example.com; cookies are then for https alone.",
    ),
    optional("session", Shape::Section(access::SESSION)).about("How long people stay logged in."),
    optional("session_key_file", Shape::Scalar).about(
        "File with the key that signs sessions, 32 characters at least, the same for all replicas; default: a random key at each start.",
    ),
    optional("roles", Shape::Section(access::ROLES)).about("Which groups may what."),
    optional("privacy", Shape::Section(access::PRIVACY))
        .about("Names of privacy policies, by the role from which the page hides their fields."),
];

/// Default for the bytes of memory.
const DEFAULT_MEMORY: usize = 256 * 1024 * 1024;

/// Least bytes of memory.
const LEAST_MEMORY: usize = 32 * 1024 * 1024;

/// Where the page is served by default.
const DEFAULT_LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 9465);

/// Where the page is served, and to whom.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub listen: SocketAddr,
    /// The names under which people reach it.
    pub hosts: Vec<String>,
    /// About how many bytes of memory the answers may use together.
    pub memory: usize,
    /// Who may read it.
    pub access: Access,
}

/// The page, if there is one.
pub(super) fn read(
    root: &Section<'_>,
    policies: &Policies,
    faults: &mut Vec<Fault>,
) -> Option<Page> {
    let section = root.section("page");
    if section.is_empty() {
        return None;
    }
    if cfg!(not(feature = "archive")) {
        let fault = root.fault("page", "this watchbell was built without the page");
        faults.push(fault.remedy("build it with `cargo build --release --features archive`"));
    }
    let listen: Option<SocketAddr> =
        section.parsed("listen", "an address such as 127.0.0.1:9465", faults);
    let listen = listen.unwrap_or_else(|| DEFAULT_LISTEN.into());
    let memory = match section.has("memory") {
        true => section.count("memory", faults),
        false => DEFAULT_MEMORY,
    };
    if memory < LEAST_MEMORY && !section.is_faulty("memory", faults) {
        let message = format!("at least {LEAST_MEMORY} bytes are needed");
        faults.push(section.fault("memory", message));
    }
    let access = access::read(&section, policies, faults);
    let has_login = !section.section("login").is_empty();
    let is_faulty = section.is_faulty("listen", faults);
    if !listen.ip().is_loopback() && !has_login && !is_faulty {
        let message =
            format!("{listen} can be reached from other machines, and nobody has to log in");
        let fault = section.fault("listen", message);
        faults
            .push(fault.remedy("listen on 127.0.0.1 or [::1], or say in page.login who may read"));
    }
    let mut hosts = section.words("hosts");
    let public = access
        .public_url
        .as_deref()
        .and_then(|url| url.split_once("://"));
    hosts.extend(public.map(|(_, authority)| login::host_of(authority).to_owned()));
    Some(Page {
        listen,
        hosts,
        memory,
        access,
    })
}
