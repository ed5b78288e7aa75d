//! The names that fields have in a vendor's own events, and the attributes in which rules find their values.
//! The value of a field either has moved to an attribute unchanged or stays under `unmapped`. So a native name stands
//! for several places, of which one has the value.

/// The native names of one vendor's fields.
#[derive(Debug)]
pub struct NativeFields {
    /// The first segments of all names; any other name is none.
    pub roots: &'static [&'static str],
    /// Names, and the attribute to which the value moves; there may be several.
    pub moved: &'static [(&'static str, &'static str)],
    /// Names of parts that move as a whole, and where to. What is below such a name is below the other one.
    pub parts: &'static [(&'static str, &'static str)],
    /// The part that holds what has not moved.
    pub rest: &'static str,
}

impl NativeFields {
    /// The places of a field by its native name, joined by `|`; `None` if the name is none. Letter case and underscores
    /// do not matter.
    pub fn places(&self, name: &str) -> Option<String> {
        let plain = plain(name);
        let root = plain.split('.').next().unwrap_or_default();
        if !self.roots.iter().any(|known| self::plain(known) == root) {
            return None;
        }
        let moved = self
            .moved
            .iter()
            .filter(|(native, _)| self::plain(native) == plain);
        let moved = moved.map(|(_, place)| (*place).to_owned());
        let parts = self.parts.iter().filter_map(|(native, place)| {
            let below = plain.strip_prefix(&self::plain(native))?;
            if !below.is_empty() && !below.starts_with('.') {
                return None;
            }
            // As it was written, since names may have underscores.
            let mut dots = name.match_indices('.');
            let end = dots.nth(native.split('.').count() - 1);
            let below = end.map_or("", |(at, _)| &name[at..]);
            Some(format!("{place}{below}"))
        });
        let rest = format!("{}.{name}", self.rest);
        let places = moved.chain(parts).chain([rest]);
        Some(places.collect::<Vec<_>>().join("|"))
    }
}

/// The taxonomy of rules that name none: attributes first, then the names of the log source's vendor.
pub const DEFAULT_TAXONOMY: &str = "sigma";

/// The names by which a rule, a filter or a selection may name fields beside the attributes.
#[derive(Debug, Clone, Copy)]
pub struct NativeNames<'n> {
    fields: &'n NativeFields,
    /// Whether a name that is both is the vendor's.
    prefers_native: bool,
}

impl<'n> NativeNames<'n> {
    /// The names of a product, as a taxonomy allows them; `None` if all names are attributes.
    pub fn new(
        fields: &'n NativeFields,
        product: &str,
        taxonomy: Option<&str>,
    ) -> Option<NativeNames<'n>> {
        let prefers_native = match taxonomy {
            None | Some(DEFAULT_TAXONOMY) => false,
            Some(taxonomy) if taxonomy == product => true,
            Some(_) => return None,
        };
        Some(NativeNames {
            fields,
            prefers_native,
        })
    }

    /// The places for which a name stands, joined by `|`; `None` if it is an attribute or unknown.
    pub fn map(&self, name: &str, is_attribute: bool) -> Option<String> {
        match is_attribute && !self.prefers_native {
            true => None,
            false => self.fields.places(name),
        }
    }
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: NativeFields = NativeFields {
        roots: &["data", "eventName"],
        moved: &[
            ("data.requestId", "api.request.uid"),
            ("data.owner", "actor.user.uid"),
            ("data.owner", "actor.invoked_by"),
        ],
        parts: &[("data.request", "api.request.data")],
        rest: "unmapped",
    };

    #[test]
    fn a_name_stands_for_where_its_value_moves_and_for_where_it_stays() {
        let places = |name: &str| FIELDS.places(name).unwrap_or_default();
        assert_eq!(
            places("data.request_id"),
            "api.request.uid|unmapped.data.request_id"
        );
        assert_eq!(
            places("data.request.some_name.x"),
            "api.request.data.some_name.x|unmapped.data.request.some_name.x"
        );
        assert_eq!(
            places("Data.owner"),
            "actor.user.uid|actor.invoked_by|unmapped.Data.owner"
        );
        assert_eq!(places("event_name"), "unmapped.event_name");
        assert_eq!(places("data.owner.x"), "unmapped.data.owner.x");
        for other in ["dat", "actor.user.uid", "", ".data"] {
            assert_eq!(FIELDS.places(other), None, "{other}");
        }
    }
}
