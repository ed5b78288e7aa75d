//! Moving what is written again in the same form, and only that.

use super::data::Product;
use crate::event::Unmapped;
use crate::json::{NodeId, ValueKind};
use crate::normalize::walk;
use crate::vendors::REDPANDA_EVENTS;

/// Moves the product's names as far as they are written again.
pub(super) fn take_product(unmapped: &mut Unmapped<'_>, product: Option<NodeId>) {
    let members = Product::of(&unmapped.document, product);
    for (node, written) in [
        (members.name, REDPANDA_EVENTS.product_name),
        (members.vendor_name, REDPANDA_EVENTS.vendor_name),
    ] {
        if walk::text(&unmapped.document, node).as_deref() == Some(written) {
            walk::take(unmapped, node);
        }
    }
}

/// Moves a number, if it is the one that is written; else it stays.
pub(super) fn take_int(unmapped: &mut Unmapped<'_>, node: Option<NodeId>, written: i64) {
    let node = node.filter(|node| unmapped.document.raw(*node) == written.to_string());
    if let Some(node) = node {
        unmapped.mark_moved(node);
    }
}

/// Moves `true` or `false`.
pub(super) fn take_flag(unmapped: &mut Unmapped<'_>, node: Option<NodeId>) -> Option<bool> {
    let node = node.filter(|node| unmapped.document.kind(*node) == ValueKind::Bool)?;
    unmapped.mark_moved(node);
    Some(unmapped.document.raw(node) == "true")
}
