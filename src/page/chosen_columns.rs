//! The columns of the list of events, of which a reader chooses.

use std::borrow::Cow;

use super::words::Words;
use crate::view::{JsonPart, words};

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageColumn {
    /// When it happened.
    Time,
    /// Who acted.
    Actor,
    /// The method.
    Operation,
    /// The first resource.
    Resource,
    /// The outcome.
    Outcome,
    /// From where.
    Origin,
    /// The audited service.
    Service,
    /// The vendor.
    Product,
    /// The environment or project.
    Environment,
    /// The account.
    Account,
    /// Create, read, update, delete and so on.
    Activity,
    /// The API key or access key.
    AccessKey,
    /// The program.
    Client,
    /// The event's id.
    EventId,
    /// The id of the request.
    RequestId,
}

impl PageColumn {
    /// All of them.
    pub const ALL: [PageColumn; 15] = [
        PageColumn::Time,
        PageColumn::Actor,
        PageColumn::Operation,
        PageColumn::Resource,
        PageColumn::Outcome,
        PageColumn::Origin,
        PageColumn::Service,
        PageColumn::Product,
        PageColumn::Environment,
        PageColumn::Account,
        PageColumn::Activity,
        PageColumn::AccessKey,
        PageColumn::Client,
        PageColumn::EventId,
        PageColumn::RequestId,
    ];

    /// Those that are shown unless the reader chooses others.
    pub const DEFAULT: &'static [PageColumn] = &[
        PageColumn::Time,
        PageColumn::Actor,
        PageColumn::Operation,
        PageColumn::Resource,
        PageColumn::Outcome,
        PageColumn::Origin,
    ];

    /// Its name in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            PageColumn::Time => "time",
            PageColumn::Actor => "actor",
            PageColumn::Operation => "operation",
            PageColumn::Resource => "resource",
            PageColumn::Outcome => "outcome",
            PageColumn::Origin => "origin",
            PageColumn::Service => "service",
            PageColumn::Product => "product",
            PageColumn::Environment => "environment",
            PageColumn::Account => "account",
            PageColumn::Activity => "activity",
            PageColumn::AccessKey => "access-key",
            PageColumn::Client => "client",
            PageColumn::EventId => "event-id",
            PageColumn::RequestId => "request-id",
        }
    }

    /// The column of that name.
    pub fn of_name(name: &str) -> Option<PageColumn> {
        PageColumn::ALL
            .into_iter()
            .find(|column| column.name() == name)
    }

    /// Its heading.
    pub fn heading(self, words: &Words) -> &'static str {
        match self {
            PageColumn::Time => words.time,
            PageColumn::Actor => words.actor,
            PageColumn::Operation => words.operation,
            PageColumn::Resource => words.resource,
            PageColumn::Outcome => words.outcome,
            PageColumn::Origin => words.origin,
            PageColumn::Service => words.service,
            PageColumn::Product => words.product,
            PageColumn::Environment => words.environment,
            PageColumn::Account => words.account,
            PageColumn::Activity => words.activity,
            PageColumn::AccessKey => words.access_key,
            PageColumn::Client => words.client,
            PageColumn::EventId => words.event_id,
            PageColumn::RequestId => words.request_id,
        }
    }

    /// What it shows of an event; nothing of the time, which is shown in the reader's zone.
    pub(super) fn text<'r>(self, event: JsonPart<'_, 'r>) -> Option<Cow<'r, str>> {
        match self {
            PageColumn::Time => None,
            PageColumn::Actor => Some(words::who(event).into()),
            PageColumn::Operation => Some(words::what(event).into()),
            PageColumn::Resource => words::on_what(event).map(Cow::Owned),
            PageColumn::Outcome => Some(words::outcome(event)),
            PageColumn::Origin => Some(words::origin(event).into()),
            PageColumn::Service => words::api(event, "service.name"),
            PageColumn::Product => event.text("metadata.product.name"),
            PageColumn::Environment => {
                let id = event.text("cloud.project_uid")?;
                Some(words::Known::of(event).named(&id).into())
            }
            PageColumn::Account => {
                let name = event.text("cloud.account.name");
                words::named(name, event.text("cloud.account.uid")).map(Cow::Owned)
            }
            PageColumn::Activity => event.text("activity_name"),
            PageColumn::AccessKey => event.text("actor.user.credential_uid"),
            PageColumn::Client => words::client(event).map(Cow::Owned),
            PageColumn::EventId => event.text("metadata.uid"),
            PageColumn::RequestId => words::api(event, "request.uid"),
        }
    }
}
