//! Where the fields of an event stand in the records of outputs, and which texts in them are watchbell's own words.

use crate::json::{Document, NodeId, ValueKind};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An event, or some fields of one.
    Event,
    /// An alert; its event, and parts of it, are the evidence.
    Alert,
    /// A record as its source wrote it, where no field has a known place.
    Source,
}

/// Attributes with words of watchbell, of OCSF or of the catalogues. They say nothing about a person, and readers
/// depend on them: they are never changed, and no policy can name them.
const FIXED: [&str; 20] = [
    "class_uid",
    "class_name",
    "category_uid",
    "category_name",
    "activity_id",
    "activity_name",
    "type_uid",
    "severity_id",
    "severity",
    "status_id",
    "status",
    "time",
    "metadata.version",
    "metadata.product",
    "metadata.log_name",
    "metadata.profiles",
    "metadata.labels",
    "cloud.provider",
    "enrichments.name",
    "enrichments.type",
];

/// The same of a method that is in a catalogue: the names of the others are what their source wrote.
const OF_METHOD: [&str; 4] = [
    "metadata.event_code",
    "api.operation",
    "api.service.name",
    "api.group",
];

/// The vendor's code of an outcome: a word, which is changed only if a policy names it.
const CODE: &str = "status_code";

/// Attributes of CloudEvents 1.0, which are names of members of a record as its source wrote it.
const ENVELOPE: [&str; 8] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "data",
];

/// The label of a method that is in no catalogue.
const UNKNOWN_METHOD: &str = "method:unknown";

/// Attributes that no policy can name for other reasons: readers know a record by them, or they hold such as are fixed.
const REQUIRED: [&str; 6] = [
    "metadata.uid",
    "metadata",
    "api",
    "actor",
    "cloud",
    "service",
];

/// The same in alerts: words of rules.
const FIXED_IN_ALERTS: [&str; 12] = [
    "finding_info.desc",
    "finding_info.analytic",
    "finding_info.attacks",
    "finding_info.uid",
    "metadata.uid",
    "metadata.correlation_uid",
    "remediation",
    "unmapped.rule_set",
    "unmapped.outcome",
    "unmapped.tags",
    "unmapped.falsepositives",
    "unmapped.references",
];

/// Kinds of users, which are OCSF's words.
const KINDS: [&str; 4] = [
    "actor.user.type",
    "actor.user.type_id",
    "user.type",
    "user.type_id",
];

/// Parts of an event with names and values of others: of the source, of the caller, of the files of names.
const FOREIGN: [&str; 5] = [
    "unmapped",
    "api.request.data",
    "api.response.data",
    "resources.data",
    "enrichments.data",
];

/// Attributes whose values are written otherwise in the record of the source, so that they are not found in it.
const CONVERTED: [&str; 4] = [
    "actor.session.created_time",
    "actor.session.is_mfa",
    "is_mfa",
    "src_endpoint.port",
];

/// The parts of an alert that hold an event's attributes under their own names.
const OF_EVENT_IN_ALERTS: [&str; 2] = ["resources", "cloud"];

/// Where an alert has what the event says about its outcome.
const OUTCOME_DETAIL: &str = "unmapped.outcome_detail";

/// Whether a name is one of these, or below it.
fn is_within(name: &str, of: &[&str]) -> bool {
    of.iter().any(|one| is_below(name, one))
}

/// Whether a name is this one, or below it.
pub(super) fn is_below(name: &str, of: &str) -> bool {
    let rest = name.strip_prefix(of);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a policy may not name this field.
pub(super) fn is_required(field: &str) -> bool {
    let words = [&FIXED[..], &KINDS, &OF_METHOD];
    words.iter().any(|words| is_within(field, words)) || REQUIRED.contains(&field)
}

/// Whether a policy may not name this field, but fields below it.
pub(super) fn has_fields_below(field: &str) -> bool {
    REQUIRED[1..].contains(&field)
}

/// The attribute of this field, or below it, whose values cannot be found in the record of the source.
pub(super) fn converted(field: &str) -> Option<&'static str> {
    CONVERTED.into_iter().find(|one| is_below(one, field))
}

/// Where a field may stand in a document: objects, and its segments from there on. A class may have no attribute for
/// it, and an alert repeats parts of its event.
pub(super) fn starts(
    document: &Document<'_>,
    content: Content,
    field: &[Box<str>],
) -> Vec<(NodeId, Vec<Box<str>>)> {
    let root = document.root();
    let mut starts = Vec::new();
    let mut event = |event: NodeId| {
        starts.push((event, field.to_vec()));
        let unmapped = document.member(event, "unmapped");
        starts.extend(unmapped.map(|unmapped| (unmapped, field.to_vec())));
        // OCSF has these of a login a second time, without the actor.
        let name = field.join(".");
        if is_below(&name, "actor.user") {
            starts.push((event, field[1..].to_vec()));
        }
        if is_below("actor.session.is_mfa", &name) {
            starts.push((event, vec!["is_mfa".into()]));
        }
    };
    match content {
        Content::Source => {}
        Content::Event => event(root),
        Content::Alert => {
            for evidence in evidences(document) {
                document.member(evidence, "data").map(&mut event);
                event(evidence);
            }
            let first = field.first().map_or("", |first| first);
            if OF_EVENT_IN_ALERTS.contains(&first) {
                starts.push((root, field.to_vec()));
            }
            if first == "status_detail" {
                let detail = OUTCOME_DETAIL.split('.').map(Into::into).collect();
                starts.push((root, detail));
            }
        }
    }
    starts.retain(|(object, _)| document.kind(*object) == ValueKind::Object);
    starts
}

fn evidences(document: &Document<'_>) -> impl Iterator<Item = NodeId> {
    let all = document.member(document.root(), "evidences");
    all.into_iter().flat_map(|all| document.children(all))
}

/// Whether the method of an event, or of that of an alert, is in a catalogue.
pub(super) fn has_known_method(document: &Document<'_>, content: Content) -> bool {
    let is_unknown = |event: NodeId| {
        let metadata = document.member(event, "metadata");
        let labels = metadata.and_then(|metadata| document.member(metadata, "labels"));
        let mut labels = labels.into_iter().flat_map(|all| document.children(all));
        labels.any(|label| {
            document
                .text(label)
                .is_some_and(|text| text == UNKNOWN_METHOD)
        })
    };
    match content {
        Content::Alert => {
            let unmapped = document.member(document.root(), "unmapped");
            let proposed = unmapped.and_then(|part| document.member(part, "catalog_entry"));
            let mut events = evidences(document).filter_map(|one| document.member(one, "data"));
            proposed.is_none() && !events.any(is_unknown)
        }
        Content::Event | Content::Source => !is_unknown(document.root()),
    }
}

/// Whether a part of an event is in an alert only within the event itself.
pub(super) fn is_in_event_alone(field: &str) -> bool {
    FOREIGN
        .iter()
        .any(|part| is_below(field, part) || is_below(part, field))
}

/// Whether an alert holds the event that raised it.
pub(super) fn has_event(document: &Document<'_>) -> bool {
    evidences(document).any(|evidence| document.member(evidence, "data").is_some())
}

/// Where in a document a value stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    content: Content,
    /// The names up to it; empty where names are those of others.
    path: String,
    is_foreign: bool,
    /// How many names lead to it.
    depth: usize,
}

impl Place {
    /// The root of a document.
    pub(super) fn root(content: Content) -> Place {
        Place {
            content,
            path: String::new(),
            is_foreign: content == Content::Source,
            depth: 0,
        }
    }

    /// The place of the member of this name.
    pub(super) fn member(&self, name: &str) -> Place {
        let depth = self.depth + 1;
        if self.is_foreign {
            return Place {
                depth,
                ..self.clone()
            };
        }
        let path = match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        };
        if self.content == Content::Alert && path == "evidences.data" {
            return Place::root(Content::Event);
        }
        let is_foreign = match self.content {
            Content::Event => FOREIGN.contains(&&*path),
            Content::Alert => path == "resources.data",
            Content::Source => true,
        };
        Place {
            content: self.content,
            path: if is_foreign { String::new() } else { path },
            is_foreign,
            depth,
        }
    }

    /// Whether names and values here are those of the source, of the caller or of the files of names.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Whether the member of this name is an attribute of the envelope of a record as its source wrote it.
    pub(super) fn is_envelope(&self, name: &str) -> bool {
        self.is_of_source() && self.depth == 1 && ENVELOPE.contains(&name)
    }

    /// Whether it is in a record as its source wrote it.
    pub(super) fn is_of_source(&self) -> bool {
        self.content == Content::Source
    }

    /// Whether it names the method.
    pub(super) fn is_of_method(&self) -> bool {
        OF_METHOD
            .iter()
            .any(|attribute| self.is_below_of_event(attribute))
    }

    /// Whether it is the code of the outcome.
    pub(super) fn is_code(&self) -> bool {
        self.is_of_event(CODE)
    }

    /// Whether the value is never changed.
    pub(super) fn is_fixed(&self) -> bool {
        let path = &*self.path;
        let of_event = |path| is_within(path, &FIXED) || is_within(path, &KINDS);
        match self.content {
            _ if self.is_foreign => false,
            Content::Event => of_event(path),
            Content::Alert => {
                of_event(path.strip_prefix("evidences.").unwrap_or(path))
                    || is_within(path, &FIXED_IN_ALERTS)
            }
            Content::Source => false,
        }
    }

    /// Whether it is this attribute of the event, in the event itself or in the evidence of an alert.
    pub(super) fn is_of_event(&self, attribute: &str) -> bool {
        self.path_in_event() == Some(attribute)
    }

    /// The same, or below it.
    fn is_below_of_event(&self, attribute: &str) -> bool {
        self.path_in_event()
            .is_some_and(|path| is_below(path, attribute))
    }

    fn path_in_event(&self) -> Option<&str> {
        match self.content {
            _ if self.is_foreign => None,
            Content::Event => Some(&*self.path),
            Content::Alert => self.path.strip_prefix("evidences."),
            Content::Source => None,
        }
    }

    /// Whether it is this attribute of an alert.
    pub(super) fn is_of_alert(&self, attribute: &str) -> bool {
        self.content == Content::Alert && self.path == attribute
    }

    /// The last of the names up to it; `None` where names are those of others.
    pub(super) fn last_name(&self) -> Option<&str> {
        let last = self.path.rsplit('.').next()?;
        (!self.is_foreign).then_some(last)
    }

    /// Whether OCSF requires an object here.
    pub(super) fn is_required(&self) -> bool {
        let required = ["actor.user", "user", "src_endpoint"];
        required.iter().any(|attribute| self.is_of_event(attribute))
    }

    /// Whether OCSF wants an e-mail address here.
    pub(super) fn is_address(&self) -> bool {
        !self.is_foreign && self.path.ends_with("email_addr")
    }
}
