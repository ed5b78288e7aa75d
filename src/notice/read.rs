//! From an alert's JSON to a [`Notice`]: tolerant, and every text cut to a bounded length.
//! Invariant: the alert is read from the left, without a tree of its values, so that memory does not
//! grow with it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::redact::{hidden_texts, redacted};
use super::words::{BoundedTexts, MAX_LIST, MAX_WORD, elements, prose};
use super::{Notice, NoticeError, Origin, ResourceNotice, Who};
use crate::alert::{EXPERIMENTAL, HISTORY, REPLAYED, SUPPRESSED, TEST};
use crate::event::Position;
use crate::event::limits::NOTICE_RECORD_BYTES;
use crate::event::secret::{Name, REDACTED, is_secret_field, without_secret_values};
use crate::finding::{Evidence, FindingText, Json, path};
use crate::json::JsonText;
use crate::printable::beginning;

/// Of a longer secret, this many bytes are searched for in texts that are shown.
const SECRET_START_BYTES: usize = 200;

impl Notice {
    /// Reads an alert's record. `position` is where it stands.
    ///
    /// # Errors
    /// [`NoticeError`]: not an alert of ours.
    pub fn read(value: &[u8], position: Position<'_>) -> Result<Notice, NoticeError> {
        let alert = JsonText::check(value).map_err(NoticeError::NotJson)?;
        let Some(finding) = FindingText::of(alert) else {
            return Err(NoticeError::NotAFinding("class_uid is not 2004"));
        };
        let reading = Reading {
            finding,
            words: BoundedTexts::default(),
            hidden: OnceCell::new(),
        };
        reading.notice(position)
    }
}

/// An alert that is read.
struct Reading<'a> {
    finding: FindingText<'a>,
    words: BoundedTexts,
    /// What the event holds of secrets; found when it is first asked for.
    hidden: OnceCell<Vec<String>>,
}

impl<'a> Reading<'a> {
    /// The most important parts are read first, because texts share a limited number of bytes.
    fn notice(&self, position: Position<'_>) -> Result<Notice, NoticeError> {
        let (words, finding) = (&self.words, &self.finding);
        let word = |path| words.of(finding.at(path));
        let list = |path| words.list(finding.at(path));
        let required = |path, missing| word(path).ok_or(NoticeError::NotAFinding(missing));
        let time_ms = finding.int(path::TIME).unwrap_or(0);
        let uid = required(path::UID, "finding_info.uid is missing")?;
        let group_key = required(path::GROUP_KEY, "metadata.correlation_uid is missing")?;
        let level = finding.level();
        let level = level.ok_or(NoticeError::NotAFinding("severity_id is unknown"))?;
        let rule_id = required(path::RULE_ID, "finding_info.analytic.uid is missing")?;
        let rule = required(path::RULE_TITLE, "finding_info.analytic.name is missing")?;
        let labels = list(path::LABELS);
        let Evidence { api, data, .. } = finding.evidence;
        let [product, activity, enrichments] =
            picked(data, ["metadata", "activity_name", "enrichments"]);
        let summary = match api {
            None => word(path::MESSAGE),
            Some(_) => None,
        };
        let who = self.who();
        let operation = words.at(api, &["operation"]).unwrap_or_default();
        let outcome = word(path::OUTCOME);
        let outcome_detail =
            word(path::OUTCOME_DETAIL).or_else(|| words.at(api, &["response", "error_message"]));
        let resources: Vec<JsonText<'_>> = elements(finding.at(path::RESOURCES))
            .take(MAX_LIST)
            .collect();
        Ok(Notice {
            uid,
            group_key,
            summary,
            level,
            rule_id,
            rule,
            rule_version: word(path::RULE_VERSION).unwrap_or_default(),
            description: prose(finding.at(path::DESCRIPTION)),
            who,
            operation,
            service: words.at(api, &["service", "name"]),
            product: words.at(product, &["product", "name"]),
            activity: words.of(activity),
            outcome: outcome.unwrap_or_else(|| "Unknown".into()),
            outcome_detail,
            resource_count: distinct(finding.at(path::RESOURCES)),
            resources: self.resources(&resources, enrichments),
            origin: self.origin(enrichments),
            client: self.client(enrichments),
            time_ms,
            detected_ms: finding.int(path::PROCESSED_TIME).unwrap_or(time_ms),
            logged_ms: finding.int(path::LOGGED_TIME),
            changes: list(path::CHANGES),
            catalog_entry: word(path::CATALOG_ENTRY),
            why: self.why(),
            count: finding
                .int(path::COUNT)
                .map_or(1, |count| count.max(1).unsigned_abs()),
            first_ms: finding.int(path::FIRST_SEEN).unwrap_or(time_ms),
            last_ms: finding.int(path::LAST_SEEN).unwrap_or(time_ms),
            events: elements(finding.at(path::RELATED_EVENTS))
                .filter_map(|event| words.at(Some(event), &["uid"]))
                .take(MAX_LIST)
                .collect(),
            runbook: prose(finding.at(path::RUNBOOK)),
            links: words.list(
                finding
                    .at(path::RUNBOOK_LINKS)
                    .or_else(|| finding.at(path::LINKS)),
            ),
            falsepositives: list(path::FALSE_POSITIVES),
            attack: self.attack(),
            tags: list(path::TAGS),
            rule_set: word(path::RULE_SET).unwrap_or_default(),
            position: position.reference(),
            record: data.map(|event| redacted(event, NOTICE_RECORD_BYTES)),
            experimental: labels.iter().any(|label| label == EXPERIMENTAL),
            suppressed: labels.iter().any(|label| label == SUPPRESSED),
            replayed: labels.iter().any(|label| label == REPLAYED),
            history: labels.iter().any(|label| label == HISTORY),
            test: labels.iter().any(|label| label == TEST),
        })
    }

    fn who(&self) -> Who {
        let user = self.finding.evidence.user;
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
        let mut names: HashMap<&str, Json<'_>> = HashMap::new();
        let uids = resources.iter().filter_map(|resource| uid(*resource));
        environments.extend(uids.map(|uid| (uid, None)));
        let namespaces = resources.iter().filter_map(|resource| namespace(*resource));
        names.extend(namespaces.map(|namespace| (namespace, None)));
        for enrichment in elements(enrichments) {
            let [value, data] = enrichment.pick(["value", "data"]);
            let Some(value) = value.map(JsonText::raw) else {
                continue;
            };
            if let Some(environment @ None) = environments.get_mut(value) {
                *environment = part(data, "environment");
            }
            if let Some(name @ None) = names.get_mut(value) {
                *name = part(data, "name");
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
                    .or_else(|| words.of(*names.get(namespace(*resource)?)?))
                    .or_else(|| words.at(of, &["namespace"])),
                region: words.at(of, &["region"]),
                owner: words.at(of, &["owner", "name"]),
                team: words.at(of, &["group", "name"]),
            }
        };
        resources.iter().map(notice).collect()
    }

    fn origin(&self, enrichments: Json<'_>) -> Origin {
        let at = |path: &[&str]| self.words.at(self.finding.evidence.src_endpoint, path);
        let word = |name| at(&[name]);
        let number = part(self.finding.evidence.src_endpoint, "autonomous_system");
        let number = part(number, "number").and_then(JsonText::int);
        let network = elements(enrichments).find_map(|one| {
            let [name, data] = one.pick(["name", "data"]);
            let is_of_address = name?.text()? == "src_endpoint.ip";
            is_of_address.then(|| part(data, "network")).flatten()
        });
        Origin {
            ip: word("ip"),
            name: word("name"),
            network: self.words.of(network),
            zone: word("zone"),
            city: at(&["location", "city"]),
            country: at(&["location", "country"]),
            autonomous_system: autonomous_system(number, at(&["autonomous_system", "name"])),
        }
    }

    fn client(&self, enrichments: Json<'_>) -> Option<String> {
        let mut of_each = elements(enrichments).filter_map(|one| one.at(&["data"]));
        let data = of_each.find(|data| data.at(&["client"]).is_some());
        let family = self.words.at(data, &["client"])?;
        match self.words.at(data, &["client_version"]) {
            Some(version) => Some(format!("{family} {version}")),
            None => Some(family),
        }
    }

    /// Which values matched, `field = value`; those of secrets are hidden.
    fn why(&self) -> Vec<String> {
        let lines = elements(self.finding.at(path::WHY)).filter_map(|line| {
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
        // The name says nothing of its value; the event may say that it is a secret.
        let find = || {
            self.finding
                .evidence
                .data
                .map(hidden_texts)
                .unwrap_or_default()
        };
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
        let parts = elements(self.finding.at(path::ATTACKS)).flat_map(|attack| {
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

/// `AS64500 Example Networks`, or the part of it that is known.
fn autonomous_system(number: Option<i64>, name: Option<String>) -> Option<String> {
    let parts = [number.map(|number| format!("AS{number}")), name];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
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

/// The resource's namespace as written.
fn namespace(resource: JsonText<'_>) -> Option<&str> {
    Some(resource.at(&["namespace"])?.raw())
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
            element: None,
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
                {"value": "env-1", "data": {"name": "Office"}},
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
            [Some("Office"), Some("production"), Some("Office")]
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
