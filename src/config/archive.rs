//! The section `archive`: where everything is archived, and when a file is written.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::groups;
use crate::diagnostic::Problem;
use crate::settings::{Fault, Key, ScalarType, Section, Shape, Structure, optional};
use crate::sigma::{self, Placeholders};
use crate::yaml::Node;

/// The schemes of the storages.
const SCHEMES: [&str; 5] = ["file", "s3", "gs", "az", "abfss"];

/// The keys of the section.
pub(super) const ARCHIVE: &[Key] = &[
    optional("url", Shape::Scalar)
        .about("Where the tables are, such as s3://bucket/prefix; also file:///a/folder, gs:// and az://."),
    optional("s3", Shape::Section(S3)).about(
        "Access to S3 and what speaks its protocol, such as MinIO and Alibaba Cloud's OSS; default: the environment's AWS_ variables, else the role of the machine or pod.",
    ),
    optional("group", Shape::Scalar).about(
        "Consumer group of the archive, under whose name the tables hold their positions; default: the name of `group` with -archive.",
    ),
    // No key has a default here: without the section there is no archive.
    optional("interval", Shape::Scalar)
        .scalar_type(ScalarType::Duration)
        .about("Longest time between a record and its commit to the archive; default: 30s."),
    optional("bytes", Shape::Scalar)
        .scalar_type(ScalarType::Count)
        .about("Most bytes of records in a commit to the archive; default: 64 MiB."),
    optional("retention", Shape::Section(RETENTION))
        .about("How long rows are kept, by table; without it they are kept for good."),
    optional("hold", Shape::Section(HOLD))
        .about("Rows that are kept for good in spite of the retention (legal hold), by table."),
];

const HOLD: &[Key] = &[
    optional("events", Shape::Structure(&HELD)).about("Events that match this detection are kept."),
    optional("alerts", Shape::Structure(&HELD)).about("Alerts that match this detection are kept."),
    optional("dead_letters", Shape::Structure(&HELD))
        .about("Dead letters that match this detection are kept."),
];

/// A detection over the records of a table.
const HELD: Structure = Structure {
    check: check_hold,
    schema: || serde_json::json!({"type": "object", "required": ["condition"]}),
};

/// What is wrong with the language of a detection; whether records have its fields is known to those who read records.
fn check_hold(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let placeholders = Placeholders::unsupported(
        "placeholders are not supported in a hold",
        "write the values here without `expand`; rules can have placeholders",
    );
    sigma::detection_with(node, &placeholders, &mut problems);
    problems
}

/// The tables that can have a retention.
const TABLES: [&str; 4] = ["events", "alerts", "dead_letters", "ledger"];

const RETENTION: &[Key] = &[
    optional("events", Shape::Scalar)
        .about("How long events are kept, by their time, such as 400d."),
    optional("alerts", Shape::Scalar).about("How long alerts are kept, by their time."),
    optional("dead_letters", Shape::Scalar).about("How long dead letters are kept, by their time."),
    optional("ledger", Shape::Scalar)
        .about("How long the ledger is kept, by the time of ingest's commits."),
];

const S3: &[Key] = &[
    optional("endpoint", Shape::Scalar).about("Address of the service, if it is not Amazon's."),
    optional("region", Shape::Scalar).about("Region of the bucket."),
    optional("access_key_id", Shape::Secret).about("Access key; by environment variable only."),
    optional("access_key_id_file", Shape::Scalar).about("File that contains the access key."),
    optional("secret_access_key", Shape::Secret)
        .about("Secret of the access key; by environment variable only."),
    optional("secret_access_key_file", Shape::Scalar)
        .about("File that contains the secret of the access key."),
    optional("virtual_hosted", Shape::Scalar)
        .scalar_type(ScalarType::Flag)
        .about("Whether the bucket is part of the host name; OSS requires it. Default: false."),
];

/// Default for the longest time between a record and its commit.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);

/// Default for the most bytes of a commit.
const DEFAULT_BYTES: usize = 64 * 1024 * 1024;

/// Smallest and largest number of bytes of a commit.
const BYTES: (usize, usize) = (64 * 1024, 512 * 1024 * 1024);

/// Where everything is archived.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    /// The folder or the prefix of a bucket.
    pub url: String,
    /// Options of the storage as the `object_store` crate names them; they stand before those of the environment.
    pub options: Vec<(String, String)>,
    /// The consumer group.
    pub group: String,
    /// Longest time between a record and its commit.
    pub interval: Duration,
    /// Most bytes of records in a commit.
    pub bytes: usize,
    /// How long rows are kept, by the name of their table; the other tables keep them for good.
    pub retention: BTreeMap<String, Duration>,
    /// Detections over rows that are kept all the same, by the name of their table, as YAML.
    pub hold: BTreeMap<String, String>,
}

/// Without the options, among which are secrets.
impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Archive {
            url,
            group,
            interval,
            bytes,
            ..
        } = self;
        let mut shown = f.debug_struct("Archive");
        shown.field("url", url).field("group", group);
        shown.field("interval", interval).field("bytes", bytes);
        shown.finish_non_exhaustive()
    }
}

/// The archive, if there is one.
pub(super) fn read(root: &Section<'_>, faults: &mut Vec<Fault>) -> Option<Archive> {
    let section = root.section("archive");
    if section.is_empty() {
        return None;
    }
    let own_group = root.text("group").unwrap_or_default();
    let bytes = match section.has("bytes") {
        true => section.count("bytes", faults),
        false => DEFAULT_BYTES,
    };
    if !(BYTES.0..=BYTES.1).contains(&bytes) {
        let message = format!("must be from {} to {}", BYTES.0, BYTES.1);
        faults.push(section.fault("bytes", message));
    }
    if cfg!(not(feature = "archive")) {
        let fault = root.fault("archive", "this watchbell was built without the archive");
        faults.push(fault.remedy("build it with `cargo build --release --features archive`"));
    }
    Some(Archive {
        url: url(&section, faults),
        options: options(&section, faults),
        group: section
            .text("group")
            .unwrap_or_else(|| groups::archive_group(&own_group)),
        interval: match section.has("interval") {
            true => section.duration("interval", faults),
            false => DEFAULT_INTERVAL,
        },
        bytes,
        retention: retention(&section.section("retention"), faults),
        hold: hold(&section.section("hold")),
    })
}

fn retention(section: &Section<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, Duration> {
    let mut retention = BTreeMap::new();
    for table in TABLES.into_iter().filter(|table| section.has(table)) {
        let days: Option<Days> = section.parsed(table, "a number of days such as 400d", faults);
        retention.extend(days.map(|days| (table.to_owned(), days.0)));
    }
    retention
}

fn hold(section: &Section<'_>) -> BTreeMap<String, String> {
    let tables = TABLES.into_iter();
    let held = tables.filter_map(|table| Some((table.to_owned(), section.text(table)?)));
    held.collect()
}

/// A number of days, at least one: whole days are removed.
struct Days(Duration);

impl FromStr for Days {
    type Err = ();

    fn from_str(text: &str) -> Result<Days, ()> {
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.parse::<u32>().ok());
        let days = days.filter(|days| *days > 0).ok_or(())?;
        Ok(Days(Duration::from_secs(u64::from(days) * 24 * 60 * 60)))
    }
}

fn url(section: &Section<'_>, faults: &mut Vec<Fault>) -> String {
    let url = section.required("url", faults);
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !url.is_empty() && !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
        let fault = section.fault("url", format!("`{url}` is not the URL of a storage"));
        faults.push(fault.remedy("write file:///a/folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"));
    }
    url
}

/// The options of the storage.
fn options(section: &Section<'_>, faults: &mut Vec<Fault>) -> Vec<(String, String)> {
    let s3 = section.section("s3");
    let mut options = Vec::new();
    let mut add = |key: &str, value: Option<String>| {
        options.extend(value.map(|value| (key.to_owned(), value)));
    };
    if s3
        .text("endpoint")
        .is_some_and(|endpoint| endpoint.starts_with("http://"))
    {
        add("aws_allow_http", Some("true".into()));
    }
    add("aws_endpoint", s3.text("endpoint"));
    add("aws_region", s3.text("region"));
    add(
        "aws_virtual_hosted_style_request",
        s3.text("virtual_hosted"),
    );
    let key = s3.secret("access_key_id", faults);
    let secret = s3.secret("secret_access_key", faults);
    if key.is_some() != secret.is_some() {
        let missing = if key.is_some() {
            "secret_access_key"
        } else {
            "access_key_id"
        };
        let fault = s3.fault(
            missing,
            "missing, although the other half of the credentials is set",
        );
        faults.push(fault.remedy(format!(
            "set {missing}_file, or the variable {}",
            s3.variable(missing)
        )));
    }
    add("aws_access_key_id", key);
    add("aws_secret_access_key", secret);
    options
}
