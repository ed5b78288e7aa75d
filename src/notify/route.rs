//! Which alerts a sink gets: by level, and by a detection over the alert's fields.

use std::ops::ControlFlow;

use super::notification::Arrival;
use crate::diagnostic::nearest;
use crate::notice::{Notice, ResourceNotice};
use crate::sigma::{
    Detection, Engine, Fields, Level, Logsource, LogsourceDetection, Origin, Scratch, UnknownField,
    Value, Visit, VisitElement,
};
use crate::vendors;

type Visited = ControlFlow<()>;

/// A field of an alert: its name, and a function that passes its values to a visitor.
type Field = (&'static str, fn(&Notice, &mut Visit<'_>) -> Visited);

/// A compiled field name: an index into [`FIELDS`].
#[derive(Debug, Clone, Copy)]
pub struct AlertPath(usize);

fn some(value: Option<&String>, visit: &mut Visit<'_>) -> Visited {
    value.map_or(ControlFlow::Continue(()), |text| visit(Value::String(text)))
}

fn all<'v>(values: impl IntoIterator<Item = &'v str>, visit: &mut Visit<'_>) -> Visited {
    for value in values {
        visit(Value::String(value))?;
    }
    ControlFlow::Continue(())
}

fn each(
    notice: &Notice,
    part: fn(&ResourceNotice) -> Option<&String>,
    visit: &mut Visit<'_>,
) -> Visited {
    all(
        notice.resources.iter().filter_map(part).map(String::as_str),
        visit,
    )
}

/// The product by its name, and by the `product` of a rule's `logsource`.
fn product(notice: &Notice, visit: &mut Visit<'_>) -> Visited {
    some(notice.product.as_ref(), visit)?;
    let dialect = notice
        .product
        .as_deref()
        .and_then(vendors::dialect_of_product_name);
    let word = dialect.map(|dialect| dialect.logsource_product);
    word.map_or(ControlFlow::Continue(()), |word| visit(Value::String(word)))
}

/// In alphabetical order. The names with a dot, except `rule.…`, are the OCSF paths that rules use.
const FIELDS: &[Field] = &[
    ("activity_name", |n, v| some(n.activity.as_ref(), v)),
    ("actor.user.credential_uid", |n, v| {
        some(n.who.credential.as_ref(), v)
    }),
    ("actor.user.email_addr", |n, v| {
        some(n.who.email.as_ref(), v)
    }),
    ("actor.user.groups.name", |n, v| {
        some(n.who.team.as_ref(), v)
    }),
    ("actor.user.name", |n, v| some(n.who.name.as_ref(), v)),
    ("actor.user.type", |n, v| some(n.who.kind.as_ref(), v)),
    ("actor.user.uid", |n, v| some(n.who.uid.as_ref(), v)),
    ("api.operation", |n, v| v(Value::String(&n.operation))),
    ("api.service.name", |n, v| some(n.service.as_ref(), v)),
    ("environment", |n, v| all(n.environments(), v)),
    ("level", |n, v| v(Value::String(n.level.as_str()))),
    ("product", product),
    ("resources.group.name", |n, v| {
        each(n, |r| r.team.as_ref(), v)
    }),
    ("resources.name", |n, v| each(n, |r| r.name.as_ref(), v)),
    ("resources.owner.name", |n, v| {
        each(n, |r| r.owner.as_ref(), v)
    }),
    ("resources.region", |n, v| each(n, |r| r.region.as_ref(), v)),
    ("resources.type", |n, v| each(n, |r| r.kind.as_ref(), v)),
    ("resources.uid", |n, v| each(n, |r| r.uid.as_ref(), v)),
    ("rule.id", |n, v| v(Value::String(&n.rule_id))),
    ("rule.tags", |n, v| {
        all(n.tags.iter().map(String::as_str), v)
    }),
    ("rule.title", |n, v| v(Value::String(&n.rule))),
    ("src_endpoint.ip", |n, v| some(n.origin.ip.as_ref(), v)),
    ("src_endpoint.location.country", |n, v| {
        some(n.origin.country.as_ref(), v)
    }),
    ("src_endpoint.name", |n, v| some(n.origin.name.as_ref(), v)),
    ("src_endpoint.zone", |n, v| some(n.origin.zone.as_ref(), v)),
    ("status", |n, v| v(Value::String(&n.outcome))),
    ("team", |n, v| all(n.teams(), v)),
];

impl AlertPath {
    /// Compiles a field's name.
    ///
    /// # Errors
    /// There is no such field; the error suggests the most similar name.
    pub fn parse(name: &str) -> Result<AlertPath, UnknownField> {
        match FIELDS.iter().position(|(known, _)| *known == name) {
            Some(index) => Ok(AlertPath(index)),
            None => {
                let known = || FIELDS.iter().map(|(name, _)| *name);
                let is_known = |place: &String| known().any(|name| name == place);
                let native = vendors::attribute_of_native(name).filter(is_known);
                let near = || nearest(name, known()).map(str::to_owned);
                Err(UnknownField {
                    suggestion: native.or_else(near),
                })
            }
        }
    }
}

impl Fields for Notice {
    type Path = AlertPath;

    fn values(&self, path: &AlertPath, visit: &mut Visit<'_>) {
        let _ = FIELDS[path.0].1(self, visit);
    }

    fn elements(
        &self,
        path: &AlertPath,
        depth: usize,
        _certain: bool,
        visit: &mut VisitElement<'_, AlertPath>,
    ) {
        let (name, _) = FIELDS[path.0];
        if depth != 1 || !name.starts_with("resources.") {
            let _ = visit(&|path, _, values| self.values(path, values));
            return;
        }
        let mut alone = self.clone();
        for resource in &self.resources {
            alone.resources = vec![resource.clone()];
            if visit(&|path, _, values| alone.values(path, values)).is_break() {
                return;
            }
        }
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        for (_, field) in FIELDS {
            let seen = field(self, &mut |value| match value {
                Value::String(text) => visit(text),
                _ => ControlFlow::Continue(()),
            });
            if seen.is_break() {
                return;
            }
        }
    }

    fn logsource(&self) -> Origin<'_> {
        Origin::default()
    }
}

/// Why a sink does not get an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The sink's filter excludes it.
    Filtered,
    /// The rule is experimental.
    Experimental,
    /// A suppression is in force for the alert.
    Suppressed,
    /// The alert was made by `replay`.
    Replayed,
}

impl SkipReason {
    /// Metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            SkipReason::Filtered => "elsewhere",
            SkipReason::Experimental => "experimental",
            SkipReason::Suppressed => "suppressed",
            SkipReason::Replayed => "replayed",
        }
    }

    /// The reason as a text for people.
    pub fn description(self) -> &'static str {
        match self {
            SkipReason::Filtered => "excluded by this sink's filter",
            SkipReason::Experimental => "the rule is experimental",
            SkipReason::Suppressed => "a suppression is in force for the alert",
            SkipReason::Replayed => "the alert was made by replay",
        }
    }
}

/// Which alerts go to a sink.
#[derive(Debug)]
pub struct Route {
    /// Lowest level of the alerts that it gets.
    pub min_level: Level,
    /// The alerts must match it, too.
    pub detection: Option<Engine<AlertPath>>,
    /// Alerts that are later than this are sent in a digest; ms.
    pub max_alert_age_ms: i64,
    /// Whether alerts that `replay` wrote are sent, too.
    pub replayed: bool,
}

impl Route {
    /// Compiles a detection over alerts.
    ///
    /// # Errors
    /// The detection names fields that alerts do not have; all of them are listed.
    pub fn compile(
        detection: &Detection,
    ) -> Result<Engine<AlertPath>, Vec<crate::diagnostic::Problem>> {
        let logsource = Logsource::default();
        let target = LogsourceDetection {
            logsource: &logsource,
            detection,
        };
        let problems = |problems: Vec<(usize, _)>| problems.into_iter().map(|(_, p)| p).collect();
        Engine::compile([target], &AlertPath::parse).map_err(problems)
    }

    /// Whether the alert is in time or late, by the clocks of Kafka and of this machine, not by the
    /// event's own time. Two delays add up: how far behind the reader of the source was when it read the
    /// record, and `behind_ms`, how far behind the sink was when it read the alert.
    pub fn arrival(&self, notice: &Notice, behind_ms: i64) -> Arrival {
        let source_behind_ms = notice.logged_ms.map_or(0, |logged_ms| {
            notice.detected_ms.saturating_sub(logged_ms).max(0)
        });
        match source_behind_ms.saturating_add(behind_ms) > self.max_alert_age_ms {
            false => Arrival::InTime,
            true if notice.history => Arrival::History,
            true => Arrival::Late,
        }
    }

    /// Whether the sink gets the alert.
    ///
    /// # Errors
    /// Why it does not.
    pub fn decide(&self, notice: &Notice) -> Result<(), SkipReason> {
        if notice.experimental {
            return Err(SkipReason::Experimental);
        }
        if notice.suppressed {
            return Err(SkipReason::Suppressed);
        }
        if notice.replayed && !self.replayed {
            return Err(SkipReason::Replayed);
        }
        if notice.level < self.min_level {
            return Err(SkipReason::Filtered);
        }
        let matches = self
            .detection
            .as_ref()
            .is_none_or(|engine| !engine.matches(notice, &mut Scratch::default()).is_empty());
        // Not all of the alert's resources are in `notice`; the detection could match one of the others.
        if matches || notice.lacks_resources() {
            Ok(())
        } else {
            Err(SkipReason::Filtered)
        }
    }
}
