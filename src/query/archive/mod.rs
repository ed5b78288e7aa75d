//! Queries on the archive and on what the topics hold beyond it: one engine for SQL, for searches and for the page.
//! Invariant: nothing is written, and memory is bounded.

mod bars;
mod conditions;
mod counted_values;
mod download;
mod engine;
mod facets;
mod fits;
mod functions;
mod grouping;
mod groups;
mod hiding;
mod known;
mod letters;
mod live;
mod lookup;
mod once_each;
mod open;
mod place;
mod provider;
mod pruning;
mod records;
mod search;
mod stored_file;
#[cfg(test)]
mod tests;
mod text_lists;
mod trial;
mod wanted;
mod windows;

pub use bars::{Bars, Unit};
pub use conditions::{Attribute, Before, Conditions};
pub use download::{Format, Hashed, RowWriter, WriteError, cells};
pub use engine::Engine;
pub use facets::{Facet, FacetValue, Facets};
pub use grouping::Grouping;
pub use known::Known;
pub use live::LiveError;
pub use open::{OpenError, Opening, table_of};
pub use provider::read_schema;
pub use records::record_columns;
pub use search::Found;
pub use stored_file::StoredFile;
pub use trial::{Trial, TriedMatch, TriedSoFar};
pub use wanted::{ACCESSES, SENSITIVITIES, TEXT, Unwantable, Wanted};
