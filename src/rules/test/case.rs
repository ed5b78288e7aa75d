//! A test of a rule, and whether the alerts that the rule raised are those expected.

use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Mark;
use crate::sigma::{Level, RuleId};

/// The tests of one rule.
#[derive(Debug, Clone)]
pub struct RuleTests {
    /// The test file.
    pub file: Arc<str>,
    /// The id of the rule under test.
    pub rule_id: RuleId,
    /// The cases, in the order of the file.
    pub cases: Vec<TestCase>,
}

/// An event, and the alerts that the rule must raise on it.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// The name of the case, which is a sentence.
    pub name: String,
    /// The position in the file at which the case begins.
    pub mark: Mark,
    /// The value of the Kafka record.
    pub event: Vec<u8>,
    /// How many alerts the rule must raise.
    pub alerts: usize,
    /// The level that these alerts must have; `None` if `alerts` is 0.
    pub level: Option<Level>,
}

impl TestCase {
    /// Compares the levels of the alerts that the rule under test raised with the expected ones; `None` if they are the
    /// same.
    pub fn mismatch(&self, raised: &[Level]) -> Option<Mismatch> {
        let expected: Vec<Level> = self.level.into_iter().cycle().take(self.alerts).collect();
        let mut raised = raised.to_vec();
        raised.sort();
        (raised != expected).then_some(Mismatch { expected, raised })
    }
}

/// The alerts of a case that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The levels of the alerts that the rule must raise.
    pub expected: Vec<Level>,
    /// The levels of those that it raised.
    pub raised: Vec<Level>,
}

impl Mismatch {
    /// Whether there are more or fewer alerts than expected; otherwise only their levels differ.
    pub fn is_of_count(&self) -> bool {
        self.expected.len() != self.raised.len()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alerts = |levels: &[Level]| match levels {
            [] => "no alert".to_owned(),
            [level] => format!("1 alert of level {level}"),
            levels => {
                let words: Vec<&str> = levels.iter().map(|level| level.as_str()).collect();
                format!("{} alerts of the levels {}", levels.len(), words.join(", "))
            }
        };
        let (expected, raised) = (alerts(&self.expected), alerts(&self.raised));
        write!(f, "expected {expected}, raised {raised}")
    }
}
