//! Shows one record as a page: what happened, the resources and their scopes, request and response, the
//! record's origin, and the unmapped fields.

mod sheet;
mod unread;

use self::sheet::Page;
pub use self::sheet::heading;
use super::emitted::JsonPart;
use super::pretty::pretty;
use super::style::Tone;
use super::words::{self, Known, moment};
use super::{At, Emitted, Paint, RecordKind};
use crate::event::secret::without_secret_values;
use crate::finding::path;

/// The page of a record; for an alert, with its event.
pub fn page(emitted: &Emitted<'_>, paint: Paint) -> String {
    let mut page = Page {
        out: String::new(),
        paint,
    };
    match (emitted.kind, emitted.root()) {
        (RecordKind::Event, Some(event)) => page.event(event, emitted),
        (RecordKind::Alert, Some(alert)) => page.alert(alert, emitted),
        (RecordKind::DeadLetter, _) => page.dead_letter(emitted),
        (RecordKind::Receipt, _) => page.receipt(emitted),
        _ => page.foreign(emitted),
    }
    page.out
}

impl Page {
    fn event(&mut self, event: JsonPart<'_, '_>, emitted: &Emitted<'_>) {
        let outcome = words::outcome(event);
        let (who, what) = (words::who(event), words::what(event));
        self.line(Tone::Bold, &format!("{what} by {who}: {outcome}"));
        if let Some(message) = event.text("message") {
            self.line(Tone::Plain, &message);
        }
        self.out.push('\n');
        self.happened(event);
        let resources: Vec<JsonPart<'_, '_>> = event.each("resources").collect();
        self.resources(event, &resources);
        self.exchange(event);
        self.names(event);
        self.metadata(event, emitted);
        if let Some(unmapped) = event.at("unmapped") {
            self.heading("Event record, what OCSF has no place for");
            self.json(Some(unmapped));
        }
    }

    /// Time, actor, operation, outcome and address.
    fn happened(&mut self, event: JsonPart<'_, '_>) {
        let time = event.int("time").map(|time| moment(time, 3));
        self.row("When", time);
        self.row("Who", Some(words::who(event)));
        let user = |part: &str| event.text(&format!("actor.user.{part}"));
        self.row("  kind", user("type"));
        self.row("  e-mail", user("email_addr"));
        self.row("  identity", user("uid_alt"));
        self.row("  credential", user("credential_uid"));
        self.row("  team", user("groups.name"));
        self.row("  on behalf of", event.text("actor.invoked_by"));
        self.row("  client", words::client(event));
        self.row("  session", event.text("actor.session.uid"));
        self.row("What", Some(words::what(event)));
        let service = [
            words::api(event, "service.name"),
            words::api(event, "group.name"),
        ];
        let service: Vec<_> = service.into_iter().flatten().collect();
        self.row(
            "  service",
            (!service.is_empty()).then(|| service.join(", ")),
        );
        self.row("  activity", event.text("activity_name"));
        self.row("  mechanism", event.text("auth_protocol"));
        if event.at("resources").is_none() {
            self.row("On", words::on_what(event));
        }
        let outcome = words::outcome(event);
        self.toned("Outcome", Tone::of_status(&outcome), Some(&outcome));
        self.row("  as written", event.text("status_code"));
        self.row("  detail", event.text("status_detail"));
        self.row("  error", words::api(event, "response.error"));
        self.row("  message", words::api(event, "response.error_message"));
        for given in event.each("actor.authorizations") {
            let policy = [given.text("policy.type"), given.text("policy.name")];
            let policy: Vec<_> = policy.into_iter().flatten().collect();
            let decision = given.text("decision").unwrap_or("decided".into());
            let by = if policy.is_empty() { "" } else { " by " };
            let text = format!("{decision}{by}{}", policy.join(" "));
            self.row("  decision", Some(text));
        }
        let port = event.text("src_endpoint.port");
        let port = port.map_or_else(String::new, |port| format!(", port {port}"));
        self.row("From", Some(format!("{}{port}", words::origin(event))));
        let cloud = ["provider", "region"].map(|part| event.text(&format!("cloud.{part}")));
        let cloud: Vec<_> = cloud.into_iter().flatten().collect();
        self.row("  region", event.text("src_endpoint.location.region"));
        self.row("  owner", event.text("src_endpoint.owner.name"));
        self.row("Cloud", (!cloud.is_empty()).then(|| cloud.join(", ")));
        let project = event.text("cloud.project_uid");
        self.row(
            "  environment",
            project.map(|id| Known::of(event).named(&id)),
        );
        let account = event.text("cloud.account.uid");
        let account_name = event.text("cloud.account.name");
        self.row("  account", words::named(account_name, account));
        let organization = event.text("cloud.org.uid");
        let organization_name = event.text("cloud.org.name");
        self.row(
            "  organization",
            words::named(organization_name, organization),
        );
    }

    /// Each resource with its scopes, from the outermost inwards, and its owner.
    fn resources(&mut self, event: JsonPart<'_, '_>, resources: &[JsonPart<'_, '_>]) {
        if resources.is_empty() {
            return;
        }
        self.heading("Related resources");
        let known = Known::of(event);
        for resource in resources {
            let text = self.paint.paint(Tone::Bold, &words::resource(*resource));
            self.write(format_args!("  {text}\n"));
            let scope: Vec<String> = resource
                .each("data.resources")
                .map(|outer| {
                    let id = outer.text("resourceId").unwrap_or_default();
                    let kind = outer.text("type").unwrap_or_default();
                    format!("{kind} {}", known.named(&id))
                })
                .collect();
            self.row(
                "  belongs to",
                (!scope.is_empty()).then(|| scope.join(" > ")),
            );
            let namespace = resource.text("namespace").filter(|_| scope.is_empty());
            self.row("  environment", namespace.map(|id| known.named(&id)));
            self.row("  region", resource.text("region"));
            self.row("  owner", resource.text("owner.name"));
            self.row("  team", resource.text("group.name"));
            self.row("  full name", resource.text("uid_alt"));
            for more in resource
                .each("data")
                .filter(|part| part.name() != "resources")
            {
                let mut text = String::new();
                pretty(more.document, more.id, 2, &mut text);
                let name = self.paint.paint(Tone::Faint, &more.name());
                self.write(format_args!("    {name}: {text}\n"));
            }
        }
    }

    fn exchange(&mut self, event: JsonPart<'_, '_>) {
        let request = event
            .at("api.request")
            .or_else(|| event.at("unmapped.api.request"));
        if let Some(request) = request {
            self.heading("Request");
            self.row("Id", request.text("uid"));
            self.json(request.at("data"));
        }
        if let Some(response) = event.at("api.response.data") {
            self.heading("Response");
            self.json(Some(response));
        }
    }

    fn names(&mut self, event: JsonPart<'_, '_>) {
        let known: Vec<JsonPart<'_, '_>> = event.each("enrichments").collect();
        if known.is_empty() {
            return;
        }
        self.heading("What was added");
        for one in known {
            let facts: Vec<String> = one
                .each("data")
                .filter_map(|fact| Some(format!("{} {}", fact.name(), fact.scalar()?)))
                .collect();
            let id = one.text("value").unwrap_or_default();
            self.row(&id, Some(format!(" {}", facts.join(", "))));
        }
    }

    fn metadata(&mut self, event: JsonPart<'_, '_>, emitted: &Emitted<'_>) {
        self.heading("Metadata");
        let metadata = |part: &str| event.text(&format!("metadata.{part}"));
        self.row("Event id", metadata("uid"));
        self.row("Event type", metadata("event_code"));
        self.row("Event source", metadata("source"));
        self.row("Time as written", metadata("original_time"));
        self.row("Product", metadata("product.name"));
        self.row("Dialect", metadata("log_name"));
        let labels = event.texts("metadata.labels").join(", ");
        self.row("Labels", (!labels.is_empty()).then_some(labels));
        self.row("Class", event.text("class_name"));
        self.record(emitted);
    }

    /// Position and time of the record, and the rules in force when it was written.
    fn record(&mut self, emitted: &Emitted<'_>) {
        let record = &emitted.record;
        if record.position.topic.is_empty() {
            return;
        }
        self.row("Rule set", emitted.header("ce_watchbellruleset"));
        self.row("Key", record.key.map(String::from_utf8_lossy));
        let written = record.timestamp_ms.map(|time| moment(time, 3));
        self.row("Written", written);
        self.row("File", emitted.file_name());
        self.row("Stands at", Some(At::from(record.position).to_string()));
    }

    fn suppression(&mut self, alert: JsonPart<'_, '_>) {
        let Some(suppression) = alert.at(path::SUPPRESSION) else {
            return;
        };
        let part = |name| suppression.text(name).unwrap_or_default();
        let text = format!("{}: {}", part("title"), part("reason"));
        self.row("Suppressed", Some(text));
        self.row("  owner", Some(part("owner")));
        self.row("  until", Some(part("expires")));
        self.row("  id", Some(part("uid")));
    }

    fn alert(&mut self, alert: JsonPart<'_, '_>, emitted: &Emitted<'_>) {
        let level = alert.text(path::SEVERITY).unwrap_or("Unknown".into());
        let title = alert.text(path::MESSAGE).unwrap_or_default();
        let title = format!("[{}] {title}", level.to_uppercase());
        self.line(Tone::of_severity(&level), &title);
        if let Some(about) = alert.text(path::DESCRIPTION) {
            self.line(Tone::Plain, &about);
        }
        self.out.push('\n');
        self.row("When", alert.int(path::TIME).map(|time| moment(time, 3)));
        let raised = alert.int(path::PROCESSED_TIME);
        self.row("Raised", raised.map(|time| moment(time, 3)));
        self.suppression(alert);
        for change in alert.texts(path::CHANGES) {
            self.row("Changed", Some(change));
        }
        for (number, why) in words::why(alert).iter().enumerate() {
            self.row(if number == 0 { "Why" } else { "" }, Some(why));
        }
        for field in alert.each(path::FIELDS) {
            let values: Vec<_> = match field.scalar() {
                Some(value) => vec![value],
                None => field.elements().filter_map(JsonPart::scalar).collect(),
            };
            let text = format!("{} = {}", field.name(), values.join(", "));
            self.row("  see also", Some(without_secret_values(&text)));
        }
        self.row("Catalog entry", alert.text(path::CATALOG_ENTRY));
        self.row("What to do", alert.text(path::RUNBOOK));
        for reference in alert.texts(path::RUNBOOK_LINKS) {
            self.row("  see", Some(reference));
        }
        for harmless in alert.texts(path::FALSE_POSITIVES) {
            self.row("False positives", Some(harmless));
        }
        self.row("Rule", alert.text(path::RULE_TITLE));
        self.row("  id", alert.text(path::RULE_ID));
        self.row("  version", alert.text(path::RULE_VERSION));
        let tags = alert.texts(path::TAGS).join(", ");
        self.row("  tags", (!tags.is_empty()).then_some(tags));
        if emitted.event().is_none() {
            let resources: Vec<JsonPart<'_, '_>> = alert.each("resources").collect();
            if let Some(evidence) = alert.each(path::EVIDENCES).next() {
                self.heading("What happened");
                self.evidence(evidence, alert);
            }
            self.resources(alert, &resources);
        }
        self.heading("Metadata");
        self.row("Alert id", alert.text(path::UID));
        self.row("Group", alert.text(path::GROUP_KEY));
        let labels = alert.texts(path::LABELS).join(", ");
        self.row("Labels", (!labels.is_empty()).then_some(labels));
        for related in alert.each(path::RELATED_EVENTS) {
            self.row("Event id", related.text("uid"));
        }
        self.record(emitted);
        let shown = [
            "rule_set",
            "outcome",
            "outcome_detail",
            "changes",
            "catalog_entry",
            "why",
            "tags",
            "falsepositives",
            "fields",
        ];
        for more in alert
            .each("unmapped")
            .filter(|part| !shown.contains(&&*part.name()))
        {
            let mut text = String::new();
            pretty(more.document, more.id, 2, &mut text);
            let name = self.paint.paint(Tone::Faint, &more.name());
            self.write(format_args!("  {name:16}{text}\n"));
        }
        if let Some(event) = emitted.event() {
            self.heading("The event behind it");
            // The event within an alert has no record of its own.
            self.event(event, &Emitted::value(&[]));
        }
    }

    /// What an alert that does not contain its event says about it.
    fn evidence(&mut self, evidence: JsonPart<'_, '_>, alert: JsonPart<'_, '_>) {
        if evidence.at("api").is_none() {
            return self.json(evidence.at("data"));
        }
        self.row("Who", Some(words::who(evidence)));
        self.row("What", Some(words::what(evidence)));
        let outcome = alert.text(path::OUTCOME);
        let tone = outcome.as_deref().map_or(Tone::Plain, Tone::of_status);
        self.toned("Outcome", tone, outcome);
        self.row("  detail", alert.text(path::OUTCOME_DETAIL));
        self.row("From", Some(words::origin(evidence)));
    }
}
