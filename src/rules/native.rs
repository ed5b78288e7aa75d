//! Rules that name fields as the vendor does: without `taxonomy: ocsf`, the names of a known product are mapped to the
//! attributes of OCSF. A name that is an attribute of OCSF stays that, unless the taxonomy is the product's.

use super::known::Known;
use super::parsed_rule::{ParsedFilter, ParsedRule};
use crate::diagnostic::Mark;
use crate::sigma::{Detection, Logsource, UnknownField};
use crate::vendors::NativeNames;

/// Maps the native names in rules and filters. Names that are neither are left for the checks.
pub(super) fn map<P>(
    rules: &mut [ParsedRule],
    filters: &mut [ParsedFilter],
    known: &Known,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
) {
    for ParsedRule { rule, .. } in rules {
        let Some(names) = names(rule.taxonomy.as_ref(), &rule.logsource, known) else {
            continue;
        };
        let mut map = |name: &str| names.map(name, resolve(name).is_ok());
        let mapped = names_mapped(&mut rule.detection, &mut map);
        let others = rule
            .fields
            .iter_mut()
            .chain(rule.group_by.iter_mut().map(|(name, _)| name));
        for name in others {
            if let Some(other) = map(name) {
                *name = other;
            }
        }
        rule.canonical.push_str(&mapped);
    }
    for ParsedFilter { filter, .. } in filters {
        if let Some(names) = names(filter.taxonomy.as_ref(), &filter.logsource, known) {
            let mut map = |name: &str| names.map(name, resolve(name).is_ok());
            let mapped = names_mapped(&mut filter.detection, &mut map);
            filter.canonical.push_str(&mapped);
        }
    }
}

/// Maps the native names in a suppression of rules of this log source. What they are mapped to is returned as one text,
/// to be hashed.
pub(super) fn map_suppression<P>(
    detection: &mut Detection,
    logsource: &Logsource,
    known: &Known,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
) -> String {
    match names(None, logsource, known) {
        Some(names) => {
            let mut map = |name: &str| names.map(name, resolve(name).is_ok());
            names_mapped(detection, &mut map)
        }
        None => String::new(),
    }
}

/// Maps the names in a detection. What they are mapped to is returned as one text, to be hashed.
fn names_mapped(detection: &mut Detection, map: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut mapped = String::new();
    detection.rename_fields(&mut |name| {
        let other = map(name)?;
        mapped.push_str(&format!("\n{name}={other}"));
        Some(other)
    });
    mapped
}

/// The names that a rule or filter may use; `None` if all names are those of OCSF.
fn names<'k>(
    taxonomy: Option<&(String, Mark)>,
    logsource: &Logsource,
    known: &'k Known,
) -> Option<NativeNames<'k>> {
    let product = logsource.product.as_deref()?;
    let fields = known.products.get(product)?.native_fields?;
    let taxonomy = taxonomy.map(|(taxonomy, _)| taxonomy.as_str());
    NativeNames::new(fields, product, taxonomy)
}
