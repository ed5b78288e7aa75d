//! From an alert's JSON to a [`Notice`]: tolerant, and every text cut to a bounded length.
//! Invariant: the alert is gone over from the left, without a tree of its values, so that memory does
//! not grow with it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::notice::{
    EXPERIMENTAL, HISTORY, Notice, NoticeError, Origin, REPLAYED, ResourceNotice, TEST, Who,
};
use super::redact::{hidden_texts, redacted};
use super::severity;
use super::words::{Json, MAX_LIST, MAX_WORD, Words, beginning, elements, place, prose};
use crate::event::Position;
use crate::event::limits::NOTICE_RECORD_BYTES;
use crate::event::secret::{Name, REDACTED, is_secret_field, without_secret_values};
use crate::json::JsonText;
use crate::sigma::Level;

/// So much of a longer secret is looked for in what is shown.
const SECRET_START_BYTES: usize = 200;

impl Notice {
    /// Reads an alert's record. `position` is where it stands.
    ///
    /// # Errors
    /// [`NoticeError`]: not an alert of ours.
    pub fn read(value: &[u8], position: Position<'_>) -> Result<Notice, NoticeError> {
        let alert = JsonText::check(value).map_err(NoticeError::NotJson)?;
        Finding::of(alert).notice(position)
    }
}

/// The parts of an alert that are read.
struct Finding<'a> {
    class_uid: Json<'a>,
    severity_id: Json<'a>,
    time: Json<'a>,
    count: Json<'a>,
    message: Json<'a>,
    metadata: Json<'a>,
    finding_info: Json<'a>,
    resources: Json<'a>,
    remediation: Json<'a>,
    unmapped: Json<'a>,
    /// Of the first evidence.
    actor: Json<'a>,
    api: Json<'a>,
    src_endpoint: Json<'a>,
    /// The first evidence's event.
    event: Json<'a>,
    words: Words,
    /// What the event holds of secrets; found when it is first asked for.
    hidden: OnceCell<Vec<String>>,
}

impl<'a> Finding<'a> {
    fn of(alert: JsonText<'a>) -> Finding<'a> {
        let [
            class_uid,
            severity_id,
            time,
            count,
            message,
            metadata,
            finding_info,
        ] = alert.pick([
            "class_uid",
            "severity_id",
            "time",
            "count",
            "message",
            "metadata",
            "finding_info",
        ]);
        let [evidences, resources, remediation, unmapped] =
            alert.pick(["evidences", "resources", "remediation", "unmapped"]);
        let evidence = evidences.and_then(|list| list.elements().next());
        let [actor, api, src_endpoint, event] =
            picked(evidence, ["actor", "api", "src_endpoint", "data"]);
        Finding {
            class_uid,
            severity_id,
            time,
            count,
            message,
            metadata,
            finding_info,
            resources,
            remediation,
            unmapped,
            actor,
            api,
            src_endpoint,
            event: event.filter(|event| !event.is_null()),
            words: Words::default(),
            hidden: OnceCell::new(),
        }
    }

    /// What is most needed is read first: it may use up the room for words.
    fn notice(&self, position: Position<'_>) -> Result<Notice, NoticeError> {
        if self.class_uid.and_then(JsonText::int) != Some(2004) {
            return Err(NoticeError::NotAFinding("class_uid is not 2004"));
        }
        let words = &self.words;
        let required = |from, path: &[&str], missing| {
            words
                .at(from, path)
                .ok_or(NoticeError::NotAFinding(missing))
        };
        let info = self.finding_info;
        let time_ms = self.time.and_then(JsonText::int).unwrap_or(0);
        let int = |from: Json<'_>, path: &[&str]| from?.at(path)?.int();
        let uid = required(info, &["uid"], "finding_info.uid is missing")?;
        let group_key = required(
            self.metadata,
            &["correlation_uid"],
            "metadata.correlation_uid is missing",
        )?;
        let level = self
            .level()
            .ok_or(NoticeError::NotAFinding("severity_id is unknown"))?;
        let rule_id = required(
            info,
            &["analytic", "uid"],
            "finding_info.analytic.uid is missing",
        )?;
        let rule = required(
            info,
            &["analytic", "name"],
            "finding_info.analytic.name is missing",
        )?;
        let labels = words.list(part(self.metadata, "labels"));
        let [product, activity, enrichments] =
            picked(self.event, ["metadata", "activity_name", "enrichments"]);
        let summary = match self.api {
            None => words.of(self.message),
            Some(_) => None,
        };
        let who = self.who();
        let operation = words.at(self.api, &["operation"]).unwrap_or_default();
        let outcome = words.at(self.unmapped, &["outcome"]);
        let outcome_detail = words
            .at(self.unmapped, &["outcome_detail"])
            .or_else(|| words.at(self.api, &["response", "error_message"]));
        let resources: Vec<JsonText<'_>> = elements(self.resources).take(MAX_LIST).collect();
        Ok(Notice {
            uid,
            group_key,
            summary,
            level,
            rule_id,
            rule,
            rule_version: words.at(info, &["analytic", "version"]).unwrap_or_default(),
            description: prose(part(info, "desc")),
            who,
            operation,
            service: words.at(self.api, &["service", "name"]),
            product: words.at(product, &["product", "name"]),
            activity: words.of(activity),
            outcome: outcome.unwrap_or_else(|| "Unknown".into()),
            outcome_detail,
            resource_count: distinct(self.resources),
            resources: self.resources(&resources, enrichments),
            origin: self.origin(),
            time_ms,
            detected_ms: int(self.metadata, &["processed_time"]).unwrap_or(time_ms),
            logged_ms: int(self.metadata, &["logged_time"]),
            why: self.why(),
            count: self
                .count
                .and_then(JsonText::int)
                .map_or(1, |count| count.max(1).unsigned_abs()),
            first_ms: int(info, &["first_seen_time"]).unwrap_or(time_ms),
            last_ms: int(info, &["last_seen_time"]).unwrap_or(time_ms),
            events: elements(part(info, "related_events"))
                .filter_map(|event| words.at(Some(event), &["uid"]))
                .take(MAX_LIST)
                .collect(),
            runbook: prose(part(self.remediation, "desc")),
            links: words.list(
                part(self.remediation, "references").or_else(|| part(self.unmapped, "references")),
            ),
            falsepositives: words.list(part(self.unmapped, "falsepositives")),
            attack: self.attack(),
            tags: words.list(part(self.unmapped, "tags")),
            rule_set: words.at(self.unmapped, &["rule_set"]).unwrap_or_default(),
            position: place(position),
            record: self.event.map(|event| redacted(event, NOTICE_RECORD_BYTES)),
            experimental: labels.iter().any(|label| label == EXPERIMENTAL),
            replayed: labels.iter().any(|label| label == REPLAYED),
            history: labels.iter().any(|label| label == HISTORY),
            test: labels.iter().any(|label| label == TEST),
        })
    }

    fn level(&self) -> Option<Level> {
        severity::level(self.severity_id?.int()?)
    }

    fn who(&self) -> Who {
        let user = part(self.actor, "user");
        let word = |name| self.words.at(user, &[name]);
        let team = elements(part(user, "groups")).next();
        Who {
            name: word("name"),
            uid: word("uid"),
            email: word("email_addr"),
            kind: word("type"),
            credential: word("credential_uid"),
            team: self.words.at(team, &["name"]),
        }
    }

    /// The resources, each with its environment by name where the names file gave one.
    fn resources(&self, resources: &[JsonText<'_>], enrichments: Json<'_>) -> Vec<ResourceNotice> {
        let mut environments: HashMap<&str, Json<'_>> = HashMap::new();
        let uids = resources.iter().filter_map(|resource| uid(*resource));
        environments.extend(uids.map(|uid| (uid, None)));
        for enrichment in elements(enrichments) {
            let [value, data] = enrichment.pick(["value", "data"]);
            if let Some(value) = value
                && let Some(environment @ None) = environments.get_mut(value.raw())
            {
                *environment = part(data, "environment");
            }
        }
        let words = &self.words;
        let notice = |resource: &JsonText<'_>| {
            let of = Some(*resource);
            let environment = uid(*resource).and_then(|uid| *environments.get(uid)?);
            ResourceNotice {
                name: words.at(of, &["name"]),
                uid: words.at(of, &["uid"]),
                kind: words.at(of, &["type"]),
                environment: words
                    .of(environment)
                    .or_else(|| words.at(of, &["namespace"])),
                region: words.at(of, &["region"]),
                owner: words.at(of, &["owner", "name"]),
                team: words.at(of, &["group", "name"]),
            }
        };
        resources.iter().map(notice).collect()
    }

    fn origin(&self) -> Origin {
        let word = |name| self.words.at(self.src_endpoint, &[name]);
        Origin {
            ip: word("ip"),
            name: word("name"),
        }
    }

    /// Which values matched, `field = value`; those of secrets are hidden.
    fn why(&self) -> Vec<String> {
        let lines = elements(part(self.unmapped, "why")).filter_map(|line| {
            let line = line.text()?;
            let line = beginning(&line, 8 * MAX_WORD);
            self.words.take(&self.without_secrets(line), MAX_WORD)
        });
        lines.take(MAX_LIST).collect()
    }

    fn without_secrets<'l>(&self, line: &'l str) -> Cow<'l, str> {
        let Some((field, values)) = line.split_once(" = ") else {
            return Cow::Borrowed(line);
        };
        if is_secret_field(field) {
            return without_secret_values(line);
        }
        let last = field.rsplit('.').next().unwrap_or_default();
        if field != "*" && !Name::of(last).is_value {
            return Cow::Borrowed(line);
        }
        // By its name this may be anything; the event may know that it is a secret.
        let find = || self.event.map(hidden_texts).unwrap_or_default();
        let mut shown = values.to_owned();
        for secret in self.hidden.get_or_init(find) {
            let start = beginning(secret, SECRET_START_BYTES);
            if start.len() == secret.len() {
                shown = shown.replace(secret.as_str(), REDACTED);
            } else if let Some(at) = shown.find(start) {
                shown.replace_range(at.., REDACTED);
            }
        }
        Cow::Owned(format!("{field} = {shown}"))
    }

    fn attack(&self) -> Vec<String> {
        let words = &self.words;
        let parts = elements(part(self.finding_info, "attacks")).flat_map(|attack| {
            ["tactic", "technique", "sub_technique"].map(|name| {
                let part = attack.at(&[name]);
                match (words.at(part, &["name"]), words.at(part, &["uid"])) {
                    (Some(name), Some(uid)) => Some(format!("{name} ({uid})")),
                    (name, uid) => name.or(uid),
                }
            })
        });
        parts.flatten().take(MAX_LIST).collect()
    }
}

fn part<'a>(of: Json<'a>, name: &str) -> Json<'a> {
    of?.at(&[name])
}

fn picked<'a, const N: usize>(of: Json<'a>, names: [&str; N]) -> [Json<'a>; N] {
    of.map_or([None; N], |of| of.pick(names))
}

/// One resource may be told of once for each of its scopes.
fn distinct(resources: Json<'_>) -> usize {
    let known = elements(resources).map(|resource| uid(resource).unwrap_or(resource.raw()));
    known.collect::<HashSet<&str>>().len()
}

/// The resource's identifier as written.
fn uid(resource: JsonText<'_>) -> Option<&str> {
    Some(resource.at(&["uid"])?.raw())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::limits::NOTICE_WORDS_BYTES;
    use crate::event::{Offset, Partition};

    fn read(change: impl Fn(&mut Value)) -> Notice {
        let mut alert = json!({
            "class_uid": 2004, "severity_id": 4, "time": 7, "message": "the title",
            "metadata": {"correlation_uid": "group", "labels": ["status:experimental"]},
            "finding_info": {"uid": "u", "analytic": {"uid": "r", "name": "Rule", "version": "1"}},
            "evidences": [{"actor": {"user": {"uid": "u-1", "groups": [{"name": "team"}]}},
                           "api": {"operation": "CreateConnector"}, "data": {}}],
            "resources": [], "unmapped": {"why": [], "outcome": "Success"},
        });
        change(&mut alert);
        let position = Position {
            topic: "alerts",
            partition: Partition(0),
            offset: Offset(7),
        };
        Notice::read(alert.to_string().as_bytes(), position).unwrap()
    }

    #[test]
    fn what_matched_is_shown_but_for_secrets() {
        let notice = read(|alert| {
            alert["evidences"][0]["data"] = json!({"api": {"request": {"data": {
                "config": {"db.password": "S3CRET-1"},
                "list": [{"name": "api.secret", "value": "S3CRET-2"}, {"name": "x", "value": "shown"}],
            }}}});
            alert["unmapped"]["why"] = json!([
                "api.operation = CreateConnector",
                "api.request.data.config.db.password = S3CRET-1",
                "api.request.data.list.value = S3CRET-2, shown",
                "* = {\"password\":\"S3CRET-3\"}, S3CRET-1",
                "api.request.data.sql = WITH ('password' = 'S3CRET-4')",
                "api.request.data.name = passwords",
            ]);
            alert["unmapped"]["outcome_detail"] = "login to https://u:S3CRET-5@host failed".into();
        });
        assert_eq!(
            notice.why,
            [
                "api.operation = CreateConnector",
                "api.request.data.config.db.password = ***",
                "api.request.data.list.value = ***, shown",
                "* = {\"password\":\"***\"}, ***",
                "api.request.data.sql = WITH ('password' = '***')",
                "api.request.data.name = passwords",
            ]
        );
        let detail = notice.outcome_detail.as_deref();
        assert_eq!(detail, Some("login to https://u:***@host failed"));
        assert!(!serde_json::to_string(&notice).unwrap().contains("S3CRET"));
    }

    #[test]
    fn resources_are_counted_once_and_go_by_the_names_of_the_names_file() {
        let notice = read(|alert| {
            let resource = |uid: &str| json!({"uid": uid, "namespace": "env-1"});
            let many = (0..200_000).map(|number| resource(&format!("r{}", number % 100_000)));
            alert["resources"] = many.collect();
            alert["evidences"][0]["data"]["enrichments"] = json!([
                {"value": "r1", "data": {"environment": "production"}},
                {"value": "r1", "data": {"environment": "another"}},
            ]);
        });
        assert_eq!(
            (notice.resource_count, notice.resources.len()),
            (100_000, 20)
        );
        let environments: Vec<_> = notice
            .resources
            .iter()
            .map(|r| r.environment.as_deref())
            .collect();
        assert_eq!(
            environments[..3],
            [Some("env-1"), Some("production"), Some("env-1")]
        );
    }

    #[test]
    fn a_notice_is_small_however_large_the_alert() {
        let notice = read(|alert| {
            let long = "\u{1f980}".repeat(10_000);
            let list: Value = (0..50).map(|_| long.clone()).collect();
            alert["message"] = long.as_str().into();
            alert["unmapped"] = json!({"why": list, "tags": list, "falsepositives": list});
            alert["remediation"] = json!({"desc": long, "references": list});
            alert["finding_info"]["desc"] = long.as_str().into();
            alert["resources"] = (0..50)
                .map(|_| json!({"uid": long, "name": long, "type": long}))
                .collect();
            alert["evidences"][0]["data"] = json!({"a": list});
        });
        let bytes = serde_json::to_vec(&notice).unwrap().len();
        assert!(
            bytes < 2 * NOTICE_WORDS_BYTES + NOTICE_RECORD_BYTES,
            "{bytes} bytes"
        );
        // What tells most is there all the same.
        assert_eq!(
            (notice.operation.as_str(), notice.who.uid.as_deref()),
            ("CreateConnector", Some("u-1"))
        );
        assert!(notice.experimental && !notice.resources.is_empty());
    }
}
