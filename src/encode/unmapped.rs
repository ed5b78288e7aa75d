//! Writes the parts of the input that are mapped to no OCSF attribute, in their original places.

use crate::event::{CONTAINER, Unmapped};
use crate::json::Object;

/// Writes the rest of the input as members of `unmapped`.
pub(super) fn members(unmapped: &Unmapped<'_>, object: &mut Object<'_>) {
    for (name, value) in &unmapped.attributes {
        object.text(&**name, value);
    }
    if let Some(container) = unmapped.around {
        object.copy_unmarked(CONTAINER, container, container.root());
    }
    let document = &unmapped.document;
    let root = document.root();
    match unmapped.root_name {
        Some(name) if unmapped.remains(root) => {
            object.copy_unmarked(name, document, root);
        }
        Some(_) => {}
        None => object.copy_unmarked_members(document, root),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json::{Document, NodeId, ValueKind};

    const COMPACT: &str = concat!(
        r#"{"a":{"b":{"c":"x\"y"},"d":[]},"e":[1,{"f":null,"g":[[2],{}]},"z"],"#,
        r#""h":{},"i":"ü","":{"":-1.50}}"#
    );
    const SPACED: &str = concat!(
        r#" { "a" : { "b" : { "c" : "x\"y" } , "d" : [ ] } , "e" : [ 1 , { "f" : null ,"#,
        "\n",
        r#" "g" : [ [ 2 ] , { } ] } , "z" ] , "h" : { } , "i" : "ü" , "" : { "" : -1.50 } } "#
    );

    fn unmapped(text: &'static str, root_name: Option<&'static str>) -> Unmapped<'static> {
        Unmapped::new(Document::parse(text.as_bytes()).unwrap(), root_name)
    }

    fn written(unmapped: &Unmapped<'_>) -> String {
        let mut out = Vec::new();
        Object::write(&mut out, |o| members(unmapped, o));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_did_not_move_is_written_as_it_came() {
        assert_eq!(written(&unmapped(COMPACT, None)), COMPACT);
        assert_eq!(written(&unmapped(SPACED, None)), COMPACT);
        let named = written(&unmapped(SPACED, Some("data")));
        assert_eq!(named, format!(r#"{{"data":{COMPACT}}}"#));
    }

    #[test]
    fn a_header_of_any_name_makes_a_member_of_that_name() {
        let mut unmapped = unmapped("[7]", Some("data"));
        let name = "route\"\n\\é";
        unmapped.attributes.push((name.into(), "a \"b\"".into()));
        let read: Value = serde_json::from_str(&written(&unmapped)).unwrap();
        assert_eq!(read, serde_json::json!({ name: "a \"b\"", "data": [7] }));
    }

    #[test]
    fn what_holds_nothing_any_more_goes_too() {
        let mut unmapped = unmapped(
            r#"{"a":{"b":{"c":1}},"d":[2,{"e":3}],"f":{}}"#,
            Some("data"),
        );
        let nodes: Vec<NodeId> = unmapped.document.nodes().collect();
        unmapped.mark_moved(nodes[3]);
        unmapped.mark_moved(nodes[7]);
        assert_eq!(written(&unmapped), r#"{"data":{"d":[2],"f":{}}}"#);
        unmapped.mark_moved(nodes[5]);
        unmapped.mark_moved(nodes[8]);
        assert_eq!(written(&unmapped), "{}");
    }

    /// What remains of a node, asked node by node.
    fn remaining(unmapped: &Unmapped<'_>, node: NodeId) -> Option<Value> {
        let document = &unmapped.document;
        let mut below = document.children(node);
        match document.kind(node) {
            _ if !unmapped.remains(node) => None,
            ValueKind::Array => Some(
                below
                    .filter_map(|child| remaining(unmapped, child))
                    .collect(),
            ),
            ValueKind::Object => Some(Value::Object(
                below
                    .by_ref()
                    .filter_map(|child| {
                        let name = document.key(child).into_owned();
                        remaining(unmapped, child).map(|value| (name, value))
                    })
                    .collect(),
            )),
            _ => serde_json::from_str(document.raw(node)).ok(),
        }
    }

    proptest! {
        #[test]
        fn every_leaf_that_did_not_move_is_written(
            spaced: bool,
            named: bool,
            moved in proptest::collection::vec(1..18_usize, 0..9),
        ) {
            let text = if spaced { SPACED } else { COMPACT };
            let mut unmapped = unmapped(text, named.then_some("data"));
            let nodes: Vec<NodeId> = unmapped.document.nodes().collect();
            for index in moved {
                unmapped.mark_moved(nodes[index]);
            }
            let rest = remaining(&unmapped, nodes[0]);
            let empty = || Value::Object(serde_json::Map::new());
            let expected = match rest {
                Some(rest) if named => serde_json::json!({ "data": rest }),
                Some(rest) => rest,
                None => empty(),
            };
            let read: Value = serde_json::from_str(&written(&unmapped)).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
