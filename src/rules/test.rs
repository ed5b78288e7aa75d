//! The tests of a rule: `x.test.yaml` in the same directory as `x.yaml`. A test has an event as the vendor writes
//! it, and the number and level of the alerts that the rule must raise. The caller runs the pipeline.

mod case;
mod coverage;
mod load;
mod parse;
mod patch;

#[cfg(test)]
mod tests;

pub use case::{Mismatch, RuleTests, TestCase};
pub use coverage::{Coverage, CoverageCount};
pub use load::{load, rules_of};
pub use parse::parse;
