//! The details of one record: what happened, the resources and their scopes, request and response, the record's origin,
//! and the unmapped fields. Terminals and the web page show the same.

mod part;
mod terminal;
mod unread;

pub use self::part::{Details, Part};
pub use self::terminal::{heading, page};
use super::emitted::JsonPart;
use super::style::Tone;
use super::words::{self, Known, moment};
use super::{At, Emitted, RecordKind};
use crate::event::secret::without_secret_values;
use crate::finding::path;

/// The details of a record; for an alert, with its event.
pub fn details(emitted: &Emitted<'_>) -> Details {
    let mut details = Details::default();
    match (emitted.kind, emitted.root()) {
        (RecordKind::Event, Some(event)) => details.event(event, emitted),
        (RecordKind::Alert, Some(alert)) => details.alert(alert, emitted),
        (RecordKind::DeadLetter, _) => details.dead_letter(emitted),
        (RecordKind::Receipt, _) => details.receipt(emitted),
        _ => details.foreign(emitted),
    }
    details
}

impl Details {
    fn event(&mut self, event: JsonPart<'_, '_>, emitted: &Emitted<'_>) {
        let outcome = words::outcome(event);
        let (who, what) = (words::who(event), words::what(event));
        self.line(Tone::Bold, &format!("{what} by {who}: {outcome}"));
        if let Some(message) = event.text("message") {
            self.line(Tone::Plain, &message);
        }
        self.blank();
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
        self.detail("kind", user("type"));
        self.detail("e-mail", user("email_addr"));
        self.detail("identity", user("uid_alt"));
        self.detail("credential", user("credential_uid"));
        self.detail("team", user("groups.name"));
        self.detail("on behalf of", event.text("actor.invoked_by"));
        self.detail("client", words::client(event));
        self.detail("session", event.text("actor.session.uid"));
        self.row("What", Some(words::what(event)));
        let service = [
            words::api(event, "service.name"),
            words::api(event, "group.name"),
        ];
        let service: Vec<_> = service.into_iter().flatten().collect();
        self.detail("service", (!service.is_empty()).then(|| service.join(", ")));
        self.detail("activity", event.text("activity_name"));
        self.detail("mechanism", event.text("auth_protocol"));
        if event.at("resources").is_none() {
            self.row("On", words::on_what(event));
        }
        let outcome = words::outcome(event);
        self.toned("Outcome", Tone::of_status(&outcome), Some(&outcome));
        self.detail("as written", event.text("status_code"));
        self.detail("detail", event.text("status_detail"));
        self.detail("error", words::api(event, "response.error"));
        self.detail("message", words::api(event, "response.error_message"));
        for given in event.each("actor.authorizations") {
            let policy = [given.text("policy.type"), given.text("policy.name")];
            let policy: Vec<_> = policy.into_iter().flatten().collect();
            let decision = given.text("decision").unwrap_or("decided".into());
            let by = if policy.is_empty() { "" } else { " by " };
            let text = format!("{decision}{by}{}", policy.join(" "));
            self.detail("decision", Some(text));
        }
        let port = event.text("src_endpoint.port");
        let port = port.map_or_else(String::new, |port| format!(", port {port}"));
        self.row("From", Some(format!("{}{port}", words::origin(event))));
        let cloud = ["provider", "region"].map(|part| event.text(&format!("cloud.{part}")));
        let cloud: Vec<_> = cloud.into_iter().flatten().collect();
        self.detail("region", event.text("src_endpoint.location.region"));
        self.detail("owner", event.text("src_endpoint.owner.name"));
        self.row("Cloud", (!cloud.is_empty()).then(|| cloud.join(", ")));
        let project = event.text("cloud.project_uid");
        self.detail("environment", project.map(|id| Known::of(event).named(&id)));
        let account = event.text("cloud.account.uid");
        let account_name = event.text("cloud.account.name");
        self.detail("account", words::named(account_name, account));
        let organization = event.text("cloud.org.uid");
        let organization_name = event.text("cloud.org.name");
        self.detail(
            "organization",
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
            self.item(&words::resource(*resource));
            let scope: Vec<String> = resource
                .each("data.resources")
                .map(|outer| {
                    let id = outer.text("resourceId").unwrap_or_default();
                    let kind = outer.text("type").unwrap_or_default();
                    format!("{kind} {}", known.named(&id))
                })
                .collect();
            self.detail("belongs to", (!scope.is_empty()).then(|| scope.join(" > ")));
            let namespace = resource.text("namespace").filter(|_| scope.is_empty());
            self.detail("environment", namespace.map(|id| known.named(&id)));
            self.detail("region", resource.text("region"));
            self.detail("owner", resource.text("owner.name"));
            self.detail("team", resource.text("group.name"));
            self.detail("full name", resource.text("uid_alt"));
            for more in resource
                .each("data")
                .filter(|part| part.name() != "resources")
            {
                self.of_item(more);
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
        self.detail("owner", Some(part("owner")));
        self.detail("until", Some(part("expires")));
        self.detail("id", Some(part("uid")));
    }

    fn alert(&mut self, alert: JsonPart<'_, '_>, emitted: &Emitted<'_>) {
        let level = alert.text(path::SEVERITY).unwrap_or("Unknown".into());
        let title = alert.text(path::MESSAGE).unwrap_or_default();
        let title = format!("[{}] {title}", level.to_uppercase());
        self.line(Tone::of_severity(&level), &title);
        if let Some(about) = alert.text(path::DESCRIPTION) {
            self.line(Tone::Plain, &about);
        }
        self.blank();
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
            self.detail("see also", Some(without_secret_values(&text)));
        }
        self.row("Catalog entry", alert.text(path::CATALOG_ENTRY));
        self.row("What to do", alert.text(path::RUNBOOK));
        for reference in alert.texts(path::RUNBOOK_LINKS) {
            self.detail("see", Some(reference));
        }
        for harmless in alert.texts(path::FALSE_POSITIVES) {
            self.row("False positives", Some(harmless));
        }
        self.row("Rule", alert.text(path::RULE_TITLE));
        self.detail("id", alert.text(path::RULE_ID));
        self.detail("version", alert.text(path::RULE_VERSION));
        let tags = alert.texts(path::TAGS).join(", ");
        self.detail("tags", (!tags.is_empty()).then_some(tags));
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
            self.json_row(more);
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
        self.detail("detail", alert.text(path::OUTCOME_DETAIL));
        self.row("From", Some(words::origin(evidence)));
    }
}
