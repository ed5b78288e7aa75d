//! Who may read the page and do what: the way to log in, and the roles with their groups and what is hidden from them.

use maud::{Markup, html};

use super::frame::Frame;
use super::words::Words;
use crate::view::shown;

/// What the page shows.
pub struct AccessPage<'p> {
    /// The name of the reader's role.
    pub own_role: &'p str,
    /// The roles, the one that may least first.
    pub roles: &'p [RoleAccess<'p>],
    /// How it is arranged, for those who may know.
    pub arranged: Option<Arranged<'p>>,
}

/// A role.
pub struct RoleAccess<'p> {
    /// Its name in the configuration.
    pub name: &'p str,
    /// The groups whose members have it; `*` stands for everybody who can log in.
    pub groups: &'p [String],
    /// The policy of privacy whose fields the role does not see.
    pub policy: Option<&'p str>,
}

/// How people log in, and for how long.
pub struct Arranged<'p> {
    /// The way.
    pub way: WayIn<'p>,
    /// After this a person logs in again, in seconds.
    pub lifetime_s: u64,
    /// A session ends when it was not used for this long, in seconds.
    pub idle_s: Option<u64>,
}

/// The way to log in.
pub enum WayIn<'p> {
    /// None: the page listens on this machine alone.
    None,
    /// An OpenID Connect provider, by its issuer.
    Provider(&'p str),
    /// The header of a trusted proxy.
    Header(&'p str),
    /// The token of a person.
    Token(&'p str),
}

/// The page of who may do what.
pub fn access_page(frame: Frame<'_>, page: &AccessPage<'_>) -> String {
    let words = frame.words();
    let content = html! {
        article.access {
            h1 { (words.who_may) }
            p { (words.your_role) " " strong { (page.own_role) } "." }
            (roles(page, words))
            @if let Some(arranged) = &page.arranged {
                (self::arranged(arranged, words))
                p { a href="/events?product=watchbell" { (words.what_people_did) } }
            }
        }
    };
    frame.with(&content).into_string()
}

fn roles(page: &AccessPage<'_>, words: &Words) -> Markup {
    let is_arranged = page.arranged.is_some();
    html! {
        // On a narrow screen it scrolls, also by keys.
        div.table tabindex="0" role="region" aria-label=(words.who_may) {
            table {
                thead { tr {
                    th scope="col" { (words.role) }
                    th scope="col" { (words.may) }
                    @if is_arranged {
                        th scope="col" { (words.groups) }
                        th scope="col" { (words.hidden_by) }
                    }
                } }
                tbody {
                    @for (number, role) in page.roles.iter().enumerate() {
                        tr {
                            th scope="row" { (role.name) }
                            td { (may(number, words)) }
                            @if is_arranged {
                                td { (groups(role.groups, words)) }
                                td { @if let Some(policy) = role.policy { bdi { (shown(policy)) } } @else { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the role with this number may.
fn may(number: usize, words: &Words) -> &'static str {
    [words.may_read, words.may_decide, words.may_verify]
        .get(number)
        .copied()
        .unwrap_or_default()
}

fn groups(groups: &[String], words: &Words) -> Markup {
    html! {
        @if groups.is_empty() { "–" }
        @for (number, group) in groups.iter().enumerate() {
            @if number > 0 { ", " }
            @if group == "*" { (words.everybody) } @else { bdi { (shown(group)) } }
        }
    }
}

fn arranged(arranged: &Arranged<'_>, words: &Words) -> Markup {
    let (text, name) = match arranged.way {
        WayIn::None => (words.way_none, None),
        WayIn::Provider(issuer) => (words.way_provider, Some(issuer)),
        WayIn::Header(header) => (words.way_header, Some(header)),
        WayIn::Token(person) => (words.way_token, Some(person)),
    };
    html! {
        p { (text) @if let Some(name) = name { " " code { bdi { (shown(name)) } } } }
        @if !matches!(arranged.way, WayIn::None) {
            p {
                (words.session_lasts) " " (duration(arranged.lifetime_s))
                @if let Some(idle_s) = arranged.idle_s { " · " (words.session_idle) " " (duration(idle_s)) }
            }
        }
    }
}

/// Such as `12h` or `1d 30min`, in the units of the configuration.
fn duration(mut seconds: u64) -> String {
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        if seconds >= length {
            parts.push(format!("{}{unit}", seconds / length));
            seconds %= length;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::frame::TEST_FRAME;

    fn page(arranged: Option<Arranged<'_>>) -> String {
        let groups = ["*".to_owned(), "<b>\u{202e}".to_owned()];
        let roles = [
            RoleAccess {
                name: "viewer",
                groups: &groups,
                policy: Some("lean"),
            },
            RoleAccess {
                name: "responder",
                groups: &[],
                policy: None,
            },
            RoleAccess {
                name: "admin",
                groups: &groups[1..],
                policy: None,
            },
        ];
        let page = AccessPage {
            own_role: "viewer",
            roles: &roles,
            arranged,
        };
        access_page(TEST_FRAME, &page)
    }

    #[test]
    fn groups_and_the_way_in_are_for_those_who_may_know_them() {
        let page = page(None);
        assert!(page.contains("<strong>viewer</strong>"));
        for hidden in ["lean", "everybody", "202e", "/events?product=watchbell"] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn admins_see_groups_policies_and_sessions() {
        let page = page(Some(Arranged {
            way: WayIn::Provider("https://id.example/\"><script>"),
            lifetime_s: 45_000,
            idle_s: Some(1_800),
        }));
        for told in [
            "lean",
            "&lt;b&gt;",
            "https://id.example/",
            "12h 30min",
            "30min",
        ] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("<script>"));
        assert!(!page.contains('\u{202e}'));
    }

    #[test]
    fn durations_have_the_units_of_the_configuration() {
        assert_eq!(duration(43_200), "12h");
        assert_eq!(duration(90_061), "1d 1h 1min 1s");
    }
}
