//! The typed configuration, merged from defaults, one YAML file and `WATCHBELL__…` environment variables.
//! Invariant: a configuration that loads has no unknown key, and none of its secrets is shown by
//! `Debug`, by `config print` or by a fault.

mod access;
mod archive;
mod build;
mod cluster;
mod groups;
mod json_schema;
mod layers;
mod load;
mod login;
mod model;
mod names;
mod page;
mod print;
mod privacy;
mod routes;
mod schema;

#[cfg(test)]
mod tests;

pub use crate::settings::{Fault, PREFIX};
pub use access::{Access, Role, RoleGroups};
pub use archive::Archive;
pub use json_schema::json_schema;
pub use load::{Draft, Loaded, draft, from_parts, load};
pub use login::{HeaderLogin, LoginWay, OidcLogin, TokenLogin};
pub use model::{Config, LagGroup, Source};
pub use page::Page;
