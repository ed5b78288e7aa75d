//! An audit event as OCSF 1.8.0 JSON: API Activity 6003 or Authentication 3002.
//! Invariant: every leaf of the input is written once more, moved or under `unmapped`, unless the
//! raw parts were dropped, which `metadata.labels` then says.

use super::json::Object;
use super::unmapped;
use crate::event::json::NodeId;
use crate::event::{Api, AuditEvent, Class, Endpoint, Facts, Metadata, Resource, User};

/// The OCSF version that is written.
pub const OCSF_VERSION: &str = "1.8.0";

/// Appends the event as one JSON object without line breaks.
pub fn event(event: &AuditEvent<'_>, out: &mut Vec<u8>) {
    Object::write(out, |o| {
        o.int("class_uid", event.class.uid());
        o.word("class_name", event.class.name());
        o.int("category_uid", event.class.category_uid());
        o.word("category_name", event.class.category_name());
        o.int("activity_id", event.activity_id);
        o.word("activity_name", event.activity_name);
        o.int("type_uid", event.type_uid());
        o.int("severity_id", 1);
        o.word("severity", "Informational");
        o.int("time", event.time_ms);
        o.optional("message", event.message.as_ref());
        o.int("status_id", event.status.id());
        o.word("status", event.status.name());
        o.optional("status_code", event.status_code.as_ref());
        o.optional("status_detail", event.status_detail.as_ref());
        o.object("metadata", |o| metadata(event, &event.metadata, o));
        o.object("actor", |o| actor(event, o));
        let home = event.class == Class::ApiActivity || event.cloud.is_some();
        if home {
            o.object("api", |o| api(event, &event.api, o));
        }
        if event.class == Class::Authentication {
            authentication(event, o);
        } else {
            o.objects("resources", &event.resources, |resource, o| {
                self::resource(event, resource, o);
            });
        }
        o.object("src_endpoint", |o| endpoint(&event.src_endpoint, o));
        cloud(event, o);
        o.objects("enrichments", &event.enrichments, |enrichment, o| {
            o.word("name", enrichment.name);
            o.text("value", &enrichment.value);
            o.object("data", |o| facts(&enrichment.data, o));
        });
        // Authentication has `api` in the cloud profile only; elsewhere it has no home.
        o.filled("unmapped", |o| {
            if !home {
                o.object("api", |o| api(event, &event.api, o));
            }
            unmapped::members(&event.unmapped, o);
        });
    });
}

fn metadata(event: &AuditEvent<'_>, metadata: &Metadata<'_>, o: &mut Object<'_>) {
    o.word("version", OCSF_VERSION);
    o.object("product", |o| {
        o.word("name", metadata.product_name);
        o.word("vendor_name", metadata.vendor_name);
    });
    if event.cloud.is_some() {
        o.texts("profiles", &["cloud"]);
    }
    o.optional("uid", metadata.uid.as_ref());
    o.optional("event_code", metadata.event_code.as_ref());
    o.optional("original_time", metadata.original_time.as_ref());
    o.optional("source", metadata.source.as_ref());
    o.word("log_name", metadata.log_name);
    o.texts("labels", &metadata.labels);
}

pub(super) fn actor(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    o.object("user", |o| user(&event.user, o));
    if let Some(uid) = &event.session_uid {
        o.object("session", |o| o.text("uid", uid));
    }
    o.optional("app_name", event.app_name.as_ref());
    o.optional("invoked_by", event.invoked_by.as_ref());
    o.objects("authorizations", &event.authorizations, |given, o| {
        o.optional("decision", given.decision.as_ref());
        o.filled("policy", |o| {
            o.optional("name", given.policy_name.as_ref());
            o.optional("type", given.policy_kind.as_ref());
        });
    });
}

fn user(user: &User<'_>, o: &mut Object<'_>) {
    o.optional("uid", user.uid.as_ref());
    o.optional("uid_alt", user.uid_alt.as_ref());
    o.optional("name", user.name.as_ref());
    o.optional("email_addr", user.email_addr.as_ref());
    if let Some(kind) = user.kind {
        o.word("type", kind.name());
        o.int("type_id", kind.id());
    }
    o.optional("credential_uid", user.credential_uid.as_ref());
    if let Some(team) = &user.team {
        o.objects("groups", &[team], |team, o| o.text("name", team));
    }
}

fn api(event: &AuditEvent<'_>, api: &Api<'_>, o: &mut Object<'_>) {
    o.text("operation", &api.operation);
    o.filled("service", |o| {
        o.optional("name", api.service_name.as_ref());
        o.optional("uid", api.service_uid.as_ref());
    });
    if let Some(group) = &api.group_name {
        o.object("group", |o| o.text("name", group));
    }
    if let Some(uid) = &api.request_uid {
        o.object("request", |o| {
            o.text("uid", uid);
            raw(event, "data", api.request_data, o);
        });
    }
    o.filled("response", |o| {
        o.optional("error", api.response_error.as_ref());
        o.optional("error_message", api.response_error_message.as_ref());
        raw(event, "data", api.response_data, o);
    });
}

fn raw(event: &AuditEvent<'_>, name: &str, node: Option<NodeId>, o: &mut Object<'_>) {
    if let Some(node) = node.filter(|_| !event.unmapped.dropped) {
        o.member(name, |out| {
            event.unmapped.document.write_compact(node, out);
        });
    }
}

fn authentication(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    o.object("user", |o| user(&event.user, o));
    o.object("service", |o| {
        o.text(
            "name",
            event.api.service_name.as_deref().unwrap_or("unknown"),
        );
        o.optional("uid", event.resources.iter().find_map(|r| r.uid.as_ref()));
    });
    o.optional("auth_protocol", event.auth_protocol.as_ref());
}

pub(super) fn endpoint(endpoint: &Endpoint<'_>, o: &mut Object<'_>) {
    o.optional("ip", endpoint.ip.as_ref());
    o.optional("name", endpoint.name.as_ref());
    if let Some(port) = endpoint.port {
        o.int("port", port.into());
    }
}

pub(super) fn resource(event: &AuditEvent<'_>, resource: &Resource<'_>, o: &mut Object<'_>) {
    o.optional("uid", resource.uid.as_ref());
    o.optional("uid_alt", resource.uid_alt.as_ref());
    o.optional("name", resource.name.as_ref());
    o.optional("type", resource.kind.as_ref());
    o.optional("namespace", resource.namespace.as_ref());
    o.optional("region", resource.region.as_ref());
    if let Some(owner) = &resource.owner {
        o.object("owner", |o| o.text("name", owner));
    }
    if let Some(team) = &resource.team {
        o.object("group", |o| o.text("name", team));
    }
    raw(event, "data", resource.data, o);
}

fn facts(facts: &Facts<'_>, o: &mut Object<'_>) {
    o.text("name", &facts.name);
    o.optional("owner", facts.owner.as_ref());
    o.optional("team", facts.team.as_ref());
    o.optional("environment", facts.environment.as_ref());
    if let Some(kind) = facts.kind {
        o.word("kind", kind);
    }
}

pub(super) fn cloud(event: &AuditEvent<'_>, o: &mut Object<'_>) {
    let Some(cloud) = &event.cloud else {
        return;
    };
    o.object("cloud", |o| {
        o.text("provider", &cloud.provider);
        if let Some(uid) = &cloud.org_uid {
            o.object("org", |o| o.text("uid", uid));
        }
        o.optional("project_uid", cloud.project_uid.as_ref());
        o.optional("region", cloud.region.as_ref());
    });
}
