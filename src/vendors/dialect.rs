//! In which shape a product writes its audit events, as data.

/// A product of a vendor, and one of the shapes of its events.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialect {
    /// OCSF `log_name`; no two dialects share it.
    pub log_name: &'static str,
    /// OCSF `product.name`.
    pub product_name: &'static str,
    /// OCSF `product.vendor_name`.
    pub vendor_name: &'static str,
    /// Product of the rules' `logsource`.
    pub logsource_product: &'static str,
}

/// A CloudEvent of unknown origin.
pub static CLOUD_EVENTS: Dialect = Dialect {
    log_name: "cloudevents",
    product_name: "CloudEvents",
    vendor_name: "unknown",
    logsource_product: "cloudevents",
};

/// What people do on the page of watchbell itself.
pub static WATCHBELL: Dialect = Dialect {
    log_name: "watchbell-page",
    product_name: "watchbell",
    vendor_name: "watchbell",
    logsource_product: "watchbell",
};

impl Default for &'static Dialect {
    fn default() -> Self {
        &CLOUD_EVENTS
    }
}
