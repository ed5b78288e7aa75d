//! One record through normalize, enrich, detect and encode: pure, and used by ingest, replay and
//! the rules' own tests alike.

mod batch;
mod dead_letters;
mod events;
mod finding;
mod forms;
mod guard;
mod ledger_entries;
mod limits;
mod loss;
mod outcome;
mod outputs;
mod privacy;
mod retry;
mod routing;
mod visit;

use std::cell::RefCell;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alert::{BUILT_IN, REPLAYED, RETRIED};
pub use crate::catalog::Catalogs;
use crate::catalog::{Catalog, MethodNames};
pub use crate::enrich::{LookupCounts, Lookups, Names};
pub use crate::event::Path;
use crate::event::{self, AttributeFacts};
use crate::privacy::Policies;
use crate::route::{NoisePolicy, Routes};
use crate::rules::{CurrentRules, Known, KnownField, KnownProduct};
use crate::sigma::Placeholders;
use crate::vendors::VENDORS;
pub use batch::Batch;
pub use forms::{EventForm, FindingForm, Forms, LetterForm};
pub use guard::PANIC;
pub use ledger_entries::published;
pub use outcome::{Dropped, Outcome, RaisedAlert};
pub use outputs::{Content, OutputList, OutputTopic, Purpose};
use privacy::Privacy;
pub use retry::Retried;
use routing::Routing;
pub use routing::{LEDGER_OUTPUT, RouteCount};

/// The reason of a dead letter whose record is larger than its topic takes, or than can be held.
pub const TOO_LARGE: &str = "too_large";

/// When a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, ms since the Unix epoch.
    pub now_ms: i64,
    /// How far the log that it stands in had come: the greatest timestamp of its partition's records.
    /// `None` for what is in no log, or where nothing is known.
    pub logged_ms: Option<i64>,
    /// Whether it was there before its source was read for the first time.
    pub history: bool,
}

impl From<i64> for Reading {
    fn from(now_ms: i64) -> Reading {
        Reading {
            now_ms,
            logged_ms: None,
            history: false,
        }
    }
}

/// What stays the same from batch to batch.
#[derive(Debug, Clone)]
struct Context {
    outputs: OutputList,
    routing: Routing,
    privacy: Privacy,
    catalogs: Arc<Catalogs>,
    method_names: Arc<MethodNames>,
    /// The source's name in the configuration.
    source: Option<Arc<str>>,
    reader: RecordReader,
    /// Whether the outputs are written to the topics.
    storing: bool,
}

/// Who has read the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordReader {
    /// The daemon, as they came.
    Daemon,
    /// `replay`, from the past.
    Replay,
    /// `dead-letters retry`, from the dead letters.
    Retry,
}

impl Context {
    /// The label of alerts.
    fn label(&self) -> Option<&'static str> {
        match self.reader {
            RecordReader::Daemon => None,
            RecordReader::Replay => Some(REPLAYED),
            RecordReader::Retry => Some(RETRIED),
        }
    }

    /// The label of events, and the value of their header `watchbell-origin`: only where they are written beside
    /// those of the daemon.
    fn event_mark(&self) -> Option<(&'static str, &'static str)> {
        let label = self.label().filter(|_| self.storing)?;
        Some((label, label.split_once(':')?.1))
    }
}

/// The stages, composed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pipeline {
    context: Context,
    rules: Arc<CurrentRules<Path>>,
    lookups: Arc<ArcSwap<Lookups>>,
}

impl Pipeline {
    /// Composes the stages.
    pub fn new(
        outputs: OutputList,
        catalogs: Arc<Catalogs>,
        rules: Arc<CurrentRules<Path>>,
        lookups: Arc<ArcSwap<Lookups>>,
    ) -> Self {
        Self {
            context: Context {
                routing: Routing::new(Arc::default(), NoisePolicy::Keep, &outputs),
                privacy: Privacy::default(),
                outputs,
                method_names: Arc::new(MethodNames::of(&catalogs)),
                catalogs,
                source: None,
                reader: RecordReader::Daemon,
                storing: true,
            },
            rules,
            lookups,
        }
    }

    /// The same for the records of one source, by its name in the configuration; without it, its
    /// topic stands for it.
    pub fn of_source(mut self, name: &str) -> Self {
        self.context.source = Some(name.into());
        self
    }

    /// The same for records of the past: its alerts are labelled, and sinks do not send them. If the outputs are
    /// written to the topics (`storing`), the events are labelled, too.
    pub fn replaying(mut self, storing: bool) -> Self {
        self.context.reader = RecordReader::Replay;
        self.context.storing = storing;
        self
    }

    /// The same for dead letters that are read again: events and alerts are labelled, and sinks send the alerts.
    pub fn retrying(mut self) -> Self {
        self.context.reader = RecordReader::Retry;
        self
    }

    /// The same with routes and a noise policy. Without them, every event is written to the events topic.
    pub fn routed(mut self, routes: Arc<Routes>, noise: NoisePolicy) -> Self {
        self.context.routing = Routing::new(routes, noise, &self.context.outputs);
        self
    }

    /// The same with policies of privacy. Without them, every output shows everything.
    pub fn private(mut self, policies: Policies) -> Self {
        self.context.privacy = Privacy::new(policies, &self.context.outputs);
        self
    }

    /// The names of everything that decides about events, by its number in [`Batch::take_counts`]: the
    /// routes, the kinds of noise, and `default`.
    pub fn route_names(&self) -> Vec<Arc<str>> {
        self.context.routing.names()
    }

    /// Begins a batch with the rules and lookups that are in force now: all its records see these, and no
    /// others, however long it takes.
    pub fn begin(&self) -> Batch {
        Batch {
            context: self.context.clone(),
            rules: self.rules.snapshot(),
            lookups: self.lookups.load_full(),
            memory: RefCell::default(),
            route_scratch: RefCell::default(),
            counts: RefCell::new(self.context.routing.no_counts()),
            scratch: RefCell::default(),
            documents: crate::json::Memory::default(),
        }
    }

    /// Makes `batch` the next one: the same as [`Pipeline::begin`], with the memory of the one before. What was looked
    /// up is known for as long as the files are the same.
    pub fn begin_next(&self, batch: &mut Batch) {
        let lookups = self.lookups.load_full();
        if !Arc::ptr_eq(&lookups, &batch.lookups) {
            batch.memory = RefCell::default();
        }
        batch.memory.get_mut().counts = LookupCounts::default();
        batch.counts = RefCell::new(self.context.routing.no_counts());
        batch.context = self.context.clone();
        batch.rules = self.rules.snapshot();
        batch.lookups = lookups;
    }

    /// Writes to these outputs in the batches that begin from now on.
    pub fn set_outputs(&mut self, outputs: OutputList) {
        self.context.routing.find_topics(&outputs);
        self.context.privacy.find_topics(&outputs);
        self.context.outputs = outputs;
    }

    /// What is written, in which topics, and how large its records may be, as far as is known.
    pub fn outputs(&self) -> &OutputList {
        &self.context.outputs
    }
}

fn known_field(facts: AttributeFacts) -> (String, KnownField) {
    let field = KnownField {
        is_always_there: facts.is_always_there,
        values: facts.values,
    };
    (facts.name.to_owned(), field)
}

/// What rules may name: the services and methods of the catalogues.
pub fn known(catalogs: &Catalogs) -> Known {
    let product = |catalog: &Catalog| {
        let vendor = VENDORS
            .iter()
            .find(|vendor| vendor.product == catalog.product());
        let mut product = KnownProduct {
            native_fields: vendor.map(|vendor| &vendor.native_fields),
            absent: vendor.map_or(&[], |vendor| vendor.absent),
            ..KnownProduct::default()
        };
        for service in catalog.services() {
            product.services.entry(service.to_owned()).or_default();
        }
        for method in catalog.methods() {
            let methods = product.services.entry(method.service.to_string());
            let names = method.names().map(str::to_owned);
            methods.or_default().extend(names);
        }
        product
    };
    Known {
        products: catalogs
            .iter()
            .map(|catalog| (catalog.product().to_owned(), product(catalog)))
            .collect(),
        fields: event::attributes().map(known_field).collect(),
        placeholders: Placeholders::default(),
        built_in: BUILT_IN.iter().map(|rule| rule.id.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests;
