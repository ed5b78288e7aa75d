//! What a vendor's folder gives: how its events are recognized, and described in OCSF terms.

use super::cloudevents::Incoming;
use super::container::Container;
use super::error::NormalizeError;
use crate::catalog::Catalogs;
use crate::event::AuditEvent;
use crate::json::{Document, NodeId};

/// Describes a record in OCSF terms.
type Normalize = for<'a> fn(Incoming<'a>, &'a Catalogs) -> Result<AuditEvent<'a>, NormalizeError>;

/// The functions that read a vendor's events.
pub(super) struct Normalizer {
    /// Whether a value is the payload of one of its events, in whatever envelope.
    pub(super) is_payload: fn(&Document<'_>, NodeId) -> bool,
    /// Whether a record holds one of its events. Nothing has been moved out of the document yet.
    pub(super) recognizes: fn(&Incoming<'_>) -> bool,
    pub(super) normalize: Normalize,
    /// What holds several of its events, or one within another value; asked if no vendor recognizes the
    /// record.
    pub(super) open: Option<Open>,
}

/// Opens what holds events; gives back what holds none.
pub(super) type Open = for<'a> fn(Incoming<'a>) -> Result<Opened<'a>, NormalizeError>;

/// A record that is no event of a known vendor.
pub(super) enum Opened<'a> {
    /// It holds some.
    Container(Container<'a>),
    /// It holds none.
    Other(Incoming<'a>),
}
