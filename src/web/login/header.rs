//! Login by a proxy in front of the page, which names the person in a header. From any other address the headers are
//! worth nothing: whoever reaches the page directly could write them.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::HeaderLogin;

/// Who a proxy says makes a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    /// The address that the proxy was asked from, if it says it.
    pub(super) address: Option<IpAddr>,
}

/// Why nobody is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// The request came from elsewhere.
    NoProxy,
    /// The proxy names nobody, or several.
    NoName,
}

/// Who the request is from.
pub(super) fn named(
    login: &HeaderLogin,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<Named, Unnamed> {
    let is_proxy = |peer: IpAddr| login.proxies.iter().any(|proxy| proxy.contains(&peer));
    if !peer.is_some_and(is_proxy) {
        return Err(Unnamed::NoProxy);
    }
    let texts = |name: &str| {
        let values = headers.get_all(name).iter();
        let texts = values.map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or_default());
        texts.map(str::trim).collect::<Vec<&str>>()
    };
    // A proxy that adds its header to the one that a client sent would let the client choose.
    let name = match *texts(&login.user) {
        [name] if !name.is_empty() => name.to_owned(),
        _ => return Err(Unnamed::NoName),
    };
    let groups = match *texts(&login.groups) {
        [groups] => groups
            .split(',')
            .map(str::trim)
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let forwarded = texts("x-forwarded-for");
    let last = forwarded.last().and_then(|list| list.rsplit(',').next());
    let address = last.and_then(|address| address.trim().parse().ok());
    Ok(Named {
        name,
        groups,
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> HeaderLogin {
        HeaderLogin {
            proxies: vec!["10.0.0.7/32".parse().unwrap(), "fd00::/64".parse().unwrap()],
            user: "x-forwarded-user".into(),
            groups: "x-forwarded-groups".into(),
        }
    }

    fn from(peer: &str, headers: &[(&'static str, &str)]) -> Result<Named, Unnamed> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        named(&login(), &map, Some(peer.parse().unwrap()))
    }

    #[test]
    fn a_proxy_names_a_person_their_groups_and_their_address() {
        let headers = [
            ("x-forwarded-user", "jane@example.com"),
            ("x-forwarded-groups", "on-call, security,,"),
            ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
        ];
        let jane = from("10.0.0.7", &headers).unwrap();
        assert_eq!(jane.name, "jane@example.com");
        assert_eq!(jane.groups, ["on-call", "security"]);
        assert_eq!(jane.address, Some([192, 0, 2, 7].into()));
        assert!(from("fd00::1", &headers).is_ok());
        for other in ["10.0.0.8", "127.0.0.1", "fd01::1"] {
            assert_eq!(from(other, &headers), Err(Unnamed::NoProxy), "{other}");
        }
        assert_eq!(
            named(&login(), &HeaderMap::new(), None),
            Err(Unnamed::NoProxy)
        );
    }

    #[test]
    fn two_names_are_nobody_and_two_lists_of_groups_are_no_groups() {
        let two = [
            ("x-forwarded-user", "mallory"),
            ("x-forwarded-user", "jane"),
        ];
        assert_eq!(from("10.0.0.7", &two), Err(Unnamed::NoName));
        assert_eq!(from("10.0.0.7", &[]), Err(Unnamed::NoName));
        assert_eq!(
            from("10.0.0.7", &[("x-forwarded-user", " ")]),
            Err(Unnamed::NoName)
        );
        let groups = [
            ("x-forwarded-user", "jane"),
            ("x-forwarded-groups", "security"),
            ("x-forwarded-groups", "others"),
        ];
        assert!(from("10.0.0.7", &groups).unwrap().groups.is_empty());
    }
}
