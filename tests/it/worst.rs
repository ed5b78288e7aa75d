//! The most expensive records, each also eight times as long: the time of no step grows faster than
//! the record, and memory is at most a multiple of its size.

use std::fs;
use std::process::Command;
use std::time::Instant;

use watchbell::event::OutputBuffer;

#[path = "../worst/mod.rs"]
mod records;

use records::{Way, kinds, peak_bytes, record, reset_peak, resident_bytes};

/// Sizes of the records. Without optimization an eighth of a megabyte takes as long as many of them with it:
/// `cargo test --release --test it worst` takes them at their full size.
const SIZES: [usize; 2] = if cfg!(debug_assertions) {
    [16 << 10, 128 << 10]
} else {
    [512 << 10, 4 << 20]
};

/// Twice the record takes at most 2.5 times as long, and so eight times the record this many times. Over three
/// doublings what else runs on the machine evens out: what grows with the record takes 8 times as long, what
/// grows with its square 64 times.
const MOST: f64 = 2.5 * 2.5 * 2.5;

/// Shorter times than this are not compared, ns.
const NOISE_NS: u64 = 4_000_000;

/// How often it is tried before a step is found to be too slow.
const ATTEMPTS: usize = 8;

const STEPS: [&str; 3] = ["the pipeline", "pages and filters", "the sinks' messages"];

/// Time that this thread has had on a processor, ns: what else runs on the machine hardly counts.
fn cpu_ns(started: Instant) -> u64 {
    let own = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let own = own.split(' ').next().and_then(|ns| ns.parse().ok());
    own.unwrap_or_else(|| started.elapsed().as_nanos() as u64)
}

/// How long each step takes, ns.
fn times(way: &Way, kind: &str, bytes: usize) -> [u64; 3] {
    let record = record(kind, bytes);
    let mut out = OutputBuffer::default();
    let started = Instant::now();
    let mut at = cpu_ns(started);
    let mut lap = || {
        let before = std::mem::replace(&mut at, cpu_ns(started));
        at - before
    };
    way.process(&record, &mut out);
    let pipeline = lap();
    way.view(&out);
    let view = lap();
    way.notify(&out);
    [pipeline, view, lap()]
}

/// The steps that take too long for twice the record, by the shortest times so far.
fn too_slow(shortest: &[[u64; 3]; SIZES.len()]) -> Option<String> {
    let mut slow = String::new();
    for (step, name) in STEPS.iter().enumerate() {
        let [first, last] = shortest.map(|times| times[step]);
        let times = last as f64 / first.max(NOISE_NS) as f64;
        if times > MOST {
            slow += &format!("{name}: {times:.1} times as long ({first} and {last} ns); ");
        }
    }
    (!slow.is_empty()).then_some(slow)
}

fn check(kinds: impl Iterator<Item = &'static str>, limit: usize) {
    let way = Way::new(limit);
    for kind in kinds {
        let mut shortest = [[u64::MAX; 3]; SIZES.len()];
        for attempt in 1.. {
            for (size, shortest) in SIZES.iter().zip(&mut shortest) {
                let times = times(&way, kind, *size);
                shortest
                    .iter_mut()
                    .zip(times)
                    .for_each(|(so_far, time)| *so_far = time.min(*so_far));
            }
            let Some(slow) = too_slow(&shortest) else {
                break;
            };
            assert!(attempt < ATTEMPTS, "{kind}: {slow}");
        }
    }
}

#[test]
fn twice_the_record_takes_hardly_more_than_twice_the_time() {
    check(kinds(), 64 << 20);
}

/// Slimmed and shortened: topics take 12 KB, less than any of the records.
#[test]
fn that_also_holds_if_topics_accept_only_small_records() {
    let kinds = [
        "small numbers",
        "deep nesting of objects",
        "many resources",
        "a long method",
    ];
    check(kinds.into_iter(), 12_000);
}

/// Each record raises an alert, as an event or as a dead letter, whatever the topics take.
#[test]
fn no_record_escapes_its_alert_by_its_size_or_shape() {
    let way = Way::new(100_000);
    let mut out = OutputBuffer::default();
    for kind in kinds() {
        let record = record(kind, 200_000);
        way.process(&record, &mut out);
        let alerts = out.iter().filter(|output| &**output.topic == "alerts");
        assert!(alerts.count() > 0, "{kind}");
        way.notify(&out);
    }
}

/// Bytes of the record in the test of memory, and at most so many times as much is taken for it: by the
/// pipeline with its outputs, and by a sink. docs/performance.md states them.
const MEMORY_RECORD: usize = 4 << 20;
const MOST_MEMORY: [f64; 2] = [24.0, 4.0];

const CHILD: &str = "WATCHBELL_TEST_MEMORY_OF";

/// Each in a process of its own, by this very program: what others take does not count.
#[test]
fn memory_is_bounded_by_a_factor_of_the_record() {
    for kind in [
        "small numbers",
        "empty arrays",
        "names of secrets",
        "a resource again and again",
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "worst::memory_of_one_record", "--nocapture"]);
        let ran = command.env(CHILD, kind).output().unwrap();
        let text = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{kind}: {text}");
        assert!(text.contains("times the record"), "{kind}: {text}");
    }
}

#[test]
fn memory_of_one_record() {
    let Ok(kind) = std::env::var(CHILD) else {
        return;
    };
    let way = Way::new(64 << 20);
    let record = record(&kind, MEMORY_RECORD);
    let mut out = OutputBuffer::default();
    let of = |step: &mut dyn FnMut()| {
        reset_peak();
        let before = resident_bytes();
        step();
        // The kernel counts a process's memory in parts, so the peak can be slightly below `before`.
        peak_bytes().saturating_sub(before) as f64 / record.value.len() as f64
    };
    let pipeline = of(&mut || way.process(&record, &mut out));
    let sink = of(&mut || {
        way.notify(&out);
    });
    println!("{kind}: {pipeline:.1} and {sink:.1} times the record");
    assert!(
        pipeline <= MOST_MEMORY[0] && sink <= MOST_MEMORY[1],
        "{pipeline:.1} {sink:.1}"
    );
}
