//! With this a part of watchbell declares its section of the configuration: keys, typed reading of
//! their values, and faults with the place where a value was written. It knows no section itself.

mod fault;
mod key;
mod section;

pub use fault::Fault;
pub(crate) use fault::{NO_PLACE, file_and_mark, place};
pub(crate) use key::DEFAULT;
pub use key::{DefaultValue, Key, PREFIX, RuleValue, ScalarType, Shape, Structure};
pub(crate) use key::{choice, count, duration, key, optional, text};
pub use section::Section;
