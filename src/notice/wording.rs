//! What a person reads of an alert: one line that says who did what to what and where, and the
//! facts below it, as plain text. How a sink marks them up is the sink's.

use super::{Notice, Origin, ResourceNotice, Who};
use crate::alert::{Deed, DeedResource};

/// A later alert than this after the event is said to be late, ms.
const LATE_MS: i64 = 60_000;

/// One thing to know of an alert.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fact {
    /// `Who`, `What`, `From`, …
    pub label: &'static str,
    /// One line.
    pub text: String,
}

impl Notice {
    /// `[HIGH] Jane Doe deleted Flink statement orders-agg in prod`.
    pub fn title(&self) -> String {
        let level = self.level.as_str().to_uppercase();
        let test = if self.test { "[TEST] " } else { "" };
        format!("{test}[{level}] {}", self.headline())
    }

    /// The title without its level.
    pub fn headline(&self) -> String {
        if let Some(summary) = &self.summary {
            return summary.clone();
        }
        let first = self.resources.first();
        let deed = Deed {
            who: self.who.shown(),
            operation: &self.operation,
            activity: self.activity.as_deref(),
            outcome: &self.outcome,
            service: self.service.as_deref(),
            resource: first.map(|first| DeedResource {
                name: first.name.as_deref().or(first.uid.as_deref()),
                kind: first.kind.as_deref(),
                more: self.resource_count.saturating_sub(1),
            }),
            environment: self.environments().first().copied(),
            changes: &self.changes,
        };
        match deed.says_something() {
            true => deed.to_string(),
            false => format!("{}: {}", deed.who(), self.rule),
        }
    }

    /// Everything to know, in the order in which it is asked.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut fact = |label, text: String| {
            if !text.is_empty() {
                facts.push(Fact { label, text });
            }
        };
        fact("Who", self.who.described());
        fact("What", self.what());
        fact("Change", self.changes.join(", "));
        for resource in self.resources.iter().take(5) {
            fact("Resource", described(resource));
        }
        fact("From", self.from());
        fact("When", self.when());
        fact("Count", self.counted());
        fact("Why", self.why.join("; "));
        fact(
            "Catalog entry",
            self.catalog_entry.clone().unwrap_or_default(),
        );
        fact("Rule", self.rule_reference());
        fact("About", self.description.clone().unwrap_or_default());
        fact("Runbook", self.runbook.clone().unwrap_or_default());
        fact("Known false positives", self.falsepositives.join("; "));
        fact("ATT&CK", self.attack.join(", "));
        fact("Links", self.links.join(" "));
        fact("Details", self.reference());
        facts
    }

    fn rule_reference(&self) -> String {
        if self.rule_id.is_empty() {
            return String::new();
        }
        format!("{} ({} {})", self.rule, self.rule_id, self.rule_version)
    }

    fn what(&self) -> String {
        let operation = match &self.service {
            Some(service) => format!("{} ({service})", self.operation),
            None => self.operation.clone(),
        };
        let outcome = self.outcome.to_lowercase();
        match (&self.outcome_detail, operation.is_empty()) {
            (_, true) => String::new(),
            (Some(detail), _) => format!("{operation}: {outcome}, {detail}"),
            (None, _) => format!("{operation}: {outcome}"),
        }
    }

    fn from(&self) -> String {
        let origin = &self.origin;
        let mut parts: Vec<String> = origin.ip.iter().map(|ip| origin.placed(ip)).collect();
        parts.extend(origin.name.clone());
        parts.extend(self.client.as_ref().map(|client| match client.as_str() {
            "console" => "by the console".to_owned(),
            client => format!("by {client}"),
        }));
        parts.join(", ")
    }

    fn when(&self) -> String {
        let late_ms = self.detected_ms - self.time_ms;
        let late = if late_ms > LATE_MS {
            format!(", seen {} later", span(late_ms.unsigned_abs() / 1000))
        } else {
            String::new()
        };
        format!("{}{late}", time(self.time_ms))
    }

    fn counted(&self) -> String {
        if self.count < 2 {
            return String::new();
        }
        let (first, last) = (time(self.first_ms), time(self.last_ms));
        format!("{}, first {first}, last {last}", self.count)
    }

    /// How to see more of it.
    pub fn reference(&self) -> String {
        match self.events.first() {
            Some(event) if is_plain(event) => {
                format!("watchbell show {event} (alert {})", self.position)
            }
            _ => format!("watchbell show {}", self.position),
        }
    }
}

impl Origin {
    /// The address and where it is: `10.1.2.3 (office-berlin, corporate)`.
    fn placed(&self, address: &str) -> String {
        let place = [
            &self.network,
            &self.zone,
            &self.city,
            &self.country,
            &self.autonomous_system,
        ];
        let place = place.into_iter().flatten();
        let place: Vec<&str> = place.map(String::as_str).collect();
        match place.is_empty() {
            true => address.to_owned(),
            false => format!("{address} ({})", place.join(", ")),
        }
    }
}

impl Who {
    /// The best name there is.
    pub fn shown(&self) -> Option<&str> {
        [&self.name, &self.email, &self.uid]
            .into_iter()
            .find_map(|part| part.as_deref())
    }

    fn described(&self) -> String {
        let Some(shown) = self.shown() else {
            return String::new();
        };
        let mut parts: Vec<String> = [&self.uid, &self.email]
            .into_iter()
            .flatten()
            .filter(|part| *part != shown)
            .cloned()
            .collect();
        parts.extend(self.kind.as_ref().map(|kind| match kind.as_str() {
            "User" => "human".to_owned(),
            other => other.to_lowercase(),
        }));
        parts.extend(self.team.as_ref().map(|team| format!("team {team}")));
        parts.extend(self.credential.as_ref().map(|c| format!("credential {c}")));
        if parts.is_empty() {
            shown.to_owned()
        } else {
            format!("{shown} ({})", parts.join(", "))
        }
    }
}

/// A word that a shell takes as it is.
fn is_plain(word: &str) -> bool {
    word.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

fn described(resource: &ResourceNotice) -> String {
    let Some(name) = resource.name.as_deref().or(resource.uid.as_deref()) else {
        return String::new();
    };
    let mut parts: Vec<String> = Vec::new();
    parts.extend(resource.uid.clone().filter(|uid| uid != name));
    parts.extend(resource.kind.as_ref().map(|kind| kind.to_lowercase()));
    let labelled = [
        ("environment", &resource.environment),
        ("region", &resource.region),
        ("owner", &resource.owner),
        ("team", &resource.team),
    ];
    for (label, value) in labelled {
        parts.extend(value.as_ref().map(|value| format!("{label} {value}")));
    }
    if parts.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", parts.join(", "))
    }
}

/// `2026-11-21 08:30:00 UTC`.
pub fn time(time_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(time_ms) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{time_ms} ms"),
    }
}

/// `90 s`, `10 min`, `2 h`.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
