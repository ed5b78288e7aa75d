//! Events of Alibaba Cloud's ActionTrail, in camelCase or PascalCase. Names are matched whatever their case and
//! underscores. Where each part goes, and why, is in docs/mapping-actiontrail.md.

mod containers;
mod data;
mod identity;
mod known;
mod outcome;
mod parameters;
mod recognize;
mod resources;

use std::net::IpAddr;

use data::Data;
use known::Known;
use parameters::Parameters;
use recognize::{NOT_AN_EVENT, is_of_event_bridge, is_payload};

use super::cloudevents::{Incoming, unmapped_envelope};
use super::error::NormalizeError;
use super::labels::CONTRADICTORY;
use super::normalizer::{Normalized, Normalizer};
use super::time::{EventTime, stated_time};
use super::walk;
use crate::catalog::Catalogs;
use crate::event::{
    API_ACTIVITY, AUTHENTICATION, Activity, Api, AuditEvent, Cloud, Endpoint, EventClass, Metadata,
    Status, Unmapped,
};
use crate::json::{Document, Text, same_name};
use crate::vendors::ACTIONTRAIL_EVENTS;

/// The functions that read ActionTrail's events.
pub(super) const NORMALIZER: Normalizer = Normalizer {
    is_payload,
    recognizes,
    normalize,
    open: Some(containers::open),
};

/// Whether the record's value is an event. What holds one is opened first, unless its attributes are headers: then the
/// value must be the event.
fn recognizes(incoming: &Incoming<'_>) -> bool {
    is_payload(&incoming.document, incoming.document.root())
        || incoming.is_binary() && is_of_event_bridge(incoming)
}

/// Describes an event.
fn normalize<'a>(
    incoming: Incoming<'a>,
    catalogs: &'a Catalogs,
) -> Result<Normalized<'a>, NormalizeError> {
    let record_ms = incoming.timestamp_ms;
    let mut unmapped = unmapped_envelope(incoming)?;
    let data = Data::of(&unmapped.document);
    walk::note_repeated_names(&mut unmapped, |document, node| {
        data.is_callers(document, node)
    })?;
    let root = &data.root;
    let operation = operation(&mut unmapped, &data)?;
    let (class, login) = classify(&unmapped.document, &data, &operation);
    let service_uid = walk::take(&mut unmapped, root.service_name);
    let known = Known::of(catalogs, service_uid.as_ref(), &operation, data.is_insight);
    let parameters = Parameters::of(&unmapped.document, root.request_parameters);
    let other_readings = match unmapped.repeated.is_empty() {
        true => Vec::new(),
        false => parameters::other_readings(&unmapped, &data),
    };
    let resources = resources::read(&mut unmapped, &data, &parameters, &known);
    let user = identity::user(&mut unmapped, &data);
    let session = identity::session(&unmapped.document, &data, &user);
    let outcome = outcome::read(&mut unmapped, &data);
    let is_failure = outcome.status == Status::Failure;
    let EventTime { time_ms, label } = stated_time(&unmapped.document, root.event_time, record_ms);
    let activity =
        login.unwrap_or_else(|| known.activity(&operation, &unmapped.document, root.event_rw));
    let labels = known
        .labels(&unmapped.document, root)
        .into_iter()
        .flatten()
        .chain(label)
        .chain(identity::credential_label(&user))
        .chain(outcome.is_contradictory.then_some(CONTRADICTORY))
        .chain(resources.label)
        .map(Text::from)
        .collect();
    let metadata = Metadata {
        uid: walk::take(&mut unmapped, root.event_id),
        event_code: walk::take(&mut unmapped, root.event_type),
        original_time: walk::take(&mut unmapped, root.event_time),
        source: walk::take(&mut unmapped, root.event_source),
        correlation_uid: walk::take(&mut unmapped, root.shared_event_id),
        dialect: &ACTIONTRAIL_EVENTS,
        labels,
    };
    let request_data = walk::take_whole(&mut unmapped, root.request_parameters);
    let request_uid = walk::take(&mut unmapped, root.request_id);
    let api = Api {
        operation,
        service_name: known.service_name(service_uid.as_ref()),
        service_uid,
        version: walk::take(&mut unmapped, root.api_version),
        group_name: known.method.map(|method| method.module.to_text()),
        // OCSF requires it beside the data.
        request_uid: request_uid
            .or_else(|| metadata.uid.clone())
            .or_else(|| request_data.map(|_| Text::from("unknown"))),
        request_data,
        response_data: walk::take_whole(&mut unmapped, root.response_elements),
        response_error: outcome.code.clone().filter(|_| is_failure),
        response_error_message: outcome.detail.clone().filter(|_| is_failure),
    };
    let recipient = walk::take(&mut unmapped, root.recipient_account_id);
    let region = walk::take(&mut unmapped, root.acs_region);
    let cloud = Cloud {
        provider: Text::from("Alibaba Cloud"),
        account_uid: recipient.or_else(|| user.account_uid.clone()),
        region: region.or_else(|| parameters.region.clone()),
        ..Cloud::default()
    };
    Ok(Normalized::Event(AuditEvent {
        class,
        activity,
        time_ms,
        message: known.method.map(|method| method.message.to_text()),
        status: outcome.status,
        status_code: outcome.code,
        status_detail: outcome.detail,
        metadata,
        session,
        app_name: None,
        invoked_by: walk::take(&mut unmapped, data.identity.invoked_by),
        authorizations: Vec::new(),
        auth_protocol: None,
        api,
        cloud: Some(cloud),
        user,
        src_endpoint: src_endpoint(&mut unmapped, root),
        user_agent: walk::take(&mut unmapped, root.user_agent),
        resources: resources.found,
        enrichments: Vec::new(),
        client: None,
        known_method: known.method.is_some(),
        other_readings,
        other_request_data: Vec::new(),
        unmapped,
    }))
}

/// The method as written. An insight is about operations and is none itself, so it goes by its type; the name of an
/// operation that it also has stays in the document.
fn operation<'a>(unmapped: &mut Unmapped<'a>, data: &Data) -> Result<Text<'a>, NormalizeError> {
    let (event_name, event_type) = (data.root.event_name, data.root.event_type);
    if data.is_insight {
        let [name, kind] = [event_name, event_type].map(|it| walk::text(&unmapped.document, it));
        match kind {
            Some(kind) if name.as_ref() != Some(&kind) => return Ok(kind),
            None if event_name.is_none() => {
                return walk::take_required(unmapped, event_type, "eventType");
            }
            _ => {}
        }
    }
    match event_name {
        None => Err(NOT_AN_EVENT),
        Some(_) => walk::take_required(unmapped, event_name, "eventName"),
    }
}

/// The class; the activity only of what begins or ends a session at the console.
fn classify(
    document: &Document<'_>,
    data: &Data,
    operation: &str,
) -> (&'static EventClass, Option<Activity>) {
    let event_type = walk::text(document, data.root.event_type);
    let is_type = |word| event_type.as_deref().is_some_and(|it| same_name(it, word));
    let is = |word| same_name(operation, word) || is_type(word);
    if data.is_insight {
        (&API_ACTIVITY, None)
    } else if is("ConsoleSignin") {
        (&AUTHENTICATION, Some(Activity::Logon))
    } else if is("ConsoleSignout") {
        (&AUTHENTICATION, Some(Activity::Logoff))
    } else {
        (&API_ACTIVITY, None)
    }
}

/// Where the request came from. A masked address, a service of the vendor and `Internal` are names.
fn src_endpoint<'a>(unmapped: &mut Unmapped<'a>, root: &data::Root) -> Endpoint<'a> {
    let source = walk::take(unmapped, root.source_ip_address);
    let (ip, name) = match source {
        Some(ip) if ip.parse::<IpAddr>().is_ok() => (Some(ip), None),
        Some(name) => (None, Some(name)),
        None => (None, Some(Text::from("unknown"))),
    };
    Endpoint {
        ip,
        name,
        port: None,
        vpc_uid: walk::take(unmapped, root.vpc_id),
        ..Endpoint::default()
    }
}
