//! The archive of the output topics: every record is in its table exactly once, whatever is killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use watchbell::archive::{Storage, Table, TableError, TableKind};

use super::admin::re_create;
use super::audit::{Fate, Given, STATEMENT_DELETED};
use super::broker::{Broker, clusters};
use super::daemon::{Daemon, Deployment};
use super::ledger::{is_sound, listed_records};
use super::records::read_committed;
use super::s3::{Behavior, S3};
use super::{Dice, LIMIT, eventually};

/// Where a record is in its topic.
type Place = (i32, i64);

/// The rows of a topic in a table: the payload column at each place, as often as it is there.
pub fn archived(storage: &Storage, kind: TableKind, topic: &str) -> BTreeMap<Place, Vec<Vec<u8>>> {
    let payload = match kind {
        TableKind::Events => "event",
        TableKind::Alerts => "alert",
        TableKind::DeadLetters => "value",
        TableKind::Ledger => "ledger",
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut found: BTreeMap<Place, Vec<Vec<u8>>> = BTreeMap::new();
    for file in files(storage, kind, &runtime) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        for batch in reader.build().expect("Parquet") {
            let batch = batch.expect("rows");
            for row in 0..batch.num_rows() {
                if batch["topic"].as_string::<i32>().value(row) == topic {
                    let partition = batch["partition"].as_primitive::<Int32Type>().value(row);
                    let offset = batch["offset"].as_primitive::<Int64Type>().value(row);
                    let places = found.entry((partition, offset)).or_default();
                    places.push(bytes(&batch, payload, row));
                }
            }
        }
    }
    found
}

/// The data files of a table's newest snapshot, whatever the storage fails at.
fn files(storage: &Storage, kind: TableKind, runtime: &tokio::runtime::Runtime) -> Vec<Bytes> {
    let read = || {
        runtime.block_on(async {
            let table = Table::open(storage, kind).await?;
            let mut files = Vec::new();
            for file in table.entries() {
                files.push(table.read(&file, 0..file.size).await?);
            }
            Ok::<_, TableError>(files)
        })
    };
    let mut files = None;
    let done = eventually(LIMIT, || {
        files = read().ok();
        files.is_some()
    });
    assert!(done, "{} cannot be read", kind.name());
    files.unwrap_or_default()
}

fn bytes(batch: &RecordBatch, column: &str, row: usize) -> Vec<u8> {
    let column = &batch[column];
    match column.as_string_opt::<i32>() {
        Some(texts) => texts.value(row).into(),
        None => column.as_binary::<i32>().value(row).into(),
    }
}

/// What careful readers see of a topic.
fn read(broker: &Broker, topic: &str) -> BTreeMap<Place, Vec<Vec<u8>>> {
    let records = read_committed(broker, topic).into_iter();
    let record = |record: super::records::Read| {
        let place = (record.partition, record.offset);
        (place, vec![record.value.unwrap_or_default()])
    };
    records.map(record).collect()
}

/// Wait until the archive holds what the topics hold, each record once.
pub fn check(deployment: &Deployment, broker: &Broker, storage: &Storage) {
    for (kind, topic) in [
        (TableKind::Events, &deployment.events),
        (TableKind::Alerts, &deployment.alerts),
        (TableKind::DeadLetters, &deployment.dead_letters),
        (TableKind::Ledger, &deployment.ledger()),
    ] {
        let expected = read(broker, topic);
        assert!(!expected.is_empty(), "{topic} is empty");
        let mut found = BTreeMap::new();
        let done = eventually(LIMIT, || {
            found = archived(storage, kind, topic);
            found.len() >= expected.len()
        });
        let doubled: Vec<_> = found
            .iter()
            .filter(|(_, rows)| rows.len() > 1)
            .take(5)
            .collect();
        assert!(
            doubled.is_empty(),
            "doubled in {}: {doubled:?}",
            kind.name()
        );
        assert!(
            done,
            "{} of {} records are in {}",
            found.len(),
            expected.len(),
            kind.name()
        );
        assert!(
            found == expected,
            "{} holds other records than {topic}",
            kind.name()
        );
        println!("  {} rows in {}, each once", found.len(), kind.name());
    }
}

/// The processes that a test kills: the roles by their ordinals.
const KILLED: [&str; 4] = ["ingest", "ingest", "archive", "archive"];

/// Two processes ingest and two archive while so many records flow. Each of them may die or be stopped at any moment, to
/// be started again at once, so that partitions change their owners. Then every record has its outputs once, the tables
/// hold each of them once, and the ledger says so.
fn processes_killed_at_random(
    name: &str,
    archive: &str,
    storage: &dyn Fn(&Deployment) -> Storage,
    records: i64,
) {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, name);
    let storage = storage(&deployment);
    let url = storage.url().to_string();
    deployment.settings += &format!("archive: {{url: \"{url}\", interval: 300ms{archive}}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let start = |deployment: &mut Deployment, ordinal: usize| {
        deployment.arguments = vec!["--role".into(), KILLED[ordinal].into()];
        deployment.start(ordinal as u32)
    };
    let mut daemons: Vec<Daemon> = (0..KILLED.len())
        .map(|ordinal| start(&mut deployment, ordinal))
        .collect();
    let mut dice = Dice::new(31);
    let (mut kills, mut stops) = (0, 0);
    let mut next_death = Instant::now() + Duration::from_secs(4);
    while audit.written().iter().sum::<i64>() < records {
        audit.write(8);
        // Sets the rate of the source; this is no synchronisation.
        std::thread::sleep(Duration::from_millis(8));
        if Instant::now() >= next_death {
            let which = dice.below(KILLED.len() as u64) as usize;
            let daemon = daemons.remove(which);
            if dice.below(4) == 0 {
                daemon.terminate();
                stops += 1;
            } else {
                daemon.kill();
                kills += 1;
            }
            daemons.insert(which, start(&mut deployment, which));
            // A dead member holds its partitions until its session ends, 15 s later.
            next_death = Instant::now() + Duration::from_millis(200 + dice.below(6_000));
        }
    }
    audit.flush();
    println!("  {kills} kill -9, {stops} ends in order");
    deployment.wait_for(&clusters, &audit, LIMIT);
    audit.check_exactly_once(&clusters, &deployment);
    for ingest in daemons.drain(..2) {
        ingest.terminate();
    }
    check(&deployment, &clusters.destination, &storage);
    for archive in daemons {
        archive.terminate();
    }
    check(&deployment, &clusters.destination, &storage);
    is_sound(&deployment.write(), records.unsigned_abs() / 2);
    let listed = listed_records(&deployment.write());
    assert_eq!(listed, audit.written().iter().sum::<i64>(), "of the ledger");
}

pub fn folder(deployment: &Deployment) -> Storage {
    let url = format!("file://{}", deployment.file("archive").display());
    Storage::open(&url, &[]).expect("a folder")
}

/// The settings of this server in a configuration, with static keys.
pub fn s3_settings(s3: &S3, secrets: &Path) -> String {
    let mut settings = format!("endpoint: \"{}\", region: us-east-1", s3.endpoint);
    for (name, text) in [("access_key_id", "key"), ("secret_access_key", "secret")] {
        let path = secrets.join(name);
        std::fs::write(&path, text).expect("a secret");
        settings += &format!(", {name}_file: {}", path.display());
    }
    settings
}

#[test]
fn ingest_and_archive_killed_at_random_leave_every_record_once_and_a_sound_ledger() {
    processes_killed_at_random("archived", "", &folder, 50_000);
}

#[test]
fn on_s3_that_fails_and_loses_answers_processes_killed_at_random_leave_every_record_once() {
    let s3 = S3::start(Behavior::Failing);
    let secrets = tempfile::tempdir().expect("a folder");
    let archive = format!(", s3: {{{}}}", s3_settings(&s3, secrets.path()));
    let storage = |_: &Deployment| Storage::open("s3://archive/killed", &s3.options()).expect("S3");
    processes_killed_at_random("archived-s3", &archive, &storage, 20_000);
}

#[test]
fn an_events_topic_that_was_created_anew_stops_its_archive_alone_and_says_so() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "archive-anew");
    let storage = folder(&deployment);
    deployment.settings += &format!("archive: {{url: \"{}\", interval: 100ms}}\n", storage.url());
    let mut audit = deployment.source(&clusters.source, "one");
    audit.write(200);
    audit.flush();
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    check(&deployment, &clusters.destination, &storage);
    daemon.terminate();
    re_create(&clusters.destination, &deployment.events, 3);
    audit.write(400);
    audit.flush();
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);
    let mut said = String::new();
    let stopped = eventually(LIMIT, || {
        said = daemon.log();
        said.contains("re_created")
    });
    assert!(stopped, "{said}");
    assert!(
        said.contains("the topic was deleted and created anew, or cut short"),
        "{said}"
    );
    // What is in the other topics is archived all the same; of the old events nothing is touched.
    let there = eventually(LIMIT, || {
        archived(&storage, TableKind::Alerts, &deployment.alerts)
            == read(&clusters.destination, &deployment.alerts)
    });
    assert!(there, "alerts are not archived");
    let title = format!("The archive of {} has stopped", deployment.events);
    let told = eventually(LIMIT, || {
        let alerts = read(&clusters.destination, &deployment.alerts);
        alerts
            .values()
            .flatten()
            .any(|alert| String::from_utf8_lossy(alert).contains(&title))
    });
    assert!(told, "no alert: {title}");
    let events = archived(&storage, TableKind::Events, &deployment.events);
    assert!(events.values().all(|rows| rows.len() == 1));
    // It ends with the error of the part that had stopped.
    daemon.signal("TERM");
    let (status, log) = daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
}

#[test]
fn what_is_held_stays_although_its_day_is_older_than_the_retention() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "held");
    let storage = folder(&deployment);
    let url = storage.url().to_string();
    let settings = deployment.settings.clone();
    deployment.settings = format!("{settings}archive: {{url: \"{url}\", interval: 300ms}}\n");
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    let mut held = 0;
    for number in 0..40 {
        let deletion = number % 4 == 0;
        held += usize::from(deletion);
        let event = audit.next_event(0, deletion).to_string();
        let fate = match deletion {
            true => Fate::Alert(STATEMENT_DELETED),
            false => Fate::Event,
        };
        audit.put(0, &Given::value(event), fate);
    }
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let events = || archived(&storage, TableKind::Events, &deployment.events);
    let has = |count: usize| assert!(eventually(LIMIT, || events().len() == count), "not {count}");
    has(40);
    let before = events();
    daemon.terminate();
    // The events are months old, and no newer one bears the clock out.
    deployment.settings = format!(
        "{settings}archive: {{url: \"{url}\", interval: 300ms, retention: {{events: 30d, alerts: 30d}}, \
         hold: {{events: {{s: {{api.operation: DeleteStatement}}, condition: s}}}}}}\n"
    );
    let expected: BTreeMap<Place, Vec<Vec<u8>>> = before
        .into_iter()
        .filter(|(_, values)| {
            String::from_utf8_lossy(&values[0]).contains("\"operation\":\"DeleteStatement\"")
        })
        .collect();
    assert_eq!(expected.len(), held);
    let daemon = deployment.start(0);
    let said = || daemon.log().contains("removed");
    // As long as until the first look.
    assert!(
        !eventually(Duration::from_secs(15), said),
        "{}",
        daemon.log()
    );
    has(40);
    let mut young = audit.next_event(0, false);
    young["time"] = jiff::Timestamp::now().to_string().into();
    audit.put(0, &Given::value(young.to_string()), Fate::Event);
    audit.flush();
    has(41);
    daemon.terminate();
    let is_expected = |events: BTreeMap<Place, Vec<Vec<u8>>>| {
        events.len() == held + 1
            && expected
                .iter()
                .all(|(place, row)| events.get(place) == Some(row))
    };
    for start in 0..2 {
        let daemon = deployment.start(0);
        let is_cleaned = || {
            let alerts = archived(&storage, TableKind::Alerts, &deployment.alerts);
            is_expected(events()) && alerts.is_empty()
        };
        assert!(
            eventually(LIMIT, is_cleaned),
            "start {start}: {:?}",
            events().keys()
        );
        // The second time every row that is left is held, and nothing is written.
        let said = || {
            daemon
                .log()
                .contains("removed rows that are older than the retention and not held")
        };
        match start {
            0 => assert!(eventually(LIMIT, said), "{}", daemon.log()),
            // As long as until the first look.
            _ => assert!(
                !eventually(Duration::from_secs(15), said),
                "{}",
                daemon.log()
            ),
        }
        daemon.terminate();
        assert!(is_expected(events()), "start {start}: other rows stay");
    }
}
