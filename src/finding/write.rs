//! Writes an alert.

use super::attack::attacks;
use super::severity::severity;
use crate::alert::{Alert, SourceAlert};
use crate::encode::{Detail, OCSF_VERSION, actor, cloud, endpoint, resource};
use crate::event::{Api, AuditEvent};
use crate::json::Object;
use crate::sigma::Level;

/// OCSF `class_uid` of an alert.
pub const CLASS_UID: i64 = 2004;

/// OCSF `status_id` and `status` of an alert that people are to look at.
const NEW: (i64, &str) = (1, "New");

/// OCSF `status_id` and `status` of a suppressed alert.
const SUPPRESSED: (i64, &str) = (3, "Suppressed");

/// Appends the alert as one JSON object without line breaks. `now_ms` is when it was made; `record`
/// is the event as JSON, to stand in the alert as evidence.
pub fn finding<P>(
    alert: &Alert<'_, P>,
    event: &AuditEvent<'_>,
    record: Option<&[u8]>,
    rule_set: &str,
    now_ms: i64,
    out: &mut Vec<u8>,
) {
    let rule = alert.rule;
    Object::write(out, |o| {
        let status = match alert.suppression {
            Some(_) => SUPPRESSED,
            None => NEW,
        };
        opening(rule.level, status, event.time_ms, o);
        o.text("message", &alert.title);
        o.flag("is_alert", alert.notifies());
        o.object("metadata", |o| {
            product(o);
            if event.cloud.is_some() {
                o.texts("profiles", &["cloud"]);
            }
            o.text("uid", &alert.uid);
            o.text("correlation_uid", &alert.group_key);
            o.int("processed_time", now_ms);
            if let Some(logged_ms) = alert.logged_ms {
                o.int("logged_time", logged_ms);
            }
            o.texts("labels", &alert.labels);
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
                o.word("type", "Rule");
                o.int("type_id", 1);
            });
            attacks(&rule.rule.tags, o);
            if let Some(uid) = &event.metadata.uid {
                o.objects("related_events", &[uid], |uid, o| {
                    o.text("uid", uid);
                    o.int("type_uid", event.class.type_uid(event.activity));
                });
            }
        });
        evidence(alert, event, record, o);
        o.object("unmapped", |o| {
            o.text("rule_set", rule_set);
            o.text("outcome", event.status.name());
            o.optional("outcome_detail", event.status_detail.as_ref());
            if !alert.changes.is_empty() {
                o.texts("changes", &alert.changes);
            }
            o.optional("catalog_entry", alert.catalog_entry.as_ref());
            o.texts("why", &alert.why);
            if let Some(suppression) = alert.suppression {
                o.object("suppression", |o| {
                    o.text("uid", suppression.id.as_str());
                    o.text("title", &suppression.title);
                    o.text("owner", &suppression.owner);
                    o.text("reason", &suppression.reason);
                    o.text("expires", &suppression.expires());
                });
            }
            if !alert.shown.is_empty() {
                o.object("fields", |o| {
                    for &(name, ref values) in &alert.shown {
                        o.texts(name, values);
                    }
                });
            }
            o.texts("tags", &rule.rule.tags);
            o.texts("falsepositives", &rule.rule.falsepositives);
            // OCSF has no references without a remedy.
            if rule.rule.runbook.is_none() {
                o.texts("references", &rule.rule.references);
            }
        });
    });
}

/// Appends an alert of watchbell's own, about a source as a whole, at the level in force. `now_ms` is
/// when its cause was found, and the alert's time where no other is known.
pub fn source_finding(
    alert: &SourceAlert<'_>,
    level: Level,
    labels: &[&'static str],
    rule_set: &str,
    now_ms: i64,
    out: &mut Vec<u8>,
) {
    let rule = alert.rule;
    Object::write(out, |o| {
        opening(level, NEW, alert.time_ms.unwrap_or(now_ms), o);
        o.text("message", &alert.title);
        o.flag("is_alert", true);
        o.object("metadata", |o| {
            product(o);
            o.text("uid", &alert.uid);
            o.text("correlation_uid", &alert.group_key);
            o.int("processed_time", now_ms);
            o.texts("labels", labels);
        });
        o.object("finding_info", |o| {
            o.text("uid", &alert.uid);
            o.text("title", &alert.title);
            o.text("desc", rule.description);
            o.int("created_time", now_ms);
            o.object("analytic", |o| {
                o.text("uid", rule.id);
                o.text("name", rule.title);
                o.word("version", env!("CARGO_PKG_VERSION"));
                o.word("type", "Rule");
                o.int("type_id", 1);
            });
        });
        o.objects("evidences", &[&alert.evidence], |evidence, o| {
            o.serialized("data", evidence);
        });
        o.objects("resources", &[&alert.source], |source, o| {
            o.text("uid", &alert.place());
            o.text("name", source.name);
            o.word("type", alert.resource_type());
        });
        o.object("remediation", |o| o.text("desc", rule.runbook));
        o.object("unmapped", |o| {
            o.text("rule_set", rule_set);
            o.texts("why", &[&alert.why]);
        });
    });
}

/// What every alert begins with; it was raised because of something at `time_ms`.
fn opening(
    level: Level,
    (status_id, status): (i64, &'static str),
    time_ms: i64,
    o: &mut Object<'_>,
) {
    let (severity_id, severity) = severity(level);
    o.int("class_uid", CLASS_UID);
    o.word("class_name", "Detection Finding");
    o.int("category_uid", 2);
    o.word("category_name", "Findings");
    o.int("activity_id", 1);
    o.word("activity_name", "Create");
    o.int("type_uid", 200_401);
    o.int("severity_id", severity_id);
    o.word("severity", severity);
    o.int("status_id", status_id);
    o.word("status", status);
    o.int("time", time_ms);
}

/// By whom it was raised.
fn product(o: &mut Object<'_>) {
    o.word("version", OCSF_VERSION);
    o.object("product", |o| {
        o.word("name", "watchbell");
        o.word("vendor_name", "watchbell");
        o.word("version", env!("CARGO_PKG_VERSION"));
    });
}

fn evidence<P>(
    alert: &Alert<'_, P>,
    event: &AuditEvent<'_>,
    record: Option<&[u8]>,
    o: &mut Object<'_>,
) {
    o.objects("evidences", &[event], |event, o| {
        o.object("actor", |o| actor(event, o));
        o.object("api", |o| {
            o.text("operation", &event.api.operation);
            if let Some(name) = &event.api.service_name {
                o.object("service", |o| o.text("name", name));
            }
            error(&event.api, o);
        });
        o.object("src_endpoint", |o| endpoint(&event.src_endpoint, o));
        if let Some(record) = record {
            o.record("data", record);
        }
    });
    o.objects("resources", &event.resources, |resource, o| {
        self::resource(event, resource, Detail::Full, o);
    });
    let rule = &alert.rule.rule;
    if let Some(runbook) = &rule.runbook {
        o.object("remediation", |o| {
            o.text("desc", runbook);
            o.texts("references", &rule.references);
        });
    }
    cloud(event, o);
}

/// The part of the request's answer that says what went wrong.
fn error(api: &Api<'_>, o: &mut Object<'_>) {
    o.filled("response", |o| {
        o.optional("error", api.response_error.as_ref());
        o.optional("error_message", api.response_error_message.as_ref());
    });
}
