//! A macro for types that hold the members of a JSON object by name. All members are found in one pass over the
//! object. Names match regardless of case and underscores.

/// Defines a type with one `Option<NodeId>` for each named member of an object, and its function `of`, which finds
/// them.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident { $($field:ident: $name:literal,)* }) => {
        $(#[$doc])*
        pub(super) struct $object {
            $(pub(super) $field: Option<$crate::json::NodeId>,)*
        }

        impl $object {
            /// Finds the members of `object`. All are `None` if it is `None` or not an object.
            pub(super) fn of(document: &$crate::json::Document<'_>, object: impl Into<Option<$crate::json::NodeId>>) -> Self {
                const NAMES: $crate::json::Names<{ [$($name),*].len() }> = $crate::json::Names::new([$($name),*]);
                let [$($field),*] = document.members_folded(object.into(), &NAMES);
                Self { $($field),* }
            }
        }
    };
}

pub(super) use members;
