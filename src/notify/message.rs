//! One notification in words: title, facts and record, the same for every kind of sink.
//! Pure. The user's own template may replace title and text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::queue::{Notification, NotificationKind};
use super::template::{Template, TemplateFault};
use crate::notice::{Fact, Notice, time};
use crate::printable::shorten;
use crate::sigma::Level;

/// What a sink sends.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// `first`, `digest`, `overflow`, `late`, `history` or `test`.
    pub kind: &'static str,
    /// The same for every attempt to send the same notification, so that a receiver recognizes repeats.
    pub id: String,
    /// The group; for a digest over many groups, a key of its own.
    pub group_key: String,
    /// The level shown.
    pub level: Level,
    /// One line.
    pub title: String,
    /// Labelled facts, in the order in which they are shown.
    pub facts: Vec<Fact>,
    /// The facts as lines, or the output of the user's template.
    pub text: String,
    /// Whether `text` is the output of a template.
    pub templated: bool,
    /// The event's JSON, redacted and truncated.
    pub record: Option<String>,
    /// How many alerts it covers.
    pub count: u64,
    /// The alert shown.
    #[serde(serialize_with = "inner")]
    pub notice: Arc<Notice>,
    /// Group and level. A vendor adds alerts to an open incident without waking anybody, so an alert of
    /// a higher level than those before it must open another incident.
    #[serde(skip)]
    pub incident: String,
    /// Parts (`title`, `text`) for which the template failed, and why; they have the default text.
    #[serde(skip)]
    pub template_faults: Vec<(&'static str, TemplateFault)>,
}

fn inner<S: serde::Serializer>(notice: &Arc<Notice>, to: S) -> Result<S::Ok, S::Error> {
    notice.as_ref().serialize(to)
}

/// Most characters of a group's key in the key of an incident: PagerDuty accepts 255, level included.
const MAX_INCIDENT: usize = 240;

/// Most characters of a title; a sink that accepts fewer shortens it further.
const MAX_TITLE: usize = 300;

/// Digests over many groups whose first alerts fall into the same interval of this length, in ms, are
/// one incident: a flood of alerts wakes people once per interval, not once per request.
const OVERFLOW_INCIDENT_MS: i64 = 5 * 60_000;

/// Most characters of a text that a template gives.
const MAX_TEMPLATED: usize = 20_000;

impl Message {
    /// Words a notification to `sink`. `undelivered` is how many earlier alerts became dead letters.
    pub fn new(
        sink: &str,
        notification: &Notification<Arc<Notice>>,
        undelivered: u64,
        template: Option<&Template>,
    ) -> Message {
        let notice = &notification.alert;
        let more = notification.count - 1;
        let (kind, title, mut facts) = match &notification.kind {
            NotificationKind::First if notice.test => ("test", notice.title(), notice.facts()),
            NotificationKind::First if more == 0 => ("first", notice.title(), notice.facts()),
            NotificationKind::First => {
                let title = format!("{} (and {more} more)", notice.title());
                ("first", title, with_alerts(notification))
            }
            NotificationKind::Digest => (
                "digest",
                digest_title(notification),
                with_alerts(notification),
            ),
            NotificationKind::Overflow { rules, others } => {
                let title = overflow_title(notification, rules.len());
                let mut facts = by_rule(rules, *others);
                facts.push(fact("Worst", notice.title()));
                facts.extend(alerts(notification));
                facts.push(fact("Details", "watchbell tail alerts".into()));
                ("overflow", title, facts)
            }
            NotificationKind::Late { rules, others } => (
                "late",
                late_title(notification),
                late(notification, rules, *others, LATE),
            ),
            NotificationKind::History { rules, others } => {
                let title = history_title(notification);
                (
                    "history",
                    title,
                    late(notification, rules, *others, HISTORY),
                )
            }
        };
        if undelivered > 0 {
            let (alerts, are) = if undelivered == 1 {
                ("alert", "it is")
            } else {
                ("alerts", "they are")
            };
            let text = format!(
                "{undelivered} earlier {alerts} could not be delivered here; {are} in the dead-letter topic"
            );
            facts.push(fact("Undelivered", text));
        }
        // Alerts from before the first start are only informational: they must not wake anybody.
        let level = match notification.kind {
            NotificationKind::History { .. } => Level::Informational,
            _ => notification.level,
        };
        let first_ms = notification.first_ms;
        let (group_key, incident) = match (&notification.group_key, &notification.kind) {
            (Some(key), _) => {
                let highest = notification
                    .sent_level
                    .map_or(level, |sent| sent.max(level));
                let incident = format!("{}-{highest}", shorten(key, MAX_INCIDENT));
                (key.clone(), incident)
            }
            // A digest of another level or of another time must not join an open incident.
            (None, kind_of) => {
                let begun = match kind_of {
                    NotificationKind::Late { .. } | NotificationKind::History { .. } => first_ms,
                    _ => first_ms - first_ms.rem_euclid(OVERFLOW_INCIDENT_MS),
                };
                let key = format!("watchbell-{kind}-{sink}-{level}-{begun}");
                (key.clone(), key)
            }
        };
        // A receiver takes a known id for a repeat, so a notification that covers more gets another id.
        let id = match (&notification.kind, notification.offsets.last()) {
            (_, None) => notice.uid.clone(),
            (NotificationKind::First, Some(_)) if more == 0 => notice.uid.clone(),
            (NotificationKind::First, Some(last)) => format!("{}-{last}", notice.uid),
            (_, Some(last)) => format!("{group_key}-{last}"),
        };
        let mut message = Message {
            kind,
            id,
            group_key,
            level,
            title: shorten(&title, MAX_TITLE),
            text: lines(&facts),
            templated: false,
            facts,
            record: match notification.kind {
                NotificationKind::First => notice.record.clone(),
                _ => None,
            },
            count: notification.count,
            notice: Arc::clone(notice),
            incident,
            template_faults: Vec::new(),
        };
        if let Some(template) = template {
            message.apply(sink, template);
        }
        message
    }

    /// Apply the user's template. If it fails on this message, or gives no visible text, the default
    /// text stays: the alert must be sent.
    fn apply(&mut self, sink: &str, template: &Template) {
        let (title, text) = template.render(self);
        let mut given = |part, rendered| match rendered {
            None => None,
            Some(Ok(rendered)) => Some(rendered),
            Some(Err(error)) => {
                tracing::error!(sink, part, %error, "template failed; sending the default text");
                self.template_faults.push((part, error));
                None
            }
        };
        let (title, text) = (given("title", title), given("text", text));
        if let Some(title) = title {
            self.title = shorten(&title, MAX_TITLE);
        }
        if let Some(text) = text {
            self.text = shorten(&text, MAX_TEMPLATED);
            self.templated = true;
        }
    }
}

/// Why alerts are sent together in one digest.
const LATE: &str = "their records were read later than max_alert_age after they were written";
const HISTORY: &str =
    "their records were in the source before watchbell read it for the first time";

fn late_title(notification: &Notification<Arc<Notice>>) -> String {
    let level = notification.level.as_str().to_uppercase();
    let critical = match notification.critical_count {
        0 => String::new(),
        count => format!(", {count} of them critical"),
    };
    match notification.count {
        1 => format!("[{level}] 1 late alert{critical}"),
        count => format!("[{level}] {count} late alerts{critical}"),
    }
}

fn history_title(notification: &Notification<Arc<Notice>>) -> String {
    let critical = match notification.critical_count {
        0 => String::new(),
        count => format!(", {count} of them critical"),
    };
    let alerts = match notification.count {
        1 => "1 alert".to_owned(),
        count => format!("{count} alerts"),
    };
    format!("[INFORMATIONAL] {alerts} from before the first start{critical}")
}

/// The facts of a digest of late alerts: the critical ones by name, then the number of alerts by rule.
fn late(
    notification: &Notification<Arc<Notice>>,
    rules: &BTreeMap<String, u64>,
    others: u64,
    why: &str,
) -> Vec<Fact> {
    let critical = notification.critical.iter();
    let mut facts: Vec<Fact> = critical
        .map(|notice| {
            let (title, at) = (notice.title(), time(notice.time_ms));
            fact("Critical", format!("{title}, {at}, {}", notice.position))
        })
        .collect();
    let unnamed = notification.critical_count - facts.len() as u64;
    if unnamed > 0 {
        facts.push(fact("Critical", format!("{unnamed} more")));
    }
    facts.extend(by_rule(rules, others));
    if notification.critical_count == 0 {
        facts.push(fact("Worst", notification.alert.title()));
    }
    facts.extend(alerts(notification));
    facts.push(fact("Why together", why.to_owned()));
    facts.push(fact("Details", "watchbell tail alerts".into()));
    facts
}

fn by_rule(rules: &BTreeMap<String, u64>, others: u64) -> Vec<Fact> {
    let named = rules.iter();
    let mut facts: Vec<Fact> = named
        .map(|(rule, count)| fact("Rule", format!("{rule}: {count}")))
        .collect();
    if others > 0 {
        facts.push(fact("Rule", format!("others: {others}")));
    }
    facts
}

fn fact(label: &'static str, text: String) -> Fact {
    Fact { label, text }
}

/// The facts as `Label: text` lines.
pub(super) fn lines(facts: &[Fact]) -> String {
    let lines: Vec<String> = facts
        .iter()
        .map(|fact| format!("{}: {}", fact.label, fact.text))
        .collect();
    lines.join("\n")
}

fn digest_title(notification: &Notification<Arc<Notice>>) -> String {
    let level = notification.level.as_str().to_uppercase();
    let headline = notification.alert.headline();
    format!("[{level}] {} more: {headline}", notification.count)
}

fn with_alerts(notification: &Notification<Arc<Notice>>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = alerts(notification).into_iter().collect();
    facts.extend(notification.alert.facts());
    facts
}

fn overflow_title(notification: &Notification<Arc<Notice>>, rules: usize) -> String {
    let level = notification.level.as_str().to_uppercase();
    let rules = match rules {
        1 => "one rule".to_owned(),
        several => format!("{several} rules"),
    };
    format!("[{level}] {} more alerts of {rules}", notification.count)
}

/// How many alerts, and when the first and the last were written; `None` for a single one.
fn alerts(notification: &Notification<Arc<Notice>>) -> Option<Fact> {
    let text = format!(
        "{}, first {}, last {}",
        notification.count,
        time(notification.first_ms),
        time(notification.last_ms)
    );
    (notification.count > 1).then(|| fact("Alerts", text))
}

impl Message {
    /// The same message for an alert with `more` repeats of its group.
    pub fn with_more(mut self, more: u64) -> Message {
        if more > 0 {
            let title = format!("{} (and {more} more)", self.title);
            self.title = shorten(&title, MAX_TITLE);
            self.count += more;
        }
        self
    }

    /// The message of a single alert, as `fire` sends it.
    pub fn of_one(sink: &str, notice: Notice, now_ms: i64, template: Option<&Template>) -> Message {
        let (group_key, level) = (notice.group_key.clone(), notice.level);
        let notification = Notification::of_one(group_key, level, Arc::new(notice), now_ms);
        Message::new(sink, &notification, 0, template)
    }
}
