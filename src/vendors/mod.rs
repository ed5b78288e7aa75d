//! The vendors whose audit logs are known: one row each, with everything of a vendor that is data. How its events
//! are read stands in the folder of the same name in `normalize`.

mod actiontrail;
mod confluent;
mod dialect;
mod native;
mod redpanda;

pub use actiontrail::{ACTIONTRAIL, ACTIONTRAIL_EVENTS};
pub use confluent::{CONFLUENT, CONFLUENT_CLOUD_V1, CONFLUENT_CLOUD_V2, CONFLUENT_PLATFORM};
pub use dialect::{CLOUD_EVENTS, Dialect, WATCHBELL};
pub use native::{DEFAULT_TAXONOMY, NativeFields, NativeNames};
pub use redpanda::{REDPANDA, REDPANDA_EVENTS};

/// Every vendor, in the order in which an event is offered to them.
pub static VENDORS: [&Vendor; 3] = [&CONFLUENT, &ACTIONTRAIL, &REDPANDA];

/// The words for products that events can have: those of the vendors, and that of watchbell itself.
pub fn products() -> impl Iterator<Item = &'static str> {
    let vendors = VENDORS.iter().map(|vendor| vendor.product);
    vendors.chain([WATCHBELL.logsource_product])
}

/// A vendor of which the audit log is known.
#[derive(Debug)]
pub struct Vendor {
    /// The vendor's word everywhere: the `product` of a rule's `logsource`, of its catalogue, its pack of rules,
    /// and the argument of `watchbell init`.
    pub product: &'static str,
    /// What is read, for the help of `watchbell init`.
    pub about: &'static str,
    /// The shapes of its events.
    pub dialects: &'static [&'static Dialect],
    /// The names of its fields, by which rules may name them.
    pub native_fields: NativeFields,
    /// Attributes that its events never have.
    pub absent: &'static [&'static str],
    /// What is known of the methods that it audits.
    pub catalog: ShippedFile,
    /// Its rules.
    pub pack: &'static [ShippedRule],
    /// A commented configuration to start from.
    pub template: ShippedFile,
}

/// A file that is compiled into the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedFile {
    /// Its name in diagnostics: the path in the repository, or the file name within a pack.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// A rule file that is compiled into the binary, with its tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedRule {
    /// Its file name within the pack.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The text of its test file.
    pub tests: &'static str,
}

/// A file of the repository, by its path.
macro_rules! shipped {
    ($path:literal) => {
        $crate::vendors::ShippedFile {
            name: $path,
            text: include_str!(concat!("../../", $path)),
        }
    };
}

/// The files `config/rules/<pack>/<name>.yaml`, with their tests; a test checks that none is missing.
macro_rules! pack {
    ($pack:literal: $($name:literal),* $(,)?) => {
        &[$($crate::vendors::ShippedRule {
            name: concat!($name, ".yaml"),
            text: include_str!(concat!("../../config/rules/", $pack, "/", $name, ".yaml")),
            tests: include_str!(concat!("../../config/rules/", $pack, "/", $name, ".test.yaml")),
        }),*]
    };
}

pub(crate) use {pack, shipped};

/// The dialect of an event that was written with this OCSF `log_name`.
pub fn dialect_of_log_name(log_name: &str) -> Option<&'static Dialect> {
    dialects().find(|dialect| dialect.log_name == log_name)
}

/// The dialect, or one of several, whose product has this OCSF `product.name`.
pub fn dialect_of_product_name(name: &str) -> Option<&'static Dialect> {
    dialects().find(|dialect| dialect.product_name == name)
}

/// The vendor with this `product` of a log source.
pub fn vendor(product: &str) -> Option<&'static Vendor> {
    VENDORS.into_iter().find(|vendor| vendor.product == product)
}

/// The attribute to which some vendor's field of this name moves, for a message about a name that is none here.
pub fn attribute_of_native(name: &str) -> Option<String> {
    let mut places = VENDORS
        .iter()
        .filter_map(|vendor| vendor.native_fields.places(name));
    let places = places.next()?;
    places.split('|').next().map(str::to_owned)
}

/// Every dialect.
pub fn dialects() -> impl Iterator<Item = &'static Dialect> {
    let known = VENDORS.iter().flat_map(|vendor| vendor.dialects);
    known.copied().chain([&CLOUD_EVENTS])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_row_is_one_vendors() {
        let mut products = BTreeSet::new();
        for vendor in VENDORS {
            assert!(products.insert(vendor.product), "{}", vendor.product);
            for dialect in vendor.dialects {
                assert_eq!(dialect.logsource_product, vendor.product);
            }
            let named = format!("config/catalog/{}.yaml", vendor.product);
            assert_eq!(vendor.catalog.name, named);
            let named = format!("config/{}.example.yaml", vendor.product);
            assert_eq!(vendor.template.name, named);
        }
    }

    #[test]
    fn a_dialect_is_found_by_its_log_name() {
        let mut names = BTreeSet::new();
        for dialect in dialects() {
            assert!(names.insert(dialect.log_name), "{}", dialect.log_name);
            assert_eq!(dialect_of_log_name(dialect.log_name), Some(dialect));
            let of_product = dialect_of_product_name(dialect.product_name).unwrap();
            assert_eq!(of_product.logsource_product, dialect.logsource_product);
        }
        assert_eq!(dialect_of_log_name("syslog"), None);
    }
}
