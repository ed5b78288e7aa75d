//! What a rule answers for an event, as a tree for a person: each part with its answer, each line with the values
//! that the event has.

use super::Paint;
use super::style::Tone;
use crate::event::secret::{REDACTED, is_secret_field};
use crate::printable::shorten;
use crate::sigma::{LineOutcome, Part, PartOutcome, RuleOutcome};

/// Most characters of what a line expects, and of the values that it was compared with.
const MAX_CHARS: usize = 160;

/// Why the rule matches or does not: one sentence, and the condition as a tree. Each line is indented by so many
/// columns.
pub fn rule_outcome(outcome: &RuleOutcome<'_>, indent: usize, paint: Paint) -> String {
    let mut text = String::new();
    let verdict = verdict(outcome);
    text.push_str(&format!(
        "{:indent$}{}\n",
        "",
        paint.paint(Tone::Bold, &verdict)
    ));
    let mut lines = Lines {
        indent,
        paint,
        text,
    };
    lines.part(&outcome.condition, 0);
    lines.text
}

fn verdict(outcome: &RuleOutcome<'_>) -> String {
    let but_for = outcome.would_match_but_for();
    match (outcome.matches(), but_for.as_slice()) {
        (true, _) => "the rule matches".to_owned(),
        (false, _) if !outcome.is_of_logsource => {
            let RuleOutcome {
                logsource, origin, ..
            } = outcome;
            let also = match outcome.condition.holds {
                true => "",
                false => "; its condition does not hold either",
            };
            format!(
                "the rule does not match: it is for {logsource}, the event is of {origin}{also}"
            )
        }
        (false, []) => "the rule does not match".to_owned(),
        (false, names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("the rule would match but for {}", names.join(" or "))
        }
    }
}

/// The lines of a tree.
struct Lines {
    indent: usize,
    paint: Paint,
    text: String,
}

impl Lines {
    /// Appends a part and what it consists of. A part that consists of one is shown as that one.
    fn part(&mut self, part: &PartOutcome<'_>, depth: usize) {
        match &part.part {
            Part::Line(line) => self.line(part.holds, line, depth),
            Part::Selection(name, body) => self.named(part.holds, name, body, depth),
            Part::Not(inner) => self.not(part.holds, inner, depth),
            Part::All(parts) | Part::AtLeast(_, parts) if parts.len() == 1 => {
                self.part(&parts[0], depth);
            }
            Part::All(parts) => self.group(part.holds, "all of", parts, depth),
            Part::AtLeast(needed, parts) => {
                self.group(part.holds, &quantity(*needed), parts, depth);
            }
        }
    }

    /// A selection, or the negation of one: its lines are directly below its name.
    fn named(&mut self, holds: bool, name: &str, body: &PartOutcome<'_>, depth: usize) {
        let single = single(body);
        let (suffix, parts) = match &single.part {
            Part::All(parts) => (String::new(), parts.as_slice()),
            Part::AtLeast(needed, parts) => (format!(": {}", quantity(*needed)), parts.as_slice()),
            _ => (String::new(), std::slice::from_ref(single)),
        };
        self.group(holds, &format!("{name}{suffix}"), parts, depth);
    }

    fn not(&mut self, holds: bool, inner: &PartOutcome<'_>, depth: usize) {
        let single = single(inner);
        match &single.part {
            Part::Selection(name, body) => self.named(holds, &format!("not {name}"), body, depth),
            Part::AtLeast(1, parts) => self.group(holds, "none of", parts, depth),
            Part::All(parts) => self.group(holds, "not all of", parts, depth),
            _ => self.group(holds, "not", std::slice::from_ref(single), depth),
        }
    }

    fn group(&mut self, holds: bool, label: &str, parts: &[PartOutcome<'_>], depth: usize) {
        self.answer(holds, label, depth);
        self.text.push('\n');
        for part in parts {
            self.part(part, depth + 1);
        }
    }

    fn line(&mut self, holds: bool, line: &LineOutcome<'_>, depth: usize) {
        let field = line.test.field.as_deref();
        let mut fields = line
            .test
            .lines()
            .into_iter()
            .filter_map(|line| line.field.as_deref());
        let is_secret = fields.any(|field| field.split('|').any(is_secret_field));
        let field = line.test.shown_field().filter(|_| field.is_some());
        let expected = match (field, is_secret) {
            (Some(field), true) => format!("{field}: {REDACTED}"),
            _ => shorten(&line.test.to_string(), MAX_CHARS),
        };
        self.answer(holds, &expected, depth);
        let seen = match (line.values.as_slice(), field, is_secret) {
            ([], None, _) => "in no text of the event".to_owned(),
            ([], Some(_), _) => "the event has no such field".to_owned(),
            (_, _, true) => format!("the event has {REDACTED}"),
            (values, ..) => {
                let shown: Vec<&str> = values.iter().map(|value| shown(value)).collect();
                format!("the event has {}", shorten(&shown.join(", "), MAX_CHARS))
            }
        };
        let seen = self.paint.paint(Tone::Faint, &format!("({seen})"));
        self.text.push_str(&format!("  {seen}\n"));
    }

    /// The answer and the text beside it, without the end of the line.
    fn answer(&mut self, holds: bool, text: &str, depth: usize) {
        let (word, tone) = match holds {
            true => ("yes", Tone::Good),
            false => ("no", Tone::Bad),
        };
        let (indent, depth) = (self.indent, 2 * depth);
        let (word, label) = (
            self.paint.paint(tone, word),
            self.paint.paint(Tone::Plain, text),
        );
        self.text
            .push_str(&format!("{:indent$}{word:3}  {:depth$}{label}", "", ""));
    }
}

/// The innermost part, where each consists of one only.
fn single<'p, 'r>(part: &'p PartOutcome<'r>) -> &'p PartOutcome<'r> {
    match &part.part {
        Part::All(parts) | Part::AtLeast(1, parts) if parts.len() == 1 => single(&parts[0]),
        _ => part,
    }
}

fn quantity(needed: usize) -> String {
    match needed {
        1 => "any of".to_owned(),
        needed => format!("{needed} of"),
    }
}

/// An empty value can be seen.
fn shown(value: &str) -> &str {
    if value.is_empty() { "''" } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::{self, Engine, Logsource, LogsourceDetection};
    use crate::view::{Emitted, FieldPath, RecordKind};
    use crate::yaml;

    const EVENT: &str = r#"{"class_uid":6003,"class_name":"API Activity","status":"Failure",
        "metadata":{"log_name":"confluent-cloud-v2"},
        "actor":{"user":{"uid":"sa-ci7e9w","name":""}},
        "api":{"operation":"kafka.DeleteTopics","request":{"data":{"api_key":"hunter2"}}},
        "resources":[{"uid":"a\u001b[2J"},{"uid":"b"}]}"#;

    fn shown(product: &str, detection: &str) -> String {
        let mut problems = Vec::new();
        let detection = sigma::detection(&yaml::document(detection).unwrap(), &mut problems);
        let detection = detection.unwrap_or_else(|| panic!("{problems:?}"));
        let logsource = Logsource {
            product: Some(product.to_owned()),
            ..Logsource::default()
        };
        let target = LogsourceDetection {
            logsource: &logsource,
            detection: &detection,
        };
        let resolve = |name: &str| FieldPath::parse(RecordKind::Event, name);
        let engine = Engine::compile([target], &resolve).unwrap();
        let event = Emitted::value(EVENT.as_bytes());
        let outcome = engine.outcome(0, &detection, &event).unwrap();
        rule_outcome(&outcome, 2, Paint::PLAIN)
    }

    #[test]
    fn a_near_miss_names_the_selection_and_the_value_that_prevented_it() {
        let detection = "\
deletion: {api.operation: [kafka.DeleteTopics, kafka.DeleteGroups], resources.uid|startswith: a}
filter_ci: {actor.user.uid: [sa-4t6y8u, sa-ci7e9w]}
filter_ok: [{status: Success}, {actor.user.type: x}]
condition: deletion and not 1 of filter_*
";
        let expected = "  the rule would match but for `filter_ci`
  no   all of
  yes    deletion
  yes      api.operation: one of kafka.DeleteTopics, kafka.DeleteGroups  (the event has kafka.DeleteTopics)
  yes      resources.uid: a*  (the event has a\\u001b[2J)
  no     none of
  yes      filter_ci
  yes        actor.user.uid: one of sa-4t6y8u, sa-ci7e9w  (the event has sa-ci7e9w)
  no       filter_ok: any of
  no         status: Success  (the event has Failure)
  no         actor.user.type: x  (the event has no such field)
";
        assert_eq!(shown("confluent", detection), expected);
    }

    #[test]
    fn a_secret_an_empty_value_and_a_missing_word_are_shown_as_such() {
        let detection = "\
secret: {api.request.data.api_key: hunter2, api.request.data: {api_key: hunter2, other: null}}
unnamed: {actor.user.name: Ada}
words: [missing]
condition: secret and not unnamed and not words
";
        let expected = "  the rule matches
  yes  all of
  yes    secret
  yes      api.request.data.api_key: ***  (the event has ***)
  yes      api.request.data: ***  (the event has ***)
  yes    not unnamed
  no       actor.user.name: Ada  (the event has '')
  yes    not words
  no       any text: *missing*  (in no text of the event)
";
        assert_eq!(shown("confluent", detection), expected);
    }

    #[test]
    fn another_logsource_is_the_reason_that_is_named_first() {
        let elsewhere = shown("redpanda", "s: {status: Failure}\ncondition: s\n");
        let expected = "  the rule does not match: it is for product redpanda, the event is of product confluent, category api_activity
  yes  s
  yes    status: Failure  (the event has Failure)
";
        assert_eq!(elsewhere, expected);
        let neither = shown("redpanda", "s: {status: Success}\ncondition: s\n");
        assert!(
            neither.contains("api_activity; its condition does not hold either"),
            "{neither}"
        );
    }
}
