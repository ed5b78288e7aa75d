//! The most expensive records that we know, and everything that processes a record: the pipeline with rules
//! that are as expensive, pages and filters, and the requests to every sink.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use arc_swap::ArcSwap;
use watchbell::event::{Header, Offset, OutputBuffer, Partition, Position, RawRecord};
use watchbell::notice::Notice;
use watchbell::notify::sinks::alertmanager::Alertmanager;
use watchbell::notify::sinks::email::Email;
use watchbell::notify::sinks::pagerduty::{PagerDuty, US as PAGERDUTY_US};
use watchbell::notify::sinks::slack::Slack;
use watchbell::notify::sinks::teams::Teams;
use watchbell::notify::sinks::webhook::Webhook;
use watchbell::notify::{Encryption, Endpoint, Message, Secret, Template};
use watchbell::pipeline::{Catalogs, Content, Names, OutputList, Path, Pipeline, known};
use watchbell::rules::{CurrentRules, Overrides, RuleSet, RuleSource};
use watchbell::sigma::{Placeholders, Scratch};
use watchbell::view::{Emitted, Filter, FilterText, Paint, RecordKind, line, page};

const NOW_MS: i64 = 1_800_000_000_000;

/// A record of the source.
pub struct Record {
    pub headers: Vec<(String, String)>,
    pub value: String,
}

/// Writes the part of a record that makes it bad: its number, and where to write it.
type Part = fn(usize, &mut String);

/// Where such parts stand in an event.
enum Place {
    /// Elements of the array `api.request.data.a`.
    Array,
    /// Members of the object `api.request.data`.
    Object,
    /// Elements of the array `api.request.data.configs` where configurations are altered, of which many rules ask.
    Configs,
    /// Within the string `api.request.data.a`.
    Text,
    /// Two arrays, `api.request.data.a` and `api.request.data.b`; every second part is in the second.
    Arrays,
    /// Members of the envelope, `data`.
    Envelope,
    /// Elements of `data.cloudResources`.
    Resources,
    /// Within `data.resourceName`, after `crn://confluent.cloud`.
    Crn,
    /// Within `data.methodName`.
    Method,
    /// Elements of the principal's namespace.
    Namespace,
    /// Elements of `data.result.data.errors`.
    Errors,
    /// Members of `data.requestMetadata`.
    Client,
    /// Headers `ce_…` of a CloudEvent in binary mode.
    Headers,
    /// The whole value, which is no event.
    Bare,
    /// Members of `requestParameters` of an event of ActionTrail.
    Parameters,
    /// Elements of a list in its `referencedResources`.
    Referenced,
    /// Within its `resourceName`.
    ResourceName,
    /// Within its parameter `VSwitchIds`, a list in a text.
    ListInText,
    /// Members of such an event that is a text in a record of Simple Log Service.
    LogRecord,
    /// Elements of a page of such events.
    Page,
}

/// A kind of expensive record: its name, its place in the event, and its parts.
const KINDS: [(&str, Place, Part); 53] = [
    ("small numbers", Place::Array, |_, out| out.push('1')),
    ("numbers with exponents", Place::Array, |_, out| {
        out.push_str("-1.5e-7")
    }),
    ("one long number", Place::Array, |_, out| {
        out.push_str(&"7".repeat(300_000))
    }),
    ("empty arrays", Place::Array, |_, out| out.push_str("[]")),
    ("deep nesting", Place::Array, |_, out| {
        out.push_str(&"[".repeat(120));
        out.push_str(&"]".repeat(120));
    }),
    ("deep nesting of objects", Place::Array, |_, out| {
        out.push_str(&r#"{"a":"#.repeat(120));
        out.push('1');
        out.push_str(&"}".repeat(120));
    }),
    ("one name again and again", Place::Object, |_, out| {
        out.push_str(r#""a":"b""#)
    }),
    ("names that are alike", Place::Object, |n, out| {
        let _ = write!(out, r#""a{n:08}a":1"#);
    }),
    ("names that differ in case", Place::Object, |n, out| {
        let _ = write!(out, r#""s_{n:b}_A":"x""#);
    }),
    ("one name in two spellings", Place::Object, |n, out| {
        let name = if n % 2 == 0 { "a" } else { "A_" };
        let _ = write!(out, r#""{name}":"{n}""#);
    }),
    ("small objects with a name twice", Place::Array, |n, out| {
        let _ = write!(out, r#"{{"a":{n},"b_c":0,"d":[],"e":1,"BC":2}}"#);
    }),
    ("names with dots beside objects", Place::Object, |n, out| {
        out.push_str(if n % 2 == 0 {
            r#""a.b":1"#
        } else {
            r#""a":{"b":1}"#
        });
    }),
    (
        "names that begin with an underscore",
        Place::Object,
        |n, out| {
            let _ = write!(out, r#""_{n}":1"#);
        },
    ),
    ("a client of many names", Place::Client, |n, out| {
        let _ = write!(out, r#""clientId":"{n}""#);
    }),
    ("numbers that no double holds", Place::Array, |_, out| {
        out.push_str("1e999")
    }),
    ("halves of surrogate pairs", Place::Text, |_, out| {
        out.push_str(r"\ud83d")
    }),
    ("errors of several readings", Place::Errors, |n, out| {
        let _ = write!(out, r#"{{"code":{n},"Code":"x"}}"#);
    }),
    ("names with escapes", Place::Object, |n, out| {
        let _ = write!(out, r#""\u0061{n}":null"#);
    }),
    ("names of secrets", Place::Object, |n, out| {
        let _ = write!(out, r#""password{n}":{{"value":"S3CRET-{n}"}}"#);
    }),
    ("pairs of names and values", Place::Array, |n, out| {
        let _ = write!(out, r#"{{"value":"S3CRET-{n}","name":"sasl.jaas.config"}}"#);
    }),
    ("a long text with escapes", Place::Text, |_, out| {
        out.push_str(r#"\u00e9\n\"\\\ud83d\ude00"#)
    }),
    ("a long text beyond ASCII", Place::Text, |_, out| {
        out.push_str("ÄİßΣ")
    }),
    ("a long text of one letter", Place::Text, |_, out| {
        out.push('a')
    }),
    ("a long text of assignments", Place::Text, |_, out| {
        out.push_str("'password' = 'x', ")
    }),
    ("a long text of quotes", Place::Text, |_, out| {
        out.push_str(r#"'\"`\\"#)
    }),
    ("many private keys", Place::Text, |_, out| {
        out.push_str("-----BEGIN PRIVATE KEY-----")
    }),
    ("many addresses", Place::Array, |n, out| {
        let _ = write!(
            out,
            r#""10.{}.{}.{}""#,
            n >> 16 & 255,
            n >> 8 & 255,
            n & 255
        );
    }),
    ("two lists", Place::Arrays, |n, out| {
        let side = if n % 2 == 0 { 'x' } else { 'y' };
        let _ = write!(out, r#""{n:08}{side}""#);
    }),
    ("two lists with one beginning", Place::Arrays, |n, out| {
        let _ = write!(
            out,
            r#""{}{}""#,
            "a".repeat(200),
            if n % 2 == 0 { "" } else { "b" }
        );
    }),
    ("two lists of short texts", Place::Arrays, |n, out| {
        let _ = write!(out, r#""{}""#, if n % 2 == 0 { "ä" } else { "öa" });
    }),
    ("a resource again and again", Place::Resources, |_, out| {
        out.push_str(r#"{"resource":{"type":"KAFKA_CLUSTER","resourceId":"lkc-known"}}"#);
    }),
    ("many resources", Place::Resources, |n, out| {
        let _ = write!(
            out,
            r#"{{"scope":{{"resources":[{{"type":"ENVIRONMENT","resourceId":"env-{n}"}}]}},"resource":{{"type":"TOPIC","resourceId":"t{n}"}}}}"#
        );
    }),
    ("many names in the envelope", Place::Envelope, |n, out| {
        let _ = write!(out, r#""a{n:07}a":"b""#);
    }),
    ("a long resource name", Place::Crn, |n, out| {
        let _ = write!(out, "/environment={n}");
    }),
    ("an encoded resource name", Place::Crn, |_, out| {
        out.push_str("/t=%41%ff%")
    }),
    ("a long method", Place::Method, |_, out| {
        out.push_str("Delete_")
    }),
    ("a long namespace", Place::Namespace, |n, out| {
        let _ = write!(out, r#""n{n:08}""#);
    }),
    ("many errors", Place::Errors, |n, out| {
        let _ = write!(out, r#"{{"code":{n},"detail":"x"}}"#);
    }),
    ("many headers", Place::Headers, |n, out| {
        let _ = write!(out, "a{n}");
    }),
    ("many parameters", Place::Parameters, |n, out| {
        let _ = write!(out, r#""Disk_Id{}":"d-{n}""#, "_".repeat(n % 5));
    }),
    ("many referenced resources", Place::Referenced, |n, out| {
        let uid = "7c5d3a1e-0f2b-4c6d-8e9a-";
        let _ = write!(out, r#""{uid}{n:012}","name-{n}""#);
    }),
    (
        "a long list of resource names",
        Place::ResourceName,
        |n, out| {
            out.push_str(if n % 2 == 0 { "d," } else { "s;" });
        },
    ),
    ("a long list in a text", Place::ListInText, |_, out| {
        out.push_str(r#"\\\"vsw-a1\\\","#)
    }),
    (
        "an event of many names as a text",
        Place::LogRecord,
        |n, out| {
            let _ = write!(out, r#"\"a{n:07}a\":\"\\u00e9\""#);
        },
    ),
    ("a page of events", Place::Page, |n, out| {
        // One of them raises an alert.
        let name = if n == 0 { "Delete" } else { "Sync" };
        let comment = "x".repeat(2_000);
        let _ = write!(
            out,
            r#"{{"eventName":"{name}","acsRegion":"r","comment":"{comment}"}}"#
        );
    }),
    ("pairs in a text", Place::Text, |_, out| {
        out.push_str("a=b,")
    }),
    ("JSON in texts", Place::Array, |_, out| {
        out.push_str(r#""{\"name\":\"segment.ms\",\"value\":[1]}""#);
    }),
    ("names and values in one object", Place::Object, |n, out| {
        let _ = write!(out, r#""{}":"n{n}""#, ["name", "value"][n % 2]);
    }),
    (
        "paths and values of one operation",
        Place::Object,
        |n, out| {
            let _ = match n {
                0 => write!(out, r#""op":"add""#),
                n if n % 2 == 0 => write!(out, r#""path":"/n{n}""#),
                n => write!(out, r#""value":{{"op":"add","path":"/a","value":{n}}}"#),
            };
        },
    ),
    (
        "objects of types within each other",
        Place::Array,
        |_, out| {
            out.push_str(&r#"{"value":{"a":[1],"op":"add","path":"/a","value":"#.repeat(50));
            out.push('1');
            out.push_str(&"}}".repeat(50));
        },
    ),
    ("one setting again and again", Place::Configs, |n, out| {
        let _ = write!(out, r#"{{"name":"retention.ms","value":"{n}9999999"}}"#);
    }),
    ("nothing but brackets", Place::Bare, |_, out| out.push('[')),
    ("no JSON", Place::Bare, |n, out| {
        let _ = write!(out, r#"{{"id":"{n}"}},"#);
    }),
];

/// Every kind of bad record, by name.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, ..)| *name)
}

/// The record of that kind and about that size.
pub fn record(kind: &str, bytes: usize) -> Record {
    let (_, place, part) = KINDS
        .iter()
        .find(|(name, ..)| *name == kind)
        .expect("a kind");
    let parts = |from: usize, step: usize, bytes: usize, separator: &str| {
        let mut out = String::with_capacity(bytes + 400);
        for number in (from..).step_by(step) {
            if out.len() >= bytes {
                break;
            }
            if !out.is_empty() {
                out.push_str(separator);
            }
            part(number, &mut out);
        }
        out
    };
    let all = |separator| parts(0, 1, bytes, separator);
    let mut headers = Vec::new();
    let value = match place {
        Place::Array => request(&format!(r#"{{"a":[{}]}}"#, all(","))),
        Place::Object => request(&format!("{{{}}}", all(","))),
        Place::Configs => event(
            "kafka.IncrementalAlterConfigs",
            "/kafka=lkc-a1/topic=orders",
            &format!(r#","request":{{"data":{{"configs":[{}]}}}}"#, all(",")),
        ),
        Place::Text => request(&format!(r#"{{"a":"{}"}}"#, all(""))),
        Place::Arrays => {
            let (a, b) = (parts(0, 2, bytes / 2, ","), parts(1, 2, bytes / 2, ","));
            request(&format!(r#"{{"a":[{a}],"b":[{b}]}}"#))
        }
        Place::Envelope => event("DeleteStatement", "", &format!(",{}", all(","))),
        Place::Resources => event(
            "DeleteStatement",
            "",
            &format!(r#","cloudResources":[{}]"#, all(",")),
        ),
        Place::Crn => event("DeleteStatement", &all(""), ""),
        Place::Method => event(&all(""), "", ""),
        Place::Namespace => event(
            "DeleteStatement",
            "",
            &format!(
                r#","authenticationInfo":{{"principal":{{"externalAccount":{{"subject":"s","namespace":[{}]}}}}}}"#,
                all(",")
            ),
        ),
        Place::Errors => event(
            "DeleteStatement",
            "",
            &format!(
                r#","result":{{"status":"ERROR","data":{{"errors":[{}]}}}}"#,
                all(",")
            ),
        ),
        Place::Client => event(
            "DeleteStatement",
            "",
            &format!(r#","requestMetadata":{{{}}}"#, all(",")),
        ),
        Place::Headers => {
            headers = all(" ")
                .split(' ')
                .map(|name| (format!("ce_{name}"), String::new()))
                .collect();
            for (name, value) in [
                ("specversion", "1.0"),
                ("id", "w"),
                ("source", "s"),
                ("type", "io.confluent.x/request"),
            ] {
                headers.push((format!("ce_{name}"), value.to_owned()));
            }
            r#"{"methodName":"DeleteStatement"}"#.to_owned()
        }
        Place::Bare => all(""),
        Place::Parameters => deletion(&format!(r#""requestParameters":{{{}}}"#, all(","))),
        Place::Referenced => deletion(&format!(r#""referencedResources":{{"T":[{}]}}"#, all(","))),
        Place::ResourceName => deletion(&format!(r#""resourceName":"{}""#, all(""))),
        Place::ListInText => deletion(&format!(
            r#""requestParameters":{{"VSwitchIds":"[{}\\\"vsw-b2\\\"]"}}"#,
            all("")
        )),
        Place::LogRecord => format!(
            r#"{{"__topic__":"t","event":"{{\"eventName\":\"Delete\",\"acsRegion\":\"r\",{}}}"}}"#,
            all(",")
        ),
        Place::Page => format!(r#"{{"Events":[{}]}}"#, all(",")),
    };
    Record { headers, value }
}

fn request(data: &str) -> String {
    event(
        "DeleteStatement",
        "",
        &format!(r#","request":{{"data":{data}}}"#),
    )
}

/// An event of ActionTrail with this member.
fn deletion(member: &str) -> String {
    format!(r#"{{"eventName":"Delete","acsRegion":"r",{member}}}"#)
}

fn event(method: &str, crn: &str, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"w","source":"crn://confluent.cloud/","type":"io.confluent.cloud/request","time":"2026-11-21T08:30:00Z","data":{{"methodName":"{method}","resourceName":"crn://confluent.cloud{crn}"{more}}}}}"#
    )
}

/// Rules with the most expensive features of the language. Only the last one matches.
const RULES: [&str; 24] = [
    "keyword: ['*qqq*', 'q?q*q?q']",
    "api.request.data.a: ['*a*b*q', '?a*a*a*q']",
    "api.request.data.a|contains|all: ['aaq', 'qqq']",
    "api.request.data.a|re: '(a|aa)+[bq]q$'",
    "api.request.data.a|re|i: 'ä.{0,20}ö.{0,20}q'",
    "api.request.data.a|cidr: [203.0.113.0/24, '2001:db8::/32']",
    "api.request.data.a|gt: 1e300",
    "api.request.data.a|base64offset|contains: qqqqqq",
    "api.request.data.a|windash|contains: '-qqq'",
    "api.request.data.a|fieldref: api.request.data.b",
    "api.request.data.a|fieldref|startswith: api.request.data.b",
    "api.request.data.a|fieldref|endswith: api.request.data.b",
    "api.request.data.a|fieldref|contains: api.request.data.b",
    "api.request.data.a|neq: q, api.request.data.a.b|neq: q, 'api.operation|contains': qqq",
    "api.request.filters.expression|contains: qqq",
    "api.request.grants.resource_name|contains: qqq",
    "api.request.networks: {cidr|contains: qqq, version: 4}",
    "api.request.principals.uid|contains: qqq",
    "api.request.roles|contains: qqq",
    "api.request.settings: {name: segment.ms, value|contains: qqq}",
    "unmapped.data.none.at.all|exists: true",
    "resources.uid|endswith: [qqq, qqqq]",
    "actor.user.uid_alt|contains: qqq",
    "'api.operation|contains': e",
];

fn rules() -> String {
    let mut text = String::new();
    for (number, test) in RULES.iter().enumerate() {
        let selection = match test.strip_prefix("keyword: ") {
            Some(words) => words.to_owned(),
            None => format!("{{{test}}}"),
        };
        let _ = write!(
            text,
            "---\ntitle: Worst {number}\nid: 00000000-0000-4000-8000-{number:012}\ntaxonomy: ocsf\nlevel: high\n\
             logsource: {{definition: every event}}\ndetection:\n  s: {selection}\n  \
             condition: s\ngroup_by: [resources.uid]\nfields: [api.request.data.a, resources.uid]\n"
        );
    }
    text
}

/// All that a record meets.
pub struct Way {
    pipeline: Pipeline,
    filter: Filter,
    endpoints: Vec<Arc<dyn Endpoint>>,
    template: Template,
}

impl Way {
    /// With topics that take so many bytes.
    pub fn new(limit: usize) -> Way {
        let catalogs = Catalogs::shipped().expect("the shipped catalogue");
        let folder = tempfile::tempdir().expect("a directory");
        let file = folder.path().join("worst.yaml");
        fs::write(&file, rules()).expect("rules");
        let sources = [RuleSource::Pack("confluent".into()), RuleSource::Path(file)];
        let rules = RuleSet::load(
            &sources,
            &known(&catalogs),
            &Overrides::default(),
            &Path::parse,
        );
        let rules = rules.unwrap_or_else(|faults| panic!("{faults:#?}"));
        let names = "lkc-known: {name: Orders, owner: ops, environment: production}\n";
        let names = Names::parse_yaml(names, "names.yaml").expect("names");
        let filters = ["'*qqq*'", "evidences.data.api.request.data.a|contains: qqq"];
        let written = filters.map(|text| FilterText { name: "f", text });
        Way {
            pipeline: Pipeline::new(
                OutputList::new(Content::name).limited(|_| limit),
                Arc::new(catalogs),
                Arc::new(CurrentRules::new(rules)),
                Arc::new(ArcSwap::from_pointee(names.into())),
            ),
            filter: Filter::parse(RecordKind::Alert, &written, &Placeholders::default())
                .expect("filters")
                .0,
            endpoints: endpoints(),
            template: Template::new(
                Some("{{ title }}".into()),
                Some("{{ text }} {{ record }} {{ notice.why }} {{ facts }}".into()),
            )
            .expect("templates"),
        }
    }

    /// The record through the pipeline.
    pub fn process(&self, record: &Record, out: &mut OutputBuffer) {
        let headers = record.headers.iter().map(|(name, value)| Header {
            name,
            value: Some(value.as_bytes()),
        });
        let raw = RawRecord {
            position: position(),
            timestamp_ms: Some(NOW_MS),
            key: None,
            value: Some(record.value.as_bytes()),
            headers: headers.collect(),
        };
        out.clear();
        self.pipeline.begin().process(&raw, NOW_MS, out);
    }

    /// The outputs as a person reads them; how many alerts there are.
    pub fn view(&self, out: &OutputBuffer) -> usize {
        let mut alerts = 0;
        for output in out.iter() {
            let emitted = Emitted::new(RawRecord {
                position: position(),
                timestamp_ms: Some(NOW_MS),
                key: output.key,
                value: output.value,
                headers: output.headers().collect(),
            });
            assert_ne!(emitted.kind, RecordKind::Foreign);
            alerts += usize::from(emitted.kind == RecordKind::Alert);
            assert!(!self.filter.takes(&emitted, &mut Scratch::default()));
            assert!(!line(&emitted, Paint::PLAIN).is_empty());
            assert!(!page(&emitted, Paint::PLAIN).is_empty());
        }
        alerts
    }

    /// The alerts as every sink is sent them; how many bytes.
    pub fn notify(&self, out: &OutputBuffer) -> usize {
        let alerts = out.iter().filter(|output| &**output.topic == "alerts");
        let mut sent = 0;
        for alert in alerts {
            let value = alert.value.expect("a value");
            let notice = Notice::read(value, position()).expect("an alert of ours");
            for template in [None, Some(&self.template)] {
                let message = Message::of_one("sink", notice.clone(), NOW_MS, template);
                for endpoint in &self.endpoints {
                    let requests = endpoint.requests(&message, NOW_MS);
                    sent += requests.iter().map(|r| r.body.len()).sum::<usize>();
                }
            }
        }
        sent
    }
}

fn position() -> Position<'static> {
    Position {
        topic: "worst",
        partition: Partition(0),
        offset: Offset(7),
        element: None,
    }
}

fn endpoints() -> Vec<Arc<dyn Endpoint>> {
    let secret = || Secret::new("https://sink.example");
    vec![
        Arc::new(Alertmanager {
            urls: vec!["http://am".into()],
            token: None,
            hold_ms: 600_000,
        }),
        Arc::new(PagerDuty {
            url: PAGERDUTY_US.into(),
            routing_key: secret(),
        }),
        Arc::new(Slack::Webhook { url: secret() }),
        Arc::new(Teams { url: secret() }),
        Arc::new(Email {
            server: "mail.example".into(),
            port: 587,
            encryption: Encryption::StartTls,
            login: None,
            from: "watchbell@example.com".parse().expect("an address"),
            to: vec!["jane@example.com".parse().expect("an address")],
        }),
        Arc::new(Webhook {
            url: "https://soar.example".into(),
            secret: None,
            token: None,
        }),
    ]
}

/// Forgets the largest memory that this process has had.
pub fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("/proc");
}

/// The largest memory that this process has had since then.
pub fn peak_bytes() -> usize {
    of_status("VmHWM:")
}

/// The memory that this process has.
pub fn resident_bytes() -> usize {
    of_status("VmRSS:")
}

fn of_status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kb.expect("a number of kB") * 1024
}
