//! Who makes a request: the ways to log in, sessions, and what each role may do. A file for each way.
//! Invariant: a handler that takes a `User` is called only for somebody who may read; whatever changes something came
//! from a form of the page itself.

mod forged;
mod handlers;
mod header;
mod identify;
mod oidc;
mod random;
mod session;
mod signer;
mod token;
pub(super) mod user;
pub(super) mod ways;

pub(super) use forged::refuse_forged;
pub(super) use handlers::{callback, log_in, log_out, logged_out, start};
pub(super) use identify::identify;
