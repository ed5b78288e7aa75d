//! OCSF's severities: `severity_id` and `severity` of a rule's level, and back.

use crate::sigma::Level;

/// `severity_id` and `severity` of a level.
pub const fn severity(level: Level) -> (i64, &'static str) {
    match level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    }
}

/// The level of a `severity_id`.
pub fn level(severity_id: i64) -> Option<Level> {
    let mut levels = Level::ALL.into_iter();
    levels.find(|level| severity(*level).0 == severity_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_a_severity_that_is_read_back_as_the_level() {
        for level in Level::ALL {
            let (id, word) = severity(level);
            assert_eq!(super::level(id), Some(level), "{word}");
            assert!(word.eq_ignore_ascii_case(level.as_str()), "{word}");
        }
        assert_eq!(super::level(0), None);
        assert_eq!(super::level(6), None);
    }
}
