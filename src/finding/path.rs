//! Where the parts of an alert stand, as paths of OCSF attributes.

/// When the event or the fault that raised the alert happened, ms since the Unix epoch.
pub const TIME: &str = "time";
/// One line: which rule, who, which method, which resource.
pub const MESSAGE: &str = "message";
/// The level's number.
pub const SEVERITY_ID: &str = "severity_id";
/// The level's word.
pub const SEVERITY: &str = "severity";
/// How many events the alert is about; absent if it is one.
pub const COUNT: &str = "count";
/// What belongs together.
pub const GROUP_KEY: &str = "metadata.correlation_uid";
/// How far the log of the source had come, ms since the Unix epoch.
pub const LOGGED_TIME: &str = "metadata.logged_time";
/// When the alert was made, ms since the Unix epoch.
pub const PROCESSED_TIME: &str = "metadata.processed_time";
/// What readers treat differently.
pub const LABELS: &str = "metadata.labels";
/// Idempotency key.
pub const UID: &str = "finding_info.uid";
/// What the rule detects and why that matters.
pub const DESCRIPTION: &str = "finding_info.desc";
/// When the first of the events happened, ms since the Unix epoch.
pub const FIRST_SEEN: &str = "finding_info.first_seen_time";
/// When the last of the events happened, ms since the Unix epoch.
pub const LAST_SEEN: &str = "finding_info.last_seen_time";
/// The rule's id.
pub const RULE_ID: &str = "finding_info.analytic.uid";
/// The rule's title.
pub const RULE_TITLE: &str = "finding_info.analytic.name";
/// Day of the rule's last change and a hash of its content.
pub const RULE_VERSION: &str = "finding_info.analytic.version";
/// The events, each with its `uid`.
pub const RELATED_EVENTS: &str = "finding_info.related_events";
/// Tactics and techniques of MITRE ATT&CK.
pub const ATTACKS: &str = "finding_info.attacks";
/// What is known of the event: the actor, the method, the endpoint, and as `data` the event itself.
pub const EVIDENCES: &str = "evidences";
/// The resources that the event acted on.
pub const RESOURCES: &str = "resources";
/// What the person on call should do.
pub const RUNBOOK: &str = "remediation.desc";
/// Links of a rule that has a runbook.
pub const RUNBOOK_LINKS: &str = "remediation.references";
/// Links of a rule that has none.
pub const LINKS: &str = "unmapped.references";
/// Hash of the rule set.
pub const RULE_SET: &str = "unmapped.rule_set";
/// The event's status.
pub const OUTCOME: &str = "unmapped.outcome";
/// What the event says about its outcome.
pub const OUTCOME_DETAIL: &str = "unmapped.outcome_detail";
/// What the event changed, such as `compatibility from FULL to NONE`.
pub const CHANGES: &str = "unmapped.changes";
/// A proposed entry of the catalogue, of an event whose method is in none.
pub const CATALOG_ENTRY: &str = "unmapped.catalog_entry";
/// Which values matched, `field = value`.
pub const WHY: &str = "unmapped.why";
/// Fields that the rule wants shown, and their values.
pub const FIELDS: &str = "unmapped.fields";
/// What keeps the alert from people: `uid`, `title`, `owner`, `reason` and `expires` of a suppression.
pub const SUPPRESSION: &str = "unmapped.suppression";
/// The rule's tags.
pub const TAGS: &str = "unmapped.tags";
/// Known false positives of the rule.
pub const FALSE_POSITIVES: &str = "unmapped.falsepositives";

/// Attributes of an alert besides those of its evidence.
pub const ATTRIBUTES: [&str; 41] = [
    "activity_id",
    "activity_name",
    "category_name",
    "category_uid",
    "class_name",
    "class_uid",
    "cloud.account.name",
    "cloud.account.uid",
    "cloud.org.name",
    "cloud.org.uid",
    "cloud.project_uid",
    "cloud.provider",
    "cloud.region",
    "finding_info.analytic.name",
    "finding_info.analytic.type",
    "finding_info.analytic.type_id",
    "finding_info.analytic.uid",
    "finding_info.analytic.version",
    "finding_info.created_time",
    "finding_info.desc",
    "finding_info.first_seen_time",
    "finding_info.last_seen_time",
    "finding_info.related_events.type_uid",
    "finding_info.related_events.uid",
    "finding_info.title",
    "finding_info.uid",
    "is_alert",
    "message",
    "metadata.correlation_uid",
    "metadata.labels",
    "metadata.processed_time",
    "metadata.product.name",
    "metadata.product.vendor_name",
    "metadata.product.version",
    "metadata.profiles",
    "metadata.uid",
    "metadata.version",
    "remediation.desc",
    "remediation.references",
    "severity",
    "severity_id",
];

/// Attributes of an alert that every event class has as well.
pub const OF_EVERY_CLASS: [&str; 4] = ["status", "status_id", "time", "type_uid"];

/// Parts of an alert below which any name may stand.
pub const OPEN: [&str; 3] = [
    "evidences.data.noted_positions",
    "finding_info.attacks",
    "unmapped",
];

/// What an alert about a source, a sink or a dead letter has in place of an event.
pub const OF_SOURCE_ALERTS: [&str; 14] = [
    "evidences.data.detail",
    "evidences.data.from_offset",
    "evidences.data.group",
    "evidences.data.methods",
    "evidences.data.offset",
    "evidences.data.partition",
    "evidences.data.reason",
    "evidences.data.records",
    "evidences.data.show",
    "evidences.data.sink",
    "evidences.data.source",
    "evidences.data.tail",
    "evidences.data.to_offset",
    "evidences.data.topic",
];
