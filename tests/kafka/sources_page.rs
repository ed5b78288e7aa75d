//! The page of the sources beside a running ingest and after it: positions, ends and lag, a day that is verified, and the
//! list of events that goes on by itself.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::broker::clusters;
use super::daemon::{Daemon, Deployment};
use super::records::{Read, committed, read_committed};
use super::{LIMIT, eventually};

/// A row of the table of a source: partition, position, end, lag in records and in seconds, time of the last record.
type Row = Vec<String>;

/// The rows of the only source.
fn rows(page: &Daemon) -> Vec<Row> {
    let answer = page.ask_page("/sources", None);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let table = answer.body.split_once("<table class=\"records standing\">");
    let Some((table, _)) = table.and_then(|(_, rest)| rest.split_once("</table>")) else {
        return Vec::new();
    };
    let (_, body) = table.split_once("<tbody>").expect("a body");
    body.split("<tr>").skip(1).map(cells).collect()
}

/// The texts of the cells of a row.
fn cells(row: &str) -> Row {
    let cells = row.split("<td").skip(1);
    let text = |cell: &str| {
        let (_, inner) = cell.split_once('>').expect("a cell");
        let mut text = String::new();
        let mut is_tag = false;
        for character in inner.chars() {
            match character {
                '<' => is_tag = true,
                '>' => is_tag = false,
                character if !is_tag => text.push(character),
                _ => {}
            }
        }
        text
    };
    cells.map(text).collect()
}

/// Waits until the page says of each partition what it should.
fn wait_for_rows(page: &Daemon, what: &str, holds: impl Fn(&[Row]) -> bool) -> Vec<Row> {
    let mut seen = Vec::new();
    let done = eventually(LIMIT, || {
        seen = rows(page);
        holds(&seen)
    });
    assert!(
        done,
        "{what}: {seen:?}\n{}",
        page.ask_page("/sources", None).body
    );
    seen
}

/// The lines that the page sends of a list, as they come.
fn live(address: &str, query: &str) -> Receiver<String> {
    let mut stream = TcpStream::connect(address).expect("the page listens");
    write!(
        stream,
        "GET /live?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("the page reads");
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits for a line with one of these texts.
fn wait_for_line(lines: &Receiver<String>, texts: &[String]) {
    let mut seen = Vec::new();
    let found = eventually(LIMIT, || {
        seen.extend(lines.recv_timeout(Duration::from_millis(100)).ok());
        let mut texts = texts.iter();
        texts.any(|text| seen.iter().any(|line| line.contains(text)))
    });
    assert!(found, "none of {texts:?} is in {seen:?}");
}

/// Where the page listens.
fn address(page: &Daemon) -> String {
    let log = page.log();
    let entries = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut entries =
        entries.filter(|entry: &serde_json::Value| entry["message"] == "serving the page");
    let entry = entries.next().expect("it listens");
    entry["listen"].as_str().expect("an address").to_owned()
}

#[test]
fn the_page_shows_positions_and_lag_verifies_a_day_and_its_list_goes_on_by_itself() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "sourcespage");
    let url = format!("file://{}", deployment.file("archive").display());
    std::fs::create_dir(deployment.file("archive")).expect("a folder");
    deployment.settings += &format!(
        "archive: {{url: \"{url}\", interval: 300ms}}\npage: {{listen: \"127.0.0.1:0\"}}\ncreate_topics: true\n"
    );
    let mut audit = deployment.source(&clusters.source, "one");
    audit.write(200);
    audit.flush();
    let daemon = deployment.start(0);
    deployment.wait_for(&clusters, &audit, LIMIT);

    // Everything is read: position and end of each partition are what was written, and nothing waits.
    let written = audit.written();
    let expected: Vec<[String; 5]> = written
        .iter()
        .enumerate()
        .map(|(number, count)| {
            let (number, count) = (number.to_string(), count.to_string());
            [number, count.clone(), count, "0".into(), "0".into()]
        })
        .collect();
    let is_read = |rows: &[Row]| {
        rows.len() == expected.len()
            && rows
                .iter()
                .zip(&expected)
                .all(|(row, all)| row[..5] == *all)
    };
    let seen = wait_for_rows(&daemon, "all is read", is_read);
    assert!(seen.iter().all(|row| row[5].starts_with("20")), "{seen:?}");

    // The day is complete once all of it is archived.
    let mut page = String::new();
    let mut day = None;
    // The ledger is a topic of its own, and the page shows what it had some seconds ago.
    let listed = eventually(LIMIT, || {
        page = daemon.ask_page("/sources", None).body;
        let found = page.split_once("&amp;day=");
        let found = found.and_then(|(_, rest)| rest.split_once('#'));
        day = found.map(|(day, _)| day.to_owned());
        day.is_some()
    });
    assert!(listed, "no day: {page}");
    let day = day.expect("a day");
    let form = [("source", audit.source()), ("day", &*day)];
    let mut said = String::new();
    let complete = eventually(LIMIT, || {
        said = daemon.ask_page("/sources", Some(&form)).body;
        said.contains("Complete and unaltered.") && !said.contains("may not be archived yet")
    });
    assert!(complete, "{said}");
    let records: i64 = written.iter().sum();
    assert!(
        said.contains(&format!("{records} source records of")),
        "{said}"
    );
    let page = daemon.ask_page("/sources", None).body;
    assert!(
        page.contains("<a class=\"mark\" data-state=\"complete\""),
        "{page}"
    );

    // Records that are written now appear in the list.
    let lines = live(&address(&daemon), "operation=*");
    wait_for_line(&lines, &["event: rows".to_owned()]);
    audit.write(40);
    audit.flush();
    deployment.wait_for(&clusters, &audit, LIMIT);
    let is_new = |position: &str| {
        let offset = position.rsplit_once('@').expect("an offset").1;
        offset.parse::<i64>().expect("an offset") >= written[0]
    };
    let events = read_committed(&clusters.destination, &deployment.events);
    let events = events.iter().filter(|event| {
        let position = event.header("ce_watchbellposition");
        position.is_some_and(|position| is_new(&position))
    });
    let row = |event: &Read| {
        format!(
            "{}/{}@{}\\\"",
            deployment.events, event.partition, event.offset
        )
    };
    let rows: Vec<String> = events.map(row).collect();
    assert!(!rows.is_empty(), "no events");
    wait_for_line(&lines, &rows);
    daemon.terminate();

    // Nobody reads, and more is written: the page says how much waits, and for how long.
    let before = committed(
        &clusters.destination,
        &deployment.group,
        &audit.positions,
        written.len(),
    );
    audit.write(80);
    audit.flush();
    let ends = audit.written();
    deployment.arguments = vec!["--role".into(), "page".into()];
    let page = deployment.start(1);
    let lags: Vec<[String; 4]> = (0..ends.len())
        .map(|number| {
            let numbers = [
                number as i64,
                before[number],
                ends[number],
                ends[number] - before[number],
            ];
            numbers.map(|number| number.to_string())
        })
        .collect();
    let waits = |rows: &[Row]| {
        rows.len() == lags.len()
            && rows
                .iter()
                .zip(&lags)
                .all(|(row, lag)| row[..4] == *lag && (lag[3] == "0") == (row[4] == "0"))
    };
    let seen = wait_for_rows(&page, "what was written waits", waits);
    println!("  {seen:?}");
    assert!(lags.iter().any(|lag| lag[3] != "0"), "{lags:?}");
    page.terminate();
}
