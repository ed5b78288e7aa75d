//! Reads and writes JSON on the hot path.

mod constant;
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

pub(crate) use constant::Constant;
pub use document::{DEPTH, Document};
pub use error::JsonError;
pub(crate) use key::key;
pub use members::Names;
pub(crate) use name::segments_named;
pub use name::{folded_name, same_name};
pub use node::{Kind, NodeId};
pub(crate) use object::Object;
pub use portable::Portable;
pub use repeated::repeated_name;
pub use text::{Phrase, Text};
pub use tokens::{JsonText, Token, Tokens, decoded};

#[cfg(test)]
mod tests;
