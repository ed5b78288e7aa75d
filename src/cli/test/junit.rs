//! The results as JUnit XML, in the form that GitLab, Jenkins and the usual GitHub actions read: one test suite for
//! each rule. Invariant: the text is well-formed XML 1.0, whatever titles and values contain.

use std::fmt::{self, Write};

use super::report::{CaseReport, Report, RuleReport};

/// The whole document.
pub(super) fn xml(report: &Report) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    // Writing to a string cannot fail.
    let _ = write_suites(report, &mut text);
    text
}

fn write_suites(report: &Report, out: &mut String) -> fmt::Result {
    let tested = || report.rules.iter().filter(|rule| !rule.cases.is_empty());
    let seconds: f64 = tested().map(RuleReport::seconds).sum();
    let (cases, failed) = (report.cases(), report.failed());
    writeln!(
        out,
        r#"<testsuites name="watchbell test" tests="{cases}" failures="{failed}" errors="0" time="{seconds:.6}">"#
    )?;
    tested().try_for_each(|rule| write_suite(rule, out))?;
    writeln!(out, "</testsuites>")
}

fn write_suite(rule: &RuleReport, out: &mut String) -> fmt::Result {
    let (cases, failed) = (rule.cases.len(), rule.failed());
    let (title, seconds) = (Escaped(&rule.title), rule.seconds());
    writeln!(
        out,
        r#"  <testsuite name="{title}" tests="{cases}" failures="{failed}" errors="0" skipped="0" time="{seconds:.6}">"#
    )?;
    let mut cases = rule.cases.iter();
    cases.try_for_each(|case| write_case(&rule.file, case, out))?;
    writeln!(out, "  </testsuite>")
}

/// `class` is the rule file: GitLab and Jenkins group tests by it.
fn write_case(class: &str, case: &CaseReport, out: &mut String) -> fmt::Result {
    write!(
        out,
        r#"    <testcase classname="{}" name="{}" file="{}" line="{}" time="{:.6}""#,
        Escaped(class),
        Escaped(&case.name),
        Escaped(&case.file),
        case.mark.line,
        case.duration.as_secs_f64()
    )?;
    let Some(failure) = &case.failure else {
        return writeln!(out, "/>");
    };
    let message = failure.mismatch.to_string();
    let place = format!("{}:{}:{}", case.file, case.mark.line, case.mark.column);
    writeln!(
        out,
        ">\n      <failure message=\"{}\" type=\"alerts\">{}\n{}\n{}</failure>\n    </testcase>",
        Escaped(&message),
        Escaped(&place),
        Escaped(&message),
        Escaped(&failure.explanation)
    )
}

impl RuleReport {
    fn seconds(&self) -> f64 {
        self.cases
            .iter()
            .map(|case| case.duration.as_secs_f64())
            .sum()
    }
}

/// A text in XML, also in an attribute. A character that XML 1.0 does not allow is replaced.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\t' => f.write_char(c)?,
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
