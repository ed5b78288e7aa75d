//! Redpanda.

use super::{Dialect, NativeFields, Vendor, pack, shipped};

/// Redpanda, as the table of vendors has it.
pub static REDPANDA: Vendor = Vendor {
    product: "redpanda",
    about: "The audit log of Redpanda",
    dialects: &[&REDPANDA_EVENTS],
    native_fields: NativeFields {
        roots: &[],
        moved: &[],
        parts: &[],
        rest: "unmapped.event",
    },
    absent: &[
        "actor.authorizations.policy.type",
        "actor.invoked_by",
        "actor.session.created_time",
        "actor.session.issuer",
        "actor.session.uid",
        "actor.user.account.name",
        "actor.user.account.uid",
        "actor.user.credential_uid",
        "actor.user.email_addr",
        "actor.user.uid_alt",
        "api.request.data",
        "api.request.uid",
        "api.response.data",
        "api.response.error",
        "api.response.error_message",
        "api.version",
        "cloud.account.name",
        "cloud.account.uid",
        "cloud.org.name",
        "cloud.org.uid",
        "cloud.project_uid",
        "cloud.region",
        "metadata.correlation_uid",
        "metadata.event_code",
        "metadata.original_time",
        "metadata.source",
        "resources.namespace",
        "resources.region",
        "resources.uid_alt",
        "src_endpoint.vpc_uid",
        "status_code",
        "user.account.name",
        "user.account.uid",
        "user.credential_uid",
        "user.email_addr",
        "user.uid_alt",
    ],
    catalog: shipped!("config/catalog/redpanda.yaml"),
    pack: pack!["redpanda":
        "acl_for_every_resource",
        "acl_for_everybody",
        "audit_log_stopped",
        "cluster_config_changed",
        "login_from_outside_failed",
        "sensitive_attempt_failed",
        "topic_deleted",
        "user_changed",
    ],
    template: shipped!("config/redpanda.example.yaml"),
};

/// Events in OCSF 1.0.0.
pub static REDPANDA_EVENTS: Dialect = Dialect {
    log_name: "redpanda",
    product_name: "Redpanda",
    vendor_name: "Redpanda Data, Inc.",
    logsource_product: "redpanda",
};
