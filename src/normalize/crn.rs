//! Confluent resource names: `crn://<authority>/<type>=<id>/…`, percent-encoded.
//! A name is taken apart in one pass. Everything read from it is a decoded copy; the name itself
//! stays where it was.

use memchr::memchr;
use percent_encoding::percent_decode_str;

use crate::json::Text;

const SCHEME: &str = "crn://";

/// How names of Confluent Cloud begin.
const CLOUD: &str = "crn://confluent.cloud/";

/// The parts of a Confluent resource name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Crn<'a> {
    pub(super) place: CrnScope<'a>,
    /// Type and id of the innermost segment: the resource that it identifies.
    pub(super) innermost: Option<(Text<'a>, Text<'a>)>,
}

/// Organization, environment and region of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CrnScope<'a> {
    pub(super) organization: Option<Text<'a>>,
    pub(super) environment: Option<Text<'a>>,
    /// The Flink region, in the vendor's spelling.
    pub(super) region: Option<Text<'a>>,
}

impl<'a> Crn<'a> {
    /// Parses a name; a text that is no CRN has no parts.
    pub(super) fn of(name: &Text<'a>) -> Self {
        match name.as_plain() {
            Some(plain) => Crn::parse(plain, |part| name.slice(part)),
            None => Crn::parse(name, |part| part.to_owned().into()),
        }
    }

    fn parse<'n>(name: &'n str, text_of: impl Fn(&'n str) -> Text<'a>) -> Self {
        let is_encoded = is_encoded(name);
        let decoded = |part| match is_encoded {
            true => decoded(text_of(part)),
            false => text_of(part),
        };
        let mut place = CrnScope::default();
        let mut innermost = None;
        for (kind, id) in segments(name).filter_map(pair) {
            innermost = Some((kind, id));
            // Nearly always the case is equal, and an exact comparison is cheaper.
            let is = |known: &str| kind == known || kind.eq_ignore_ascii_case(known);
            let known = if is("organization") {
                &mut place.organization
            } else if is("environment") {
                &mut place.environment
            } else if is("flink-region") {
                &mut place.region
            } else {
                continue;
            };
            known.get_or_insert_with(|| decoded(id));
        }
        Self {
            place,
            innermost: innermost.map(|(kind, id)| (decoded(kind), decoded(id))),
        }
    }
}

impl<'a> CrnScope<'a> {
    /// Takes from another what is still missing.
    pub(super) fn complete_with(&mut self, other: &CrnScope<'a>) {
        let complete = |mine: &mut Option<Text<'a>>, theirs: &Option<Text<'a>>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        complete(&mut self.organization, &other.organization);
        complete(&mut self.environment, &other.environment);
        complete(&mut self.region, &other.region);
    }
}

/// Whose names a CRN belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    /// `confluent.cloud`.
    Cloud,
    /// Another host: that of a cluster of Confluent Platform.
    Other,
    /// None is written, as in `crn:///kafka=…`.
    Empty,
}

/// The authority of a CRN, a port left out; `None` if this is no CRN. As in every URI, letter case
/// does not matter in the scheme and the host.
pub(super) fn authority(crn: &str) -> Option<Authority> {
    if crn.starts_with(CLOUD) {
        // As nearly all of them begin.
        return Some(Authority::Cloud);
    }
    let (scheme, rest) = crn.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Some(if host.is_empty() {
        Authority::Empty
    } else if host.eq_ignore_ascii_case("confluent.cloud") {
        Authority::Cloud
    } else {
        Authority::Other
    })
}

/// Whether a name is this one or lies within what this one names.
pub(super) fn is_within(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || outer.ends_with('/') || rest.starts_with('/'))
}

/// The id of the first segment of that type.
pub(super) fn id_of<'a>(crn: &Text<'a>, kind: &str) -> Option<Text<'a>> {
    let id = crn.part(|crn| {
        segments(crn).find_map(|segment| {
            let id = segment.strip_prefix(kind)?.strip_prefix('=')?;
            (!id.is_empty()).then_some(id)
        })
    });
    id.map(decoded)
}

/// What stands between the slashes, from the outermost inwards.
fn segments(crn: &str) -> impl Iterator<Item = &str> {
    let mut rest = crn
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .and_then(|(_, rest)| Some(&rest[memchr(b'/', rest.as_bytes())? + 1..]));
    std::iter::from_fn(move || {
        let path = rest?;
        let end = memchr(b'/', path.as_bytes());
        rest = end.map(|end| &path[end + 1..]);
        Some(end.map_or(path, |end| &path[..end]))
    })
}

/// Type and id of a segment as written, if it has both.
fn pair(segment: &str) -> Option<(&str, &str)> {
    let equals = memchr(b'=', segment.as_bytes())?;
    let (kind, id) = (&segment[..equals], &segment[equals + 1..]);
    (!kind.is_empty() && !id.is_empty()).then_some((kind, id))
}

/// Whether a name has a part to decode. Most have none.
fn is_encoded(name: &str) -> bool {
    memchr(b'%', name.as_bytes()).is_some()
}

/// The part decoded. What would not be UTF-8 stays as it is.
fn decoded(part: Text<'_>) -> Text<'_> {
    if !is_encoded(&part) {
        return part;
    }
    let mut bytes = Vec::with_capacity(part.len());
    bytes.extend(percent_decode_str(&part));
    String::from_utf8(bytes).map_or(part, Text::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn innermost(crn: &str) -> Option<(Text<'_>, Text<'_>)> {
        Crn::of(&crn.into()).innermost
    }

    #[test]
    fn a_name_falls_into_its_place_and_what_it_names() {
        let name = "crn://confluent.cloud/organization=o1/environment=env%2D1/topic=orders%2Ev2";
        let crn = Crn::of(&name.into());
        assert_eq!(crn.place.organization.as_deref(), Some("o1"));
        assert_eq!(crn.place.environment.as_deref(), Some("env-1"));
        assert_eq!(crn.place.region, None);
        assert_eq!(crn.innermost, Some(("topic".into(), "orders.v2".into())));
        // A name that was escaped in its JSON says the same.
        assert_eq!(Crn::of(&name.to_owned().into()), crn);
    }

    #[test]
    fn the_outermost_of_a_type_counts() {
        let crn = Crn::of(&"crn://a/environment=/environment=e1/environment=e2".into());
        assert_eq!(crn.place.environment.as_deref(), Some("e1"));
        let twice = "crn://a/identity=/identity=i1/x/identity=i2".into();
        assert_eq!(id_of(&twice, "identity").as_deref(), Some("i1"));
        assert_eq!(id_of(&twice, "ident"), None);
    }

    #[test]
    fn a_place_keeps_what_it_has() {
        let mut place = Crn::of(&"crn://a/environment=e1".into()).place;
        place.complete_with(&Crn::of(&"crn://a/organization=o2/environment=e2".into()).place);
        assert_eq!(place.organization.as_deref(), Some("o2"));
        assert_eq!(place.environment.as_deref(), Some("e1"));
    }

    #[test]
    fn a_name_lies_within_those_that_it_goes_on() {
        let name = "crn://a/environment=e1/kafka=k1";
        for outer in ["crn://a/", "crn://a", "crn://a/environment=e1", name] {
            assert!(is_within(name, outer), "{outer}");
        }
        for other in ["crn://a/environment=e", "crn://b/", "environment=e1"] {
            assert!(!is_within(name, other), "{other}");
        }
    }

    #[test]
    fn only_confluent_cloud_is_the_cloud() {
        for cloud in [
            "crn://confluent.cloud/",
            "crn://confluent.cloud",
            "crn://confluent.cloud/kafka=X",
            "CRN://Confluent.Cloud/kafka=X",
            "crn://confluent.cloud:443/kafka=X",
        ] {
            assert_eq!(authority(cloud), Some(Authority::Cloud), "{cloud}");
        }
        for other in [
            "crn://mds.example.com/kafka=X",
            "crn://mds.example.com:8090/kafka=X",
            "crn://confluent.cloud.example.com/",
            "crn://notconfluent.cloud/",
            "crn://[2001:db8::1]:8090/kafka=X",
            "crn://10.0.0.1/kafka=X",
        ] {
            assert_eq!(authority(other), Some(Authority::Other), "{other}");
        }
        for empty in ["crn:///kafka=X", "crn:///", "crn://", "crn://:8090/kafka=X"] {
            assert_eq!(authority(empty), Some(Authority::Empty), "{empty}");
        }
        for none in [
            "urn:x",
            "",
            "crn:/",
            "confluent.cloud",
            "\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(authority(none), None, "{none}");
        }
        assert_eq!(
            innermost("crn:///kafka=X"),
            Some(("kafka".into(), "X".into()))
        );
    }

    #[test]
    fn letter_case_of_the_scheme_and_of_types_does_not_matter() {
        let crn = Crn::of(&"CRN://confluent.cloud/Organization=o1/ENVIRONMENT=e1/topic=T".into());
        assert_eq!(crn.place.organization.as_deref(), Some("o1"));
        assert_eq!(crn.place.environment.as_deref(), Some("e1"));
        assert_eq!(crn.innermost, Some(("topic".into(), "T".into())));
    }

    #[test]
    fn odd_names_do_no_harm() {
        for crn in [
            "",
            "crn://",
            "crn:///",
            "crn://a/b/=/c=",
            "x=y",
            "crn://a=b",
        ] {
            assert_eq!(innermost(crn), None, "{crn}");
        }
        assert_eq!(
            innermost("crn://a/topic=t/"),
            Some(("topic".into(), "t".into()))
        );
        assert_eq!(innermost("crn:///t=a=b"), Some(("t".into(), "a=b".into())));
        assert_eq!(innermost("crn:///t=%ff"), Some(("t".into(), "%ff".into())));
    }
}
