//! Positions are shown and moved by the library and by the command.

use std::process::{Command, Output};
use std::sync::atomic::Ordering;

use watchbell::event::{NextOffset, Partition};
use watchbell::kafka::session::{MoveTarget, Offsets, OffsetsError, Same, Start};

use super::broker::{Clusters, clusters};
use super::passthrough::{Chain, Running, Setting};
use super::records::{Source, committed, read_committed};
use super::{LIMIT, eventually};

fn positions(setting: &Setting, clusters: &Clusters) -> Vec<i64> {
    let topic = setting.ownership_topic();
    committed(&clusters.destination, &setting.config.group, &topic, 4)
}

#[test]
fn positions_are_moved_while_nobody_reads_and_read_from_there() {
    let clusters = clusters();
    let setting = Setting::across(&clusters, "moved");
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let first = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let all = offsets.partitions();
    let moves = offsets
        .plan(&all, MoveTarget::Offset(NextOffset(40)))
        .expect("a plan");
    let error = offsets.execute(&moves).expect_err("somebody reads");
    assert!(
        matches!(error, OffsetsError::Running { members: 1, .. }),
        "{error}"
    );
    first.stop();
    assert_eq!(
        positions(&setting, &clusters),
        [100; 4],
        "nothing was moved"
    );

    let gone = eventually(LIMIT, || {
        offsets.members().expect("an answer").of_source == 0
    });
    assert!(gone, "the group has members");
    offsets.execute(&moves).expect("moved");
    let latest = offsets
        .plan(&[Partition(3)], MoveTarget::Latest)
        .expect("a plan");
    offsets.execute(&latest).expect("moved");
    assert_eq!(positions(&setting, &clusters), [40, 40, 40, 100]);
    // What the worker knew of the position before goes with the new one; it says so itself.
    let before = Some(Chain::over(0..100).to_text());
    let states = setting.states(&clusters, 4);
    assert_eq!(states, [&before; 4].map(Clone::clone));
    let seen = offsets.show().expect("positions");
    assert_eq!(seen[0].distance(), Some(60));
    assert!(seen[0].time_ms.is_some() && seen[3].time_ms.is_none());
    assert_eq!(seen[0].noted, Some(NextOffset(100)));
    for seen in &seen {
        assert_eq!((seen.source, seen.last), (Same::Yes, Same::Yes), "{seen:?}");
    }
    let second = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert_eq!(second.stop().records.load(Ordering::Relaxed), 180);
    let read = Some(Chain::over(40..100).to_text());
    // The last one was moved back to where it was.
    let expected = [read.clone(), read.clone(), read, before];
    assert_eq!(setting.states(&clusters, 4), expected);

    let beyond = offsets.plan(&all, MoveTarget::Offset(NextOffset(101)));
    assert!(matches!(beyond, Err(OffsetsError::OutOfRange { .. })));
    let strange = offsets.plan(&[Partition(4)], MoveTarget::Latest);
    assert!(matches!(strange, Err(OffsetsError::NoPartition { .. })));
}

#[test]
fn a_position_that_is_set_before_the_first_start_is_used() {
    let clusters = clusters();
    let mut setting = Setting::across(&clusters, "set-first");
    setting.config.start = Start::Latest;
    let mut source = Source::new(&clusters.source, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let offsets = Offsets::open(&setting.config).expect("both clusters");
    let target = MoveTarget::Offset(NextOffset(90));
    let moves = offsets.plan(&[Partition(3)], target).expect("a plan");
    offsets.execute(&moves).expect("set");
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    assert_eq!(running.stop().records.load(Ordering::Relaxed), 10);
}

#[test]
fn the_command_shows_what_it_would_do_and_does_it_when_told() {
    let clusters = clusters();
    let setting = Setting::within(&clusters, "command");
    let mut source = Source::new(&clusters.destination, &setting.source_topic, 4);
    source.write(400);
    source.flush();
    let running = Running::start(&setting.config, setting.worker());
    setting.wait_for(&clusters, &source.written, LIMIT);
    running.stop();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("watchbell.yaml");
    let text = format!(
        "sources:\n  {}:\n    bootstrap: {at}\n    topic: {}\ndestination:\n  bootstrap: {at}\ngroup: {}\n",
        setting.config.source_name,
        setting.source_topic,
        setting.config.group,
        at = clusters.destination.bootstrap(),
    );
    std::fs::write(&file, text).expect("a configuration");
    let offsets = |arguments: &str| -> (Output, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_watchbell"))
            .args(["offsets"])
            .args(arguments.split(' '))
            .arg("-c")
            .arg(&file)
            .output()
            .expect("run watchbell");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        println!("  offsets {arguments}\n{said}{talk}");
        (output, said)
    };
    let (shown, said) = offsets("show");
    assert!(shown.status.success());
    assert!(
        said.lines()
            .nth(1)
            .is_some_and(|line| { line.contains("\t0\t100\t100\t0\t-\t100\tsame\tsame") })
    );

    let back = "to-time 2020-01-01T00:00:00Z --partition 1,2";
    let (planned, said) = offsets(back);
    assert!(planned.status.success());
    assert!(said.contains("\t1\t100\t0\t100 are read again"), "{said}");
    assert_eq!(positions(&setting, &clusters), [100; 4], "only shown");
    let done = eventually(LIMIT, || {
        // The group may not have noticed yet that its member has left.
        offsets(&format!("{back} --execute")).0.status.success()
    });
    assert!(done);
    assert_eq!(positions(&setting, &clusters), [100, 0, 0, 100]);
    let (done, said) = offsets("set --all --to latest --execute");
    assert!(done.status.success());
    assert!(said.contains("\t2\t0\t100\t100 are skipped"), "{said}");
    assert!(said.contains("\t3\t100\t100\tstays"), "{said}");
    let again = Running::start(&setting.config, setting.worker());
    source.write(4);
    source.flush();
    setting.wait_for(&clusters, &source.written, LIMIT);
    let refused = offsets("set --all --to earliest --execute");
    assert!(!refused.0.status.success());
    again.stop();
    assert_eq!(
        read_committed(&clusters.destination, &setting.output).len(),
        404
    );
}
