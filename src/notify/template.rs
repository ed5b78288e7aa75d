//! The user's own templates for title and text: minijinja in strict mode, which sees nothing but the
//! message.
//! Invariant: rendering takes bounded work and gives a bounded text. If a template fails, panics or gives
//! no visible text, the alert is sent with the default text. Templates are tried on example alerts of
//! every kind before the daemon starts.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::value::{Kwargs, Rest, StringInput};
use minijinja::{Environment, ErrorKind, State, UndefinedBehavior, Value, filters};
use serde::Serialize;

use crate::printable::is_unseen;

/// Steps of the template engine before a template is stopped.
const FUEL: u64 = 50_000;

/// Bytes that a template may write; the rest is cut off.
const MAX_BYTES: usize = 128 * 1024;

/// Most columns by which a text may be indented or padded.
const MAX_WIDTH: usize = 999;

/// The parts that a template can be for, and the key that names its file.
pub(super) const PARTS: [(&str, &str); 2] =
    [("title", "title_template"), ("text", "text_template")];

/// Templates of a title and a text; either may be absent.
pub struct Template {
    environment: Environment<'static>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Template")
    }
}

/// A template is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct TemplateError {
    /// The configuration key of its file.
    pub key: &'static str,
    /// The line in its file, from 1.
    pub line: u32,
    /// What is wrong, and on which kind of alert.
    pub what: String,
}

/// Why a template gave no text for a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// It used a value that the message does not have, took too much work, or panicked.
    #[error("{what}")]
    Failed {
        /// The line in its file, from 1.
        line: u32,
        /// What happened.
        what: String,
    },
    /// It gave only invisible characters, or none.
    #[error("it gives no visible text")]
    Blank,
}

impl TemplateFault {
    /// Metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            TemplateFault::Failed { .. } => "failed",
            TemplateFault::Blank => "blank",
        }
    }
}

/// What a template gives for a part of a message; `None` where there is no template for it.
pub type Rendered = Option<Result<String, TemplateFault>>;

impl Template {
    /// Compiles the templates given.
    ///
    /// # Errors
    /// One of them is not a valid template.
    pub fn new(title: Option<String>, text: Option<String>) -> Result<Template, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("time", |ms: i64| crate::notice::time(ms));
        environment.add_filter("indent", indent);
        environment.add_filter("format", format);
        for ((name, key), source) in PARTS.into_iter().zip([title, text]) {
            if let Some(source) = source {
                environment
                    .add_template_owned(name, source)
                    .map_err(|error| TemplateError {
                        key,
                        line: line(&error),
                        what: format!("not a valid template: {}", detail(&error)),
                    })?;
            }
        }
        Ok(Template { environment })
    }

    /// The title, on one line, and the text.
    pub fn render(&self, message: &impl Serialize) -> (Rendered, Rendered) {
        let title = self
            .part("title", message)
            .map(|title| title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" ")));
        (title, self.part("text", message))
    }

    fn part(&self, name: &str, message: &impl Serialize) -> Rendered {
        let template = self.environment.get_template(name).ok()?;
        let mut written = Bounded::default();
        // Rendering does not change the environment, so a panic leaves it as it was.
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            template.render_captured_to(message, &mut written).map(drop)
        }));
        let failed = |line, what| Some(Err(TemplateFault::Failed { line, what }));
        match rendered {
            Ok(Ok(())) => {}
            Ok(Err(_)) if written.is_full => {}
            Ok(Err(error)) => return failed(line(&error), detail(&error)),
            Err(_) => return failed(1, "the template engine panicked".to_owned()),
        }
        let text = String::from_utf8_lossy(&written.bytes).into_owned();
        let is_blank = text.chars().all(|c| c.is_whitespace() || is_unseen(c));
        Some(match is_blank {
            true => Err(TemplateFault::Blank),
            false => Ok(text),
        })
    }
}

/// The engine's `indent`, with a limit: it would accept any width and allocate as much memory.
fn indent(
    value: StringInput<'_>,
    width: Option<usize>,
    first: Option<bool>,
    blank: Option<bool>,
    named: Kwargs,
) -> Result<Value, minijinja::Error> {
    let asked: Option<usize> = width.or(named.peek("width")?);
    match asked {
        Some(asked) if asked > MAX_WIDTH => Err(too_wide()),
        _ => filters::indent(value, width, first, blank, named),
    }
}

/// The engine's `format`, limited for the same reason: no width of more than three digits, and no `*`.
fn format(
    state: &State<'_, '_>,
    form: &Value,
    values: Rest<Value>,
) -> Result<Value, minijinja::Error> {
    let text = form.as_str().unwrap_or_default();
    let longest = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max();
    match longest {
        Some(digits) if digits > 3 || text.contains('*') => Err(too_wide()),
        _ => filters::format(state, form, values),
    }
}

fn too_wide() -> minijinja::Error {
    let detail = format!("a width of more than {MAX_WIDTH}");
    minijinja::Error::new(ErrorKind::InvalidOperation, detail)
}

fn line(error: &minijinja::Error) -> u32 {
    let line = error.line().and_then(|line| u32::try_from(line).ok());
    line.unwrap_or(1)
}

fn detail(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Accepts [`MAX_BYTES`] and fails on more, which stops the template engine.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_BYTES - self.bytes.len();
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.is_full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notice;
    use crate::notify::Message;

    fn message(change: impl Fn(&mut Notice), title: &str, text: &str) -> Message {
        let template = Template::new(Some(title.into()), Some(text.into())).unwrap();
        let mut notice = Notice::example(0);
        change(&mut notice);
        Message::of_one("oncall", notice, 0, Some(&template))
    }

    fn reasons(message: &Message) -> Vec<(&'static str, &'static str)> {
        let faults = message.template_faults.iter();
        faults
            .map(|(part, fault)| (*part, fault.reason()))
            .collect()
    }

    #[test]
    fn a_template_that_gives_no_visible_text_leaves_the_default_text() {
        let shipped = Message::of_one("oncall", Notice::example(0), 0, None);
        for blank in [
            "",
            " \n\t",
            "{% if notice.runbook == 'other' %}{{ title }}{% endif %}",
            "\u{200b}\u{3164}\u{e0041}",
            "{{ '\u{ad}' }}\u{a0}\u{2003}",
        ] {
            let message = message(|_| {}, blank, blank);
            assert_eq!(
                (&message.title, &message.text),
                (&shipped.title, &shipped.text)
            );
            assert!(!message.templated, "{blank:?}");
            assert_eq!(reasons(&message), [("title", "blank"), ("text", "blank")]);
        }
        // The parts are independent: the title's template fails, the text's is used.
        let message = message(
            |notice| notice.runbook = None,
            "{{ notice.runbook.x }}",
            "own words",
        );
        assert_eq!(
            message.title,
            Message::of_one(
                "oncall",
                {
                    let mut notice = Notice::example(0);
                    notice.runbook = None;
                    notice
                },
                0,
                None
            )
            .title
        );
        assert_eq!(
            (message.text.as_str(), message.templated),
            ("own words", true)
        );
        assert_eq!(reasons(&message), [("title", "failed")]);
    }

    #[test]
    fn whatever_a_template_does_at_run_time_the_alert_is_sent() {
        let shipped = Message::of_one("oncall", Notice::example(0), 0, None);
        for (wrong, reason) in [
            (
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "failed",
            ),
            (
                "{% for a in range(notice.resource_count + 1000000) %}x{% endfor %}",
                "failed",
            ),
            ("{{ notice.nothing }}", "failed"),
            ("{{ 1 // 0 }}", "failed"),
            ("{{ title | indent(99999999999999999999) }}", "failed"),
            ("{{ title | indent(9223372036854775807) }}", "failed"),
            ("{{ title | indent(width=100000000000) }}", "failed"),
            ("{{ '%99999999999d' | format(1) }}", "failed"),
            ("{{ '%*d' | format(99999999999, 1) }}", "failed"),
            (
                "{% for a in [title] recursive %}{{ loop([a]) }}{% endfor %}",
                "failed",
            ),
        ] {
            let message = message(|_| {}, wrong, wrong);
            assert_eq!(
                (&message.title, &message.text),
                (&shipped.title, &shipped.text)
            );
            assert_eq!(
                reasons(&message),
                [("title", reason), ("text", reason)],
                "{wrong}"
            );
        }
        // A text that is too long is cut off.
        let endless = message(
            |_| {},
            "x{{ 'y' * 1000000 }}",
            "{% for a in range(9000) %}{{ text }}{% endfor %}",
        );
        assert!(
            reasons(&endless).is_empty(),
            "{:?}",
            endless.template_faults
        );
        assert!(endless.title.starts_with("xyyy") && endless.title.encode_utf16().count() <= 300);
        assert!(endless.text.ends_with('…') && endless.text.encode_utf16().count() <= 20_000);
    }

    #[test]
    fn a_template_is_tried_on_alerts_of_every_kind() {
        let tried = |title: &str| Template::tried(Some(title.into()), None);
        let blank = include_str!("../../tests/data/alerts/blank-title.j2");
        let (_, warnings) = tried(blank).unwrap();
        let warned: Vec<&str> = warnings.iter().map(|w| w.what.as_str()).collect();
        let without = "the template gives no visible text for an alert without a runbook";
        assert!(warned.contains(&without), "{warned:?}");
        assert!(warnings.iter().all(|w| w.key == "title_template"));
        assert!(tried("{{ title }}").unwrap().1.is_empty());
        for (wrong, kind, line) in [
            (
                "\n\n{{ notice.runbook | upper | replace(notice.runbook ~ 1, notice.runbook + 'x') }}",
                "an alert without a runbook",
                3,
            ),
            (
                "{{ title }}\n{{ 'by ' + notice.who.name }}",
                "an alert without an actor",
                2,
            ),
            (
                "{{ notice.resources[0].name }}",
                "an alert without a resource",
                1,
            ),
            (
                "{{ title }}{% if kind == 'digest' %}{{ digest }}{% endif %}",
                "a digest of repeats",
                1,
            ),
            (
                "{{ title }}{% if kind == 'overflow' %}\n{{ overflow }}{% endif %}",
                "a digest over many groups",
                2,
            ),
            (
                "{{ title }}{% if notice.resource_count == 100 %}{{ many }}{% endif %}",
                "an alert with a hundred resources",
                1,
            ),
            (
                "{{ title }}{% if not notice.rule_id %}{{ none_such }}{% endif %}",
                "an alert that could not be read",
                1,
            ),
            (
                "{{ title }}{% if notice.summary and notice.rule_id %}{{ none_such }}{% endif %}",
                "a built-in alert",
                1,
            ),
        ] {
            let error = tried(wrong).unwrap_err();
            assert!(error.what.contains(kind), "{wrong}: {error}");
            assert_eq!(
                (error.key, error.line),
                ("title_template", line),
                "{wrong}: {error}"
            );
        }
    }
}
