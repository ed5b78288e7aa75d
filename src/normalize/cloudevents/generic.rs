//! Normalizes CloudEvents that no known vendor wrote.

use super::envelope::Envelope;
use super::incoming::Incoming;
use crate::event::{
    API_ACTIVITY, Activity, Api, AuditEvent, Endpoint, Metadata, Session, Status, User,
};
use crate::json::Text;
use crate::normalize::error::NormalizeError;
use crate::normalize::time::EventTime;
use crate::normalize::walk;
use crate::vendors::CLOUD_EVENTS;

/// Describes a CloudEvent that no known vendor wrote. Only its envelope is read. The schema of its payload is
/// unknown, so the payload is kept as unmapped.
///
/// # Errors
/// The event lacks an attribute that CloudEvents requires, its envelope has a name twice or in two spellings, or
/// [`Envelope::take`] fails.
pub(in crate::normalize) fn generic(
    incoming: Incoming<'_>,
) -> Result<AuditEvent<'_>, NormalizeError> {
    let record_ms = incoming.timestamp_ms;
    let mut envelope = Envelope::take(incoming)?;
    let data = envelope.data;
    walk::note_repeated_names(&mut envelope.unmapped, |document, node| {
        walk::is_below(document, node, data)
    })?;
    if !envelope.has_required_attributes() {
        return Err(NormalizeError::Unrecognized);
    }
    let EventTime { time_ms, label } = envelope.event_time(record_ms);
    let labels = label.into_iter().chain(["method:unknown"]);
    let labels = labels.chain(envelope.labels.iter().copied());
    let metadata = Metadata {
        dialect: &CLOUD_EVENTS,
        labels: labels.map(Text::from).collect(),
        ..envelope.metadata()
    };
    Ok(AuditEvent {
        class: &API_ACTIVITY,
        activity: Activity::Other,
        time_ms,
        message: None,
        status: Status::Unknown,
        status_code: None,
        status_detail: None,
        metadata,
        user: User {
            name: Some(Text::from("unknown")),
            ..User::default()
        },
        session: Session::default(),
        app_name: None,
        invoked_by: None,
        authorizations: Vec::new(),
        auth_protocol: None,
        api: Api {
            operation: envelope.kind.unwrap_or(Text::from("unknown")),
            ..Api::default()
        },
        cloud: None,
        src_endpoint: Endpoint {
            name: Some(Text::from("unknown")),
            ..Endpoint::default()
        },
        user_agent: None,
        resources: Vec::new(),
        enrichments: Vec::new(),
        client: None,
        unmapped: envelope.unmapped,
        known_method: false,
        other_readings: Vec::new(),
        other_request_data: Vec::new(),
    })
}
