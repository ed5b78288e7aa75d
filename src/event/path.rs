//! Field paths: how rules name a part of an event. A path is an OCSF attribute from one table, or
//! leads into a part kept as it came (`unmapped`, `api.request.data`, …), where names compare
//! ignoring case and underscores, so one path serves all dialects.
//!
//! Callers choose the names in what they send, so they may send one twice, or in two spellings. An
//! event then has a reading for each, and the values of a path are those of every reading.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::attribute::{ATTRIBUTES, Attribute, Visited, text};
use super::audit_event::{AuditEvent, CONTAINER};
use super::request::{self, FACTS, FactKind, FactMember, GiveFact, Request};
use super::walk::{Walk, may_be_path, strings_without};
use crate::json::{NodeId, same_name, segments_named};
use crate::sigma::{Fields, Origin, UnknownField, Value, Visit, VisitElement};
use crate::vendors;

/// Receives a node, with a search in its document and the segments that lead on from it.
type GiveStart<'g> = dyn FnMut(&Walk<'_, '_>, NodeId, &[Box<str>]) -> Visited + 'g;

/// A compiled field path.
#[derive(Debug, Clone)]
pub struct Path(pub(super) PathTarget);

#[derive(Debug, Clone)]
pub(super) enum PathTarget {
    Attribute(&'static (&'static str, Attribute)),
    /// A member of what the request says.
    Fact(FactMember),
    Raw(RawPart, Box<[Box<str>]>),
    /// Several places, of which each may have values.
    Several(Box<[Path]>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum RawPart {
    Unmapped,
    RequestData,
    ResponseData,
    ResourceData,
}

/// The part that callers send.
pub const REQUEST_DATA: &str = "api.request.data";

pub(super) const RAW_PARTS: [(&str, RawPart); 4] = [
    ("unmapped", RawPart::Unmapped),
    (REQUEST_DATA, RawPart::RequestData),
    ("api.response.data", RawPart::ResponseData),
    ("resources.data", RawPart::ResourceData),
];

impl Path {
    /// Compiles a path such as `api.operation` or `unmapped.data.authorizationInfo.operation`, or several that are
    /// joined by `|`: the values are those of all.
    ///
    /// # Errors
    /// A name that is no attribute and leads into no raw part; the nearest attribute is suggested.
    pub fn parse(path: &str) -> Result<Self, UnknownField> {
        if path.contains('|') {
            let places: Result<_, _> = path.split('|').map(Self::parse).collect();
            return Ok(Self(PathTarget::Several(places?)));
        }
        if let Some(attribute) = ATTRIBUTES.iter().find(|(name, _)| *name == path) {
            return Ok(Self(PathTarget::Attribute(attribute)));
        }
        if let Some((_, fact)) = FACTS.iter().find(|(name, _)| *name == path) {
            return Ok(Self(PathTarget::Fact(*fact)));
        }
        for (name, part) in RAW_PARTS {
            let Some(rest) = path.strip_prefix(name) else {
                continue;
            };
            let segments: Vec<&str> = match rest.strip_prefix('.') {
                Some(rest) => rest.split('.').collect(),
                None if rest.is_empty() => Vec::new(),
                None => continue,
            };
            let is_part_named = !matches!(part, RawPart::Unmapped)
                || segments.first().is_none_or(|first| !first.starts_with('*'));
            if is_part_named && may_be_path(&segments) {
                let segments = segments.into_iter().map(Into::into).collect();
                return Ok(Self(PathTarget::Raw(part, segments)));
            }
        }
        // The list has no value of its own; its elements have.
        let member_of = |list: &str| {
            let mut below = Self::facts().filter_map(|fact| {
                let rest = fact.strip_prefix(list)?;
                rest.starts_with('.').then_some(fact)
            });
            let first = below.next();
            let named = |fact: &&'static str| fact.ends_with(".name") || fact.ends_with(".uid");
            below.find(named).or(first).map(ToOwned::to_owned)
        };
        if let Some(member) = member_of(path).filter(|_| path != "api.request") {
            return Err(UnknownField {
                suggestion: Some(member),
            });
        }
        let names = Self::attributes().chain(Self::facts());
        let names = names.chain(RAW_PARTS.map(|(name, _)| name));
        let near = || crate::diagnostic::nearest(path, names).map(ToOwned::to_owned);
        Err(UnknownField {
            suggestion: vendors::attribute_of_native(path).or_else(near),
        })
    }

    /// Every attribute that a rule can name, in alphabetical order, raw parts apart.
    pub fn attributes() -> impl Iterator<Item = &'static str> {
        ATTRIBUTES.iter().map(|(name, _)| *name)
    }

    /// Every path at which a rule finds what a request says, in whatever shape it says it. They are not written.
    pub fn facts() -> impl Iterator<Item = &'static str> {
        FACTS.iter().map(|(name, _)| *name)
    }

    /// What of a request the path stands for, if it does.
    pub(crate) fn fact(&self) -> Option<FactMember> {
        match self.0 {
            PathTarget::Fact(fact) => Some(fact),
            _ => None,
        }
    }

    /// Whether a part of the event is written at the path.
    pub fn is_written(&self) -> bool {
        self.fact().is_none()
    }
}

impl AuditEvent<'_> {
    fn raw_values(
        &self,
        walk: &Walk<'_, '_>,
        part: RawPart,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> Visited {
        if let RawPart::Unmapped = part {
            if segments.is_empty() {
                return match self.writes_unmapped() {
                    true => visit(Value::Composite),
                    false => ControlFlow::Continue(()),
                };
            }
            self.visit_unmapped_attributes(segments, visit)?;
        }
        if matches!(part, RawPart::RequestData)
            && walk.certain
            && self.has_readings_of(REQUEST_DATA)
            && self
                .request_data_readings()
                .all(|data| walk.leads_on(data, segments))
        {
            visit(Value::Composite)?;
        }
        self.raw_starts(walk, part, segments, &mut |walk, node, segments| {
            walk.visit(node, segments, visit)
        })
    }

    /// Gives what the request says.
    pub(super) fn facts(&self, kind: FactKind, certain: bool, give: &mut GiveFact<'_>) -> Visited {
        if certain && self.has_readings_of(REQUEST_DATA) {
            return ControlFlow::Continue(());
        }
        let data: Vec<NodeId> = self.request_data_readings().collect();
        let user = &self.user;
        let actor = [&user.uid, &user.uid_alt, &user.email_addr];
        let actor: Vec<_> = actor
            .into_iter()
            .flatten()
            .map(|id| Cow::Borrowed(&**id))
            .collect();
        let request = Request {
            document: &self.unmapped.document,
            data: &data,
            left_out: if certain {
                &self.unmapped.repeated
            } else {
                &[]
            },
            actor: &actor,
        };
        request.facts(kind, give)
    }

    /// The data of the request in each reading that has some.
    fn request_data_readings(&self) -> impl Iterator<Item = NodeId> {
        let others = self.other_request_data.iter();
        self.api.request_data.iter().chain(others).copied()
    }

    /// Visits what was added under `unmapped` beside the rest of the input.
    pub(super) fn visit_unmapped_attributes(
        &self,
        segments: &[Box<str>],
        visit: &mut Visit<'_>,
    ) -> Visited {
        for (name, value) in &self.unmapped.attributes {
            if segments_named(name, segments) == Some(segments.len()) {
                visit(Value::String(value))?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Gives each node below which a raw part is, with a search for it and the segments that lead on.
    pub(super) fn raw_starts(
        &self,
        walk: &Walk<'_, '_>,
        part: RawPart,
        segments: &[Box<str>],
        give: &mut GiveStart<'_>,
    ) -> Visited {
        match part {
            RawPart::RequestData => {
                if walk.certain && self.has_readings_of(REQUEST_DATA) {
                    return ControlFlow::Continue(());
                }
                let mut readings = self.request_data_readings();
                readings.try_for_each(|data| give(walk, data, segments))
            }
            RawPart::ResponseData => match self.api.response_data {
                Some(data) => give(walk, data, segments),
                None => ControlFlow::Continue(()),
            },
            RawPart::ResourceData => {
                let mut scopes = self.resources.iter().filter_map(|resource| resource.data);
                scopes.try_for_each(|data| give(walk, data, segments))
            }
            RawPart::Unmapped => self.unmapped_starts(walk, segments, give),
        }
    }

    fn unmapped_starts(
        &self,
        walk: &Walk<'_, '_>,
        segments: &[Box<str>],
        give: &mut GiveStart<'_>,
    ) -> Visited {
        if let Some(container) = self.unmapped.around
            && let [first, rest @ ..] = segments
            && same_name(CONTAINER, first)
        {
            let around = Walk {
                document: container,
                hidden: &|id| !container.has_unmarked_leaf(id),
                certain: walk.certain,
            };
            give(&around, container.root(), rest)?;
        }
        let segments = match (self.unmapped.root_name, segments) {
            (None, segments) => segments,
            (Some(root), [first, rest @ ..]) if same_name(root, first) => rest,
            (Some(_), _) => return ControlFlow::Continue(()),
        };
        let walk = Walk {
            // A node of which everything has moved is not written under `unmapped`.
            hidden: &|id| !self.unmapped.remains(id),
            ..*walk
        };
        give(&walk, walk.document.root(), segments)
    }

    /// Whether anything is written under `unmapped`: the rest of the input, and what the class has no
    /// attribute for.
    fn writes_unmapped(&self) -> bool {
        let unmapped = &self.unmapped;
        let is_rest = unmapped.remains(unmapped.document.root());
        let is_moved =
            !self.has_api_attribute() || !self.class.has_resources && !self.resources.is_empty();
        is_rest || is_moved || !unmapped.attributes.is_empty() || unmapped.around.is_some()
    }

    pub(super) fn visit_values(
        &self,
        path: &Path,
        certain: bool,
        visit: &mut Visit<'_>,
    ) -> Visited {
        match &path.0 {
            PathTarget::Attribute((name, attribute)) => {
                if certain && self.has_readings_of(name) {
                    return self.visit_differing(name, attribute, visit);
                }
                attribute.visit(self, visit)?;
                self.visit_other_readings(name, visit)
            }
            PathTarget::Fact((kind, member)) => self.facts(*kind, certain, &mut |fact| {
                request::values(fact, member, visit)
            }),
            PathTarget::Raw(part, segments) => {
                let all = Walk::all(&self.unmapped.document);
                let walk = if certain { all.certain() } else { all };
                self.raw_values(&walk, *part, segments, visit)
            }
            PathTarget::Several(places) => {
                let mut places = places.iter();
                places.try_for_each(|place| self.visit_values(place, certain, visit))
            }
        }
    }

    pub(super) fn visit_other_readings(&self, path: &str, visit: &mut Visit<'_>) -> Visited {
        let others = self.other_readings.iter();
        let mut others = others.filter(|(other, _)| *other == path);
        others.try_for_each(|(_, value)| text(value.as_ref(), visit))
    }

    /// Visits a value that equals nothing if each reading has some value of an attribute.
    fn visit_differing(&self, name: &str, attribute: &Attribute, visit: &mut Visit<'_>) -> Visited {
        let has_value = attribute.visit(self, &mut |_| ControlFlow::Break(()));
        match has_value.is_break() && self.every_other_reading_has(name) {
            true => visit(Value::Composite),
            false => ControlFlow::Continue(()),
        }
    }

    /// Whether each further reading of an attribute has a value.
    pub(super) fn every_other_reading_has(&self, path: &str) -> bool {
        let others = self.other_readings.iter();
        let mut others = others.filter(|(other, _)| *other == path);
        others.all(|(_, value)| value.is_some())
    }

    pub(super) fn has_readings_of(&self, path: &str) -> bool {
        self.other_readings.iter().any(|(other, _)| *other == path)
    }

    fn visit_strings(
        &self,
        left_out: &[NodeId],
        certain: bool,
        visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Visited {
        // Enrichments are what is said of a value elsewhere; a search for a keyword is not about them.
        let searched = |attribute: &Attribute| !matches!(attribute, Attribute::Enrichment(_));
        for (name, attribute) in ATTRIBUTES.iter().filter(|(_, a)| searched(a)) {
            if certain && self.has_readings_of(name) {
                continue;
            }
            attribute.visit(self, &mut |value| match value {
                Value::String(text) => visit(text),
                _ => ControlFlow::Continue(()),
            })?;
        }
        for (_, value) in &self.unmapped.attributes {
            visit(value)?;
        }
        if let Some(container) = self.unmapped.around {
            let marked = container.nodes().filter(|id| container.is_marked(*id));
            strings_without(container, &marked.collect::<Vec<_>>(), visit)?;
        }
        strings_without(&self.unmapped.document, left_out, visit)
    }
}

impl Fields for AuditEvent<'_> {
    type Path = Path;

    fn elements(
        &self,
        path: &Path,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Path>,
    ) {
        let _ = self.visit_elements(path, depth, certain, visit);
    }

    fn costly_list(&self, path: &Path) -> Option<(u32, usize)> {
        let (kind, _) = path.fact()?;
        Some((kind as u32, request::DEPTH))
    }

    fn values(&self, path: &Path, visit: &mut Visit<'_>) {
        let _ = self.visit_values(path, false, visit);
    }

    fn strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.visit_strings(&[], false, visit);
    }

    fn may_vary(&self, path: Option<&Path>) -> bool {
        match path.map(|path| &path.0) {
            None => !self.unmapped.repeated.is_empty(),
            Some(PathTarget::Attribute(_)) => !self.other_readings.is_empty(),
            Some(PathTarget::Fact(_)) => {
                !self.unmapped.repeated.is_empty() || !self.other_readings.is_empty()
            }
            // Names with dots may repeat a path; that is known only after a search.
            Some(PathTarget::Raw(..) | PathTarget::Several(_)) => true,
        }
    }

    fn certain_values(&self, path: &Path, visit: &mut Visit<'_>) {
        let _ = self.visit_values(path, true, visit);
    }

    fn certain_strings(&self, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) {
        let _ = self.visit_strings(&self.unmapped.repeated, true, visit);
    }

    fn logsource(&self) -> Origin<'_> {
        Origin {
            product: Some(self.metadata.dialect.logsource_product),
            service: self.api.service_name.as_deref(),
            category: Some(self.class.logsource_category),
        }
    }
}
