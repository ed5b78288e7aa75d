//! Alibaba Cloud's ActionTrail.

use super::{Dialect, Vendor, pack, shipped};

/// ActionTrail, as the table of vendors has it.
pub static ACTIONTRAIL: Vendor = Vendor {
    product: "actiontrail",
    about: "ActionTrail, the audit log of Alibaba Cloud",
    dialects: &[&ACTIONTRAIL_EVENTS],
    catalog: shipped!("config/catalog/actiontrail.yaml"),
    pack: pack!["actiontrail":],
    template: shipped!("config/actiontrail.example.yaml"),
};

/// Events in camelCase or PascalCase.
pub static ACTIONTRAIL_EVENTS: Dialect = Dialect {
    log_name: "actiontrail",
    product_name: "ActionTrail",
    vendor_name: "Alibaba Cloud",
    logsource_product: "actiontrail",
};
