//! Who writes audit events, and in which shape.

/// A vendor's product and the shape of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// A CloudEvent of unknown origin.
    #[default]
    CloudEvents,
    /// Confluent Cloud, `resourceName` and `principal` as texts.
    ConfluentCloudV1,
    /// Confluent Cloud, `cloudResources` and principals as objects.
    ConfluentCloudV2,
    /// Confluent Platform.
    ConfluentPlatform,
}

impl Dialect {
    /// Product of the rules' `logsource`.
    pub const fn logsource_product(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::ConfluentCloudV1 | Self::ConfluentCloudV2 | Self::ConfluentPlatform => {
                "confluent"
            }
        }
    }

    /// Every dialect.
    pub const ALL: [Self; 4] = [
        Self::CloudEvents,
        Self::ConfluentCloudV1,
        Self::ConfluentCloudV2,
        Self::ConfluentPlatform,
    ];

    /// The dialect of an event that was written with this OCSF `log_name`.
    pub fn of_log_name(log_name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.log_name() == log_name)
    }

    /// The dialect, or one of several, whose product has this OCSF `product.name`.
    pub fn of_product_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.product_name() == name)
    }

    /// OCSF `product.vendor_name`.
    pub const fn vendor_name(self) -> &'static str {
        match self {
            Self::CloudEvents => "unknown",
            Self::ConfluentCloudV1 | Self::ConfluentCloudV2 | Self::ConfluentPlatform => {
                "Confluent"
            }
        }
    }

    /// OCSF `product.name`.
    pub const fn product_name(self) -> &'static str {
        match self {
            Self::CloudEvents => "CloudEvents",
            Self::ConfluentCloudV1 | Self::ConfluentCloudV2 => "Confluent Cloud",
            Self::ConfluentPlatform => "Confluent Platform",
        }
    }

    /// OCSF `log_name`.
    pub const fn log_name(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::ConfluentCloudV1 => "confluent-cloud-v1",
            Self::ConfluentCloudV2 => "confluent-cloud-v2",
            Self::ConfluentPlatform => "confluent-platform",
        }
    }
}
