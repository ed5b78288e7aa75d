//! A storage that is full, that refuses requests, or whose credentials expire: the daemon says so, and goes on by itself
//! with every record once.

use watchbell::archive::Storage;

use super::LIMIT;
use super::archived::{check, folder, s3_settings};
use super::audit::Audit;
use super::broker::{Clusters, clusters};
use super::daemon::{Daemon, Deployment};
use super::s3::{Behavior, S3};

/// Warnings that four failures of the storage may have: of the archives of four topics and the care for four tables, which
/// are tried again in ever longer intervals.
const MOST_LINES: usize = 60;

/// Write records and wait until the archive says why it does not take them.
fn is_refused(audit: &mut Audit, daemon: &Daemon, said: &str) {
    audit.write(400);
    audit.flush();
    let page = daemon.wait_for_page("/readyz", LIMIT, |status, page| {
        status == 503 && page.contains(said)
    });
    let refusal = page.lines().find(|line| line.contains(said));
    let refusal = refusal.expect("a line");
    assert!(refusal.starts_with("archive "), "{refusal}");
    assert!(
        refusal.contains(": storage: ") || refusal.contains(": positions: "),
        "{refusal}"
    );
    let (_, status) = daemon.page("/status").expect("a page");
    assert!(status.contains(said), "{status}");
}

fn warnings(daemon: &Daemon) -> usize {
    let log = daemon.log();
    log.lines()
        .filter(|line| line.contains("\"level\":\"WARN\""))
        .count()
}

#[test]
fn an_archive_whose_disk_is_full_says_so_and_goes_on_by_itself_once_there_is_room() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "full");
    let storage = folder(&deployment);
    deployment.settings += &format!("archive: {{url: \"{}\", interval: 1s}}\n", storage.url());
    deployment.prelude = "trap '' XFSZ".into();
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    audit.write(100);
    audit.flush();
    check_all(&deployment, &clusters, &audit, &storage);
    // Less than a data file needs. The log is longer already, and has a hole meanwhile.
    daemon.limit_files(Some(2 * 1024));
    is_refused(&mut audit, &daemon, "the storage has no room left");
    daemon.limit_files(None);
    daemon.wait_until_ready();
    check_all(&deployment, &clusters, &audit, &storage);
    daemon.terminate();
    // Nothing is left of what could not be written.
    let folder = storage.url().to_file_path().expect("a folder");
    for file in files_below(&folder) {
        assert!(!file.contains('#'), "{file}");
    }
}

/// Wait until all records are ingested and archived, each once.
fn check_all(deployment: &Deployment, clusters: &Clusters, audit: &Audit, storage: &Storage) {
    deployment.wait_for(clusters, audit, LIMIT);
    check(deployment, &clusters.destination, storage);
}

fn files_below(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path.display().to_string()],
        })
        .collect()
}

#[test]
fn an_archive_on_s3_says_which_right_or_what_else_is_missing_and_goes_on_by_itself() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "refused");
    let mut s3 = S3::start(Behavior::Honest);
    let secrets = tempfile::tempdir().expect("a folder");
    let storage = Storage::open("s3://archive/refused", &s3.options()).expect("S3");
    deployment.settings += &format!(
        "archive: {{url: \"s3://archive/refused\", interval: 300ms, s3: {{{}}}}}\n",
        s3_settings(&s3, secrets.path())
    );
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    audit.write(100);
    audit.flush();
    check_all(&deployment, &clusters, &audit, &storage);
    for (behavior, said) in [
        (Behavior::Full, "the storage has no room left"),
        (
            Behavior::ReadOnly,
            "give the archive's credentials the right s3:PutObject",
        ),
        (
            Behavior::Unlistable,
            "give the archive's credentials the right s3:ListBucket",
        ),
        (
            Behavior::Only("another"),
            "the credentials of the storage have expired (ExpiredToken)",
        ),
    ] {
        s3.behave(behavior);
        is_refused(&mut audit, &daemon, said);
        s3.behave(Behavior::Honest);
        daemon.wait_until_ready();
    }
    s3.behave(Behavior::Undeletable);
    audit.write(100);
    audit.flush();
    check_all(&deployment, &clusters, &audit, &storage);
    println!("  {} warnings", warnings(&daemon));
    assert!(warnings(&daemon) < MOST_LINES, "{}", daemon.log());
    daemon.terminate();
}

#[test]
fn credentials_that_are_taken_no_more_are_asked_for_anew_without_a_restart() {
    let clusters = clusters();
    let mut deployment = Deployment::new(&clusters, "renewed");
    let mut s3 = S3::start(Behavior::Only("first"));
    let token = deployment.file("token");
    std::fs::write(&token, "a token of the container").expect("a file");
    deployment.prelude = format!(
        "export AWS_CONTAINER_CREDENTIALS_FULL_URI={}/credentials AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={}",
        s3.endpoint,
        token.display()
    );
    deployment.settings += &format!(
        "archive: {{url: \"s3://archive/renewed\", interval: 300ms, s3: {{endpoint: \"{}\", region: us-east-1}}}}\n",
        s3.endpoint
    );
    let mut audit = deployment.source(&clusters.source, "one");
    let daemon = deployment.start(0);
    for key in ["first", "second", "third"] {
        s3.behave(Behavior::Only(key));
        audit.write(200);
        audit.flush();
        let mut options = s3.options();
        options.retain(|(name, _)| name != "aws_access_key_id");
        options.push(("aws_access_key_id".into(), key.into()));
        let storage = Storage::open("s3://archive/renewed", &options).expect("S3");
        check_all(&deployment, &clusters, &audit, &storage);
        daemon.wait_until_ready();
    }
    daemon.terminate();
}
