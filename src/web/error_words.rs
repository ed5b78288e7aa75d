//! The errors of the query library in words.

use datafusion::common::DataFusionError;

/// Why there is no answer, for a person.
pub(super) fn in_words(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => {
            "The question needs more memory than `page.memory` allows; ask for less time, or for fewer values.".into()
        }
        error => error.to_string(),
    }
}
