//! The worst records there are, one at a time: how long each takes, and how much memory.

use std::time::Instant;

use watchbell::event::OutputBuffer;

use crate::records::{Way, kinds, peak_bytes, record, reset_peak, resident_bytes};

/// Size of the records whose time is taken.
const TIMED: usize = 4 << 20;

/// Size of those whose memory is taken.
const WEIGHED: usize = 20 << 20;

/// The shortest of so many counts.
const ROUNDS: usize = 3;

/// A row for each kind.
pub fn run() {
    let way = Way::new(256 << 20);
    println!(
        "| | pipeline ms | pages and filters ms | sinks ms | memory × record: pipeline | a sink |"
    );
    println!("|---|---|---|---|---|---|");
    for kind in kinds() {
        let ([pipeline, view, sinks], _) = best(&way, kind, TIMED);
        let (_, [memory, sink]) = once(&way, kind, WEIGHED);
        println!("| {kind} | {pipeline:.0} | {view:.0} | {sinks:.0} | {memory:.1} | {sink:.1} |");
    }
}

fn best(way: &Way, kind: &str, bytes: usize) -> ([f64; 3], [f64; 2]) {
    let rounds = (0..ROUNDS).map(|_| once(way, kind, bytes));
    let least = |(a, m): ([f64; 3], _), (b, _): ([f64; 3], _)| {
        ([a[0].min(b[0]), a[1].min(b[1]), a[2].min(b[2])], m)
    };
    rounds.reduce(least).expect("a round")
}

/// Milliseconds of the pipeline, of pages and filters and of the sinks; memory of the pipeline with its
/// outputs and of a sink, by the record's bytes.
fn once(way: &Way, kind: &str, bytes: usize) -> ([f64; 3], [f64; 2]) {
    let record = record(kind, bytes);
    let mut out = OutputBuffer::default();
    let measured = |step: &mut dyn FnMut()| {
        reset_peak();
        let (before, started) = (resident_bytes(), Instant::now());
        step();
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let taken = peak_bytes().saturating_sub(before);
        (ms, taken as f64 / record.value.len().max(bytes) as f64)
    };
    let (pipeline, memory) = measured(&mut || way.process(&record, &mut out));
    let (view, _) = measured(&mut || {
        way.view(&out);
    });
    let (sinks, sink) = measured(&mut || {
        way.notify(&out);
    });
    ([pipeline, view, sinks], [memory, sink])
}
