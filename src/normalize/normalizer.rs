//! What a vendor's folder gives: how its events are recognized, and described in OCSF terms.

use super::cloudevents::Incoming;
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
}
