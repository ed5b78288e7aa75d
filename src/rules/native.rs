//! Rules that name fields as the vendor does: without `taxonomy: ocsf`, the names of a known product are mapped to the
//! attributes of OCSF. A name that is an attribute of OCSF stays that, unless the taxonomy is the product's.

use super::known::Known;
use super::parsed_rule::{ParsedFilter, ParsedRule};
use super::validate::DEFAULT_TAXONOMY;
use crate::diagnostic::Mark;
use crate::sigma::{Detection, Logsource, UnknownField};
use crate::vendors::NativeFields;

/// Maps the native names in rules and filters. Names that are neither are left for the checks.
pub(super) fn map<P>(
    rules: &mut [ParsedRule],
    filters: &mut [ParsedFilter],
    known: &Known,
    resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
) {
    for ParsedRule { rule, .. } in rules {
        let Some(names) = Names::new(rule.taxonomy.as_ref(), &rule.logsource, known) else {
            continue;
        };
        let mut map = |name: &str| names.map(name, resolve);
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
        let names = Names::new(filter.taxonomy.as_ref(), &filter.logsource, known);
        if let Some(names) = names {
            let mut map = |name: &str| names.map(name, resolve);
            let mapped = names_mapped(&mut filter.detection, &mut map);
            filter.canonical.push_str(&mapped);
        }
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

/// The names that a rule may use for fields.
struct Names<'k> {
    native: &'k NativeFields,
    /// Whether a name that is both is the vendor's.
    prefers_native: bool,
}

impl<'k> Names<'k> {
    /// `None` if all names are those of OCSF.
    fn new(
        taxonomy: Option<&(String, Mark)>,
        logsource: &Logsource,
        known: &'k Known,
    ) -> Option<Names<'k>> {
        let product = logsource.product.as_deref()?;
        let prefers_native = match taxonomy.map(|(taxonomy, _)| taxonomy.as_str()) {
            None | Some(DEFAULT_TAXONOMY) => false,
            Some(taxonomy) if taxonomy == product => true,
            Some(_) => return None,
        };
        let native = known.products.get(product)?.native_fields?;
        Some(Names {
            native,
            prefers_native,
        })
    }

    fn map<P>(
        &self,
        name: &str,
        resolve: &dyn Fn(&str) -> Result<P, UnknownField>,
    ) -> Option<String> {
        if !self.prefers_native && resolve(name).is_ok() {
            return None;
        }
        self.native.places(name)
    }
}
