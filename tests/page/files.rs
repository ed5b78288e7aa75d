//! Answers that are no pages: downloads with their manifest, files of the page, hosts that are refused.

use std::io::{Cursor, Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::site::{Site, documented};

/// Status, head and body of an answer.
fn get(site: &Site, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let address = site.url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let host = match headers.contains("Host:") {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    // The older version of the protocol has bodies without chunks.
    write!(stream, "GET {path} HTTP/1.0\r\n{host}{headers}\r\n").expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head of text");
    let status = head[9..12].parse().expect("a status");
    (status, head.to_lowercase(), answer[end + 4..].to_vec())
}

/// The files of a download, by their names.
fn unpacked(site: &Site, query: &str) -> Vec<(String, Vec<u8>)> {
    let (status, head, body) = get(site, &format!("/download?{query}"), "");
    assert_eq!(status, 200, "{head}");
    assert!(
        head.contains("content-disposition: attachment; filename=\"events-"),
        "{head}"
    );
    let mut archive = zip::ZipArchive::new(Cursor::new(body)).expect("a ZIP archive");
    let files = (0..archive.len()).map(|number| {
        let mut file = archive.by_index(number).expect("a file");
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("its content");
        (file.name().expect("a name").into_owned(), content)
    });
    files.collect()
}

#[test]
fn a_download_has_all_that_is_found_and_a_manifest_that_fits() {
    let site = Site::of(&documented());
    let (_, _, page) = get(&site, "/events?operation=Delete*", "");
    let page = String::from_utf8(page).expect("a page");
    let rows = page.matches("<tr data-at").count() as u64;
    assert!(rows > 5, "{rows}");
    for (format, ending) in [
        ("csv", ".csv"),
        ("ndjson", ".ndjson"),
        ("parquet", ".parquet"),
    ] {
        let files = unpacked(&site, &format!("format={format}&operation=Delete*"));
        let [(name, content), (manifest_name, manifest)] = &files[..] else {
            panic!(
                "{format}: {:?}",
                files.iter().map(|(name, _)| name).collect::<Vec<_>>()
            );
        };
        assert!(name.ends_with(ending), "{name}");
        assert_eq!(*manifest_name, format!("{name}.manifest.json"));
        let manifest: Value = serde_json::from_slice(manifest).expect("JSON");
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(content));
        assert_eq!(manifest["sha256"], hash, "{format}");
        assert_eq!(manifest["rows"], rows, "{format}");
        assert_eq!(manifest["bytes"], content.len() as u64, "{format}");
        assert_eq!(manifest["query"], "/events?operation=Delete*", "{format}");
        if format == "ndjson" {
            let text = String::from_utf8(content.clone()).expect("text");
            let events: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect();
            assert_eq!(events.len() as u64, rows);
            let is_deletion = |event: &Value| {
                let operation = event["api"]["operation"].as_str();
                operation.is_some_and(|operation| operation.starts_with("Delete"))
            };
            assert!(events.iter().all(is_deletion), "{text}");
        }
        if format == "csv" {
            let lines = String::from_utf8(content.clone()).expect("text");
            assert!(lines.starts_with("day,time,event_id,"), "{}", &lines[..60]);
        }
    }
}

#[test]
fn files_of_the_page_are_kept_for_good_and_pages_are_not() {
    let site = Site::of(&documented());
    let (_, head, page) = get(&site, "/events", "");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(
        head.contains("content-security-policy: default-src 'none'; style-src 'self';"),
        "{head}"
    );
    assert!(!head.contains("unsafe-inline"), "{head}");
    let page = String::from_utf8(page).expect("a page");
    let style = page
        .split("href=\"")
        .find(|part| part.starts_with("/assets/page."))
        .expect("a style sheet");
    let style = style.split('"').next().expect("its address");
    let (status, head, plain) = get(&site, style, "");
    assert_eq!(status, 200);
    assert!(head.contains("immutable"), "{head}");
    let (_, head, compressed) = get(&site, style, "Accept-Encoding: gzip\r\n");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(&compressed[..])
        .read_to_end(&mut content)
        .expect("gzip");
    assert_eq!(content, plain);
    let script = page
        .split("src=\"")
        .find(|part| part.starts_with("/assets/"))
        .expect("a script");
    let script = script.split('"').next().expect("its address");
    let (_, _, script) = get(&site, script, "Accept-Encoding: gzip\r\n");
    let first_visit = page.len() + compressed.len() + script.len();
    assert!(
        first_visit < 150_000,
        "a first visit takes {first_visit} bytes"
    );
    println!("  a first visit takes {first_visit} bytes");
}

#[test]
fn another_host_is_refused() {
    let site = Site::of(&documented());
    let (status, _, body) = get(&site, "/events", "Host: evil.example\r\n");
    assert_eq!(status, 421);
    let body = String::from_utf8(body).expect("text");
    assert!(body.contains("page.hosts"), "{body}");
    let (status, head, _) = get(&site, "/language?tag=zh-Hans&back=//evil.example", "");
    assert_eq!(status, 303);
    assert!(head.contains("location: /\r\n"), "{head}");
}
