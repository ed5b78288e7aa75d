//! `replay --to-archive`: files become rows of the archive, each event once, whatever happens in between.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use watchbell::archive::{
    Ranges, Rows, Storage, Table, TableKind, data_files, day_number, due_merges, merge,
    merged_statistics,
};
use watchbell::event::{Offset, Partition, Position, RawRecord};
use watchbell::query::archive::StoredFile;
use watchbell::view::Emitted;

use super::duckdb;
use super::s3::{Behavior, S3};

/// An empty archive, and a configuration that names it.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench::with("")
    }

    /// `more` are further lines of the section `archive`, each with two spaces before it, and then other sections.
    fn with(more: &str) -> Bench {
        let folder = TempDir::new().expect("a folder");
        let url = format!("file://{}", folder.path().join("archive").display());
        fs::create_dir(folder.path().join("archive")).expect("a folder");
        let bench = Bench { folder };
        bench.configure(&format!("archive:\n  url: \"{url}\"\n{more}"));
        bench
    }

    /// The same with an archive on object storage.
    fn on(s3: &S3) -> Bench {
        let bench = Bench {
            folder: TempDir::new().expect("a folder"),
        };
        let key = bench.file("key", b"key");
        let secret = bench.file("secret", b"secret");
        bench.configure(&format!(
            "archive:\n  url: s3://archive/backfill\n  bytes: 65536\n  s3:\n    endpoint: \"{}\"\n    region: us-east-1\n    \
             access_key_id_file: \"{}\"\n    secret_access_key_file: \"{}\"\n",
            s3.endpoint,
            key.display(),
            secret.display()
        ));
        bench
    }

    fn configure(&self, more: &str) {
        let config = format!(
            "sources:\n  audit: {{bootstrap: \"127.0.0.1:1\"}}\ndestination: {{bootstrap: \"127.0.0.1:1\"}}\n\
             rules: [pack:confluent, pack:actiontrail]\n{more}"
        );
        self.file("watchbell.yaml", config.as_bytes());
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    fn storage(&self) -> Storage {
        let url = format!("file://{}", self.folder.path().join("archive").display());
        Storage::open(&url, &[]).expect("a folder")
    }

    fn command(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_watchbell"));
        program.arg(command).arg("--config");
        program.arg(self.folder.path().join("watchbell.yaml"));
        program
    }

    fn load_command(&self, files: &[&Path]) -> Command {
        let mut command = self.command("replay");
        command.arg("--to-archive").args(files);
        command
    }

    /// Loads files; whether that has succeeded, and what was said.
    fn load(&self, files: &[&Path]) -> (bool, String) {
        said(&self.load_command(files).output().expect("run watchbell"))
    }

    /// Loads files, which succeeds; what was said.
    fn loaded(&self, files: &[&Path]) -> String {
        let (is_success, text) = self.load(files);
        assert!(is_success, "{text}");
        text
    }

    fn start(&self, files: &[&Path]) -> Child {
        let mut command = self.load_command(files);
        let command = command.stderr(Stdio::piped()).stdout(Stdio::null());
        command.spawn().expect("run watchbell")
    }

    /// The rows of a query.
    fn sql(&self, query: &str) -> Vec<Value> {
        let mut command = self.command("sql");
        let output = command.args(["--no-live", "--json", query]).output();
        let output = output.expect("run watchbell");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{query}: {text}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let row = |line: &str| serde_json::from_str(line).expect("JSON");
        text.lines().map(row).collect()
    }

    /// How many commits all tables have.
    fn commits(&self) -> usize {
        let tables = ["events", "alerts", "dead_letters"].iter();
        let logs = tables.map(|table| {
            let folder = self.folder.path().join("archive").join(table);
            fs::read_dir(folder.join("_delta_log")).map_or(0, Iterator::count)
        });
        logs.sum()
    }

    fn count(&self, query: &str) -> i64 {
        let rows = self.sql(&format!("SELECT count(*) AS n {query}"));
        rows[0]["n"].as_i64().expect("a number")
    }

    /// Every row has a place of its own, and every event an id of its own.
    fn assert_nothing_twice(&self) {
        for table in ["events", "alerts", "dead_letters"] {
            let twice = self.sql(&format!(
                "SELECT topic, \"partition\", \"offset\", count(*) AS n FROM {table} GROUP BY 1, 2, 3 HAVING count(*) > 1"
            ));
            assert!(twice.is_empty(), "{table}: {twice:?}");
        }
        let twice = self.sql("SELECT event_id FROM events GROUP BY 1 HAVING count(*) > 1");
        assert!(twice.is_empty(), "{twice:?}");
        let twice = self.sql(
            "SELECT alert_id FROM alerts WHERE event_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
        );
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// The archive has exactly these events, with the alerts of those that delete something, and so many dead letters.
    fn assert_holds(&self, events: std::ops::Range<usize>, dead_letters: i64) {
        self.assert_nothing_twice();
        let found = self.sql("SELECT event_id FROM events ORDER BY 1");
        let found: Vec<&str> = found
            .iter()
            .filter_map(|row| row["event_id"].as_str())
            .collect();
        let expected: Vec<String> = events.clone().map(id).collect();
        assert_eq!(found, expected);
        let alerts = self.sql("SELECT event_id FROM alerts WHERE event_id IS NOT NULL ORDER BY 1");
        let alerts: Vec<&str> = alerts
            .iter()
            .filter_map(|row| row["event_id"].as_str())
            .collect();
        let expected: Vec<String> = events.filter(|number| deletes(*number)).map(id).collect();
        assert_eq!(alerts, expected);
        assert_eq!(self.count("FROM dead_letters"), dead_letters);
    }
}

fn said(output: &Output) -> (bool, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), text)
}

fn id(number: usize) -> String {
    format!("event-{number:06}")
}

/// Whether the event deletes something, of which one rule raises an alert.
fn deletes(number: usize) -> bool {
    number % 10 == 3
}

/// An event; 900 of them are a day.
fn event(number: usize) -> Value {
    let time = 1_773_100_800_000 + number as i64 * 96_000;
    let time = jiff::Timestamp::from_millisecond(time).expect("a time");
    let method = if deletes(number) {
        "DeleteStatement"
    } else {
        "GetStatement"
    };
    json!({
        "specversion": "1.0",
        "id": id(number),
        "source": "crn://confluent.cloud/",
        "subject": "crn://confluent.cloud/organization=9f1d2c34-6b7a-4c58-8e21-0a4d5b6c7e8f",
        "type": "io.confluent.cloud/request",
        "time": time.to_string(),
        "datacontenttype": "application/json",
        "data": {
            "serviceName": "crn://confluent.cloud/",
            "methodName": method,
            "cloudResources": [{"resource": {"type": "STATEMENT", "resourceId": "orders-enrich"}}],
            "authenticationInfo": {
                "principal": {"confluentUser": {"resourceId": "u-5r7t9w"}}, "result": "SUCCESS",
            },
            "requestMetadata": {"clientAddress": [{"ip": "198.51.100.23"}]},
            "result": {"status": "SUCCESS"},
        },
    })
}

/// Events as lines; after each event whose number ends in `…7`, a line that is none, if `with_broken` says so.
fn lines(numbers: std::ops::Range<usize>, with_broken: bool) -> Vec<u8> {
    let mut text = String::new();
    for number in numbers {
        text += &format!("{}\n", event(number));
        if with_broken && number % 100 == 7 {
            text += "{\"specversion\": \"1.0\", \"id\": \n";
        }
    }
    text.into_bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// What stands for a file in the archive.
fn topic_of(content: &[u8]) -> String {
    format!("file:{}", HEXLOWER.encode(&Sha256::digest(content)))
}

/// Numbers that look random; the seed is printed.
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let seed = std::env::var("WATCHBELL_TEST_SEED").ok();
        let seed = seed.and_then(|seed| seed.parse().ok());
        let now = jiff::Timestamp::now().as_microsecond().cast_unsigned();
        let seed = seed.unwrap_or(now);
        println!("  WATCHBELL_TEST_SEED={seed}");
        Dice(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn files_of_every_form_become_rows_that_say_where_they_came_from() {
    let bench = Bench::new();
    let plain = lines(0..50, false);
    let array: Vec<Value> = (50..80).map(event).collect();
    let array = json!(array).to_string().into_bytes();
    let seed = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/actiontrail/seed.ndjson"
    ));
    let seed = seed.expect("the sample");
    let delivery = gzip(&seed);
    let files = [
        bench.file("plain.ndjson", &plain),
        bench.file("array.json", &array),
        bench.file("oss/cn-hangzhou/2026/03/14/delivery_0001.gz", &delivery),
    ];
    let files = files.each_ref().map(PathBuf::as_path);
    let text = bench.loaded(&files);
    let of_seed = seed
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count() as i64;
    let seed_alerts = bench.count("FROM alerts WHERE product = 'actiontrail'");
    assert!(of_seed > 1 && seed_alerts > 0, "{of_seed}, {seed_alerts}");
    let first = format!(
        "archived: {} events, {} alerts, 0 dead letters",
        80 + of_seed,
        8 + seed_alerts
    );
    assert!(text.contains(&first), "{text}");

    // An independent reader finds the rows.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let storage = bench.storage();
    let table = Table::open_to_read(&storage, TableKind::Events);
    let table = runtime.block_on(table).unwrap().expect("the table");
    let paths = table.entries().into_iter().map(|entry| {
        let folder = bench.folder.path().join("archive/events");
        format!("'{}'", folder.join(entry.path).display())
    });
    let paths: Vec<String> = paths.collect();
    let found = duckdb::query(&format!(
        "SELECT topic, \"partition\", min(\"offset\") AS first, max(\"offset\") AS last, count(*) AS n, source_topic, \
         min(origin) AS origin, count(DISTINCT event_id) AS ids, count(written) AS written, \
         bool_and(source_offset = \"offset\" AND source_partition = 0 AND source_element IS NULL) AS is_source, \
         bool_and(contains(event, 'origin:replay')) AS is_labelled \
         FROM read_parquet([{}]) GROUP BY ALL ORDER BY n",
        paths.join(", ")
    ));
    let expected = [(&delivery, 2, of_seed), (&array, 1, 30), (&plain, 0, 50)].map(|(content, file, n)| {
        json!({
            "topic": topic_of(content), "partition": 0, "first": 0, "last": n - 1, "n": n,
            "source_topic": files[file].display().to_string(), "origin": "replay", "ids": n, "written": n,
            "is_source": true, "is_labelled": true,
        })
    });
    assert_eq!(found, expected);
    bench.assert_nothing_twice();

    // Alerts name their event, and people find both.
    let place = format!("{}/0@3", topic_of(&plain));
    let show = bench.command("show").arg(&place).output().unwrap();
    let page = String::from_utf8_lossy(&show.stdout).into_owned();
    assert!(show.status.success() && page.contains(&id(3)), "{page}");
    assert!(
        page.contains("plain.ndjson") && page.contains("Flink statement deleted"),
        "{page}"
    );
    let search = bench
        .command("search")
        .args(["--no-live", "--event-id", &id(53)])
        .output()
        .unwrap();
    let line = String::from_utf8_lossy(&search.stdout).into_owned();
    let ending = format!("{}  {}/0@3\n", files[1].display(), topic_of(&array));
    assert!(line.ends_with(&ending), "{line}");
    // A place that is not there is not looked for in Kafka, which does not answer.
    let begun = Instant::now();
    let missing = bench
        .command("show")
        .arg(format!("{}/0@99", topic_of(&plain)))
        .output()
        .unwrap();
    let (is_success, text) = said(&missing);
    assert!(
        !is_success && text.contains("is not in the archive"),
        "{text}"
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_file_is_written_once_however_often_and_under_whatever_name_it_comes() {
    let bench = Bench::new();
    let content = lines(0..300, true);
    let first = bench.file("a.ndjson", &content);
    let text = bench.loaded(&[&first]);
    assert!(
        text.contains("archived: 300 events, 33 alerts, 3 dead letters"),
        "{text}"
    );
    // Each dead letter has an alert of its own.
    bench.assert_holds(0..300, 3);
    let other_name = bench.file("b.ndjson", &content);
    let text = bench.loaded(&[&first, &other_name]);
    assert!(
        text.contains("archived: 0 events, 0 alerts, 0 dead letters"),
        "{text}"
    );
    assert!(text.contains("2 files were passed over"), "{text}");
    // Other bytes with the same events: ids tell them; what has no id is a dead letter of another file.
    let compressed = bench.file("a.gz", &gzip(&content));
    let text = bench.loaded(&[&compressed]);
    assert!(
        text.contains("archived: 0 events, 3 alerts, 3 dead letters"),
        "{text}"
    );
    assert!(
        text.contains("300 events are in the archive already"),
        "{text}"
    );
    bench.assert_holds(0..300, 6);
    // One that has some more.
    let longer = bench.file("c.ndjson", &lines(200..350, false));
    let text = bench.loaded(&[&longer]);
    assert!(
        text.contains("archived: 50 events, 5 alerts, 0 dead letters"),
        "{text}"
    );
    // Two at once that have the same events, and an event that is twice in a file.
    let twice = [lines(350..400, false), lines(360..370, false)].concat();
    let twice = bench.file("d.ndjson", &twice);
    let same = bench.file("e.ndjson", &lines(340..410, false));
    let text = bench.loaded(&[&twice, &same]);
    assert!(
        text.contains("archived: 60 events, 6 alerts, 0 dead letters"),
        "{text}"
    );
    assert!(
        text.contains("70 events are in the archive already"),
        "{text}"
    );
    bench.assert_holds(0..410, 6);
}

#[test]
fn a_load_that_is_killed_again_and_again_goes_on_and_writes_each_event_once() {
    let bench = Bench::with("  bytes: 65536\n");
    let files = [
        bench.file("a.ndjson", &lines(0..2_500, true)),
        bench.file("b.gz", &gzip(&lines(2_500..4_000, true))),
    ];
    let files = files.each_ref().map(PathBuf::as_path);
    let mut dice = Dice::new();
    let (mut killed, mut seen) = (0, Vec::new());
    loop {
        let mut child = bench.start(&files);
        let before = bench.commits();
        let begun = Instant::now();
        let mut end = None;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            // Some time after it has begun to commit.
            if end.is_none() && bench.commits() > before {
                end = Some(Instant::now() + Duration::from_millis(dice.below(400)));
            }
            if killed < 12 && end.is_some_and(|end| Instant::now() >= end) {
                break None;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "it does not end"
            );
            std::thread::sleep(Duration::from_millis(2));
        };
        if let Some(status) = status {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let exists = bench
            .folder
            .path()
            .join("archive/events/_delta_log")
            .exists();
        if exists {
            seen.push(bench.count("FROM events"));
        }
    }
    println!("  killed {killed} times; events in between: {seen:?}");
    assert!(
        killed >= 3 && seen.windows(2).all(|pair| pair[0] <= pair[1]),
        "{seen:?}"
    );
    bench.assert_holds(0..4_000, 40);
    let text = bench.loaded(&files);
    assert!(text.contains("2 files were passed over"), "{text}");
}

#[test]
fn several_loads_at_the_same_time_write_each_event_once() {
    let bench = Bench::with("  bytes: 65536\n");
    let same = lines(0..800, true);
    let files = [
        bench.file("a.ndjson", &same),
        bench.file("b.ndjson", &lines(800..1_400, true)),
        // The same events as in the others, in another file.
        bench.file("c.gz", &gzip(&lines(400..1_000, false))),
    ];
    let [a, b, c] = files.each_ref().map(PathBuf::as_path);
    let children = [
        bench.start(&[a, b, c]),
        bench.start(&[b, a]),
        bench.start(&[c, a]),
    ];
    for child in children {
        let (is_success, text) = said(&child.wait_with_output().unwrap());
        assert!(is_success, "{text}");
    }
    bench.assert_holds(0..1_400, 14);
}

/// Merges files as the daemon does, and appends rows of a topic, until it is told to stop; how many merges there were.
fn care(storage: &Storage, handle: &tokio::runtime::Handle, is_done: &AtomicBool) -> usize {
    let (mut merges, mut offset) = (0, 1_000_000);
    while !is_done.load(Ordering::Relaxed) {
        let opened = handle.block_on(Table::open_existing(storage, TableKind::Events));
        let Ok(Some(mut table)) = opened else {
            continue;
        };
        for files in due_merges(table.entries(), jiff::Timestamp::now().as_millisecond()) {
            let stored: Vec<StoredFile<'_>> = files
                .iter()
                .map(|file| StoredFile::new(table.reader(), file, handle))
                .collect();
            let sources: Vec<&dyn Ranges> = stored.iter().map(|one| one as &dyn Ranges).collect();
            let mut merged = Vec::new();
            merge(TableKind::Events, &sources, &mut merged).expect("merge");
            let statistics: Vec<Value> = files.iter().map(|file| file.statistics.clone()).collect();
            let day = day_number(&files[0].day);
            handle.block_on(async {
                let statistics = merged_statistics(&statistics);
                let new = table
                    .store(day, [merged.into()], statistics)
                    .await
                    .expect("stored");
                merges += usize::from(table.replace("care", &files, &[new]).await.is_ok());
            });
        }
        append_of_topic(storage, handle, offset..offset + 1);
        offset += 1;
    }
    merges
}

/// Appends events of these numbers as rows that came from the topic.
fn append_of_topic(
    storage: &Storage,
    handle: &tokio::runtime::Handle,
    numbers: std::ops::Range<usize>,
) {
    let mut rows = Rows::new(TableKind::Events);
    for number in numbers {
        let value = json!({
            "class_uid": 6003, "metadata": {"uid": id(number)},
            "time": 1_773_100_800_000 + number as i64 * 96_000,
        });
        let value = value.to_string();
        rows.push(&Emitted::new(RawRecord {
            position: Position {
                topic: "watchbell.events",
                partition: Partition(0),
                offset: Offset(number as i64),
                element: None,
            },
            timestamp_ms: Some(1_793_500_000_000),
            ..RawRecord::of_value("watchbell.events", value.as_bytes())
        }));
    }
    let rows = rows.take().expect("rows");
    handle.block_on(async {
        let mut table = Table::open(storage, TableKind::Events)
            .await
            .expect("a table");
        let files = data_files(TableKind::Events, &rows).expect("files");
        table
            .append(files, &BTreeMap::new())
            .await
            .expect("appended");
    });
}

#[test]
fn a_daemon_that_archives_and_merges_meanwhile_loses_and_doubles_nothing() {
    let bench = Bench::with("  bytes: 65536\n");
    let file = bench.file("a.ndjson", &lines(0..1_500, false));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (storage, handle) = (bench.storage(), runtime.handle().clone());
    let is_done = AtomicBool::new(false);
    let merges = std::thread::scope(|scope| {
        let care = scope.spawn(|| care(&storage, &handle, &is_done));
        let loaded = bench.load(&[&file]);
        is_done.store(true, Ordering::Relaxed);
        assert!(loaded.0, "{}", loaded.1);
        care.join().expect("the care")
    });
    assert!(merges > 0);
    bench.assert_nothing_twice();
    let of_file = format!(
        "FROM events WHERE topic = '{}'",
        topic_of(&fs::read(&file).unwrap())
    );
    assert_eq!(bench.count(&of_file), 1_500);
    assert_eq!(bench.count("FROM alerts"), 150);
    assert!(bench.count("FROM events WHERE topic = 'watchbell.events'") > 0);
}

#[test]
fn events_that_are_there_from_a_topic_are_not_written_again_nor_their_alerts() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    append_of_topic(&bench.storage(), runtime.handle(), 1_000..2_000);
    let file = bench.file("a.ndjson", &lines(500..2_500, true));
    let text = bench.loaded(&[&file]);
    assert!(
        text.contains("archived: 1,000 events, 120 alerts, 20 dead letters"),
        "{text}"
    );
    assert!(
        text.contains("1,000 events are in the archive already"),
        "{text}"
    );
    bench.assert_nothing_twice();
    let found = bench.sql("SELECT topic = 'watchbell.events' AS t, count(*) AS n, min(event_id) AS a, max(event_id) AS z FROM events GROUP BY 1 ORDER BY 1");
    let rows = [
        json!({"t": false, "n": 1_000, "a": id(500), "z": id(2_499)}),
        json!({"t": true, "n": 1_000, "a": id(1_000), "z": id(1_999)}),
    ];
    assert_eq!(found, rows);
    let between = format!(
        "FROM alerts WHERE event_id BETWEEN '{}' AND '{}'",
        id(1_000),
        id(1_999)
    );
    assert_eq!(bench.count(&between), 0);
}

#[test]
fn a_stop_ends_after_what_was_gathered_and_the_next_call_goes_on() {
    let bench = Bench::with("  bytes: 65536\n");
    let file = bench.file("a.ndjson", &lines(0..3_000, true));
    let child = bench.start(&[&file]);
    // As soon as something is there.
    let log = bench
        .folder
        .path()
        .join("archive/events/_delta_log/00000000000000000002.json");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !log.exists() {
        assert!(Instant::now() < deadline, "nothing was committed in time");
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let (_, text) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("stopped; the same command goes on from there"),
        "{text}"
    );
    let before = bench.count("FROM events");
    assert!((1..3_000).contains(&before), "{before}");
    let text = bench.loaded(&[&file]);
    let rest = indicatif::HumanCount((3_000 - before) as u64);
    assert!(text.contains(&format!("archived: {rest} events")), "{text}");
    bench.assert_holds(0..3_000, 30);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused_and_nothing_wrong_is_written() {
    let bench = Bench::with("  bytes: 65536\n");
    let content = lines(0..4_000, false);
    let file = bench.file("a.ndjson", &content);
    let is_done = AtomicBool::new(false);
    let (is_success, text) = std::thread::scope(|scope| {
        // Somebody writes half an event to it, all the time.
        scope.spawn(|| {
            let mut writer = fs::OpenOptions::new().append(true).open(&file).unwrap();
            while !is_done.load(Ordering::Relaxed) {
                writer.write_all(b"{\"specversion\": ").unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let loaded = bench.load(&[&file]);
        is_done.store(true, Ordering::Relaxed);
        loaded
    });
    assert!(
        !is_success && text.contains("has changed while it was read"),
        "{text}"
    );
    assert!(
        text.contains("1 of 1 files could not be read to the end"),
        "{text}"
    );
    assert_eq!(bench.count("FROM dead_letters"), 0);
    fs::write(&file, &content).unwrap();
    bench.loaded(&[&file]);
    bench.assert_holds(0..4_000, 0);
}

#[test]
fn many_small_files_are_few_commits_and_are_recognized_at_once() {
    let bench = Bench::new();
    let files: Vec<PathBuf> = (0..400)
        .map(|number| {
            let content = gzip(&lines(number * 3..number * 3 + 3, false));
            bench.file(&format!("oss/{number:03}.gz"), &content)
        })
        .chain([
            bench.file("empty", b""),
            bench.file("also-empty.gz", &gzip(b"")),
        ])
        .collect();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    bench.loaded(&files);
    bench.assert_holds(0..1_200, 0);
    let log = fs::read_dir(bench.folder.path().join("archive/events/_delta_log")).unwrap();
    assert!(log.count() < 10);
    let text = bench.loaded(&files);
    assert!(text.contains("402 files were passed over"), "{text}");
    assert!(text.contains("archived: 0 events"), "{text}");
}

#[test]
fn the_routes_the_noise_policy_and_the_policies_of_privacy_are_applied() {
    let key = "0123456789abcdef0123456789abcdef";
    let bench = Bench::new();
    let key = bench.file("pseudonyms.key", key.as_bytes());
    let url = format!("file://{}", bench.folder.path().join("archive").display());
    bench.configure(&format!(
        "archive: {{url: \"{url}\"}}\nnoise: drop\n\
         privacy:\n  key_file: \"{}\"\n  policies:\n  - name: people\n    archive: [watchbell.events, team.deletions]\n    \
         fields: {{actor.user: pseudonym, src_endpoint.ip: drop}}\n\
         routes:\n- {{name: apart, when: {{api.operation: DeleteStatement}}, to: team.deletions, continue: true}}\n\
         - {{name: all, when: {{api.operation: DeleteStatement}}, to: watchbell.events}}\n",
        key.display()
    ));
    let content = lines(0..100, true);
    let file = bench.file("a.ndjson", &content);
    let text = bench.loaded(&[&file]);
    // Reads are noise. Each deletion is in two topics, which are one table.
    assert!(
        text.contains("archived: 20 events, 11 alerts, 1 dead letter"),
        "{text}"
    );
    let found = bench.sql(
        "SELECT operation, count(*) AS n, count(DISTINCT event_id) AS ids, count(DISTINCT \"partition\") AS outputs, \
         min(actor_uid) AS actor, bool_or(event LIKE '%198.51.100.23%') AS shown \
         FROM events GROUP BY 1",
    );
    let [row] = &found[..] else {
        panic!("{found:?}");
    };
    let counts = ["n", "ids", "outputs"].map(|name| row[name].as_i64().unwrap());
    assert_eq!(
        (&row["operation"], counts),
        (&json!("DeleteStatement"), [20, 10, 2])
    );
    assert_eq!(row["shown"], false);
    assert!(row["actor"].as_str().unwrap().starts_with("p-"), "{row}");
    // Where there is a policy, dead letters are sealed.
    assert_eq!(
        bench.count("FROM dead_letters WHERE sealed AND \"key\" IS NULL"),
        1
    );
    bench.loaded(&[&bench.file("a.gz", &gzip(&content))]);
    assert_eq!(bench.count("FROM events"), 20);
}

#[test]
fn what_cannot_be_loaded_is_refused_with_a_remedy() {
    let bench = Bench::new();
    let file = bench.file("a.ndjson", &lines(0..3, false));
    let (is_success, text) = bench.load(&[Path::new("-")]);
    assert!(
        !is_success && text.contains("standard input: it has to be read twice"),
        "{text}"
    );
    assert!(text.contains("save it as a file"), "{text}");
    let mut command = bench.load_command(&[Path::new("/dev/stdin"), &file]);
    let child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (is_success, text) = said(&child.wait_with_output().unwrap());
    assert!(
        !is_success && text.contains("a stream: it has to be read twice"),
        "{text}"
    );
    // The other file is loaded all the same.
    bench.assert_holds(0..3, 0);
    let mut command = bench.load_command(&[]);
    let output = command.args(["--topic", "audit"]).output().unwrap();
    let (_, text) = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("'--to-archive'") && text.contains("'--topic <TOPIC>'"),
        "{text}"
    );
    let without = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["replay", "--to-archive"])
        .arg(&file)
        .output();
    let (_, text) = said(&without.unwrap());
    assert!(text.contains("--config"), "{text}");
    bench.configure("");
    let (is_success, text) = bench.load(&[&file]);
    assert!(
        !is_success && text.contains("the configuration has no section `archive`"),
        "{text}"
    );
}

#[test]
fn what_the_retention_will_remove_is_told_before_it_is_written() {
    let bench = Bench::with("  retention: {events: 400d}\n");
    let mut old = event(1);
    old["time"] = "2019-03-14T00:00:00Z".into();
    let mut new = event(2);
    new["time"] = jiff::Timestamp::now().to_string().into();
    let file = bench.file("a.ndjson", format!("{old}\n{new}\n").as_bytes());
    let text = bench.loaded(&[&file]);
    let warning =
        "warning: 1 of the next 2 rows of events are older than archive.retention.events (400d)";
    assert!(text.contains(warning), "{text}");
    let (warned, archived) = (text.find(warning), text.find("archived: 2 events"));
    assert!(warned < archived && archived.is_some(), "{text}");
}

#[test]
fn object_storage_that_fails_now_and_then_gets_each_event_once() {
    let s3 = S3::start(Behavior::Failing);
    let bench = Bench::on(&s3);
    let file = bench.file("a.ndjson", &lines(0..400, true));
    let text = bench.loaded(&[&file]);
    println!("{text}");
    bench.assert_holds(0..400, 4);
}
