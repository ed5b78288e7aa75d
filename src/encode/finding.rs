//! An alert as OCSF 1.8.0 Detection Finding 2004.

use super::json::Object;
use super::ocsf::{OCSF_VERSION, cloud, user};
use crate::alert::Alert;
use crate::event::AuditEvent;
use crate::sigma::Level;

/// OCSF `severity_id` and `severity` of a rule's level.
fn severity(level: Level) -> (i64, &'static str) {
    match level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    }
}

/// Appends the alert as one JSON object without line breaks. `now_ms` is when it was made.
pub fn finding<P>(
    alert: &Alert<'_, P>,
    event: &AuditEvent<'_>,
    rule_set: &str,
    now_ms: i64,
    out: &mut Vec<u8>,
) {
    let rule = alert.rule;
    let (severity_id, severity) = severity(rule.level);
    Object::write(out, |o| {
        o.int("class_uid", 2004);
        o.text("class_name", "Detection Finding");
        o.int("category_uid", 2);
        o.text("category_name", "Findings");
        o.int("activity_id", 1);
        o.text("activity_name", "Create");
        o.int("type_uid", 200_401);
        o.int("severity_id", severity_id);
        o.text("severity", severity);
        o.int("status_id", 1);
        o.text("status", "New");
        o.int("time", event.time_ms);
        o.text("message", &alert.title);
        o.object("metadata", |o| {
            o.text("version", OCSF_VERSION);
            o.object("product", |o| {
                o.text("name", "watchbell");
                o.text("vendor_name", "watchbell");
                o.text("version", env!("CARGO_PKG_VERSION"));
            });
            if event.cloud.is_some() {
                o.texts("profiles", &["cloud"]);
            }
            o.text("uid", &alert.uid);
            o.text("correlation_uid", &alert.group_key);
            o.int("processed_time", now_ms);
            if rule.is_experimental() {
                o.texts("labels", &["status:experimental"]);
            }
        });
        o.object("finding_info", |o| {
            o.text("uid", &alert.uid);
            o.text("title", &alert.title);
            o.optional("desc", rule.rule.description.as_ref());
            o.int("created_time", now_ms);
            o.int("first_seen_time", event.time_ms);
            o.int("last_seen_time", event.time_ms);
            o.object("analytic", |o| {
                o.text("uid", rule.rule.id.as_str());
                o.text("name", &rule.rule.title);
                o.text("version", &rule.version);
                o.text("type", "Rule");
                o.int("type_id", 1);
            });
            if let Some(uid) = &event.metadata.uid {
                o.objects("related_events", &[uid], |uid, o| o.text("uid", uid));
            }
        });
        evidence(alert, event, rule_set, o);
    });
}

fn evidence<P>(alert: &Alert<'_, P>, event: &AuditEvent<'_>, rule_set: &str, o: &mut Object<'_>) {
    let rule = &alert.rule.rule;
    o.objects("evidences", &[event], |event, o| {
        o.object("actor", |o| {
            o.object("user", |o| user(&event.user, o));
        });
        o.object("api", |o| {
            o.text("operation", &event.api.operation);
            if let Some(name) = &event.api.service_name {
                o.object("service", |o| o.text("name", name));
            }
        });
        o.object("src_endpoint", |o| {
            o.optional("ip", event.src_endpoint.ip.as_ref());
            o.optional("name", event.src_endpoint.name.as_ref());
        });
    });
    o.objects("resources", &event.resources, |resource, o| {
        o.optional("uid", resource.uid.as_ref());
        o.optional("name", resource.name.as_ref());
        o.optional("type", resource.kind.as_ref());
        o.optional("namespace", resource.namespace.as_ref());
        o.optional("region", resource.region.as_ref());
    });
    if let Some(runbook) = &rule.runbook {
        o.object("remediation", |o| o.text("desc", runbook));
    }
    cloud(event, o);
    o.object("unmapped", |o| {
        o.text("rule_set", rule_set);
        o.text("outcome", event.status.name());
        o.texts("why", &alert.why);
        o.texts("tags", &rule.tags);
        o.texts("falsepositives", &rule.falsepositives);
    });
}
