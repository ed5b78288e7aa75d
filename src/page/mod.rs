//! The page as HTML: what people see of events, alerts and sources in a browser. The server is `web`.
//! Invariant: a value of a record becomes text, never markup, and only printable text with secrets hidden.

mod alerts;
mod asked;
mod chosen_columns;
mod details;
mod events;
mod filter_bar;
mod frame;
mod histogram;
mod moment;
mod profile;
mod record_row;
mod sources;
mod span_text;
mod words;

pub use alerts::{Incident, alerts_page};
pub use asked::{Asked, Fault};
pub use details::{RecordPage, record_page};
pub use events::{EventsEnd, EventsPage, events_begin, events_end, events_row};
pub use filter_bar::{FILTERS, known_words};
pub use frame::{Assets, Frame, Section, message_page};
pub use histogram::{Bar, Histogram, unit_for};
pub use profile::{Profile, ProfileOf, literal, profile_page};
pub use sources::{DayRead, SourceRead, SourcesPage, WEEKS, sources_page};
pub use span_text::Clock;
pub use words::Language;
