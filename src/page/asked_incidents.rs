//! Which incidents a reader wants to see, as it stands in the URL.

use super::asked::{Asked, Fault};
use crate::query::archive::{Attribute, TEXT};
use crate::triage::{Incident, TriageState};

/// The parameters that only incidents have.
const STATE: &str = "state";
const ASSIGNEE: &str = "assignee";
const PAGE: &str = "page";

/// In place of a state: all that are not closed.
pub(super) const OPEN: &str = "open";

/// In place of a name: incidents that nobody works on.
pub(super) const NOBODY: &str = "-";

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedIncidents {
    /// The state, or [`OPEN`]; empty for all.
    state: String,
    /// Who works on it, or [`NOBODY`]; empty for all.
    assignee: String,
    /// The rule, the level, texts and the time.
    asked: Asked,
    /// The number of the page, from 0 on.
    pub page: usize,
    /// Whether the URL is one that the form has made and not the one to share.
    is_form: bool,
    faults: Vec<Fault>,
}

impl AskedIncidents {
    /// Reads the query of a URL. What is none is kept as a fault.
    pub fn of_query(query: &str) -> AskedIncidents {
        let mut asked = AskedIncidents {
            asked: Asked::of_query(query),
            ..AskedIncidents::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match &*name {
                _ if value.is_empty() => asked.is_form = true,
                STATE if value == OPEN || TriageState::of_name(value).is_some() => {
                    asked.state = value.to_owned()
                }
                STATE => asked.faults.push(Fault {
                    name: STATE,
                    value: value.to_owned(),
                    message: String::new(),
                }),
                ASSIGNEE => asked.assignee = value.to_owned(),
                PAGE => {
                    asked.page = value
                        .parse::<usize>()
                        .map_or(0, |page| page.saturating_sub(1))
                }
                _ => {}
            }
        }
        asked
    }

    /// Whether the reader is to be sent to [`AskedIncidents::query`].
    pub fn is_form(&self) -> bool {
        self.is_form
    }

    /// What is wrong beside the time.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The rule, the level, texts and the time.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The state, or `open`.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Who works on it, or `-`.
    pub(super) fn assignee(&self) -> &str {
        &self.assignee
    }

    /// The values of a condition.
    pub(super) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let conditions = self.asked.conditions().iter();
        let named = conditions.filter(move |(known, _)| *known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The query of the URL of a page.
    pub fn query(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let own = [(STATE, &self.state), (ASSIGNEE, &self.assignee)];
        for (name, value) in own.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        for (name, value) in self.asked.newest().pairs() {
            query.append_pair(name, &value);
        }
        if page > 0 {
            query.append_pair(PAGE, &(page + 1).to_string());
        }
        query.finish()
    }

    /// Whether an incident is wanted; the times are the beginning and the end of the range.
    pub fn takes(&self, incident: &Incident, from_ms: Option<i64>, to_ms: Option<i64>) -> bool {
        let seen = &incident.seen;
        let of_state = match &*self.state {
            "" => true,
            OPEN => incident.is_open(),
            name => incident.state().name() == name,
        };
        let of_assignee = match &*self.assignee {
            "" => true,
            NOBODY => incident.assignee().is_empty(),
            name => incident.assignee() == name,
        };
        let mut rules = self.values(Attribute::Rule.name()).peekable();
        let of_rule = rules.peek().is_none()
            || rules.any(|rule| rule == seen.rule_id || contains(&seen.rule, rule));
        let mut levels = self.values(Attribute::Level.name()).peekable();
        let own = seen.level.map_or("", |level| level.as_str());
        let of_level = levels.peek().is_none() || levels.any(|level| level == own);
        let is_in_time = from_ms.is_none_or(|from_ms| seen.span_ms.1 >= from_ms)
            && to_ms.is_none_or(|to_ms| seen.span_ms.0 < to_ms);
        let has = |text: &str| {
            let comments = incident.triage.iter().flat_map(|triage| triage.history());
            let mut texts = [&seen.title, &seen.rule]
                .into_iter()
                .chain(comments.map(|change| &change.comment));
            texts.any(|known| contains(known, text))
        };
        of_state && of_assignee && of_rule && of_level && is_in_time && self.values(TEXT).all(has)
    }
}

/// Whether a text contains another one, in any letter case.
fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
