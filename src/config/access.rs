//! The part of the section `page` that says who may read it: the address, sessions, roles, and what a role does not see.

use std::sync::Arc;
use std::time::Duration;

use super::login::{self, HTTPS_REMEDY, LoginWay, MIN_SECRET, path_of};
use crate::input_file;
use crate::notify::Secret;
use crate::privacy::{Policies, Policy};
use crate::settings::{Fault, Key, ScalarType, Section, Shape, optional};

/// The keys of `page.session`.
pub(super) const SESSION: &[Key] = &[
    optional("lifetime", Shape::Scalar)
        .scalar_type(ScalarType::Duration)
        .about("After this a person logs in again; default: 12h."),
    optional("idle", Shape::Scalar)
        .scalar_type(ScalarType::Duration)
        .about("A session ends when it was not used for this long; without it, at the end of its lifetime."),
];

/// The keys of `page.roles`.
pub(super) const ROLES: &[Key] = &[
    optional("viewer", Shape::List)
        .about("Groups whose members may read; `*` stands for everybody who can log in."),
    optional("responder", Shape::List)
        .about("Groups whose members may also do triage and download."),
    optional("admin", Shape::List)
        .about("Groups whose members may also verify days of the archive and retry dead letters."),
];

/// The keys of `page.privacy`.
pub(super) const PRIVACY: &[Key] = &[
    optional("viewer", Shape::Scalar)
        .about("The privacy policy whose fields the page hides from viewers."),
    optional("responder", Shape::Scalar)
        .about("The privacy policy whose fields the page hides from responders."),
    optional("admin", Shape::Scalar)
        .about("The privacy policy whose fields the page hides from admins."),
];

/// How long a session lasts by default.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Stands for everybody in a list of groups.
const EVERYBODY: &str = "*";

/// What a person may do. Each role may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read.
    Viewer,
    /// Triage and download.
    Responder,
    /// Sources, verification, retry of dead letters, and who may.
    Admin,
}

impl Role {
    /// All of them, the one that may least first.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Responder, Role::Admin];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Responder => "responder",
            Role::Admin => "admin",
        }
    }
}

/// Who may read the page.
#[derive(Debug, Clone)]
pub struct Access {
    /// The way to log in; `None` on loopback, where nobody has to.
    pub login: Option<LoginWay>,
    /// The address under which browsers reach the page, without a path: `https://audit.example.com`.
    pub public_url: Option<String>,
    /// How long a session lasts.
    pub lifetime: Duration,
    /// After how long without a request it ends.
    pub idle: Option<Duration>,
    /// The key of sessions; `None` for a random one.
    pub session_key: Option<Secret>,
    /// The roles of groups.
    pub roles: RoleGroups,
    /// What the page hides from roles.
    pub policies: Vec<(Role, Arc<Policy>)>,
}

/// Which groups have which role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleGroups([Vec<String>; 3]);

impl RoleGroups {
    /// The highest role of somebody in these groups.
    pub fn role_of(&self, groups: &[impl AsRef<str>]) -> Option<Role> {
        let is_one = |of: &String| {
            of == EVERYBODY || groups.iter().any(|group| group.as_ref() == of.as_str())
        };
        let mut roles = Role::ALL.into_iter().zip(&self.0).rev();
        roles.find_map(|(role, of)| of.iter().any(is_one).then_some(role))
    }

    /// The groups whose members have a role.
    pub fn of(&self, role: Role) -> &[String] {
        &self.0[role as usize]
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

/// Who may read the page.
pub(super) fn read(page: &Section<'_>, known: &Policies, faults: &mut Vec<Fault>) -> Access {
    let login = login::read(page, faults);
    let public_url = public_url(page, faults);
    if matches!(login, Some(LoginWay::Oidc(_))) && !page.has("public_url") {
        let fault = page.fault(
            "public_url",
            "the provider sends people back to this address",
        );
        faults.push(fault.remedy(
            "write `page.public_url`, such as https://audit.example.com, and register <public_url>/login/callback with \
             the provider",
        ));
    }
    let (lifetime, idle) = session(&page.section("session"), faults);
    Access {
        roles: roles(page, login.as_ref(), faults),
        session_key: session_key(page, faults),
        policies: policies(&page.section("privacy"), known, faults),
        login,
        public_url,
        lifetime,
        idle,
    }
}

fn public_url(page: &Section<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    let text = page.text("public_url")?;
    let url = text.trim_end_matches('/');
    match path_of(url) {
        Some("") => Some(url.to_ascii_lowercase()),
        Some(_) => {
            let fault = page.fault(
                "public_url",
                format!("`{text}` has a path, and the page is at the root of its host"),
            );
            faults.push(fault.remedy("write it without a path, such as https://audit.example.com"));
            None
        }
        None => {
            let message =
                format!("`{text}` is not an address under which people could log in safely");
            faults.push(page.fault("public_url", message).remedy(HTTPS_REMEDY));
            None
        }
    }
}

fn session(section: &Section<'_>, faults: &mut Vec<Fault>) -> (Duration, Option<Duration>) {
    let mut span = |name: &str| {
        let span = section.has(name).then(|| section.duration(name, faults))?;
        if span < Duration::from_secs(1) && !section.is_faulty(name, faults) {
            let fault = section.fault(name, "nobody could stay logged in");
            faults.push(fault.remedy("write such as 12h, or leave it out"));
        }
        Some(span)
    };
    let lifetime = span("lifetime").unwrap_or(DEFAULT_LIFETIME);
    let idle = span("idle");
    if idle.is_some_and(|idle| idle > lifetime) {
        let fault = section.fault(
            "idle",
            "it is longer than the lifetime of a session, so it never counts",
        );
        faults.push(fault.remedy("write a shorter time, or leave it out"));
    }
    (lifetime, idle)
}

fn session_key(page: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Secret> {
    const REMEDY: &str = "make one with `openssl rand -base64 48 > session.key`";
    let path = page.path("session_key_file")?;
    let mut refuse = |message: String| {
        let message = format!("{}: {message}", path.display());
        faults.push(page.fault("session_key_file", message).remedy(REMEDY));
    };
    match input_file::read_text(&path) {
        Err(problem) => {
            refuse(problem.message);
            None
        }
        Ok(text) if text.trim().len() < MIN_SECRET => {
            refuse(format!("the key has fewer than {MIN_SECRET} characters"));
            None
        }
        Ok(text) => Some(Secret::new(text.trim())),
    }
}

fn roles(page: &Section<'_>, login: Option<&LoginWay>, faults: &mut Vec<Fault>) -> RoleGroups {
    let section = page.section("roles");
    let groups = RoleGroups(Role::ALL.map(|role| section.words(role.name())));
    match login {
        Some(LoginWay::Oidc(_) | LoginWay::Header(_)) if groups.is_empty() => {
            let fault = page.fault(
                "roles",
                "no group has a role, so nobody who logs in may read",
            );
            faults.push(fault.remedy(
                "write who may what: `page.roles: {viewer: [\"*\"], responder: [on-call], admin: [security]}`",
            ));
        }
        Some(LoginWay::Token(_)) if !section.is_empty() => {
            let fault = page.fault("roles", "who has the token is admin, and is in no group");
            faults.push(fault.remedy("leave `roles` out, or let people log in by oidc or header"));
        }
        None if !section.is_empty() && page.section("login").is_empty() => {
            let message =
                "nobody logs in, so nobody is in a group: who reads on this machine is admin";
            let fault = page.fault("roles", message);
            faults.push(fault.remedy("leave `roles` out, or write `page.login`"));
        }
        _ => {}
    }
    groups
}

/// The policies of the roles.
fn policies(
    section: &Section<'_>,
    known: &Policies,
    faults: &mut Vec<Fault>,
) -> Vec<(Role, Arc<Policy>)> {
    let mut policies = Vec::new();
    for role in Role::ALL {
        let Some(name) = section.text(role.name()) else {
            continue;
        };
        match known.all().iter().find(|policy| policy.name == name) {
            Some(policy) => policies.push((role, policy.clone())),
            None => {
                let names: Vec<&str> = known.all().iter().map(|policy| &*policy.name).collect();
                let fault = section.fault(role.name(), format!("there is no policy `{name}`"));
                faults.push(match names.is_empty() {
                    true => fault.remedy("write it in privacy.policies"),
                    false => fault.one_of(&name, &names),
                });
            }
        }
    }
    policies
}

impl Access {
    /// What the page hides from a role.
    pub fn policy_of(&self, role: Role) -> Option<&Arc<Policy>> {
        let mut policies = self.policies.iter();
        policies.find_map(|(of, policy)| (*of == role).then_some(policy))
    }
}
