//! Some fields of an event, in the places that they have in the whole event.

use std::ops::ControlFlow;

use crate::event::limits::EVENT_DEPTH;
use crate::event::{Found, Walk};
use crate::json::{Document, NodeId, Object};

/// Appends an event with nothing in it but these fields, each given as the segments of its name. `event` is the whole
/// event as JSON; what no event of ours is becomes an empty object.
pub fn fields<'f>(
    event: &[u8],
    wanted: impl IntoIterator<Item = &'f [Box<str>]>,
    out: &mut Vec<u8>,
) {
    let Ok(mut document) = Document::parse_within(EVENT_DEPTH, event) else {
        out.extend_from_slice(b"{}");
        return;
    };
    let mut kept = vec![false; document.nodes().count()];
    for segments in wanted {
        let _ = Walk::all(&document).nodes(document.root(), segments, &mut |found| {
            if let Found::Node(node) = found {
                kept[node.index()..document.after(node)].fill(true);
            }
            ControlFlow::Continue(())
        });
    }
    let others: Vec<NodeId> = document
        .nodes()
        .filter(|node| document.is_leaf(*node) && !kept[node.index()])
        .collect();
    for node in others {
        document.mark(node);
    }
    Object::write(out, |o| {
        o.copy_unmarked_members(&document, document.root());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"time":1,"actor":{"user":{"uid":"u-1","name":"Ann"},"app_name":"x"},"api":{"operation":"M","request":{"uid":"7","data":{"a.b":[1,{"c":null}],"e":{}}}},"resources":[{"uid":"r","type":"T"},{"type":"T"},{"uid":"s"}],"metadata":{"labels":[],"uid":"1"}}"#;

    fn written(names: &[&str]) -> String {
        let names: Vec<Vec<Box<str>>> = names
            .iter()
            .map(|name| name.split('.').map(Into::into).collect())
            .collect();
        let mut out = Vec::new();
        fields(EVENT.as_bytes(), names.iter().map(|name| &**name), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_field_keeps_its_place_and_brings_what_is_below_it() {
        assert_eq!(
            written(&["actor.user.uid"]),
            r#"{"actor":{"user":{"uid":"u-1"}}}"#
        );
        assert_eq!(
            written(&["time", "actor.user"]),
            r#"{"time":1,"actor":{"user":{"uid":"u-1","name":"Ann"}}}"#
        );
        assert_eq!(
            written(&["resources.uid"]),
            r#"{"resources":[{"uid":"r"},{"uid":"s"}]}"#
        );
        assert_eq!(
            written(&["metadata.labels", "metadata.uid"]),
            r#"{"metadata":{"labels":[],"uid":"1"}}"#
        );
        assert_eq!(
            written(&["api.request.data.a.b.c", "api.request.data.e"]),
            r#"{"api":{"request":{"data":{"a.b":[{"c":null}],"e":{}}}}}"#
        );
    }

    #[test]
    fn a_field_that_an_event_lacks_adds_nothing() {
        assert_eq!(written(&["cloud.region"]), "{}");
        assert_eq!(
            written(&["time", "time.zone", "actor.user.uid.x"]),
            r#"{"time":1}"#
        );
    }
}
