//! What a part of watchbell declares its configuration section with: keys, typed reading of their
//! values, and faults at the place where a value was written. It knows no section itself.

mod fault;
mod key;
mod section;

pub use fault::Fault;
pub(crate) use fault::place;
pub use key::{Key, PREFIX, Preset, Shape, Takes};
pub(crate) use key::{choice, count, duration, key, optional, text};
pub use section::Section;
