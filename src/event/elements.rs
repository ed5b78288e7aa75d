//! The elements of the lists of an event, for lines of a rule about one element: its resources, its authorizations, and
//! the objects in the parts that are kept as they came.

use std::ops::ControlFlow;

use super::attribute::{Attribute, member, word};
use super::audit_event::{AuditEvent, Authorization, Enrichment, Resource};
use super::path::{Path, PathTarget, RAW_PARTS, RawPart};
use super::request::{self, FactKind};
use super::walk::{Found, Walk};
use crate::json::{NodeId, ValueKind};
use crate::sigma::{Value, Visit, VisitElement};

type Visited = ControlFlow<()>;

/// The list that the first segments of a path name.
enum List<'p> {
    Resources,
    Authorizations,
    Enrichments,
    /// What the request says of this kind.
    Facts(FactKind),
    /// What these segments lead to in a raw part.
    Raw(RawPart, &'p [Box<str>]),
    /// None: the event is the only element.
    None,
}

impl Path {
    fn list(&self, depth: usize) -> List<'_> {
        match &self.0 {
            PathTarget::Attribute((_, Attribute::Resource(_))) if depth == 1 => List::Resources,
            PathTarget::Attribute((_, Attribute::Authorization(_))) if depth == 2 => {
                List::Authorizations
            }
            PathTarget::Attribute((_, Attribute::Enrichment(_))) if depth == 1 => List::Enrichments,
            PathTarget::Fact((kind, _)) if depth == request::DEPTH => List::Facts(*kind),
            PathTarget::Attribute(_) | PathTarget::Fact(_) | PathTarget::Several(_) => List::None,
            PathTarget::Raw(RawPart::ResourceData, _) if depth == 1 => List::Resources,
            PathTarget::Raw(part, segments) => match (part, depth.checked_sub(part.depth())) {
                // `unmapped` itself is an object of several parts.
                (RawPart::Unmapped, Some(0)) | (_, None) => List::None,
                (part, Some(below)) => match segments.get(..below) {
                    Some(segments) => List::Raw(*part, segments),
                    None => List::None,
                },
            },
        }
    }
}

impl RawPart {
    /// The number of segments of its name.
    fn depth(self) -> usize {
        let is_self =
            |part: &RawPart| std::mem::discriminant(part) == std::mem::discriminant(&self);
        let found = RAW_PARTS.iter().find(|(_, part)| is_self(part));
        found.map_or(0, |(name, _)| name.split('.').count())
    }
}

impl<'a> AuditEvent<'a> {
    /// See [`crate::sigma::Fields::elements`].
    pub(super) fn visit_elements(
        &self,
        path: &Path,
        depth: usize,
        certain: bool,
        visit: &mut VisitElement<'_, Path>,
    ) -> Visited {
        match path.list(depth) {
            List::Resources => self.resources.iter().try_for_each(|resource| {
                visit(&|path, certain, values| {
                    let _ = self.values_of_resource(resource, path, certain, values);
                })
            }),
            List::Authorizations => self.authorizations.iter().try_for_each(|authorization| {
                visit(&|path, certain, values| {
                    let _ = self.values_of_authorization(authorization, path, certain, values);
                })
            }),
            List::Enrichments => self.all_enrichments().try_for_each(|enrichment| {
                visit(&|path, _, values| {
                    let _ = values_of_enrichment(&enrichment, path, values);
                })
            }),
            List::Facts(kind) => self.facts(kind, certain, &mut |fact| {
                visit(&|path, _, values| {
                    if let PathTarget::Fact((_, member)) = &path.0 {
                        let _ = request::values(fact, member, values);
                    }
                })
            }),
            List::Raw(part, segments) => self.raw_elements(part, segments, certain, visit),
            List::None => visit(&|path, certain, values| {
                let _ = self.visit_values(path, certain, values);
            }),
        }
    }

    fn values_of_resource(
        &self,
        resource: &Resource<'_>,
        path: &Path,
        certain: bool,
        visit: &mut Visit<'_>,
    ) -> Visited {
        match &path.0 {
            PathTarget::Attribute((name, Attribute::Resource(part))) => {
                self.values_of_part(name, part(resource), certain, visit)
            }
            PathTarget::Raw(RawPart::ResourceData, segments) => match resource.data {
                Some(data) => self.walk(certain).visit(data, segments, visit),
                None => ControlFlow::Continue(()),
            },
            _ => ControlFlow::Continue(()),
        }
    }

    fn values_of_authorization(
        &self,
        authorization: &Authorization<'_>,
        path: &Path,
        certain: bool,
        visit: &mut Visit<'_>,
    ) -> Visited {
        match &path.0 {
            PathTarget::Attribute((name, Attribute::Authorization(part))) => {
                self.values_of_part(name, part(authorization), certain, visit)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// The value of a part of one element. A further reading of the attribute may be that of any element.
    fn values_of_part(
        &self,
        name: &str,
        value: Option<&str>,
        certain: bool,
        visit: &mut Visit<'_>,
    ) -> Visited {
        if certain && self.has_readings_of(name) {
            return match value.is_some() && self.every_other_reading_has(name) {
                true => visit(Value::Composite),
                false => ControlFlow::Continue(()),
            };
        }
        word(value, visit)?;
        self.visit_other_readings(name, visit)
    }

    /// The objects that segments lead to in a raw part.
    fn raw_elements(
        &self,
        part: RawPart,
        segments: &[Box<str>],
        certain: bool,
        visit: &mut VisitElement<'_, Path>,
    ) -> Visited {
        let below = segments.len();
        if let RawPart::Unmapped = part
            && !self.unmapped.attributes.is_empty()
        {
            visit(&|path, _, values| {
                if let PathTarget::Raw(_, segments) = &path.0 {
                    let _ = self.visit_unmapped_attributes(segments, values);
                }
            })?;
        }
        let walk = self.walk(certain);
        self.raw_starts(&walk, part, segments, &mut |walk, start, segments| {
            walk.nodes(start, segments, &mut |found| {
                let Found::Node(node) = found else {
                    return ControlFlow::Continue(());
                };
                if walk.document.kind(node) != ValueKind::Object {
                    return ControlFlow::Continue(());
                }
                visit(&|path, certain, values| {
                    values_below(&Walk { certain, ..*walk }, node, (path, below), values);
                })
            })
        })
    }

    fn walk(&self, certain: bool) -> Walk<'_, 'a> {
        Walk {
            certain,
            ..Walk::all(&self.unmapped.document)
        }
    }
}

fn values_of_enrichment(
    enrichment: &Enrichment<'_>,
    path: &Path,
    visit: &mut Visit<'_>,
) -> Visited {
    match &path.0 {
        PathTarget::Attribute((_, Attribute::Enrichment(name))) => {
            member(enrichment.data, name, visit)
        }
        _ => ControlFlow::Continue(()),
    }
}

/// The values of a path in an element, to which its first segments have led.
fn values_below(
    walk: &Walk<'_, '_>,
    element: NodeId,
    (path, below): (&Path, usize),
    visit: &mut Visit<'_>,
) {
    if let PathTarget::Raw(_, segments) = &path.0
        && let Some(rest) = segments.get(below..)
    {
        let _ = walk.visit(element, rest, visit);
    }
}
