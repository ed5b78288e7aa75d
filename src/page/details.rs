//! One record in detail: what it says, the alerts that it raised or the events behind it, what happened around it, and
//! the record as JSON.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::Frame;
use super::moment::moment;
use super::profile::{ProfileOf, profile_url};
use super::record_row::{cut, record_url};
use super::words::{Language, Words};
use crate::query::archive::Attribute;
use crate::sigma::escaped;
use crate::view::{At, Emitted, JsonPart, Part, RecordKind, Tone, details, pretty_record, words};

/// Time before and after a record that is around it.
const AROUND: SignedDuration = SignedDuration::from_mins(10);

/// What a page about a record shows.
pub struct RecordPage<'p> {
    /// The record.
    pub emitted: &'p Emitted<'p>,
    /// The alerts that it raised, or the events behind it.
    pub related: &'p [Emitted<'p>],
}

/// The page of one record.
pub fn record_page(frame: Frame<'_>, page: &RecordPage<'_>) -> String {
    let words = frame.words();
    let emitted = page.emitted;
    let at = At::from(emitted.record.position);
    let reference = emitted
        .id()
        .map_or_else(|| at.to_string(), |id| id.into_owned());
    let content = html! {
        article.record {
            (sheet(emitted, frame.language))
            (related(frame, page))
            (Neighbours::of(emitted).markup(words))
            section {
                h2 { (words.terminal_line) }
                p.command { code { "watchbell show " (quoted(&reference)) } }
            }
            section.json {
                h2 #json { (words.record) }
                div.json-tools hidden {
                    label { span.hidden { (words.find_in_record) }
                        input type="search" placeholder=(words.find_in_record) aria-controls="record-json"; }
                    button type="button" data-copy="record-json" data-copied=(words.copied) { (words.copy) }
                }
                pre #record-json tabindex="0" aria-labelledby="json" { (pretty_record(emitted)) }
            }
        }
    };
    frame.with(&content).into_string()
}

/// What the record says, as on a terminal.
fn sheet(emitted: &Emitted<'_>, language: Language) -> Markup {
    let details = details(emitted);
    let mut sections: Vec<(Option<&str>, Vec<&Part>)> = vec![(None, Vec::new())];
    for part in details.parts() {
        match part {
            Part::Heading(text) => sections.push((Some(text), Vec::new())),
            part => {
                if let Some((_, parts)) = sections.last_mut() {
                    parts.push(part);
                }
            }
        }
    }
    html! {
        @for (heading, parts) in &sections {
            section {
                @if let Some(heading) = heading { h2 { (language.label(heading)) } }
                @for (number, part) in parts.iter().enumerate() {
                    (self::part(part, heading.is_none() && number == 0, language))
                }
            }
        }
    }
}

/// A part; the first line of all is the title.
fn part(part: &Part, is_title: bool, language: Language) -> Markup {
    html! {
        @match part {
            Part::Line(tone, text) => {
                @if is_title { h1 class=[class(*tone)] { bdi { (text) } } } @else { p class=[class(*tone)] { bdi { (text) } } }
            }
            Part::Row { is_detail, label: name, tone, value } => {
                div.pair data-detail[*is_detail] {
                    span.label { (language.label(name)) }
                    span.said class=[class(*tone)] { bdi { (value) } }
                }
            }
            Part::Item(text) => p.item { bdi { (text) } },
            Part::OfItem(label, json) | Part::JsonRow(label, json) => {
                div.pair { span.label { (label) } pre.said { (json) } }
            }
            Part::Json(json) => pre { (json) },
            Part::Blank | Part::Heading(_) => {}
        }
    }
}

fn class(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Good => Some("good"),
        Tone::Bad => Some("bad"),
        Tone::Warning => Some("warning"),
        Tone::Faint => Some("faint"),
        Tone::Plain | Tone::Bold => None,
    }
}

/// The alerts of an event, or the events of an alert.
fn related(frame: Frame<'_>, page: &RecordPage<'_>) -> Markup {
    let words = frame.words();
    let is_event = page.emitted.kind == RecordKind::Event;
    let heading = if is_event {
        words.alerts_raised
    } else {
        words.events_behind
    };
    html! {
        @if is_event || !page.related.is_empty() {
            section {
                h2 { (heading) }
                @if page.related.is_empty() { p.faint { (words.no_alerts_raised) } }
                ul.related {
                    @for one in page.related {
                        li {
                            a href=(record_url(&At::from(one.record.position))) { bdi { (title(one)) } }
                            " " @if let Some(time) = one.root().and_then(|root| root.int("time")) { (moment(time, frame.zone)) }
                        }
                    }
                }
            }
        }
    }
}

/// A record in few words.
pub(super) fn title(emitted: &Emitted<'_>) -> String {
    let Some(root) = emitted.root() else {
        return String::new();
    };
    match emitted.kind {
        RecordKind::Alert => cut(&root.text(crate::finding::path::MESSAGE).unwrap_or_default()),
        _ => cut(&format!("{} {}", words::what(root), words::who(root))),
    }
}

/// Questions for what happened around a record.
#[derive(Default)]
struct Neighbours {
    /// The same actor, resource and address, each with its value.
    same: Vec<(Attribute, String)>,
    request: Option<String>,
    /// Beginning and end of the time around it.
    around: Option<(String, String)>,
}

impl Neighbours {
    /// What is asked around a record.
    fn of(emitted: &Emitted<'_>) -> Neighbours {
        let Some(event) = emitted.event() else {
            return Neighbours::default();
        };
        let text = |paths: &[&str]| paths.iter().find_map(|path| event.text(path));
        let same = [
            (
                Attribute::Actor,
                text(&["actor.user.uid", "actor.user.name", "actor.user.email_addr"]),
            ),
            (
                Attribute::Resource,
                text(&["resources.uid", "resources.name"]),
            ),
            (Attribute::Address, text(&["src_endpoint.ip"])),
        ];
        let same = same
            .into_iter()
            .filter_map(|(of, value)| Some((of, value?.into_owned())));
        Neighbours {
            same: same.collect(),
            request: words::api(event, "request.uid").map(|id| id.into_owned()),
            around: around(event),
        }
    }

    fn markup(&self, words: &Words) -> Markup {
        let nothing = Asked::default();
        let mut profiles: Vec<(&str, String)> = Vec::new();
        let mut links: Vec<(&str, String)> = Vec::new();
        for (attribute, value) in &self.same {
            match attribute {
                Attribute::Actor => {
                    profiles.push((
                        words.about_actor,
                        profile_url(ProfileOf::Actor, value, "30d"),
                    ));
                }
                Attribute::Resource => {
                    profiles.push((
                        words.about_resource,
                        profile_url(ProfileOf::Resource, value, "30d"),
                    ));
                }
                _ => {}
            }
            let text = match attribute {
                Attribute::Actor => words.same_actor,
                Attribute::Resource => words.same_resource,
                _ => words.same_address,
            };
            links.push((text, nothing.and(attribute.name(), &escaped(value)).query()));
        }
        if let Some(request) = &self.request {
            links.push((words.same_request, nothing.and("text", request).query()));
        }
        if let Some((from, to)) = &self.around {
            links.push((words.ten_minutes, nothing.within(from, to).query()));
        }
        html! {
            @if !links.is_empty() {
                section {
                    h2 { (words.neighbours) }
                    ul.neighbours {
                        @for (text, url) in &profiles { li { a href=(url) { (text) } } }
                        @for (text, query) in &links {
                            li { a href={ "/events?" (query) } { (text) } }
                        }
                    }
                }
            }
        }
    }
}

/// The time around an event.
fn around(event: JsonPart<'_, '_>) -> Option<(String, String)> {
    let time = Timestamp::from_millisecond(event.int("time")?).ok()?;
    let from = time.checked_sub(AROUND).ok()?;
    let to = time.checked_add(AROUND).ok()?;
    Some((from.to_string(), to.to_string()))
}

/// A word of a shell's command line.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:#%+=".contains(c);
    match text.chars().all(is_plain) && !text.is_empty() {
        true => text.to_owned(),
        false => format!("'{}'", crate::view::shown(text).replace('\'', r"'\''")),
    }
}
