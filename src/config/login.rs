//! The section `page.login`: the way in which people log in.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::notify::Secret;
use crate::settings::{Fault, Key, Section, Shape, optional};

/// The keys of `page.login`.
pub(super) const LOGIN: &[Key] = &[
    optional("oidc", Shape::Section(OIDC))
        .about("Login by an OpenID Connect provider: authorization code with PKCE."),
    optional("header", Shape::Section(HEADER))
        .about("Login by a proxy in front of the page, which names the person in a header."),
    optional("token_file", Shape::Scalar)
        .about("File with the token of one person, who is then admin; 32 characters at least."),
    optional("name", Shape::Scalar)
        .about("The name of the person who has the token; default: admin."),
];

const OIDC: &[Key] = &[
    optional("issuer", Shape::Scalar)
        .about("The provider's issuer, as its tokens have it, such as https://login.example.com/realms/main."),
    optional("client_id", Shape::Scalar).about("The client id under which the page is registered there."),
    optional("client_secret", Shape::Secret).about("The client's secret; by environment variable only."),
    optional("client_secret_file", Shape::Scalar)
        .about("File that contains the client's secret; without one the client is public."),
    optional("scopes", Shape::List).about("The scopes that are asked for; default: openid, profile, email."),
    optional("name_claim", Shape::Scalar).about(
        "The claim with the person's name; default: the first of preferred_username, email, name and sub.",
    ),
    optional("groups_claim", Shape::Scalar)
        .about("The claim with the person's groups, a list or a text; default: groups."),
    optional("ca_file", Shape::Scalar)
        .about("File with certificates (PEM) of authorities that are trusted beside the system's."),
];

const HEADER: &[Key] = &[
    optional("proxies", Shape::List)
        .about("Addresses and networks of the proxies, such as 10.0.0.7 and 10.1.0.0/24; from others the headers are ignored."),
    optional("user", Shape::Scalar).about("The header with the person's name; default: X-Forwarded-User."),
    optional("groups", Shape::Scalar)
        .about("The header with the person's groups, separated by commas; default: X-Forwarded-Groups."),
];

/// The fewest characters of a token and bytes of a key, so that nobody can guess them.
pub(super) const MIN_SECRET: usize = 32;

/// The scopes by default.
const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// A way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginWay {
    /// By an OpenID Connect provider.
    Oidc(OidcLogin),
    /// By a header of a trusted proxy.
    Header(HeaderLogin),
    /// By a token that one person has.
    Token(TokenLogin),
}

/// Login by an OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcLogin {
    /// The issuer, as tokens have it.
    pub issuer: String,
    /// The client.
    pub client_id: String,
    /// Its secret; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// The scopes that are asked for, `openid` among them.
    pub scopes: Vec<String>,
    /// The claim with the name, if one was chosen.
    pub name_claim: Option<String>,
    /// The claim with the groups.
    pub groups_claim: String,
    /// Certificates of authorities, PEM.
    pub ca: Option<Vec<u8>>,
}

/// Login by a header of a trusted proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLogin {
    /// The proxies.
    pub proxies: Vec<IpNet>,
    /// The header with the name.
    pub user: String,
    /// The header with the groups.
    pub groups: String,
}

/// Login by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLogin {
    /// The token.
    pub token: Secret,
    /// The name of the person who has it.
    pub name: String,
}

/// The way to log in.
pub(super) fn read(page: &Section<'_>, faults: &mut Vec<Fault>) -> Option<LoginWay> {
    let section = page.section("login");
    let given = [
        ("oidc", !section.section("oidc").is_empty()),
        ("header", !section.section("header").is_empty()),
        ("token_file", section.has("token_file")),
    ];
    let given: Vec<&str> = given
        .into_iter()
        .filter_map(|(name, is)| is.then_some(name))
        .collect();
    if section.has("name") && given != ["token_file"] {
        let fault = section.fault(
            "name",
            "it is the name of the person who has the token, and there is no token",
        );
        faults.push(fault.remedy("leave it out, or write `page.login.token_file`"));
    }
    match *given {
        [] => None,
        ["oidc"] => oidc(&section.section("oidc"), faults).map(LoginWay::Oidc),
        ["header"] => Some(LoginWay::Header(header(&section.section("header"), faults))),
        ["token_file"] => token(&section, faults).map(LoginWay::Token),
        _ => {
            let message = format!("more than one way to log in: {}", given.join(", "));
            faults.push(page.fault("login", message).remedy("keep one of them"));
            None
        }
    }
}

fn oidc(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<OidcLogin> {
    let issuer = section.required("issuer", faults);
    if !issuer.is_empty() && path_of(&issuer).is_none() {
        let message = format!(
            "`{issuer}` is not an address of a provider: tokens must not be readable on the way"
        );
        faults.push(section.fault("issuer", message).remedy(HTTPS_REMEDY));
    }
    let client_id = section.required("client_id", faults);
    let mut scopes = section.words("scopes");
    if scopes.is_empty() {
        scopes = DEFAULT_SCOPES.map(str::to_owned).to_vec();
    } else if !scopes.iter().any(|scope| scope == "openid") {
        let fault = section.fault(
            "scopes",
            "without the scope openid the provider does not say who logs in",
        );
        faults.push(fault.remedy("add openid"));
    }
    Some(OidcLogin {
        issuer,
        client_id,
        client_secret: section.secret("client_secret", faults).map(Secret::new),
        scopes,
        name_claim: section.text("name_claim"),
        groups_claim: section
            .text("groups_claim")
            .unwrap_or_else(|| "groups".to_owned()),
        ca: section.file("ca_file", faults).map(String::into_bytes),
    })
}

fn header(section: &Section<'_>, faults: &mut Vec<Fault>) -> HeaderLogin {
    let mut proxies = Vec::new();
    for word in section.words("proxies") {
        let network = match word.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address)),
            Err(_) => word.parse::<IpNet>().ok(),
        };
        match network {
            None => {
                let message = format!("`{word}` is neither an address nor a network");
                faults.push(
                    section
                        .fault("proxies", message)
                        .remedy("write such as 10.0.0.7 or 10.1.0.0/24"),
                );
            }
            Some(network) if network.prefix_len() == 0 => {
                let message = format!(
                    "with {word} anybody could write the headers, and be whoever they like"
                );
                faults.push(
                    section
                        .fault("proxies", message)
                        .remedy("name the addresses of the proxies alone"),
                );
            }
            Some(network) => proxies.push(network),
        }
    }
    if proxies.is_empty() && !section.is_faulty("proxies", faults) {
        let fault = section.fault("proxies", "no proxy is named, so nobody could log in");
        faults.push(fault.remedy("write `page.login.header.proxies: [10.0.0.7]`"));
    }
    let mut name = |key: &str, default: &str| {
        let name = section.text(key).unwrap_or_else(|| default.to_owned());
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_allowed) {
            faults.push(section.fault(key, format!("`{name}` is not the name of a header")));
        }
        name.to_ascii_lowercase()
    };
    HeaderLogin {
        user: name("user", "x-forwarded-user"),
        groups: name("groups", "x-forwarded-groups"),
        proxies,
    }
}

fn token(section: &Section<'_>, faults: &mut Vec<Fault>) -> Option<TokenLogin> {
    let token = section.secret("token", faults)?;
    if token.chars().count() < MIN_SECRET {
        let message =
            format!("the token has fewer than {MIN_SECRET} characters, so it could be guessed");
        faults.push(
            section
                .fault("token_file", message)
                .remedy("make one with `openssl rand -hex 32`"),
        );
    }
    Some(TokenLogin {
        token: Secret::new(token),
        name: section.text("name").unwrap_or_else(|| "admin".to_owned()),
    })
}

pub(super) const HTTPS_REMEDY: &str =
    "write an address that begins with https://; http:// is for 127.0.0.1 and localhost alone";

/// What follows the host of an address with `https`, or with `http` on loopback; `None` for any other text.
pub(super) fn path_of(url: &str) -> Option<&str> {
    let (rest, is_secure) = match url.strip_prefix("https://") {
        Some(rest) => (rest, true),
        None => (url.strip_prefix("http://")?, false),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
    if authority.is_empty() || !authority.bytes().all(is_allowed) || !is_plain {
        return None;
    }
    (is_secure || is_loopback(host_of(authority))).then_some(path)
}

/// The host without its port.
pub(super) fn host_of(authority: &str) -> &str {
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => authority
            .split_once(':')
            .map_or(authority, |(name, _)| name),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
