//! Confluent: Confluent Cloud and Confluent Platform.

use super::{Dialect, NativeFields, Vendor, pack, shipped};

const PRODUCT: &str = "confluent";
const VENDOR_NAME: &str = "Confluent";

/// Confluent, as the table of vendors has it.
pub static CONFLUENT: Vendor = Vendor {
    product: PRODUCT,
    about: "The audit log of Confluent Cloud",
    dialects: &[
        &CONFLUENT_CLOUD_V1,
        &CONFLUENT_CLOUD_V2,
        &CONFLUENT_PLATFORM,
    ],
    native_fields: NativeFields {
        roots: &[
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "dataschema",
            "route",
            "confluentRouting",
            "data",
        ],
        moved: &[
            ("id", "metadata.uid"),
            ("source", "metadata.source"),
            ("type", "metadata.event_code"),
            ("time", "metadata.original_time"),
            ("data.methodName", "api.operation"),
            ("data.serviceName", "api.service.uid"),
            ("data.resourceName", "resources.uid_alt"),
            ("data.requestMetadata.requestId", "api.request.uid"),
            ("data.requestMetadata.connectionId", "actor.session.uid"),
            ("data.requestMetadata.clientId", "actor.app_name"),
            ("data.requestMetadata.clientAddress.ip", "src_endpoint.ip"),
            (
                "data.requestMetadata.clientAddress.port",
                "src_endpoint.port",
            ),
            ("data.request.clientId", "actor.app_name"),
            ("data.result.status", "status_code"),
            ("data.result.message", "status_detail"),
            ("data.result.errorMessage", "status_detail"),
            ("data.errorMessage", "status_detail"),
            ("data.clientAddress.ip", "src_endpoint.ip"),
            ("data.clientAddress.port", "src_endpoint.port"),
            ("data.authenticationInfo.identity", "actor.user.uid_alt"),
            ("data.authenticationInfo.result", "status_code"),
            ("data.authenticationInfo.errorMessage", "status_detail"),
            ("data.authenticationInfo.principal", "actor.user.uid"),
            (
                "data.authenticationInfo.principal.email",
                "actor.user.email_addr",
            ),
            (
                "data.authenticationInfo.principalResourceId",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.metadata.identifier",
                "actor.user.credential_uid",
            ),
            (
                "data.authenticationInfo.metadata.mechanism",
                "auth_protocol",
            ),
            (
                "data.authenticationInfo.credentials.mechanism",
                "auth_protocol",
            ),
            (
                "data.authorizationInfo.result",
                "actor.authorizations.decision",
            ),
            ("data.authorizationInfo.result", "status_code"),
            (
                "data.authorizationInfo.rbacAuthorization.role",
                "actor.authorizations.policy.name",
            ),
            ("data.authorizationInfo.resourceName", "resources.name"),
            ("data.authorizationInfo.resourceType", "resources.type"),
            ("data.cloudResources.resource.resourceId", "resources.uid"),
            ("data.cloudResources.resource.type", "resources.type"),
            (
                "data.authenticationInfo.principal.confluentUser.resourceId",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal.confluentUser.resourceId",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.principal.confluentServiceAccount.resourceId",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal.confluentServiceAccount.resourceId",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.principal.identityPool.resourceId",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal.identityPool.resourceId",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.principal.group.resourceId",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal.group.resourceId",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.principal.externalAccount.subject",
                "actor.user.uid",
            ),
            (
                "data.authenticationInfo.originalPrincipal.externalAccount.subject",
                "actor.invoked_by",
            ),
            (
                "data.authenticationInfo.credentials.idSecretCredentials.credentialId",
                "actor.user.credential_uid",
            ),
            (
                "data.authorizationInfo.requestMetadata.clientAddress.ip",
                "src_endpoint.ip",
            ),
            (
                "data.authorizationInfo.requestMetadata.clientAddress.port",
                "src_endpoint.port",
            ),
            (
                "data.authorizationInfo.networkPolicyAuthorization.role",
                "actor.authorizations.policy.name",
            ),
            (
                "data.authorizationInfo.ipFilterAuthorization.clientIp",
                "src_endpoint.ip",
            ),
        ],
        parts: &[
            ("data.request.data", "api.request.data"),
            ("data.result.data", "api.response.data"),
            ("data.cloudResources.scope", "resources.data"),
        ],
        rest: "unmapped",
    },
    catalog: shipped!("config/catalog/confluent.yaml"),
    pack: pack!["confluent":
        "access_transparency",
        "api_key_created",
        "critical_attempt_failed",
        "environment_deleted",
        "ip_filter_denied",
        "kafka_cluster_deleted",
        "scratch_statement_deleted",
        "statement_deleted",
        "workspace_deleted",
    ],
    template: shipped!("config/confluent.example.yaml"),
};

/// Confluent Cloud, `resourceName` and `principal` as texts.
pub static CONFLUENT_CLOUD_V1: Dialect = Dialect {
    log_name: "confluent-cloud-v1",
    product_name: "Confluent Cloud",
    vendor_name: VENDOR_NAME,
    logsource_product: PRODUCT,
};

/// Confluent Cloud, `cloudResources` and principals as objects.
pub static CONFLUENT_CLOUD_V2: Dialect = Dialect {
    log_name: "confluent-cloud-v2",
    ..CONFLUENT_CLOUD_V1
};

/// Confluent Platform.
pub static CONFLUENT_PLATFORM: Dialect = Dialect {
    log_name: "confluent-platform",
    product_name: "Confluent Platform",
    ..CONFLUENT_CLOUD_V1
};
