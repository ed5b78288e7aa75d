//! Members of objects by their names. Each object is looked through once, and names match whatever their case and
//! underscores.

/// A type that holds members of one object, and its `of`, which finds them.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident { $($field:ident: $name:literal,)* }) => {
        $(#[$doc])*
        pub(super) struct $object {
            $(pub(super) $field: Option<$crate::json::NodeId>,)*
        }

        impl $object {
            /// None of them if this is no object.
            pub(super) fn of(document: &$crate::json::Document<'_>, object: impl Into<Option<$crate::json::NodeId>>) -> Self {
                const NAMES: $crate::json::Names<{ [$($name),*].len() }> = $crate::json::Names::new([$($name),*]);
                let [$($field),*] = document.members_folded(object.into(), &NAMES);
                Self { $($field),* }
            }
        }
    };
}

pub(super) use members;
