//! The texts for one event, used by lines and pages: actor, operation, resource, outcome and address,
//! with names before ids.

use std::borrow::Cow;
use std::collections::HashMap;

use super::emitted::JsonPart;
use crate::event::secret::without_secret_values;
use crate::finding::path;

/// A time in UTC with so many `decimals` of a second. A number out of range stays a number.
pub fn moment(time_ms: i64, decimals: usize) -> String {
    match jiff::Timestamp::from_millisecond(time_ms) {
        Ok(time) => format!("{time:.decimals$}"),
        Err(_) => format!("{time_ms} ms"),
    }
}

/// The actor: `Jane Doe (u-5r7t9w)`.
pub fn who(event: JsonPart<'_, '_>) -> String {
    let user = |part| event.text(&format!("actor.user.{part}"));
    let name = user("name").or_else(|| user("email_addr"));
    named(name, user("uid")).unwrap_or_else(|| "unknown".to_owned())
}

/// The method; for an authorization check also the authorized operation: `mds.Authorize (Describe)`.
pub fn what(event: JsonPart<'_, '_>) -> String {
    let operation = api(event, "operation").unwrap_or("unknown".into());
    match event.text("unmapped.data.authorizationInfo.operation") {
        Some(asked) if asked != operation => format!("{operation} ({asked})"),
        _ => operation.into_owned(),
    }
}

/// A part of `api`, which an Authentication without the cloud profile has under `unmapped`.
pub fn api<'r>(event: JsonPart<'_, 'r>, path: &str) -> Option<Cow<'r, str>> {
    let of_api = event.text(&format!("api.{path}"));
    of_api.or_else(|| event.text(&format!("unmapped.api.{path}")))
}

/// The first resource and how many more there are; for an Authentication, the service.
pub fn on_what(event: JsonPart<'_, '_>) -> Option<String> {
    let mut resources = event.each("resources");
    if let Some(first) = resources.next() {
        let mut text = resource(first);
        if let Some(namespace) = first.text("namespace")
            && first.text("uid").as_deref() != Some(&*namespace)
        {
            text.push_str(" in ");
            text.push_str(&Known::of(event).named(&namespace));
        }
        let more = resources.count();
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        return Some(text);
    }
    let service = event.at("service")?;
    named(service.text("uid"), service.text("name"))
}

/// `STATEMENT Order enrichment (orders-enrich-prod)`
pub fn resource(resource: JsonPart<'_, '_>) -> String {
    let name = named(resource.text("name"), resource.text("uid"));
    let name = name.unwrap_or_else(|| "unknown".to_owned());
    match resource.text("type") {
        Some(kind) => format!("{kind} {name}"),
        None => name,
    }
}

/// OCSF `status`.
pub fn outcome<'r>(event: JsonPart<'_, 'r>) -> Cow<'r, str> {
    event.text("status").unwrap_or("Unknown".into())
}

/// The values that matched, as `field = values`, without secrets.
pub fn why(alert: JsonPart<'_, '_>) -> Vec<String> {
    let lines = alert.texts(path::WHY);
    let shown = |line: &Cow<'_, str>| without_secret_values(line).into_owned();
    lines.iter().map(shown).collect()
}

/// The source address, else the source's name, and what is known of where that is:
/// `10.1.2.3 (office-berlin, corporate)`.
pub fn origin(event: JsonPart<'_, '_>) -> String {
    let address = [
        event.text("src_endpoint.ip"),
        event.text("src_endpoint.name"),
    ];
    let address = address.into_iter().flatten().next();
    let address = address.unwrap_or("unknown".into());
    let mut enrichments = event.each("enrichments");
    let network = enrichments.find(|one| one.text("name").as_deref() == Some("src_endpoint.ip"));
    let network = network.and_then(|network| network.text("data.network"));
    let system = |part: &str| event.text(&format!("src_endpoint.autonomous_system.{part}"));
    let number = system("number").map(|number| format!("AS{number}"));
    let system = named_system(number, system("name"));
    let place = [
        network,
        event.text("src_endpoint.zone"),
        event.text("src_endpoint.location.city"),
        event.text("src_endpoint.location.country"),
        system.map(Cow::Owned),
    ];
    let place: Vec<Cow<'_, str>> = place.into_iter().flatten().collect();
    match place.is_empty() {
        true => address.into_owned(),
        false => format!("{address} ({})", place.join(", ")),
    }
}

/// The program that was used: `Terraform 2.1.0`, or `the console`; and what it calls itself.
pub fn client(event: JsonPart<'_, '_>) -> Option<String> {
    let claim = event.text("http_request.user_agent");
    let claim = claim.or_else(|| event.text("actor.app_name"));
    let mut enrichments = event.each("enrichments");
    let Some(known) = enrichments.find(|one| one.at("data.client").is_some()) else {
        return claim.map(Cow::into_owned);
    };
    let family = match known.text("data.client") {
        Some(family) if family == "console" => Some("the console".into()),
        family => family,
    };
    let parts = [family, known.text("data.client_version")];
    let parts: Vec<Cow<'_, str>> = parts.into_iter().flatten().collect();
    named(Some(parts.join(" ").into()), claim)
}

/// `AS64500 Example Networks`, or the part of it that is known.
fn named_system(number: Option<String>, name: Option<Cow<'_, str>>) -> Option<String> {
    let parts = [number.map(Cow::Owned), name].into_iter().flatten();
    let parts: Vec<Cow<'_, str>> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The names that the names file has for the ids of an event.
pub struct Known<'r>(HashMap<Cow<'r, str>, Cow<'r, str>>);

impl<'r> Known<'r> {
    /// The names in the event's `enrichments`.
    pub fn of(event: JsonPart<'_, 'r>) -> Known<'r> {
        let mut known = HashMap::new();
        for one in event.each("enrichments") {
            if let (Some(id), Some(name)) = (one.text("value"), one.text("data.name")) {
                known.entry(id).or_insert(name);
            }
        }
        Known(known)
    }

    /// The name of an id, and the id; without a name, the id.
    pub fn named(&self, id: &str) -> String {
        named(self.0.get(id).cloned(), Some(id.into())).unwrap_or_default()
    }
}

/// `name (id)`, or the one of them that exists.
pub fn named(name: Option<Cow<'_, str>>, id: Option<Cow<'_, str>>) -> Option<String> {
    match (name, id) {
        (Some(name), Some(id)) if name != id => Some(format!("{name} ({id})")),
        (Some(one), _) | (None, Some(one)) => Some(one.into_owned()),
        (None, None) => None,
    }
}
