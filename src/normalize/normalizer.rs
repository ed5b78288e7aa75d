//! The interface of a vendor's module: functions that recognize the vendor's events and describe them in OCSF terms.

use super::cloudevents::Incoming;
use super::container::Container;
use super::error::NormalizeError;
use crate::catalog::Catalogs;
use crate::event::AuditEvent;
use crate::json::{Document, NodeId};

/// The result of normalizing a record.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all records are events, and a smaller variant would need an allocation for each of them"
)]
pub enum Normalized<'a> {
    /// The record is an event, described in OCSF terms.
    Event(AuditEvent<'a>),
    /// The record is a container of events. The caller normalizes each of them, with the [`Within`] that
    /// [`Container::within`] returns.
    Container(Container<'a>),
}

/// Describes an event in OCSF terms. It is returned as it is passed on, because it is large and would be copied.
type Normalize = for<'a> fn(Incoming<'a>, &'a Catalogs) -> Result<Normalized<'a>, NormalizeError>;

/// The functions that read the events of one vendor.
pub(super) struct Normalizer {
    /// Whether a value is the payload of one of the vendor's events. The envelope does not matter.
    pub(super) is_payload: fn(&Document<'_>, NodeId) -> bool,
    /// Whether a record is one of the vendor's events. Nothing has been moved out of the document yet.
    pub(super) recognizes: fn(&Incoming<'_>) -> bool,
    /// Describes a record that `recognizes` accepts.
    pub(super) normalize: Normalize,
    /// Opens the vendor's containers of events; `None` if it has none. It is called only if no vendor recognizes the
    /// record as an event.
    pub(super) open: Option<Open>,
}

/// Opens a record that is a container of events, and returns any other record unchanged.
pub(super) type Open = for<'a> fn(Incoming<'a>) -> Result<Opened<'a>, NormalizeError>;

/// A record that no vendor recognizes as an event, after an attempt to open it.
pub(super) enum Opened<'a> {
    /// It is a container of events.
    Container(Container<'a>),
    /// It is not a container of events.
    Other(Incoming<'a>),
}
