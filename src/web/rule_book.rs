//! The rules in force as the page shows them, with the names of their tests. The daemon reads the rules again when they
//! change; the tests, which stand beside them, are read once for each rule set.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::pipeline::Path;
use crate::rules::{CurrentRules, RuleSet, RuleSource, test};

/// The names of the tests of each rule, by its id; or why they cannot be read.
pub(super) type Tests = Result<BTreeMap<String, Vec<String>>, String>;

/// A rule set and its tests.
pub(super) type WithTests = (Arc<RuleSet<Path>>, Arc<Tests>);

/// The rules and their tests.
pub(super) struct RuleBook {
    current: Arc<CurrentRules<Path>>,
    sources: Vec<RuleSource>,
    tests: Mutex<Option<WithTests>>,
}

impl RuleBook {
    pub(super) fn new(current: Arc<CurrentRules<Path>>, sources: Vec<RuleSource>) -> RuleBook {
        RuleBook {
            current,
            sources,
            tests: Mutex::new(None),
        }
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Arc<RuleSet<Path>> {
        self.current.snapshot()
    }

    /// The rules in force and their tests, which may have to be read from files.
    pub(super) fn with_tests(&self) -> WithTests {
        let rules = self.rules();
        let mut known = self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, tests)) = &*known
            && Arc::ptr_eq(of, &rules)
        {
            return (rules, tests.clone());
        }
        let tests = Arc::new(self.read());
        *known = Some((rules.clone(), tests.clone()));
        (rules, tests)
    }

    fn read(&self) -> Tests {
        let read = test::load(&self.sources).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            faults.join("\n")
        })?;
        let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for of_file in read {
            let names = of_file.cases.into_iter().map(|case| case.name);
            let of_rule = tests.entry(of_file.rule_id.to_string()).or_default();
            of_rule.extend(names);
        }
        Ok(tests)
    }
}
