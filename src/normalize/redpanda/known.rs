//! Which method was called, and what the catalogue knows of it. The admin API and the schema registry are HTTP APIs:
//! their events name the HTTP method and the path, by which the catalogue finds the operation.

use super::data::Data;
use crate::catalog::{Catalog, Catalogs, Method};
use crate::event::{
    APPLICATION_LIFECYCLE, AUTHENTICATION, Activity, EventClass, Resource, Unmapped,
};
use crate::json::{Document, Text};
use crate::normalize::walk;
use crate::vendors::REDPANDA;

/// The method of every login, in the catalogue and for rules.
const LOGIN: &str = "authenticate";

/// The method that an event is about.
pub(super) struct Known<'a> {
    catalog: Option<&'a Catalog>,
    pub(super) method: Option<&'a Method>,
    /// OCSF `api.operation`.
    pub(super) operation: Text<'a>,
    /// What the path of an HTTP request names.
    pub(super) of_path: Option<Text<'a>>,
}

impl<'a> Known<'a> {
    /// Moves `api.operation`, unless the catalogue has a name for the request.
    pub(super) fn of(
        catalogs: &'a Catalogs,
        unmapped: &mut Unmapped<'a>,
        data: &Data,
        class: &EventClass,
        activity: Activity,
        service: Option<&Text<'a>>,
    ) -> Known<'a> {
        let catalog = catalogs.of(REDPANDA.product);
        let service = service.map_or("", |name| name);
        let known = |operation: Text<'a>| Known {
            catalog,
            method: catalog.and_then(|catalog| catalog.method_of(service, &operation)),
            operation,
            of_path: None,
        };
        if class == &AUTHENTICATION {
            return known(Text::from(LOGIN));
        }
        if class == &APPLICATION_LIFECYCLE {
            return known(Text::from(match activity {
                Activity::Start => "application_start",
                Activity::Stop => "application_stop",
                _ => "application_other",
            }));
        }
        let routed = catalog.and_then(|catalog| {
            let word = catalog.service_of(service)?;
            let methods = catalog.methods().filter(|method| &*method.service == word);
            Route::of(&unmapped.document, data)?.find(methods)
        });
        match routed {
            Some((method, of_path)) => Known {
                catalog,
                method: Some(method),
                operation: Text::from(method.name.as_str()),
                of_path,
            },
            None => known(
                walk::take(unmapped, data.api.operation).unwrap_or_else(|| Text::from("unknown")),
            ),
        }
    }

    /// OCSF `api.service.name`: the catalogue's word, else the event's.
    pub(super) fn service_name(&self, service: Option<&Text<'a>>) -> Option<Text<'a>> {
        let service = service?;
        let known = self.catalog.and_then(|catalog| catalog.service_of(service));
        Some(known.map_or_else(|| service.clone(), Text::from))
    }

    /// What the path of the request names: the user, the role, the broker.
    pub(super) fn resource(&self) -> Option<Resource<'a>> {
        let kind = self.method?.resource_type.as_deref();
        let name = self.of_path.clone()?;
        Some(Resource {
            uid: Some(name.clone()),
            name: Some(name),
            kind: kind.map(Text::from),
            ..Resource::default()
        })
    }
}

/// An HTTP request.
struct Route<'a> {
    verb: Text<'a>,
    /// Without the query.
    path: Text<'a>,
}

impl<'a> Route<'a> {
    fn of(document: &Document<'a>, data: &Data) -> Option<Route<'a>> {
        let request = &data.http_request;
        let operation = walk::text(document, data.api.operation)?;
        // The schema registry names the operation itself where it checks rights.
        let verb = walk::text(document, request.http_method).filter(|verb| *verb == operation)?;
        let path = walk::text_at(document, request.url, &["path"])?;
        Some(Route {
            verb,
            path: path.part(|path| path.split('?').next())?,
        })
    }

    /// The first method with an alias such as `DELETE /v1/security/users/{user}` that fits, and what its last
    /// parameter stands for.
    fn find(
        &self,
        mut methods: impl Iterator<Item = &'a Method>,
    ) -> Option<(&'a Method, Option<Text<'a>>)> {
        let path = self.path.trim_end_matches('/');
        let fits = |alias: &String| {
            let (verb, template) = alias.split_once(' ')?;
            let is_verb = verb.eq_ignore_ascii_case(&self.verb);
            is_verb.then(|| last_parameter(template, path)).flatten()
        };
        methods.find_map(|method| {
            let parameter = method.aliases.iter().find_map(fits)?;
            let segment = |at: usize| self.path.part(|path| path.split('/').nth(at));
            Some((method, parameter.and_then(segment)))
        })
    }
}

/// Whether a path is one of the template, and if so the index of the segment that its last parameter stands for.
#[expect(
    clippy::option_option,
    reason = "it fits or not, with or without a parameter"
)]
fn last_parameter(template: &str, path: &str) -> Option<Option<usize>> {
    let mut segments = path.split('/');
    let mut last = None;
    for (at, expected) in template.split('/').enumerate() {
        let segment = segments.next()?;
        match expected.starts_with('{') && !segment.is_empty() {
            true => last = Some(at),
            false if expected == segment => {}
            false => return None,
        }
    }
    segments.next().is_none().then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_a_template_segment_by_segment() {
        const USER: &str = "/v1/security/users/{user}";
        const TOPIC: &str = "/v1/cloud_storage/sync_local_state/{topic}/{partition}";
        for (template, path, expected) in [
            (USER, "/v1/security/users/alice", Some(Some(4))),
            (USER, "/v1/security/users/", None),
            (USER, "/v1/security/users", None),
            (USER, "/v1/security/users/alice/roles", None),
            (USER, "/v1/security/roles/alice", None),
            (
                TOPIC,
                "/v1/cloud_storage/sync_local_state/t/0",
                Some(Some(5)),
            ),
            ("/subjects", "/subjects", Some(None)),
            ("/subjects", "", None),
        ] {
            assert_eq!(last_parameter(template, path), expected, "{path}");
        }
    }
}
