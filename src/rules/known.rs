//! What rules and overrides may name: the caller knows it of the events and catalogues.

use std::collections::{BTreeMap, BTreeSet};

use crate::sigma::{Logsource, Placeholders, Value};
use crate::vendors::NativeFields;

/// The products, services, methods, placeholders and built-in rules that rules and overrides may name.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The products, by the value that `logsource.product` has for them.
    pub products: BTreeMap<String, KnownProduct>,
    /// The attributes that events can have.
    pub fields: BTreeMap<String, KnownField>,
    /// The values of placeholders.
    pub placeholders: Placeholders,
    /// The ids of the built-in rules, which are part of the program and have no file.
    pub built_in: BTreeSet<String>,
}

/// What is known about an attribute.
#[derive(Debug, Clone, Default)]
pub struct KnownField {
    /// Whether every event has it.
    pub is_always_there: bool,
    /// Every value that it can have; empty if it can have others.
    pub values: Vec<Value<'static>>,
}

/// What is known about the events of one product.
#[derive(Debug, Clone, Default)]
pub struct KnownProduct {
    /// The methods of each service, by the value that `logsource.service` has for it: every value that
    /// [`OPERATION_FIELD`] can have. If a service has no methods, the methods of its rules are not checked.
    pub services: BTreeMap<String, BTreeSet<String>>,
    /// The attributes that its events never have.
    pub absent: &'static [&'static str],
    /// The vendor's own names of the fields.
    pub native_fields: Option<&'static NativeFields>,
}

impl Known {
    /// The product that a log source names; all known products if it names no product or an unknown one.
    pub(super) fn products_of(&self, logsource: &Logsource) -> Vec<&KnownProduct> {
        let named = logsource.product.as_ref();
        match named.and_then(|product| self.products.get(product)) {
            Some(product) => vec![product],
            None => self.products.values().collect(),
        }
    }
}
