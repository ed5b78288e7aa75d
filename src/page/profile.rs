//! What an actor did, or what was done to a resource: how much when, and the usual values with what is new among them.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::alerts::problems;
use super::asked::Asked;
use super::filter_bar::spans;
use super::frame::Frame;
use super::grants::Grants;
use super::histogram::{Histogram, grouped};
use super::moment::moment;
use super::record_row::cut;
use super::words::Words;
use crate::query::archive::{Attribute, Facet, FacetValue};
use crate::sigma::escaped;
use crate::view::shown;

/// A value that appeared in the last so many milliseconds of the span is new.
const NEW_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Whose profile it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileOf {
    /// An actor: by id, name or e-mail address.
    Actor,
    /// A resource: by id or name.
    Resource,
}

impl ProfileOf {
    /// The path of its page.
    pub const fn path(self) -> &'static str {
        match self {
            ProfileOf::Actor => "/actor",
            ProfileOf::Resource => "/resource",
        }
    }

    /// The condition that finds its events.
    pub const fn attribute(self) -> Attribute {
        match self {
            ProfileOf::Actor => Attribute::Actor,
            ProfileOf::Resource => Attribute::Resource,
        }
    }

    /// The groupings whose values are shown, each with the condition that its values are for.
    pub const fn columns(self) -> &'static [(&'static str, Option<Attribute>)] {
        match self {
            ProfileOf::Actor => &[
                ("operation", Some(Attribute::Operation)),
                ("resource", Some(Attribute::Resource)),
                ("address", Some(Attribute::Address)),
                ("country", None),
                ("client", None),
                ("credential", Some(Attribute::AccessKey)),
                ("service", Some(Attribute::Service)),
                ("status", Some(Attribute::Status)),
                ("product", Some(Attribute::Product)),
                ("actor_uid", Some(Attribute::Actor)),
                ("actor_name", Some(Attribute::Actor)),
                ("actor_email", Some(Attribute::Actor)),
                ("actor_type", None),
            ],
            ProfileOf::Resource => &[
                ("operation", Some(Attribute::Operation)),
                ("actor_name", Some(Attribute::Actor)),
                ("actor_uid", Some(Attribute::Actor)),
                ("address", Some(Attribute::Address)),
                ("client", None),
                ("status", Some(Attribute::Status)),
                ("resource_type", Some(Attribute::ResourceType)),
                ("environment", Some(Attribute::Environment)),
                ("product", Some(Attribute::Product)),
            ],
        }
    }
}

/// What is known of an actor or a resource in a span of time.
pub struct Profile<'p> {
    /// Whose.
    pub of: ProfileOf,
    /// Its id or name, as it was asked for.
    pub name: &'p str,
    /// The span of time, as a reader writes it.
    pub when: &'p str,
    /// The end of the span, in milliseconds since the Unix epoch.
    pub end_ms: i64,
    /// When all of it was counted, in milliseconds since the Unix epoch.
    pub counted_ms: i64,
    /// How many events there were when.
    pub histogram: Option<&'p Histogram>,
    /// The usual values.
    pub facets: &'p [Facet],
    /// How many alerts there were.
    pub alerts: u64,
}

/// What stands on the page of a profile before anything is known: whose it is, and the spans of time.
pub fn profile_begin(words: &Words, of: ProfileOf, name: &str, when: &str) -> String {
    let content = html! {
        header.profile {
            p.kind { (kind(of, words)) }
            h1 { bdi { (shown(name)) } }
            nav.spans aria-label=(words.when) {
                @for (span, text) in spans(words) {
                    @let here = (span == when).then_some("true");
                    a href=(profile_url(of, name, span)) aria-current=[here] { (text) }
                }
            }
            // The style sheet hides it once something follows.
            p.note.waiting { (words.profile_waiting) }
        }
    };
    content.into_string()
}

/// What follows where nothing can be known.
pub fn profile_problem(words: &Words, why: &str) -> String {
    problems(&[words.unavailable.to_owned(), why.to_owned()]).into_string()
}

/// What follows once it is known: how much when, and the usual values.
pub fn profile_values(frame: Frame<'_>, profile: &Profile<'_>) -> String {
    let words = frame.words();
    let asked = Asked::default()
        .and(profile.of.attribute().name(), profile.name)
        .in_span(profile.when);
    let span_ms = span_ms(profile.facets);
    let content = html! {
        article.profile {
            @match span_ms {
                None => { div.empty { p { strong { (words.no_events) } } p { (words.no_events_hint) } } }
                Some((first_ms, last_ms)) => {
                    p.seen {
                        (words.first) " " (moment(first_ms, frame.zone)) " · "
                        (words.last) " " (moment(last_ms, frame.zone)) " · "
                        a href={ "/events?" (asked.query()) } { (words.all_its_events) }
                        @if profile.alerts > 0 { " · " span.bad { (grouped(profile.alerts)) " " (words.alerts) } }
                        " · " (words.as_of) " " (moment(profile.counted_ms, frame.zone))
                    }
                    @if let Some(histogram) = profile.histogram { (histogram.markup(&asked, frame.zone, words)) }
                    div.facets {
                        @for facet in profile.facets.iter().filter(|facet| !facet.values.is_empty()) {
                            (self::facet(profile, facet, &asked, first_ms, (words, frame.zone)))
                        }
                    }
                }
            }
        }
    };
    content.into_string()
}

/// What follows of an actor: rights that it gave or took away, and those that others gave it or took from it, which may still be
/// looked for.
pub fn profile_grants(frame: Frame<'_>, grants: &[Grants<'_>], are_missing: bool) -> String {
    let content = html! {
        @for grants in grants { (grants.markup(frame)) }
        @if are_missing { p.note { (frame.words().grants_looked_for) } }
    };
    content.into_string()
}

/// The URL of a profile.
pub(super) fn profile_url(of: ProfileOf, name: &str, when: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("id", name);
    // Without a span the page has one of its own.
    query.append_pair("when", if when.is_empty() { "all" } else { when });
    format!("{}?{}", of.path(), query.finish())
}

fn kind(of: ProfileOf, words: &Words) -> &'static str {
    match of {
        ProfileOf::Actor => words.actor,
        ProfileOf::Resource => words.resource,
    }
}

/// The values of a column.
fn facet(
    profile: &Profile<'_>,
    facet: &Facet,
    asked: &Asked,
    begin_ms: i64,
    (words, zone): (&Words, &TimeZone),
) -> Markup {
    let attribute = profile
        .of
        .columns()
        .iter()
        .find(|(name, _)| *name == facet.column);
    let attribute = attribute.and_then(|(_, attribute)| *attribute);
    let most = facet
        .values
        .iter()
        .map(|value| value.count)
        .max()
        .unwrap_or(1);
    let is_new = |value: &FacetValue| {
        let from_ms = profile.end_ms - NEW_MS;
        // Where the span is that short, everything in it would be new.
        value.span_ms.0 >= from_ms && begin_ms < from_ms
    };
    html! {
        section.facet {
            h2 { (heading(facet.column, words)) " " span.faint { (grouped(facet.distinct as u64)) } }
            table {
                thead.hidden { tr { th scope="col" { (words.value) } th scope="col" { (words.events) } th scope="col" { (words.last) } } }
                tbody {
                    @for value in &facet.values {
                        tr {
                            td.value {
                                @match attribute {
                                    Some(attribute) => {
                                        a href=(link(profile, attribute, &value.value, asked)) { bdi { (cut(&value.value)) } }
                                    }
                                    None => { bdi { (cut(&value.value)) } }
                                }
                                @if is_new(value) { " " span.new { (words.new_value) } }
                                meter min="0" max=(most) value=(value.count) aria-hidden="true" {}
                            }
                            td.count { (grouped(value.count)) }
                            td.last { (moment(value.span_ms.1, zone)) }
                        }
                    }
                }
            }
            @if facet.distinct > facet.values.len() {
                p.faint { (words.and_more) " " (grouped((facet.distinct - facet.values.len()) as u64)) }
            }
        }
    }
}

/// Where a value leads: other names of the actor to their own page, all others to the events that have them.
fn link(profile: &Profile<'_>, attribute: Attribute, value: &str, asked: &Asked) -> String {
    match (profile.of, attribute) {
        (ProfileOf::Actor, Attribute::Actor) => profile_url(profile.of, value, profile.when),
        _ => {
            let asked = asked.and(attribute.name(), &escaped(value));
            format!("/events?{}", asked.query())
        }
    }
}

/// What a column of the archive is called.
fn heading(column: &str, words: &Words) -> &'static str {
    match column {
        "operation" => words.operation,
        "resource" => words.resource,
        "resource_type" => words.resource_type,
        "address" => words.address,
        "country" => words.country,
        "client" => words.client,
        "credential" => words.access_key,
        "service" => words.service,
        "status" => words.status,
        "product" => words.product,
        "environment" => words.environment,
        "actor_name" => words.actor,
        "actor_uid" => words.actor_id,
        "actor_email" => words.actor_email,
        _ => words.actor_type,
    }
}

/// The first and the last time of all values.
fn span_ms(facets: &[Facet]) -> Option<(i64, i64)> {
    let spans = facets.iter().flat_map(|facet| &facet.values);
    let spans = spans.map(|value| value.span_ms);
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
