//! Reads and writes JSON on the hot path; imports nothing of ours.
//! Reading: RFC 8259 and I-JSON are taken, in one pass; names, texts and numbers are kept byte for byte as
//! written, repeated names included. At most 4 GiB, [`DEPTH`] levels unless the reader says otherwise, any
//! number of values; work is linear, memory at most 25 bytes a value. Half a surrogate pair and numbers
//! that no double holds are refused as [`JsonError::NotPortable`], and taken after [`Portable`].
//! Writing: nothing is appended unescaped but what is known to be JSON by its source: [`Text`], [`Written`],
//! a part of a [`Document`], a literal. The whole contract is docs/json.md.

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
pub use members::Names;
pub(crate) use name::segments_named;
pub use name::{folded_name, same_name};
pub use node::{Kind, NodeId};
pub use nodes::Memory;
pub(crate) use object::Object;
pub use portable::Portable;
pub use repeated::repeated_name;
pub use text::{Phrase, Text};
pub use tokens::{JsonText, Token, Tokens, decoded};
pub use written::Written;

#[cfg(test)]
mod tests;
