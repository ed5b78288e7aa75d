//! Reads and writes JSON on the hot path; imports no other module. The contract is docs/json.md.
//! Reading: one pass over JSON as in RFC 8259. Names, strings and numbers keep their bytes, also repeated
//! names. At most 4 GiB and [`DEPTH`] levels (the caller can set another limit); time is linear, memory at
//! most 25 bytes per value. Unpaired surrogates and numbers too large for a double are refused as
//! [`JsonError::NotPortable`]; [`Portable`] rewrites them so that they are accepted.
//! Writing: only text whose source guarantees that it is JSON is appended unescaped: [`Text`], [`Written`],
//! a part of a [`Document`], a literal.

mod document;
mod error;
mod escape;
mod input;
pub(crate) mod key;
mod members;
mod name;
mod node;
mod nodes;
mod object;
mod parse;
mod plain;
mod portable;
mod repeated;
mod text;
mod tokens;
mod write;
mod written;

pub use document::{DEPTH, Document};
pub use error::JsonError;
pub(crate) use key::key;
pub use members::{Name, Names};
pub(crate) use name::segments_named;
pub use name::{folded_name, same_name};
pub use node::{NodeId, ValueKind};
pub use nodes::Memory;
pub(crate) use object::Object;
pub use portable::Portable;
pub use repeated::repeated_name;
pub use text::{Phrase, Text};
pub use tokens::{JsonText, Token, Tokens, decoded};
pub use written::Written;

#[cfg(test)]
mod tests;
