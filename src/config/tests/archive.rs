#[cfg(feature = "archive")]
use std::time::Duration;

use super::*;

fn with(section: &str) -> String {
    format!("{SMALLEST}archive:\n{section}")
}

#[test]
fn without_the_section_there_is_no_archive() {
    assert_eq!(loaded(SMALLEST, &[]).config.archive, None);
}

#[cfg(not(feature = "archive"))]
#[test]
fn a_build_without_the_archive_refuses_the_section_and_says_how_to_get_it() {
    let said = refused(&with("  url: file:///archive\n"), &[]);
    assert!(said.contains("built without the archive"), "{said}");
    assert!(said.contains("--features archive"), "{said}");
}

#[cfg(feature = "archive")]
#[test]
fn the_section_has_defaults_a_group_of_its_own_and_options_of_the_storage() {
    let archive = |text: &str, pairs: &[(&str, &str)]| {
        loaded(text, pairs).config.archive.expect("an archive")
    };
    let smallest = archive(&with("  url: file:///archive\n"), &[]);
    assert_eq!(smallest.url, "file:///archive");
    assert_eq!(smallest.group, "watchbell-archive");
    assert_eq!(smallest.interval, Duration::from_secs(30));
    assert_eq!(smallest.bytes, 64 * 1024 * 1024);
    assert!(smallest.options.is_empty() && smallest.retention.is_empty());
    let full = with(
        "  url: s3://bucket/prefix\n  group: years\n  interval: 5s\n  bytes: 1048576\n  \
         retention: {events: 400d, dead_letters: 90d}\n  \
         s3: {endpoint: \"http://minio:9000\", region: eu-1}\n",
    );
    let pairs = [
        ("WATCHBELL__ARCHIVE__S3__ACCESS_KEY_ID", "KEY"),
        ("WATCHBELL__ARCHIVE__S3__SECRET_ACCESS_KEY", "HIDDEN"),
    ];
    let full = archive(&full, &pairs);
    assert_eq!((&*full.group, full.bytes), ("years", 1_048_576));
    assert_eq!(full.retention["events"], Duration::from_secs(400 * 86_400));
    assert_eq!(full.retention.len(), 2);
    let option = |name: &str| {
        let found = full.options.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(option("aws_endpoint"), Some("http://minio:9000"));
    assert_eq!(option("aws_allow_http"), Some("true"));
    assert_eq!(option("aws_access_key_id"), Some("KEY"));
    assert_eq!(option("aws_secret_access_key"), Some("HIDDEN"));
    assert!(!format!("{full:?}").contains("HIDDEN"));
}

#[cfg(feature = "archive")]
#[test]
fn what_is_wrong_in_the_section_is_named_with_its_line_and_a_remedy() {
    for (section, place, message) in [
        ("  interval: 5s\n", "", "archive.url: a value is required"),
        (
            "  url: /archive\n",
            "w.yaml:7:8",
            "`/archive` is not the URL of a storage",
        ),
        (
            "  url: http://host/x\n",
            "w.yaml:7:8",
            "write file:///a/folder",
        ),
        (
            "  url: file:///x\n  bytes: 5\n",
            "w.yaml:8:10",
            "must be from 65536 to 536870912",
        ),
        (
            "  url: file:///x\n  retention: {events: 0d}\n",
            "w.yaml:8:23",
            "a number of days such as 400d",
        ),
        (
            "  url: file:///x\n  retention: {events: 2y}\n",
            "w.yaml:8:23",
            "a number of days such as 400d",
        ),
        (
            "  url: file:///x\n  retention: {event: 2d}\n",
            "w.yaml:8:15",
            "did you mean `events`?",
        ),
    ] {
        let said = refused(&with(section), &[]);
        assert!(
            said.contains(place) && said.contains(message),
            "{section}{said}"
        );
    }
    let said = refused(
        &with("  url: s3://bucket\n"),
        &[("WATCHBELL__ARCHIVE__S3__ACCESS_KEY_ID", "KEY")],
    );
    assert!(
        said.contains("archive.s3.secret_access_key: missing"),
        "{said}"
    );
    assert!(
        said.contains("WATCHBELL__ARCHIVE__S3__SECRET_ACCESS_KEY"),
        "{said}"
    );
}
