//! From a form to decisions: which incidents are meant, what the person has seen of them, and what is to be written.

use std::collections::BTreeSet;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::app::Web;
use super::audit::{Action, Deed};
use super::incidents::Gathered;
use super::login::user::User;
use super::posted::Form;
use super::reader::Reader;
use super::triage::{Decision, Outcome, Unwritten};
use crate::config::Role;
use crate::page::Draft;
use crate::triage::{
    Change, Incident, IncidentKey, LONGEST_COMMENT, LONGEST_NAME, TriageState, named,
};
use crate::view::printable;

/// Most incidents of a form that is refused about which there are events: those of a page of the list.
const MOST_REFUSED: usize = 50;

/// In place of a name, where an empty field leaves the assignee as it is.
const NOBODY: &str = "-";

/// An incident, as a form names it: the record and the last alert that the person has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    key: IncidentKey,
    version: Option<i64>,
    through: i64,
}

impl Reference {
    /// Reads what `page::reference` has written.
    pub(super) fn parse(text: &str) -> Option<Reference> {
        let mut parts = text.rsplitn(3, ' ');
        let through = parts.next()?.parse().ok()?;
        let version = match parts.next()? {
            "-" => None,
            version => Some(version.parse().ok()?),
        };
        Some(Reference {
            key: parts.next()?.parse().ok()?,
            version,
            through,
        })
    }
}

/// Why nothing is decided.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// No incident is named that there is.
    NothingSelected,
    /// Everything would stay as it is.
    NothingToChange,
    /// A text is too long.
    TooLong,
    /// A value is none of the page's.
    NoSuchValue,
    /// What others have decided is not known yet.
    BeingRead,
    /// Nothing was written, or nobody knows.
    Unwritten(Unwritten),
}

/// A form with a decision, from somebody who may decide. Every decision goes through it.
pub(super) struct Posted {
    /// Who sent it.
    pub(super) user: User,
    form: Form,
}

impl Posted {
    /// The value of a field; empty if there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.form.field(name)
    }

    /// What the person wants.
    ///
    /// # Errors
    /// A field has a value that it cannot have.
    pub(super) fn draft(&self, is_of_one: bool) -> Result<Draft, Refusal> {
        draft(&self.form, &self.user.name, is_of_one)
    }
}

/// What a person wants, as the fields say it; in a form about several incidents an empty field leaves what it is about.
fn draft(form: &Form, who: &str, is_of_one: bool) -> Result<Draft, Refusal> {
    let comment = form
        .field("comment")
        .replace("\r\n", "\n")
        .trim()
        .to_owned();
    // Names are shown and sent back as they are shown.
    let name = printable(form.field("assignee").trim()).into_owned();
    let assignee = match &*name {
        NOBODY => Some(String::new()),
        "" => is_of_one.then(String::new),
        _ => Some(name),
    };
    let state = match form.field("state") {
        "" => None,
        name => Some(TriageState::of_name(name).ok_or(Refusal::NoSuchValue)?),
    };
    let length = assignee
        .iter()
        .map(|name| name.chars().count())
        .sum::<usize>();
    if length > LONGEST_NAME || comment.chars().count() > LONGEST_COMMENT {
        return Err(Refusal::TooLong);
    }
    let draft = Draft {
        state,
        assignee,
        comment,
    };
    Ok(match form.field("take") {
        "" => draft,
        _ => Draft {
            state: Some(TriageState::InProgress),
            assignee: Some(who.to_owned()),
            ..draft
        },
    })
}

impl FromRequest<Web> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Posted, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(reader) = Reader::from_request_parts(&mut parts, web).await;
        let user = User::from_request_parts(&mut parts, web).await;
        let user = user.map_err(IntoResponse::into_response)?;
        let form = Form::from_request(Request::from_parts(parts, body), web).await?;
        if let Some(refused) = reader.refuse(&user, Role::Responder) {
            for deed in refused_deeds(&user, &form, &reader) {
                web.0.audit.note(deed);
            }
            return Err(refused);
        }
        Ok(Posted { user, form })
    }
}

impl Web {
    /// Decides on incidents; what became of each that would change.
    ///
    /// # Errors
    /// Nothing is written, or it is not known whether it is.
    pub(super) async fn decide<'g>(
        &self,
        gathered: &'g Gathered,
        posted: &Posted,
        draft: &Draft,
    ) -> Result<Vec<(&'g Incident, Outcome)>, Refusal> {
        if !gathered.known.is_whole {
            return Err(Refusal::BeingRead);
        }
        let references = posted.form.fields("incident").filter_map(Reference::parse);
        let mut chosen: Vec<(&Incident, Reference)> = references
            .filter_map(|reference| Some((named(&gathered.incidents, &reference.key)?, reference)))
            .collect();
        if chosen.is_empty() {
            return Err(Refusal::NothingSelected);
        }
        // A record decides on one incident once.
        chosen.sort_by(|a, b| a.0.seen.key.cmp(&b.0.seen.key));
        chosen.dedup_by(|a, b| a.0.seen.key == b.0.seen.key);
        let at_ms = Timestamp::now().as_millisecond();
        let (mut outcomes, mut decisions, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for (incident, reference) in chosen {
            if incident.version != reference.version {
                outcomes.push((incident, Outcome::Changed));
                continue;
            }
            let Some(change) = change(incident, &posted.user.name, draft, at_ms) else {
                continue;
            };
            written.push((incident, data(&change)));
            decisions.push(Decision {
                base: reference.version,
                triage: incident.decided(reference.through, change),
            });
        }
        if decisions.is_empty() {
            return match outcomes.is_empty() {
                true => Err(Refusal::NothingToChange),
                false => Ok(outcomes),
            };
        }
        let stored = self.0.writer.write(&self.0.triages, decisions).await;
        let stored = stored.map_err(Refusal::Unwritten)?;
        for ((incident, data), outcome) in written.into_iter().zip(stored) {
            if outcome == Outcome::Stored {
                let key = incident.seen.key.to_string();
                let deed = Deed::of(&posted.user, Action::DECIDE, &key);
                self.0.audit.note(deed.with_data(&data));
            }
            outcomes.push((incident, outcome));
        }
        Ok(outcomes)
    }
}

/// A decision, as the event about it has it.
fn data(change: &Change) -> Value {
    json!({"state": change.state.name(), "assignee": change.assignee, "comment": change.comment})
}

/// The events about somebody whose role may not decide: one for each incident that the form names, with what it asks for.
fn refused_deeds(user: &User, form: &Form, reader: &Reader) -> Vec<Deed> {
    let references = form.fields("incident").filter_map(Reference::parse);
    let keys: BTreeSet<String> = references
        .map(|reference| reference.key.to_string())
        .take(MOST_REFUSED)
        .collect();
    let mut whats: Vec<String> = keys.into_iter().collect();
    if whats.is_empty() {
        whats.push(reader.parameter("key").unwrap_or(reader.url.clone()));
    }
    let data = draft(form, &user.name, false).ok().map(|draft| {
        let mut data = json!({});
        if let Some(state) = draft.state {
            data["state"] = json!(state.name());
        }
        if let Some(assignee) = draft.assignee {
            data["assignee"] = json!(assignee);
        }
        if !draft.comment.is_empty() {
            data["comment"] = json!(draft.comment);
        }
        data
    });
    let deeds = whats.iter().map(|what| {
        let deed = Deed::refused(user, Action::DECIDE, what);
        match &data {
            Some(data) => deed.with_data(data),
            None => deed,
        }
    });
    deeds.collect()
}

/// What changes of an incident; `None` if nothing does.
fn change(incident: &Incident, who: &str, draft: &Draft, at_ms: i64) -> Option<Change> {
    let state = draft.state.unwrap_or_else(|| incident.state());
    let assignee = draft
        .assignee
        .as_deref()
        .unwrap_or_else(|| incident.assignee());
    let is_same =
        state == incident.state() && assignee == incident.assignee() && draft.comment.is_empty();
    (!is_same).then(|| Change {
        at_ms,
        who: who.to_owned(),
        state,
        assignee: assignee.to_owned(),
        comment: draft.comment.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_is_written_whatever_the_group_is_called() {
        let key = |text: &str| text.parse::<IncidentKey>().unwrap();
        for (text, group, version, through) in [
            ("0af1.17 - 5", "0af1.17", None, 5),
            ("a b.c.-3 42 0", "a b.c.-3", Some(42), 0),
        ] {
            let reference = Reference {
                key: key(group),
                version,
                through,
            };
            assert_eq!(Reference::parse(text), Some(reference));
        }
        for text in ["", "a.1", "a.1 -", "a.1 x 5", "a 1 5", "a.1 - x"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
