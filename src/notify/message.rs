//! One notification in words: the title, the facts, the record, whatever sink it goes to.
//! Pure; a person's own template may replace title and text.

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
    /// The same for every repeat of the same thing.
    pub id: String,
    /// What belongs together.
    pub group_key: String,
    /// How much it matters.
    pub level: Level,
    /// One line.
    pub title: String,
    /// What to know, in order.
    pub facts: Vec<Fact>,
    /// The facts as lines, or what the template made of them.
    pub text: String,
    /// Whether `text` is a template's.
    pub templated: bool,
    /// The event's JSON, redacted and cut.
    pub record: Option<String>,
    /// Alerts that this covers.
    pub count: u64,
    /// The alert shown.
    #[serde(serialize_with = "inner")]
    pub notice: Arc<Notice>,
    /// What belongs together and matters as much: a vendor that adds to an open incident without
    /// waking anybody must open another one for what is worse than those before.
    #[serde(skip)]
    pub incident: String,
    /// Parts for which the template gave no words, and why; they have the shipped ones.
    #[serde(skip)]
    pub template_faults: Vec<(&'static str, TemplateFault)>,
}

fn inner<S: serde::Serializer>(notice: &Arc<Notice>, to: S) -> Result<S::Ok, S::Error> {
    notice.as_ref().serialize(to)
}

/// Most characters of a group's key in the key of an incident: PagerDuty takes 255 with the level.
const MAX_INCIDENT: usize = 240;

/// Most characters of a title; every sink takes this much or shortens further.
const MAX_TITLE: usize = 300;

/// Digests over many groups that begin within so many ms are one incident: each tells of other groups,
/// and people are to be woken for the next ones, but not for every request of a flood.
const OVERFLOW_INCIDENT_MS: i64 = 5 * 60_000;

/// Most characters of a template's text.
const MAX_TEMPLATED: usize = 20_000;

impl Message {
    /// Words for a notification to `sink`. `undelivered` alerts before it were given up.
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
            let lost = format!(
                "{undelivered} earlier alerts could not be delivered here; they are among the dead letters"
            );
            facts.push(fact("Undelivered", lost));
        }
        // What was there before the first start is for the record: it is no reason to wake anybody.
        let level = match notification.kind {
            NotificationKind::History { .. } => Level::Informational,
            _ => notification.level,
        };
        let first_ms = notification.first_ms;
        let (group_key, incident) = match (&notification.group_key, &notification.kind) {
            (Some(key), _) => {
                let worst = notification.told.map_or(level, |told| told.max(level));
                let incident = format!("{}-{worst}", shorten(key, MAX_INCIDENT));
                (key.clone(), incident)
            }
            // One of another level, or of another time, must not join an incident that is open.
            (None, kind_of) => {
                let begun = match kind_of {
                    NotificationKind::Late { .. } | NotificationKind::History { .. } => first_ms,
                    _ => first_ms - first_ms.rem_euclid(OVERFLOW_INCIDENT_MS),
                };
                let key = format!("watchbell-{kind}-{sink}-{level}-{begun}");
                (key.clone(), key)
            }
        };
        // Whoever knows the id takes the rest for a repeat: what covers more has another one.
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

    /// Where a template fails on this message, or gives nothing to read, the shipped words stay: the
    /// alert must go out.
    fn apply(&mut self, sink: &str, template: &Template) {
        let (title, text) = template.render(self);
        let mut given = |part, rendered| match rendered {
            None => None,
            Some(Ok(words)) => Some(words),
            Some(Err(error)) => {
                tracing::error!(sink, part, %error, "a template fails; the shipped words are sent");
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

/// Why alerts come as a digest of late ones.
const LATE: &str = "their records were read later than max_alert_age after they were written";
const HISTORY: &str = "their records were there before the source was read for the first time";

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

/// The critical alerts by name, then how often each rule.
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

/// `Label: text` lines.
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

/// How many, from when to when.
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
    /// The same with so many others of its group.
    pub fn with_more(mut self, more: u64) -> Message {
        if more > 0 {
            let title = format!("{} (and {more} more)", self.title);
            self.title = shorten(&title, MAX_TITLE);
            self.count += more;
        }
        self
    }

    /// The message of one alert, as `fire` sends it.
    pub fn of_one(sink: &str, notice: Notice, now_ms: i64, template: Option<&Template>) -> Message {
        let (group_key, level) = (notice.group_key.clone(), notice.level);
        let notification = Notification::of_one(group_key, level, Arc::new(notice), now_ms);
        Message::new(sink, &notification, 0, template)
    }
}
