//! Confluent resource names: `crn://<authority>/<type>=<id>/…`, percent-encoded.
//! Everything read from one is a decoded copy; the name itself stays where it was.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::event::Text;

/// The authority, empty in Confluent Platform; `None` if this is no CRN.
pub(super) fn authority(crn: &str) -> Option<&str> {
    let rest = crn.strip_prefix("crn://")?;
    Some(
        rest.split_once('/')
            .map_or(rest, |(authority, _)| authority),
    )
}

/// Pairs of type and decoded id, from the outermost inwards.
pub(super) fn segments<'a>(
    crn: &'a str,
) -> impl DoubleEndedIterator<Item = (&'a str, Cow<'a, str>)> {
    let path = crn
        .strip_prefix("crn://")
        .and_then(|rest| Some(&rest[rest.bytes().position(|byte| byte == b'/')? + 1..]))
        .unwrap_or_default();
    let encoded = path.bytes().any(|byte| byte == b'%');
    // By bytes, since segments are too short for the machinery behind a search for a letter.
    let pair = |segment: &'a str| {
        let equals = segment.bytes().position(|byte| byte == b'=')?;
        Some((&segment[..equals], &segment[equals + 1..]))
    };
    path.split('/')
        .filter_map(pair)
        .filter(|(kind, id)| !kind.is_empty() && !id.is_empty())
        .map(move |(kind, id)| match encoded {
            true => (kind, decoded(id)),
            false => (kind, Cow::Borrowed(id)),
        })
}

/// The id of the first segment of that type.
pub(super) fn id_of<'a>(crn: &Text<'a>, kind: &str) -> Option<Text<'a>> {
    let is_wanted = |(found, _): &(&str, Cow<'_, str>)| *found == kind;
    match crn {
        Text::Borrowed(crn) => segments(crn).find(is_wanted).map(|(_, id)| id),
        Text::Owned(crn) => {
            let (_, id) = segments(crn).find(is_wanted)?;
            Some(Text::Owned(id.into_owned()))
        }
    }
}

/// Type and id of the innermost segment: what the CRN names.
pub(super) fn last(crn: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (kind, id) = segments(crn).next_back()?;
    Some((decoded(kind), id))
}

fn decoded(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let decoded = percent_decode_str(part).decode_utf8();
    decoded.unwrap_or(Cow::Borrowed(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crn_falls_into_authority_and_decoded_segments() {
        let crn = "crn://confluent.cloud/organization=o1/environment=env-1/topic=orders%2Ev2";
        assert_eq!(authority(crn), Some("confluent.cloud"));
        let all: Vec<_> = segments(crn).collect();
        assert_eq!(all[1], ("environment", "env-1".into()));
        assert_eq!(all.len(), 3);
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
        assert_eq!(last("crn:///t=%ff"), Some(("t".into(), "%ff".into())));
    }
}
