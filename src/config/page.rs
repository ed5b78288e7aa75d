//! The section `page`: where the page is served, and to whom.

use std::net::{Ipv4Addr, SocketAddr};

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
];

/// Default for the bytes of memory.
const DEFAULT_MEMORY: usize = 256 * 1024 * 1024;

/// Least bytes of memory.
const LEAST_MEMORY: usize = 32 * 1024 * 1024;

/// Where the page is served by default.
const DEFAULT_LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 9465);

/// Where the page is served, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its address.
    pub listen: SocketAddr,
    /// The names under which people reach it.
    pub hosts: Vec<String>,
    /// About how many bytes of memory the answers may use together.
    pub memory: usize,
}

/// The page, if there is one.
pub(super) fn read(root: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Page> {
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
    if !listen.ip().is_loopback() && !section.is_faulty("listen", faults) {
        let message =
            format!("{listen} can be reached from other machines, and nobody has to log in");
        let fault = section.fault("listen", message);
        faults
            .push(fault.remedy("listen on 127.0.0.1 or [::1], or say in page.login who may read"));
    }
    Some(Page {
        listen,
        hosts: section.words("hosts"),
        memory,
    })
}
