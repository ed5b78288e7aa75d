//! An audit event as OCSF 1.8.0 JSON.
//! Invariant: every leaf of the input is written once more, moved or under `unmapped`, unless an event is written
//! in less detail.

use super::unmapped;
use crate::event::{Activity, AuditEvent, Endpoint, EventClass, Place, Resource, Session, User};
use crate::json::{NodeId, Object, Phrase, Text, key};

pub const OCSF_VERSION: &str = "1.8.0";

/// The label of an event that was slimmed.
const SLIMMED: &str = "raw:slimmed";

/// How much of an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Every leaf of the input.
    #[default]
    Full,
    /// Without the parts that are kept as they came, so that it fits its topic; `metadata.labels` says so.
    Slimmed,
    /// OCSF's attributes alone, without `unmapped` and without the parts that are kept as they came.
    Lean,
}

/// Appends the whole event as one JSON object without line breaks.
pub fn event(event: &AuditEvent<'_>, out: &mut Vec<u8>) {
    event_in(event, Detail::Full, out);
}

/// Appends the event, in this detail, as one JSON object without line breaks.
pub fn event_in(event: &AuditEvent<'_>, detail: Detail, out: &mut Vec<u8>) {
    Object::write(out, |o| {
        kind(event.class, event.activity, o);
        o.int(key!("time"), event.time_ms);
        o.optional(key!("message"), event.message.as_ref());
        o.int(key!("status_id"), event.status.id());
        o.word(key!("status"), event.status.name());
        o.optional(key!("status_code"), event.status_code.as_ref());
        o.optional(key!("status_detail"), event.status_detail.as_ref());
        o.object(key!("metadata"), |o| metadata(event, detail, o));
        let class = event.class;
        match class.has_app {
            true => o.object(key!("app"), |o| app(event, o)),
            false => o.object(key!("actor"), |o| actor(event, o)),
        }
        if event.has_api_attribute() {
            o.object(key!("api"), |o| api(event, detail, o));
        }
        if class.has_login {
            login(event, o);
        }
        if class.has_resources {
            o.objects(key!("resources"), &event.resources, |resource, o| {
                self::resource(event, resource, detail, o);
            });
        }
        if !class.has_app {
            source(event, o);
        }
        cloud(event, o);
        o.objects(
            key!("enrichments"),
            event.all_enrichments(),
            |enrichment, o| {
                o.word(key!("name"), enrichment.name);
                o.word(key!("type"), enrichment.kind.as_str());
                o.text(key!("value"), &enrichment.value);
                o.written(key!("data"), enrichment.data);
            },
        );
        if detail == Detail::Lean {
            return;
        }
        // Rules can name what the class has no attribute for, so readers get it as well.
        o.filled(key!("unmapped"), |o| {
            if class.has_app {
                o.object(key!("actor"), |o| actor(event, o));
                source(event, o);
            }
            if !event.has_api_attribute() {
                o.object(key!("api"), |o| api(event, detail, o));
            }
            if !class.has_resources {
                o.objects(key!("resources"), &event.resources, |resource, o| {
                    self::resource(event, resource, detail, o);
                });
            }
            if detail == Detail::Full {
                unmapped::members(&event.unmapped, o);
            }
        });
    });
}

/// The members that class and activity give.
fn kind(class: &EventClass, activity: Activity, o: &mut Object<'_>) {
    let (id, name) = class.activity(activity);
    o.int(key!("class_uid"), class.uid);
    o.word(key!("class_name"), class.name);
    o.int(key!("category_uid"), class.category_uid());
    o.word(key!("category_name"), class.category_name);
    o.int(key!("activity_id"), id);
    o.word(key!("activity_name"), name);
    o.int(key!("type_uid"), class.type_uid(activity));
    o.int(key!("severity_id"), 1);
    o.word(key!("severity"), "Informational");
}

fn metadata(event: &AuditEvent<'_>, detail: Detail, o: &mut Object<'_>) {
    let metadata = &event.metadata;
    // Constant members come first and unique ones last, which compresses best.
    o.word(key!("version"), OCSF_VERSION);
    o.object(key!("product"), |o| {
        o.word(key!("name"), metadata.dialect.product_name);
        o.word(key!("vendor_name"), metadata.dialect.vendor_name);
    });
    o.word(key!("log_name"), metadata.dialect.log_name);
    if event.cloud.is_some() {
        o.texts(key!("profiles"), &["cloud"]);
    }
    o.optional(key!("source"), metadata.source.as_ref());
    o.optional(key!("event_code"), metadata.event_code.as_ref());
    match detail {
        Detail::Full | Detail::Lean => o.texts(key!("labels"), &metadata.labels),
        Detail::Slimmed => {
            let labels = metadata.labels.iter().map(|label| &**label);
            o.texts(key!("labels"), &labels.chain([SLIMMED]).collect::<Vec<_>>());
        }
    }
    o.optional(key!("correlation_uid"), metadata.correlation_uid.as_ref());
    o.optional(key!("uid"), metadata.uid.as_ref());
    o.optional(key!("original_time"), metadata.original_time.as_ref());
}

pub(crate) fn actor(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    o.object(key!("user"), |o| user(&event.user, o));
    if !event.session.is_empty() {
        o.object(key!("session"), |o| session(&event.session, o));
    }
    o.optional(key!("app_name"), event.app_name.as_ref());
    o.optional(key!("invoked_by"), event.invoked_by.as_ref());
    o.objects(key!("authorizations"), &event.authorizations, |given, o| {
        o.optional(key!("decision"), given.decision.as_ref());
        o.filled(key!("policy"), |o| {
            o.optional(key!("name"), given.policy_name.as_ref());
            o.optional(key!("type"), given.policy_kind.as_ref());
        });
    });
}

fn session(session: &Session<'_>, o: &mut Object<'_>) {
    o.optional(key!("uid"), session.uid.as_ref());
    o.optional(key!("issuer"), session.issuer.as_ref());
    if let Some(is_mfa) = session.is_mfa {
        o.flag(key!("is_mfa"), is_mfa);
    }
    if let Some(created_ms) = session.created_ms {
        o.int(key!("created_time"), created_ms);
    }
}

fn user(user: &User<'_>, o: &mut Object<'_>) {
    o.optional(key!("uid"), user.uid.as_ref());
    o.optional(key!("uid_alt"), user.uid_alt.as_ref());
    o.optional(key!("name"), user.name.as_ref());
    o.optional(key!("email_addr"), user.email_addr.as_ref());
    if let Some(kind) = user.kind {
        o.word(key!("type"), kind.name());
        o.int(key!("type_id"), kind.id());
    }
    o.optional(key!("credential_uid"), user.credential_uid.as_ref());
    if let Some(uid) = &user.account_uid {
        o.object(key!("account"), |o| {
            o.text(key!("uid"), uid);
            o.optional(key!("name"), user.account_name.as_ref());
        });
    }
    if let Some(team) = &user.team {
        o.objects(key!("groups"), &[team], |team, o| {
            o.text(key!("name"), team)
        });
    }
}

fn api(event: &AuditEvent<'_>, detail: Detail, o: &mut Object<'_>) {
    let api = &event.api;
    o.text(key!("operation"), &api.operation);
    o.filled(key!("service"), |o| {
        o.optional(key!("name"), api.service_name.as_ref());
        o.optional(key!("uid"), api.service_uid.as_ref());
    });
    o.optional(key!("version"), api.version.as_ref());
    if let Some(group) = &api.group_name {
        o.object(key!("group"), |o| o.text(key!("name"), group));
    }
    if let Some(uid) = &api.request_uid {
        o.object(key!("request"), |o| {
            o.text(key!("uid"), uid);
            // A name that occurred twice is written twice.
            let others = event.other_request_data.iter().copied().map(Some);
            for data in [api.request_data].into_iter().chain(others) {
                raw(event, data, detail, o);
            }
        });
    }
    o.filled(key!("response"), |o| {
        o.optional(key!("error"), api.response_error.as_ref());
        o.optional(key!("error_message"), api.response_error_message.as_ref());
        raw(event, api.response_data, detail, o);
    });
}

/// The member `data`: a part of the input as it came.
fn raw(event: &AuditEvent<'_>, node: Option<NodeId>, detail: Detail, o: &mut Object<'_>) {
    if let Some(node) = node.filter(|_| detail == Detail::Full) {
        o.copy(key!("data"), &event.unmapped.document, node);
    }
}

fn login(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    o.object(key!("user"), |o| user(&event.user, o));
    o.object(key!("service"), |o| {
        o.text(
            key!("name"),
            event.api.service_name.as_deref().unwrap_or("unknown"),
        );
        o.optional(
            key!("uid"),
            event.resources.iter().find_map(|r| r.uid.as_ref()),
        );
    });
    o.optional(key!("auth_protocol"), event.auth_protocol.as_ref());
    if let Some(is_mfa) = event.is_mfa() {
        o.flag(key!("is_mfa"), is_mfa);
    }
}

/// The application: the product, and the part of it that the event is about, which rules see as its resource.
fn app(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    let dialect = event.metadata.dialect;
    o.word(key!("name"), dialect.product_name);
    o.word(key!("vendor_name"), dialect.vendor_name);
    if let Some(feature) = event.resources.iter().find_map(|r| r.name.as_ref()) {
        o.object(key!("feature"), |o| o.text(key!("name"), feature));
    }
}

/// Where the request came from, and with which client.
fn source(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    o.object(key!("src_endpoint"), |o| endpoint(&event.src_endpoint, o));
    if let Some(user_agent) = &event.user_agent {
        o.object(key!("http_request"), |o| {
            o.text(key!("user_agent"), user_agent);
        });
    }
}

pub(crate) fn endpoint(endpoint: &Endpoint<'_>, o: &mut Object<'_>) {
    o.optional(key!("ip"), endpoint.ip.as_ref());
    o.optional(key!("name"), endpoint.name.as_ref());
    if let Some(port) = endpoint.port {
        o.int(key!("port"), port.into());
    }
    o.optional(key!("vpc_uid"), endpoint.vpc_uid.as_ref());
    o.optional(key!("zone"), endpoint.zone.as_ref());
    if let Some(owner) = &endpoint.owner {
        o.object(key!("owner"), |o| o.text(key!("name"), owner));
    }
    if let Some(place) = &endpoint.place {
        self::place(place, o);
    }
}

fn phrase(phrase: &Option<Phrase>) -> Option<Text<'_>> {
    phrase.as_ref().map(Phrase::to_text)
}

fn place(place: &Place, o: &mut Object<'_>) {
    if place.has_location() {
        o.object(key!("location"), |o| {
            o.optional(key!("city"), phrase(&place.city));
            o.optional(key!("region"), phrase(&place.region));
            o.optional(key!("country"), phrase(&place.country));
            o.optional(key!("continent"), phrase(&place.continent));
            if let Some((lat, long)) = &place.coordinates {
                o.written(key!("lat"), lat);
                o.written(key!("long"), long);
            }
        });
    }
    if place.has_autonomous_system() {
        o.object(key!("autonomous_system"), |o| {
            if let Some(number) = place.as_number {
                o.int(key!("number"), number.into());
            }
            o.optional(key!("name"), phrase(&place.as_name));
        });
    }
}

pub(crate) fn resource(
    event: &AuditEvent<'_>,
    resource: &Resource<'_>,
    detail: Detail,
    o: &mut Object<'_>,
) {
    o.optional(key!("uid"), resource.uid.as_ref());
    o.optional(key!("uid_alt"), resource.uid_alt.as_ref());
    o.optional(key!("name"), resource.name.as_ref());
    o.optional(key!("type"), resource.kind.as_ref());
    o.optional(key!("namespace"), resource.namespace.as_ref());
    o.optional(key!("region"), resource.region.as_ref());
    if let Some(owner) = &resource.owner {
        o.object(key!("owner"), |o| o.text(key!("name"), owner));
    }
    if let Some(team) = &resource.team {
        o.object(key!("group"), |o| o.text(key!("name"), team));
    }
    raw(event, resource.data, detail, o);
}

pub(crate) fn cloud(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    let Some(cloud) = &event.cloud else {
        return;
    };
    o.object(key!("cloud"), |o| {
        o.text(key!("provider"), &cloud.provider);
        if let Some(uid) = &cloud.account_uid {
            o.object(key!("account"), |o| {
                o.text(key!("uid"), uid);
                o.optional(key!("name"), cloud.account_name.as_ref());
            });
        }
        if let Some(uid) = &cloud.org_uid {
            o.object(key!("org"), |o| {
                o.text(key!("uid"), uid);
                o.optional(key!("name"), cloud.org_name.as_ref());
            });
        }
        o.optional(key!("project_uid"), cloud.project_uid.as_ref());
        o.optional(key!("region"), cloud.region.as_ref());
    });
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::event::CLASSES;

    #[test]
    fn every_class_and_activity_is_written_as_ocsf_numbers_it() {
        for class in CLASSES {
            for activity in Activity::ALL {
                let mut out = Vec::new();
                Object::write(&mut out, |o| kind(class, activity, o));
                let read: Value = serde_json::from_slice(&out).unwrap();
                let type_uid = 100 * class.uid + class.activity(activity).0;
                assert_eq!(read["type_uid"], type_uid);
                assert_eq!(read["category_uid"], class.uid / 1000);
                assert_eq!(read["class_name"], class.name);
                assert_eq!(read["activity_name"], class.activity(activity).1);
                assert_eq!(read["severity_id"], 1);
            }
        }
    }
}
