//! A page that is served over an embedded Kafka, and a browser as far as logins need one.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use watchbell::kafka::embedded::Embedded;

use crate::command::{run_with, watchbell};
use crate::ocsf;

/// Longest wait for what must happen; a busy machine may need many times what a quiet one needs.
const LIMIT: Duration = Duration::from_secs(180);

/// The topic of events.
const EVENTS: &str = "watchbell.events";

/// The topic of alerts.
const ALERTS: &str = "watchbell.alerts";

/// An event of the events topic, which `view` knows by its class.
pub const EVENT: &str = r#"{"class_uid":6003,"time":1764504000000,"metadata":{"uid":"e-1"},"actor":{"user":{"name":"annabel","email_addr":"annabel@example.com"}},"api":{"operation":"DeleteTopic"},"resources":[{"name":"orders"}]}"#;

/// A running page.
pub struct Site {
    /// Kept while the page runs.
    _folder: TempDir,
    pub address: String,
    pub kafka: Option<Embedded>,
    process: Child,
    log: Arc<Mutex<String>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Site {
    /// A page with this section `page`; `{folder}` stands for its folder.
    pub fn of(page: &str, files: &[(&str, &str)]) -> Site {
        let kafka = cluster();
        kafka
            .produce(EVENTS, 0, [EVENT.as_bytes()])
            .expect("an event");
        let bootstrap = kafka.cluster().bootstrap;
        Site::over(&bootstrap, Some(kafka), page, files)
    }

    /// A page whose Kafka does not answer.
    pub fn without_kafka(page: &str, files: &[(&str, &str)]) -> Site {
        Site::over("127.0.0.1:1", None, page, files)
    }

    /// A page over an archive of documented events alone.
    pub fn archived(page: &str) -> Site {
        let events = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/confluent/shapes.ndjson"
        );
        let page = format!("{page}archive: {{url: \"file://{{folder}}/archive\"}}\n");
        let (folder, path) = configured("127.0.0.1:1", &page, &[]);
        fs::create_dir(folder.path().join("archive")).expect("a folder");
        let mut replay = watchbell();
        replay.args(["replay", "--to-archive", events, "--config"]);
        let loaded = run_with(replay.arg(&path), b"");
        assert_eq!(loaded.code, Some(0), "{loaded:?}");
        Site::serving(folder, None)
    }

    /// A page in whose folder something is prepared before it is served.
    pub fn prepared(page: &str, prepare: impl FnOnce(&Path)) -> Site {
        let kafka = cluster();
        let (folder, _) = configured(&kafka.cluster().bootstrap, page, &[]);
        prepare(folder.path());
        Site::serving(folder, Some(kafka))
    }

    /// What is said of a configuration with this section that is refused.
    pub fn refused(page: &str) -> String {
        let (_folder, path) = configured("127.0.0.1:1", page, &[]);
        let mut run = watchbell();
        let ended = run_with(
            run.args(["run", "--role", "page", "--config"]).arg(&path),
            b"",
        );
        assert_ne!(ended.code, Some(0), "{ended:?}");
        ended.stderr
    }

    fn over(bootstrap: &str, kafka: Option<Embedded>, page: &str, files: &[(&str, &str)]) -> Site {
        let (folder, _) = configured(bootstrap, page, files);
        Site::serving(folder, kafka)
    }

    fn serving(folder: TempDir, kafka: Option<Embedded>) -> Site {
        let mut process = watchbell()
            .args(["run", "--role", "page", "--config"])
            .arg(folder.path().join("watchbell.yaml"))
            // As in a pod of a Deployment, which has no number.
            .env("KUBERNETES_SERVICE_HOST", "10.0.0.1")
            .stderr(Stdio::piped())
            .spawn()
            .expect("run watchbell");
        let lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *written.lock().expect("no panic") += &(line + "\n");
            }
        });
        let address = eventually(|| {
            let log = log.lock().expect("no panic").clone();
            let mut entries = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let entry = entries.find(|entry| entry["message"] == "serving the page")?;
            Some(entry["listen"].as_str()?.to_owned())
        });
        let address = address
            .unwrap_or_else(|| panic!("it does not listen:\n{}", log.lock().expect("no panic")));
        Site {
            _folder: folder,
            address,
            kafka,
            process,
            log,
        }
    }

    /// Fails unless this is in its log, or comes soon: an answer can be here before the log is.
    pub fn assert_logs(&self, text: &str) {
        let found = eventually(|| self.log().contains(text).then_some(()));
        assert!(found.is_some(), "{text}: {}", self.log());
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// Puts an event of this moment into the events topic: `annabel` deletes the topic `orders`.
    pub fn deletes_now(&self) {
        let now_ms = jiff::Timestamp::now().as_millisecond().to_string();
        let event = EVENT
            .replace("1764504000000", &now_ms)
            .replace("e-1", "e-now");
        let kafka = self.kafka.as_ref().expect("a cluster");
        let produced = kafka.produce(EVENTS, 0, [event.as_bytes()]);
        produced.expect("an event");
    }

    /// The list of incidents, as somebody of a group who may decide sees it once there is one.
    pub fn incidents(&self, group: &str) -> Answer {
        let listed = || {
            let list = self.as_group(group, "/alerts", None);
            list.body.contains("name=\"incident\"").then_some(list)
        };
        eventually(listed).expect("an incident")
    }

    /// Puts an alert of this moment into the alerts topic.
    pub fn raises_now(&self) {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let alert = json!({
            "class_uid": 2004, "time": now_ms, "severity_id": 4, "status": "New", "is_alert": true,
            "message": "annabel deleted the topic orders",
            "metadata": {"uid": "a-1", "correlation_uid": "orders"},
            "finding_info": {
                "uid": "a-1", "title": "A topic was deleted",
                "analytic": {"uid": "44444444-4444-4444-8444-444444444444", "name": "A topic was deleted"},
            },
            "evidences": [{"actor": {"user": {"name": "annabel"}}, "api": {"operation": "DeleteTopic"}}],
        });
        let kafka = self.kafka.as_ref().expect("a cluster");
        let produced = kafka.produce(ALERTS, 0, [alert.to_string().as_bytes()]);
        produced.expect("an alert");
    }

    /// What somebody of a group is answered through a proxy: to a request, or to a form that is sent.
    pub fn as_group(&self, group: &str, path: &str, form: Option<&str>) -> Answer {
        let origin = format!("http://{}", self.address);
        let headers = [
            ("accept", "text/html"),
            ("x-forwarded-user", "vic"),
            ("x-forwarded-groups", group),
            ("origin", &origin),
            ("sec-fetch-site", "same-origin"),
        ];
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut browser = self.browser();
        browser.send(method, path, &headers, form.unwrap_or_default())
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser {
            address: self.address.clone(),
            cookies: Vec::new(),
        }
    }

    /// The event of watchbell itself for which this holds, once it is there; it is checked as OCSF.
    pub fn audited(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let kafka = self.kafka.as_ref().expect("a cluster");
        let found = eventually(|| {
            let records = kafka.read(EVENTS, 0).expect("the topic");
            let mut values = records.iter().filter_map(|record| {
                let value: Value = serde_json::from_slice(record.value.as_ref()?).ok()?;
                (value["metadata"]["product"]["name"] == "watchbell").then_some(value)
            });
            values.find(|value| is_it(value))
        });
        let found = found.unwrap_or_else(|| panic!("it is not there: {}", self.log()));
        ocsf::validate(&found);
        found
    }
}

/// A cluster with the topics of outputs.
fn cluster() -> Embedded {
    let kafka = Embedded::start().expect("an embedded cluster");
    for topic in [EVENTS, ALERTS, "watchbell.dead-letters", "watchbell.triage"] {
        kafka.create_topic(topic, 1).expect("a topic");
    }
    kafka
}

/// A folder with these files and a configuration with this section `page`, and the path of the configuration.
fn configured(bootstrap: &str, page: &str, files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    let page = page.replace("{folder}", &folder.path().display().to_string());
    let config = format!(
        "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\ndestination: {{bootstrap: \"{bootstrap}\"}}\n\
         http: {{listen: \"127.0.0.1:0\"}}\npage:\n  listen: \"127.0.0.1:0\"\n{page}"
    );
    let path = folder.path().join("watchbell.yaml");
    fs::write(&path, config).expect("a configuration");
    (folder, path)
}

/// Waits until something is there.
pub fn eventually<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let found = look();
        if found.is_some() || begun.elapsed() > LIMIT {
            return found;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no location: {self:?}"))
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let rest = self
            .body
            .rsplit_once(&begin)
            .unwrap_or_else(|| panic!("no {name}: {}", self.body))
            .1;
        rest.split('"').next().expect("a value").to_owned()
    }
}

/// Requests with the cookies that the answers have set.
#[derive(Clone)]
pub struct Browser {
    pub address: String,
    pub cookies: Vec<(String, String)>,
}

impl Browser {
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "text/html")], "")
    }

    /// Sends a form as a page of the same origin would.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.address);
        self.send(
            "POST",
            path,
            &[("origin", &origin), ("sec-fetch-site", "same-origin")],
            &encoded(form),
        )
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request += &format!("cookie: {}\r\n", pairs.join("; "));
        }
        if method == "POST" {
            request += &format!(
                "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
                body.len()
            );
        }
        request += &format!("\r\n{body}");
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a time-out");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = parsed(&answer);
        for (_, cookie) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            self.take(cookie);
        }
        answer
    }

    fn take(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').expect("attributes");
        let (name, value) = pair.split_once('=').expect("a cookie");
        self.cookies.retain(|(known, _)| known != name);
        if !attributes.contains("Max-Age=0;") {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// A form as browsers encode it.
pub fn encoded(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

fn parsed(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines
        .next()
        .expect("a status")
        .split(' ')
        .nth(1)
        .expect("a status");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = match is_chunked {
        true => unchunked(&bytes[end + 4..]),
        false => bytes[end + 4..].to_vec(),
    };
    Answer {
        status: status.parse().expect("a number"),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return out;
        };
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}
