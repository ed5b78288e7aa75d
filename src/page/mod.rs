//! The page as HTML: what people see of events, alerts and sources in a browser. The server is `web`.
//! Invariant: a value of a record becomes text, never markup, and only printable text with secrets hidden.

mod access;
mod alerts;
mod asked;
mod asked_incidents;
mod attack;
mod changes;
mod chosen_columns;
mod decision;
mod details;
mod events;
mod filter_bar;
mod form_token;
mod frame;
mod grants;
mod histogram;
mod incident;
mod letters;
mod login;
mod moment;
mod profile;
mod record_row;
mod retried;
mod rule;
mod rules;
mod source_days;
mod sources;
mod span_text;
mod sparkline;
mod standing;
mod try_rule;
mod words;

pub use access::{AccessPage, Arranged, RoleAccess, WayIn, access_page};
pub use alerts::{AlertsPage, alerts_page, incident_url};
pub use asked::{Asked, Fault};
pub use asked_incidents::AskedIncidents;
pub use changes::{CHANGES, SHOWN, version};
pub use decision::Draft;
pub use details::{RecordPage, record_page};
pub use events::{EventsEnd, EventsPage, events_begin, events_end, events_row};
pub use filter_bar::{FILTERS, known_words};
pub use form_token::FORM_TOKEN;
pub use frame::{Assets, Frame, Section, Visitor, message_page};
pub use grants::{GrantedBy, Grants};
pub use histogram::{Bar, Histogram, unit_for};
pub use incident::{IncidentPage, Suppression, incident_page};
pub use letters::{NewestLetters, RETRY};
pub use login::{LoginPage, LoginStep, login_page};
pub use profile::{
    Profile, ProfileOf, profile_begin, profile_grants, profile_problem, profile_values,
};
pub use retried::{RetriedPage, RetryProblem, Retrying, retried_page};
pub use rule::{RulePage, rule_page};
pub use rules::{RULE_DAYS, RuleOrder, RuleRow, RulesPage, rules_page};
pub use source_days::{DayRead, SourceRead, Verdict, VerifiedDay, WEEKS, verified_page};
pub use sources::{SourcesPage, sources_page};
pub use span_text::Clock;
pub use standing::Standing;
pub use try_rule::{TRIED_DAYS, TryAnswer, TryForm, try_answer, try_form};
pub use words::Language;

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod triage_tests;
