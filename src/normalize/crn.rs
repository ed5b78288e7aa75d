//! Confluent resource names: `crn://<authority>/<type>=<id>/…`, percent-encoded.
//! Everything read from one is a decoded copy; the name itself stays where it was.

use percent_encoding::percent_decode_str;

/// The authority, empty in Confluent Platform; `None` if this is no CRN.
pub(super) fn authority(crn: &str) -> Option<&str> {
    let rest = crn.strip_prefix("crn://")?;
    Some(
        rest.split_once('/')
            .map_or(rest, |(authority, _)| authority),
    )
}

/// Pairs of type and id, from the outermost inwards, still encoded.
fn segments(crn: &str) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    let path = crn
        .strip_prefix("crn://")
        .and_then(|rest| rest.split_once('/'))
        .map_or("", |(_, path)| path);
    path.split('/')
        .filter_map(|segment| segment.split_once('='))
        .filter(|(kind, id)| !kind.is_empty() && !id.is_empty())
}

/// The id of the first segment of that type.
pub(super) fn id_of(crn: &str, kind: &str) -> Option<String> {
    segments(crn)
        .find(|(found, _)| *found == kind)
        .map(|(_, id)| decoded(id))
}

/// Type and id of the innermost segment: what the CRN names.
pub(super) fn last(crn: &str) -> Option<(String, String)> {
    segments(crn)
        .next_back()
        .map(|(kind, id)| (decoded(kind), decoded(id)))
}

fn decoded(part: &str) -> String {
    percent_decode_str(part)
        .decode_utf8()
        .map_or_else(|_| part.to_owned(), |text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crn_falls_into_authority_and_decoded_segments() {
        let crn = "crn://confluent.cloud/organization=o1/environment=env-1/topic=orders%2Ev2";
        assert_eq!(authority(crn), Some("confluent.cloud"));
        assert_eq!(id_of(crn, "environment").as_deref(), Some("env-1"));
        assert_eq!(id_of(crn, "kafka"), None);
        assert_eq!(last(crn), Some(("topic".into(), "orders.v2".into())));
    }

    #[test]
    fn the_platform_has_no_authority() {
        assert_eq!(authority("crn:///kafka=X"), Some(""));
        assert_eq!(last("crn:///kafka=X"), Some(("kafka".into(), "X".into())));
    }

    #[test]
    fn odd_names_do_no_harm() {
        assert_eq!(authority("urn:x"), None);
        for crn in ["", "crn://", "crn:///", "crn://a/b/=/c=", "x=y"] {
            assert_eq!(last(crn), None, "{crn}");
        }
        assert_eq!(id_of("crn:///t=%ff", "t").as_deref(), Some("%ff"));
    }
}
