//! Queries on the archive and on what the topics hold beyond it: one engine for SQL, for searches and for the page.
//! Invariant: nothing is written, and memory is bounded.

mod conditions;
mod counted_values;
mod download;
mod engine;
mod facets;
mod fits;
mod functions;
mod hiding;
mod known;
mod letters;
mod live;
mod lookup;
mod open;
mod provider;
mod pruning;
mod records;
mod search;
mod stored_file;
#[cfg(test)]
mod tests;
mod trial;
mod wanted;

pub use conditions::{Attribute, Before, Conditions};
pub use download::{Format, Hashed, RowWriter, WriteError, cells};
pub use engine::Engine;
pub use facets::{Facet, FacetValue, Facets};
pub use known::Known;
pub use live::LiveError;
pub use open::{OpenError, Opening, table_of};
pub use provider::read_schema;
pub use records::record_columns;
pub use search::{Found, Grouping, Unit};
pub use stored_file::StoredFile;
pub use trial::{Trial, TriedMatch, TriedSoFar};
pub use wanted::{ACCESSES, SENSITIVITIES, TEXT, Unwantable, Wanted};
