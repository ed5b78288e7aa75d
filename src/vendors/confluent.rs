//! Confluent: Confluent Cloud and Confluent Platform.

use super::{Dialect, Vendor, pack, shipped};

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
