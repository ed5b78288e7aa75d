use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

const PAUSES: Pauses = Pauses {
    retry: Duration::from_millis(100),
    steady: Duration::from_millis(150),
    forget: Duration::from_secs(600),
};

const LIMIT: Duration = Duration::from_secs(60);

/// How a part ends.
type Ending = fn() -> Result<(), Stop>;

/// A part that stops by itself as `fails` says, until it is repaired.
struct Fragile<'t> {
    name: &'static str,
    fails: Ending,
    repaired: AtomicBool,
    shutdown: &'t Shutdown,
    attempts: AtomicUsize,
    runs: AtomicBool,
    heartbeats: AtomicUsize,
    told: Mutex<Vec<Stop>>,
    shown: Mutex<Option<NotReady>>,
}

impl<'t> Fragile<'t> {
    fn new(name: &'static str, shutdown: &'t Shutdown, fails: Ending) -> Fragile<'t> {
        Fragile {
            name,
            fails,
            repaired: AtomicBool::new(false),
            shutdown,
            attempts: AtomicUsize::new(0),
            runs: AtomicBool::new(false),
            heartbeats: AtomicUsize::new(0),
            told: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    fn sound(name: &'static str, shutdown: &'t Shutdown) -> Fragile<'t> {
        let part = Fragile::new(name, shutdown, || Ok(()));
        part.repaired.store(true, Ordering::Relaxed);
        part
    }

    fn has_tried(&self, times: usize) -> bool {
        self.attempts.load(Ordering::Relaxed) >= times
    }

    fn is_shown(&self) -> bool {
        self.shown.lock().unwrap().is_some()
    }
}

impl DaemonPart for Fragile<'_> {
    fn kind(&self) -> &'static str {
        "source"
    }

    fn name(&self) -> &str {
        self.name
    }

    fn run(&self, _after: Option<&Stop>) -> Result<(), Stop> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if !self.repaired.load(Ordering::Relaxed) {
            return (self.fails)();
        }
        self.runs.store(true, Ordering::Relaxed);
        while !self.shutdown.is_requested() {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }

    fn heartbeat(&self) {
        self.heartbeats.fetch_add(1, Ordering::Relaxed);
    }

    fn show_stop(&self, stop: Option<&NotReady>) {
        *self.shown.lock().unwrap() = stop.cloned();
    }

    fn raise_alert(&self, stop: &Stop) {
        self.told.lock().unwrap().push(stop.clone());
    }
}

fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "in time");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Supervise the parts while `act` runs, then ask them to stop.
fn supervised(
    parts: &[&dyn DaemonPart],
    shutdown: &Shutdown,
    act: impl FnOnce(),
) -> Vec<(String, Stop)> {
    let metrics = Metrics::new().expect("metrics");
    thread::scope(|scope| {
        let running = scope.spawn(|| run(parts, PAUSES, shutdown, &metrics));
        {
            let _request = RequestOnDrop(shutdown);
            act();
        }
        running.join().expect("the supervisor")
    })
}

#[test]
fn however_a_part_ends_the_others_go_on_and_it_is_started_again_and_reported_once() {
    let endings: [(&str, Ending); 3] = [
        ("panic", || panic!("in a test")),
        ("ended", || Ok(())),
        ("past_end", || Err(Stop::new("past_end", "look there"))),
    ];
    for (reason, fails) in endings {
        let shutdown = Shutdown::default();
        let fragile = Fragile::new("one", &shutdown, fails);
        let sound = Fragile::sound("two", &shutdown);
        let stopped = supervised(&[&fragile, &sound], &shutdown, || {
            until(|| fragile.has_tried(3) && fragile.is_shown());
            assert!(!shutdown.is_requested(), "{reason} stops the others");
            assert!(sound.runs.load(Ordering::Relaxed) && !sound.is_shown());
            assert!(
                fragile.heartbeats.load(Ordering::Relaxed) > 0,
                "no heartbeat"
            );
        });
        let told = fragile.told.lock().unwrap();
        let told: Vec<&str> = told.iter().map(|stop| stop.reason).collect();
        assert_eq!(told, [reason]);
        let stopped: Vec<_> = stopped.iter().map(|(of, stop)| (of, stop.reason)).collect();
        assert_eq!(stopped, [(&"source one".to_owned(), reason)]);
    }
}

#[test]
fn a_part_that_is_repaired_goes_on_by_itself_and_is_no_longer_reported_as_stopped() {
    let shutdown = Shutdown::default();
    let part = Fragile::new("one", &shutdown, || Err(Stop::new("gap", "set on_gap")));
    let stopped = supervised(&[&part], &shutdown, || {
        until(|| part.is_shown());
        let shown = part.shown.lock().unwrap().clone().expect("a stop");
        assert_eq!(shown.reason, "gap");
        assert!(shown.remedy.contains("set on_gap"), "{}", shown.remedy);
        part.repaired.store(true, Ordering::Relaxed);
        until(|| !part.is_shown());
    });
    assert_eq!(stopped, []);
}

#[test]
fn two_stops_that_alternate_are_reported_once_each() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let shutdown = Shutdown::default();
    let part = Fragile::new("one", &shutdown, || {
        let number = COUNT.fetch_add(1, Ordering::Relaxed) % 2;
        Err(Stop {
            identity: Some(format!("partition {number}")),
            ..Stop::new("past_end", "look there")
        })
    });
    supervised(&[&part], &shutdown, || until(|| part.has_tried(6)));
    assert_eq!(part.told.lock().unwrap().len(), 2);
}
