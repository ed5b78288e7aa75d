//! The fields of records in the output topics, by the names that rules use, so that a filter matches an
//! event if a rule with the same detection does.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::{Emitted, RecordKind};
use crate::diagnostic::nearest;
use crate::event::{
    self, API_ACTIVITY, EventClass, FACT_DEPTH, FactMember, Found, GiveFact, Request, Walk,
    strings_without, values_of_fact,
};
use crate::finding::path;
use crate::json::{NodeId, ValueKind};
use crate::sigma::{Fields, Origin, UnknownField, Value, Visit, VisitElement};
use crate::vendors;

/// What events have besides the attributes that rules can name.
const OF_EVENTS: [&str; 12] = [
    "app.feature.name",
    "app.name",
    "app.vendor_name",
    "enrichments.name",
    "enrichments.type",
    "enrichments.value",
    "metadata.profiles",
    "metadata.version",
    "service.name",
    "service.uid",
    "severity",
    "severity_id",
];

/// Where an alert has its event.
const EVIDENCE: [&str; 2] = ["evidences", "data"];

/// Our headers of dead letters and of their receipts.
const OF_DEAD_LETTERS: [&str; 19] = [
    "watchbell-cut-sha256",
    "watchbell-cut-size",
    "watchbell-detail",
    "watchbell-origin",
    "watchbell-output",
    "watchbell-outputs",
    "watchbell-reason",
    "watchbell-repaired-sha256",
    "watchbell-repaired-size",
    "watchbell-retried",
    "watchbell-schema",
    "watchbell-sealed",
    "watchbell-sink",
    "watchbell-source-element",
    "watchbell-source-offset",
    "watchbell-source-partition",
    "watchbell-source-timestamp",
    "watchbell-source-topic",
    "watchbell-version",
];

/// A compiled field of a record.
#[derive(Debug, Clone)]
pub struct FieldPath {
    target: FieldTarget,
    /// The number of segments of its name.
    depth: usize,
}

#[derive(Debug, Clone)]
enum FieldTarget {
    Header(&'static str),
    /// What the request of an event says, which is read from its data; the first segments lead to the event.
    Fact(FactMember, &'static [&'static str]),
    /// Places in the value; the first one that exists is used.
    Value(Vec<FieldLocation>),
}

/// Where a field is.
#[derive(Debug, Clone)]
struct FieldLocation {
    /// For which classes of events it is one.
    classes: fn(&EventClass) -> bool,
    segments: Box<[Box<str>]>,
}

impl FieldLocation {
    fn of_any(path: &str) -> FieldLocation {
        FieldLocation {
            classes: |_| true,
            segments: segments(path),
        }
    }

    /// The place of an attribute in events of the classes that do not have it.
    fn without(path: &str, classes: fn(&EventClass) -> bool) -> FieldLocation {
        FieldLocation {
            classes,
            segments: segments(path),
        }
    }
}

impl FieldPath {
    /// Compiles the name of a field of this kind of record; a dead letter has watchbell's headers as
    /// fields.
    ///
    /// # Errors
    /// No record of this kind has the field; the nearest one is suggested.
    pub fn parse(kind: RecordKind, name: &str) -> Result<FieldPath, UnknownField> {
        let target = match kind {
            RecordKind::Event => any_of(name, of_event),
            RecordKind::Alert => any_of(name, of_alert),
            RecordKind::DeadLetter | RecordKind::Receipt | RecordKind::Foreign => {
                of_dead_letter(name)
            }
        }?;
        Ok(FieldPath {
            target,
            depth: name.split('.').count(),
        })
    }
}

/// The places of a name, or of several that are joined by `|`: a vendor's name stands for several.
fn any_of(
    name: &str,
    of: fn(&str) -> Result<FieldTarget, UnknownField>,
) -> Result<FieldTarget, UnknownField> {
    let mut places = Vec::new();
    for name in name.split('|') {
        match of(name)? {
            FieldTarget::Value(more) => places.extend(more),
            other => return Ok(other),
        }
    }
    Ok(FieldTarget::Value(places))
}

fn of_event(name: &str) -> Result<FieldTarget, UnknownField> {
    let known = OF_EVENTS.contains(&name) || is_below(name, "enrichments.data");
    if !known {
        let path = event::Path::parse(name).map_err(|unknown| UnknownField {
            suggestion: unknown
                .suggestion
                .or_else(|| nearest(name, OF_EVENTS).map(str::to_owned)),
        })?;
        if let Some(fact) = path.fact() {
            return Ok(FieldTarget::Fact(fact, &[]));
        }
    }
    // Their place differs between the classes.
    let (name, lacking): (_, fn(&EventClass) -> bool) = match name.split_once('.') {
        Some(("user", rest)) => (format!("actor.user.{rest}"), |class| class.has_app),
        Some(("actor" | "src_endpoint" | "http_request", _)) => {
            (name.to_owned(), |class| class.has_app)
        }
        Some(("api", _)) => (name.to_owned(), |class| !class.has_api),
        Some(("resources", _)) => (name.to_owned(), |class| !class.has_resources),
        _ => (name.to_owned(), |_| false),
    };
    let mut places = vec![
        FieldLocation::of_any(&name),
        FieldLocation::without(&format!("unmapped.{name}"), lacking),
    ];
    if name == "resources.uid" {
        places.push(FieldLocation::without("service.uid", |class| {
            class.has_login
        }));
    }
    Ok(FieldTarget::Value(places))
}

fn of_alert(name: &str) -> Result<FieldTarget, UnknownField> {
    let no_event_has = path::OF_SOURCE_ALERTS.contains(&name)
        || path::OPEN.iter().any(|part| is_below(name, part));
    if no_event_has {
        return Ok(FieldTarget::Value(vec![FieldLocation::of_any(name)]));
    }
    let in_evidence = |place: &str| place.strip_prefix("evidences.").map(str::to_owned);
    if let Some(of_event) = name.strip_prefix("evidences.data.") {
        let target = self::of_event(of_event)?;
        let places = match target {
            FieldTarget::Fact(fact, _) => return Ok(FieldTarget::Fact(fact, &EVIDENCE)),
            FieldTarget::Value(places) => places,
            FieldTarget::Header(_) => return Ok(target),
        };
        let below = |place: FieldLocation| {
            let evidence = EVIDENCE.into_iter().map(Box::from);
            FieldLocation {
                segments: evidence.chain(place.segments).collect(),
                ..place
            }
        };
        return Ok(FieldTarget::Value(places.into_iter().map(below).collect()));
    }
    // Alerts have these attributes in the same form as events.
    let shared = match in_evidence(name) {
        Some(rest) => ["actor.", "api.", "src_endpoint."]
            .iter()
            .any(|part| rest.starts_with(part))
            .then_some(rest),
        None => name.starts_with("resources.").then(|| name.to_owned()),
    };
    let known = path::ATTRIBUTES.contains(&name)
        || path::OF_EVERY_CLASS.contains(&name)
        || shared.is_some_and(|shared| event::Path::parse(&shared).is_ok());
    if known {
        return Ok(FieldTarget::Value(vec![FieldLocation::of_any(name)]));
    }
    let suggestion = if event::Path::parse(name).is_ok() {
        Some(format!("evidences.data.{name}"))
    } else {
        let all = path::ATTRIBUTES.into_iter().chain(path::OF_EVERY_CLASS);
        nearest(name, all).map(str::to_owned)
    };
    Err(UnknownField { suggestion })
}

fn of_dead_letter(name: &str) -> Result<FieldTarget, UnknownField> {
    match OF_DEAD_LETTERS.iter().find(|known| **known == name) {
        Some(known) => Ok(FieldTarget::Header(known)),
        None => Err(UnknownField {
            suggestion: nearest(name, OF_DEAD_LETTERS).map(str::to_owned),
        }),
    }
}

/// Whether a name is that of the part, or of a field below it.
fn is_below(name: &str, part: &str) -> bool {
    let rest = name.strip_prefix(part);
    rest.is_some_and(|rest| rest.is_empty() || rest.len() > 1 && rest.starts_with('.'))
}

fn segments(path: &str) -> Box<[Box<str>]> {
    path.split('.').map(Into::into).collect()
}

/// Strings that rules do not see, because watchbell adds them when it writes an event.
const ADDED: [&str; 6] = [
    "app",
    "enrichments",
    "metadata.profiles",
    "metadata.version",
    "service.name",
    "severity",
];

impl Emitted<'_> {
    /// The class of the event, or of the one that an alert holds; API Activity where none is known.
    fn class(&self) -> &'static EventClass {
        let uid = self.event().and_then(|event| event.int("class_uid"));
        uid.and_then(EventClass::of_uid).unwrap_or(&API_ACTIVITY)
    }

    /// The nodes of [`ADDED`] in an event, in document order.
    fn added(&self) -> Vec<NodeId> {
        let event = self.root().filter(|_| self.kind == RecordKind::Event);
        let parts = event.into_iter();
        let parts = parts.flat_map(|event| ADDED.into_iter().filter_map(move |p| event.at(p)));
        let mut nodes: Vec<NodeId> = parts.map(|part| part.id).collect();
        nodes.sort_by_key(|id| id.index());
        nodes
    }

    fn visit_header(&self, path: &FieldPath, visit: &mut Visit<'_>) {
        if let FieldTarget::Header(name) = path.target
            && let Some(text) = self.header(name)
        {
            let _ = visit(Value::String(&text));
        }
    }

    /// What the request of the event says, which is in these objects.
    fn facts(
        &self,
        walk: &Walk<'_, '_>,
        (fact, events): (FactMember, &[&str]),
        give: &mut GiveFact<'_>,
    ) -> ControlFlow<()> {
        let class = self.class();
        let nodes_at = |path: &str| {
            let path = events.iter().copied().chain(path.split('.'));
            let path: Vec<Box<str>> = path.map(Into::into).collect();
            let mut nodes = Vec::new();
            let all = Walk {
                certain: false,
                ..*walk
            };
            let _ = all.nodes(walk.document.root(), &path, &mut |found| {
                if let Found::Node(node) = found {
                    nodes.push(node);
                }
                ControlFlow::Continue(())
            });
            nodes
        };
        let text_at = |path: &str| walk.document.text(*nodes_at(path).first()?);
        let actor = ["uid", "uid_alt", "email_addr"].iter().filter_map(|part| {
            let id = text_at(&format!("actor.user.{part}"));
            let id = id.or_else(|| text_at(&format!("unmapped.actor.user.{part}")));
            Some(Cow::Owned(id?.to_string()))
        });
        let actor: Vec<_> = actor.collect();
        let data = match class.has_api {
            true => nodes_at("api.request.data"),
            false => [
                nodes_at("api.request.data"),
                nodes_at("unmapped.api.request.data"),
            ]
            .concat(),
        };
        let request = Request {
            document: walk.document,
            data: &data,
            left_out: if walk.certain { self.repeated() } else { &[] },
            actor: &actor,
        };
        request.facts(fact.0, give)
    }

    fn visit_values(&self, walk: &Walk<'_, '_>, path: &FieldPath, visit: &mut Visit<'_>) {
        if let FieldTarget::Fact(fact, events) = &path.target {
            let _ = self.facts(walk, (*fact, events), &mut |one| {
                values_of_fact(one, fact.1, visit)
            });
            return;
        }
        let FieldTarget::Value(places) = &path.target else {
            return self.visit_header(path, visit);
        };
        let class = self.class();
        for place in places {
            if !(place.classes)(class) {
                continue;
            }
            let mut found = false;
            let _ = walk.visit(walk.document.root(), &place.segments, &mut |value| {
                found = true;
                visit(value)
            });
            if found {
                return;
            }
        }
    }

    fn visit_strings(
        &self,
        left_out: &[NodeId],
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let RecordKind::DeadLetter | RecordKind::Receipt = self.kind {
            let values = self.record.headers.iter().filter_map(|header| header.value);
            for value in values {
                visit(&String::from_utf8_lossy(value))?;
            }
        }
        match (self.document(), self.record.value) {
            (Some(document), _) => strings_without(document, left_out, visit),
            (None, Some(value)) => visit(&String::from_utf8_lossy(value)),
            (None, None) => ControlFlow::Continue(()),
        }
    }
}

impl FieldPath {
    /// The place in which a record of this class has the field.
    fn places<'p>(&'p self, class: &'p EventClass) -> impl Iterator<Item = &'p [Box<str>]> {
        let places = match &self.target {
            FieldTarget::Value(places) => places.as_slice(),
            FieldTarget::Header(_) | FieldTarget::Fact(..) => &[],
        };
        let places = places.iter().filter(|place| (place.classes)(class));
        places.map(|place| &*place.segments)
    }
}

impl Emitted<'_> {
    /// The objects that the first segments of a field lead to, in each place of the field.
    fn visit_elements(
        &self,
        walk: &Walk<'_, '_>,
        (path, depth): (&FieldPath, usize),
        visit: &mut VisitElement<'_, FieldPath>,
    ) -> ControlFlow<()> {
        if let FieldTarget::Fact(fact, events) = &path.target {
            if depth != events.len() + FACT_DEPTH {
                return visit(&|path, certain, values| {
                    self.visit_values(&Walk { certain, ..*walk }, path, values);
                });
            }
            return self.facts(walk, (*fact, events), &mut |one| {
                visit(&|path, _, values| {
                    if let FieldTarget::Fact((_, member), _) = path.target {
                        let _ = values_of_fact(one, member, values);
                    }
                })
            });
        }
        let class = self.class();
        for place in path.places(class) {
            let Some(list) = (place.len() + depth)
                .checked_sub(path.depth)
                .and_then(|below| place.get(..below))
            else {
                continue;
            };
            let mut found = false;
            walk.nodes(walk.document.root(), list, &mut |leads_to| {
                let Found::Node(node) = leads_to else {
                    return ControlFlow::Continue(());
                };
                if walk.document.kind(node) != ValueKind::Object {
                    return ControlFlow::Continue(());
                }
                found = true;
                visit(&|path, certain, values| {
                    let below = path
                        .places(class)
                        .find_map(|place| place.strip_prefix(list));
                    if let Some(below) = below {
                        let _ = Walk { certain, ..*walk }.visit(node, below, values);
                    }
                })
            })?;
            if found {
                break;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Fields for Emitted<'_> {
    type Path = FieldPath;

    fn elements(
        &self,
        path: &FieldPath,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, FieldPath>,
    ) {
        if let Some(document) = self.document() {
            let all = Walk::all(document);
            let walk = if certain { all.certain() } else { all };
            let _ = self.visit_elements(&walk, (path, depth), visit);
        }
    }

    fn values(&self, path: &FieldPath, visit: &mut Visit<'_>) {
        match self.document() {
            Some(document) => self.visit_values(&Walk::all(document), path, visit),
            None => self.visit_header(path, visit),
        }
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.visit_strings(&self.added(), visit);
    }

    fn may_vary(&self, path: Option<&FieldPath>) -> bool {
        match path.map(|path| &path.target) {
            None => !self.repeated().is_empty(),
            Some(FieldTarget::Header(_)) => false,
            Some(FieldTarget::Fact(..)) => !self.repeated().is_empty(),
            Some(FieldTarget::Value(_)) => true,
        }
    }

    fn certain_values(&self, path: &FieldPath, visit: &mut Visit<'_>) {
        match self.document() {
            Some(document) => self.visit_values(&Walk::all(document).certain(), path, visit),
            None => self.visit_header(path, visit),
        }
    }

    fn certain_strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let mut left_out = self.added();
        left_out.extend(self.repeated());
        left_out.sort_by_key(|id| id.index());
        let _ = self.visit_strings(&left_out, visit);
    }

    /// The same log source that rules saw; for an alert, the one of its event.
    fn logsource(&self) -> Origin<'_> {
        let Some(event) = self.event() else {
            return Origin::default();
        };
        let word = |path: &str| {
            let part = event.at(path)?;
            let raw = part.document.raw(part.id);
            // A service that no catalogue has may be spelled with escapes; no rule can name it.
            let word = raw.strip_prefix('"')?.strip_suffix('"')?;
            (!word.contains('\\')).then_some(word)
        };
        let dialect = word("metadata.log_name").and_then(vendors::dialect_of_log_name);
        let class = self.class();
        let moved = || word("unmapped.api.service.name").filter(|_| !class.has_api);
        Origin {
            product: dialect.map(|dialect| dialect.logsource_product),
            service: word("api.service.name").or_else(moved),
            category: Some(class.logsource_category),
        }
    }
}
