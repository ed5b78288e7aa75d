//! Gives the fields that a rule or filter names other names, as a mapping of native names has them.

use super::matcher::{Check, Test};
use super::rule::{Body, Detection};

impl Detection {
    /// Renames the fields for which there is another name. Those of lines about an element keep theirs, since the
    /// elements of a list are not those of another.
    pub fn rename_fields(&mut self, rename: &mut dyn FnMut(&str) -> Option<String>) {
        for selection in &mut self.selections {
            selection.body.rename_fields(rename);
        }
    }
}

impl Body {
    fn rename_fields(&mut self, rename: &mut dyn FnMut(&str) -> Option<String>) {
        match self {
            Body::Test(test) => test.rename_fields(rename),
            Body::All(parts) | Body::Any(parts) => {
                parts.iter_mut().for_each(|part| part.rename_fields(rename));
            }
        }
    }
}

impl Test {
    fn rename_fields(&mut self, rename: &mut dyn FnMut(&str) -> Option<String>) {
        let mut names: Vec<&mut String> = match &mut self.check {
            Check::Element(_) => return,
            Check::Field(reference) => reference.fields.iter_mut().collect(),
            _ => Vec::new(),
        };
        names.extend(&mut self.field);
        for name in names {
            if let Some(other) = rename(name) {
                *name = other;
            }
        }
    }

    /// The field's name, or of several places the first.
    pub fn shown_field(&self) -> Option<&str> {
        let field = self.field.as_deref()?;
        field.split('|').next()
    }
}
