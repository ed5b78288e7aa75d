//! Filters in the syntax of rules, as options and files give them.

use std::path::Path;

use super::failure::Failure;
use super::say::say;
use crate::diagnostic::Diagnostic;
use crate::input_file;
use crate::sigma::Placeholders;
use crate::view::{Filter, FilterText, RecordKind};

/// The text of a filter, and its name in messages: an option or a file.
pub(super) type NamedText = (String, String);

/// The text of a filter that a file holds.
pub(super) fn of_file(path: &Path) -> Result<NamedText, Failure> {
    let name = path.display().to_string();
    let text = input_file::read_text(path).map_err(|problem| {
        let file = name.as_str().into();
        Failure::configuration([Diagnostic { file, problem }])
    })?;
    Ok((name, text))
}

/// The filter of all these texts, which must all match; its warnings are shown.
pub(super) fn parse(
    kind: RecordKind,
    texts: &[NamedText],
    placeholders: &Placeholders,
) -> Result<Filter, Failure> {
    let written: Vec<FilterText<'_>> = texts
        .iter()
        .map(|(name, text)| FilterText { name, text })
        .collect();
    let (filter, warnings) = Filter::parse(kind, &written, placeholders)
        .map_err(Failure::configuration::<Diagnostic>)?;
    warnings.iter().for_each(say);
    Ok(filter)
}
