//! A document with `suppress`: alerts of certain rules that nobody is notified of until a day that it names. It is an
//! extension of watchbell; the events are described in `detection:` syntax.

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

use super::context::Context;
use super::detection::selections_and_condition;
use super::filter::{FilteredRules, rules};
use super::metadata::MetadataReader;
use super::placeholders::Placeholders;
use super::rule::{Detection, RuleId};
use crate::diagnostic::{Mark, Problem};
use crate::yaml::Node;

/// Keys of the document.
const KEYS: [&str; 7] = [
    "title",
    "id",
    "description",
    "author",
    "date",
    "timezone",
    "suppress",
];

/// Keys of the map `suppress`.
const SUPPRESS_KEYS: [&str; 5] = ["rules", "owner", "reason", "expires", "detection"];

/// A suppression, parsed.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// Its identity.
    pub id: RuleId,
    /// Position of the id.
    pub id_mark: Mark,
    /// One line for a human.
    pub title: String,
    /// The rules whose alerts are suppressed.
    pub rules: FilteredRules,
    /// Whoever answers for it.
    pub owner: String,
    /// Why the alerts are not wanted.
    pub reason: String,
    /// When it ends, milliseconds since the Unix epoch: alerts that are made then or later are not suppressed.
    pub expires_ms: i64,
    /// Position of `expires`.
    pub expires_mark: Mark,
    /// The events whose alerts are suppressed; `None` stands for all events of the rules.
    pub detection: Option<Detection>,
    /// What it says in [canonical form](crate::yaml::Node::canonical), to be hashed.
    pub canonical: String,
}

impl Suppression {
    /// When it ends, such as `2027-01-01T00:00:00Z`.
    pub fn expires(&self) -> String {
        Timestamp::from_millisecond(self.expires_ms).map_or_else(
            |_| format!("{} ms", self.expires_ms),
            |time| time.to_string(),
        )
    }
}

/// Reads one document as a suppression; `None` if a problem is an error.
pub(super) fn suppression(
    document: &Node,
    placeholders: &Placeholders,
    problems: &mut Vec<Problem>,
) -> Option<Suppression> {
    let mut reader = MetadataReader::new(document, "a suppression");
    let suppression = read(&mut reader, placeholders);
    reader.finish(suppression, problems)
}

fn read(reader: &mut MetadataReader<'_>, placeholders: &Placeholders) -> Option<Suppression> {
    let entries = reader.entries()?;
    reader.custom(entries, &KEYS);
    let id = reader.id();
    if reader.node.entry("id").is_none() {
        let problem = Problem::error(reader.node.mark, "a suppression needs an `id`");
        let remedy = "write `id:` and a new UUID: suppressed alerts refer to it";
        reader.problems.push(problem.remedy(remedy));
    }
    let title = reader.title();
    let node = reader.node.entry("suppress")?;
    let Some(parts) = node.as_map() else {
        let message = format!("`suppress` must be a map, not {}", node.value.kind());
        let remedy = "write `suppress: {rules: [<id>], owner: …, reason: …, expires: 2026-12-31, \
                      detection: {…}}`";
        let problem = Problem::error(node.mark, message).remedy(remedy);
        reader.problems.push(problem);
        return None;
    };
    for part in parts
        .iter()
        .filter(|part| !SUPPRESS_KEYS.contains(&&*part.key))
    {
        let message = format!("unknown key `{}` in `suppress`", part.key);
        let remedy = format!("write one of: {}", SUPPRESS_KEYS.join(", "));
        let problem = Problem::error(part.key_mark, message).remedy(remedy);
        reader.problems.push(problem);
    }
    let time_zone = reader.time_zone();
    let problems = &mut reader.problems;
    let rules = rules(node, "suppress", problems);
    let owner = required(
        node,
        "owner",
        "write who answers for it, such as a team",
        problems,
    );
    let reason = required(
        node,
        "reason",
        "write why nobody wants these alerts",
        problems,
    );
    let expires = expires(node, problems);
    let written = node.entry("detection");
    let mut context = Context::new(placeholders, time_zone);
    let found = written
        .and_then(|written| selections_and_condition(written, "detection", &[], &mut context));
    if written.is_none() && rules == Some(FilteredRules::Any) {
        let message = "`rules: any` without a `detection` would suppress every alert";
        let remedy = "describe the events in `detection`, or name rules";
        problems.push(Problem::error(node.mark, message).remedy(remedy));
    }
    reader.finish_lines(&mut context);
    if written.is_some() && found.is_none() {
        return None;
    }
    let (expires_ms, expires_mark) = expires?;
    Some(Suppression {
        id_mark: reader.node.entry("id")?.mark,
        id: id?,
        title: title?,
        rules: rules?,
        owner: owner?,
        reason: reason?,
        expires_ms,
        expires_mark,
        detection: found,
        canonical: reader.node.canonical() + &context.canonical(),
    })
}

/// The text of a key of `suppress`, which must not be empty.
fn required(node: &Node, key: &str, remedy: &str, problems: &mut Vec<Problem>) -> Option<String> {
    let mut refuse = |mark: Mark, message: String| {
        problems.push(Problem::error(mark, message).remedy(remedy));
        None
    };
    let Some(value) = node.entry(key) else {
        return refuse(node.mark, format!("a suppression needs `{key}`"));
    };
    match value.as_str().map(str::trim) {
        Some("") => refuse(value.mark, format!("`{key}` is empty")),
        Some(text) => Some(text.to_owned()),
        None => refuse(
            value.mark,
            format!("`{key}` must be a string, not {}", value.value.kind()),
        ),
    }
}

/// When the suppression ends, and the position of `expires`: at the end of a day in UTC, or at a time.
fn expires(node: &Node, problems: &mut Vec<Problem>) -> Option<(i64, Mark)> {
    let remedy = "write the last day, such as 2026-12-31, or a time, such as 2026-12-31T18:00:00Z";
    let Some(value) = node.entry("expires") else {
        let message = "a suppression needs `expires`";
        problems.push(Problem::error(node.mark, message).remedy(remedy));
        return None;
    };
    let ends = value.as_str().ok_or("neither a day nor a time");
    match ends.and_then(|text| end(text.trim())) {
        Ok(ends) => Some((ends, value.mark)),
        Err(what) => {
            let message = format!("`expires` is {what}");
            problems.push(Problem::error(value.mark, message).remedy(remedy));
            None
        }
    }
}

/// The end that a text names, or what is wrong with it.
fn end(text: &str) -> Result<i64, &'static str> {
    const TOO_LATE: &str = "later than 9999-12-29, the last day that it can be";
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let is_day = |text: &str| {
        let mut parts = text.split('-').map(str::len);
        parts.by_ref().take(3).eq([4, 2, 2]) && parts.next().is_none()
    };
    let Some((day, _)) = text.split_at_checked(10).filter(|(day, _)| is_day(day)) else {
        return Err("neither a day nor a time");
    };
    let Ok(pieces) = Pieces::parse(text) else {
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        return Err(match text == day && day.split('-').all(is_number) {
            true => "a day that does not exist",
            false => "neither a day nor a time",
        });
    };
    // A time without an offset would be read as the day that it is in.
    match (pieces.time(), pieces.offset()) {
        (None, None) => {}
        (Some(_), None) => return Err("a time without `Z` or an offset such as `+02:00`"),
        (_, Some(_)) => return Err(TOO_LATE),
    }
    let date = pieces.date();
    let after = date.tomorrow().map_err(|_| TOO_LATE)?;
    let midnight = after.to_zoned(TimeZone::UTC).map_err(|_| TOO_LATE)?;
    Ok(midnight.timestamp().as_millisecond())
}
