//! The archive from Kafka to a folder: watchbell reads a filled events topic, with nothing else to do, and merges what it
//! has written.

use std::time::{Duration, Instant};

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use watchbell::archive::{Storage, Table, TableKind};
use watchbell::event::Output;

use crate::broker::Broker;
use crate::contender::{Contender, EVENTS, Kind};
use crate::corpus::Corpus;
use crate::normalized;

/// Nothing was merged for so long: three looks at the tables.
const QUIET: Duration = Duration::from_secs(31);

/// Archives so many events and prints the figures.
pub fn run(events: u64) {
    let broker = crate::start();
    for topic in ["watchbell.ledger", "watchbell.routine"] {
        crate::create(&broker, topic, 1);
    }
    let bytes = fill(&broker, events);
    println!("{events} events of {} bytes", bytes / events);
    let home = crate::home();
    let folder = home.path().join("archive");
    std::fs::create_dir(&folder).expect("a folder");
    let bootstrap = broker.bootstrap();
    let mut contender = Contender::start(
        Kind::Archive,
        true,
        bootstrap,
        EVENTS,
        "archived",
        home.path(),
    );
    let events_per_s = contender.read_all(events);
    let read = contender.figures(events_per_s, events);
    let written = stored(&folder);
    settle(&contender);
    let settled = contender.figures(events_per_s, events);
    contender.stop();
    let merged = stored(&folder);
    println!(
        "{:.0} events/s; {:.1} CPU s per million when all are stored, {:.1} when all are merged; peak {:.0} MB",
        settled.events_per_s, read.cpu_s_per_million, settled.cpu_s_per_million, settled.peak_mb
    );
    for (when, (rows, files, size)) in [("stored", written), ("merged", merged)] {
        println!(
            "{when}: {rows} events in {files} files, 1/{:.1} of the bytes of their JSON",
            bytes as f64 / size as f64
        );
    }
}

/// Fills the events topic with normalized events of a busy organization; how many bytes they have.
fn fill(broker: &Broker, events: u64) -> u64 {
    let producer = crate::producer(broker);
    let (mut bytes, mut number) = (0, 0);
    let mut send = |_, output: Output<'_>| {
        let value = output.value.unwrap_or_default();
        let headers = output.headers().fold(OwnedHeaders::new(), |all, header| {
            all.insert(Header {
                key: header.name,
                value: header.value,
            })
        });
        let record = BaseRecord::to(EVENTS).headers(headers).payload(value);
        crate::send(&producer, record, number);
        bytes += value.len() as u64;
        number += 1;
    };
    let count = usize::try_from(events).expect("a number of events");
    normalized::outputs(&mut Corpus::new(1), count, &mut send);
    assert_eq!(number, events, "each is one event");
    producer.flush(Duration::from_secs(120)).expect("flush");
    bytes
}

/// Waits until files are not merged any more.
fn settle(contender: &Contender) {
    let merged = || {
        let files = contender.metric("watchbell_archive_merged_files_total{table=\"events\"");
        (!files.is_nan()).then_some(files as u64)
    };
    let (mut last, mut since) = (merged(), Instant::now());
    while since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_secs(1));
        let now = merged();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}

/// How many events there are in the table, in how many files of how many bytes.
fn stored(folder: &std::path::Path) -> (u64, usize, u64) {
    let storage = Storage::open(&format!("file://{}", folder.display()), &[]).expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let table = runtime.block_on(Table::open_existing(&storage, TableKind::Events));
    let files = table.expect("a table").expect("a table").entries();
    let rows = |file: &watchbell::archive::FileEntry| file.statistics["numRecords"].as_u64();
    (
        files.iter().map(|file| rows(file).expect("rows")).sum(),
        files.len(),
        files.iter().map(|file| file.size).sum(),
    )
}
