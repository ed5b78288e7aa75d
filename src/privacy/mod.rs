//! What an output must not show: policies that name fields, and the values of these fields hidden wherever an
//! output has them.
//! Invariant: a value of a hidden field is looked for in the whole output, in member names, in texts within texts and
//! in the record's key and headers, and not only in the place of the field.

mod hidden_values;
mod hiding;
mod key;
mod places;
mod policy;
mod read;
mod required;
mod rewrite;
mod within_text;

pub use hiding::Hiding;
pub use key::{KeyError, PseudonymKey};
pub use policy::{FieldPolicy, Policies, Policy, Treatment};
pub use read::{check, read};

#[cfg(test)]
mod tests;
