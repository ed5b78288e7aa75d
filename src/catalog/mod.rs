//! What is known of the methods that vendors audit: what each does, to what, and how much that matters.
//! One file describes one vendor's; a method of another vendor may have the same name. So may methods of two
//! services of a vendor, if its file has `service_names`.

mod file;
mod method;
mod method_names;
mod names;

pub use file::Catalog;
pub use method::{Access, Method, Sensitivity};
pub use method_names::MethodNames;

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::vendors::VENDORS;

/// The catalogues of all vendors.
#[derive(Debug, Clone, Default)]
pub struct Catalogs(Vec<Catalog>);

impl Catalogs {
    /// No catalogue, so no method is known.
    pub const NONE: &Catalogs = &Catalogs(Vec::new());

    /// Those that are compiled into the binary.
    ///
    /// # Errors
    /// What is wrong in them, which a test rules out.
    pub fn shipped() -> Result<Catalogs, Vec<Diagnostic>> {
        let files = VENDORS.map(|vendor| vendor.catalog);
        let catalogs = files.map(|file| Catalog::parse(file.text, file.name));
        catalogs.into_iter().collect()
    }

    /// The catalogue of a product, by the word that a rule's `logsource` has for it.
    pub fn of(&self, product: &str) -> Option<&Catalog> {
        self.iter().find(|catalog| catalog.product() == product)
    }

    /// The names under which events may have the methods that give somebody rights, or take them away, each once.
    pub fn grants(&self) -> BTreeSet<&str> {
        let methods = self.iter().flat_map(Catalog::methods);
        let granting = methods.filter(|method| method.grants);
        granting.flat_map(Method::names).collect()
    }

    /// One for each product.
    pub fn iter(&self) -> impl Iterator<Item = &Catalog> {
        self.0.iter()
    }
}

impl FromIterator<Catalog> for Catalogs {
    fn from_iter<T: IntoIterator<Item = Catalog>>(catalogs: T) -> Self {
        Self(catalogs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
