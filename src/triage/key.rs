//! The key of an incident: the group key of its alerts, and when its first alert was written. Whoever has lost the first
//! alerts still finds the incident by it, since the key names a time within it.

use std::fmt;
use std::str::FromStr;

/// Which incident it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentKey {
    /// The group key of its alerts.
    pub group: String,
    /// When its first alert was written, in milliseconds since the Unix epoch.
    pub began_ms: i64,
}

impl fmt::Display for IncidentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group, self.began_ms)
    }
}

/// A text that is no key.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAKey;

impl FromStr for IncidentKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<IncidentKey, NotAKey> {
        let (group, began_ms) = text.rsplit_once('.').ok_or(NotAKey)?;
        let key = IncidentKey {
            group: group.to_owned(),
            began_ms: began_ms.parse().map_err(|_| NotAKey)?,
        };
        // Kafka compares the bytes of keys: `007` and `7` would be two.
        match key.to_string() == text {
            true => Ok(key),
            false => Err(NotAKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_and_read_in_one_way() {
        for (group, began_ms) in [("0af1", 1_790_000_000_000), ("a.b", -1), ("", 0)] {
            let key = IncidentKey {
                group: group.into(),
                began_ms,
            };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for text in ["", "a", "a.", "a.007", "a.+7", "a.7x"] {
            assert_eq!(text.parse::<IncidentKey>(), Err(NotAKey), "{text}");
        }
    }
}
