//! One record through normalize, enrich, detect and encode: pure, and used by ingest, replay and
//! the rules' own tests alike.

mod batch;
mod dead_letters;
mod events;
mod finding;
mod forms;
mod guard;
mod limits;
mod loss;
mod outputs;
mod routing;
mod visit;

use std::cell::RefCell;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alert::BUILT_IN;
pub use crate::catalog::Catalogs;
use crate::catalog::{Catalog, MethodNames};
pub use crate::enrich::Names;
pub use crate::event::Path;
use crate::event::{self, AttributeFacts};
use crate::route::{Noise, NoisePolicy, Routes};
use crate::rules::{CurrentRules, Known, KnownField, KnownProduct};
use crate::sigma::{Level, Placeholders};
use crate::vendors::VENDORS;
pub use batch::Batch;
pub use forms::{EventForm, FindingForm, Forms, LetterForm};
pub use guard::PANIC;
pub use outputs::{Content, OutputList, OutputTopic, Purpose};
pub use routing::RouteCount;
use routing::Routing;

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

/// An alert that was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaisedAlert {
    /// The id of its rule.
    pub rule: Arc<str>,
    /// Its level.
    pub level: Level,
    /// Whether a suppression keeps it from people.
    pub suppressed: bool,
}

impl RaisedAlert {
    /// An alert that people are to be notified of.
    pub fn new(rule: impl Into<Arc<str>>, level: Level) -> RaisedAlert {
        RaisedAlert {
            rule: rule.into(),
            level,
            suppressed: false,
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An event, with the alerts it raised.
    Event {
        /// The catalogue does not have its method.
        unknown_method: bool,
        /// What was inferred from the parts of an undocumented word, such as `status`.
        inferred: Vec<&'static str>,
        /// Milliseconds since the Unix epoch; 0 if no time is known.
        event_time_ms: i64,
        /// The alerts that it raised.
        alerts: Vec<RaisedAlert>,
        /// Set if it was written to no topic.
        dropped: Option<Dropped>,
    },
    /// A dead letter.
    DeadLetter {
        /// Metric label, and the header `watchbell-reason`.
        reason: &'static str,
        /// The alert about the dead letter itself, and of an event that is too large those that it raises all the
        /// same.
        alerts: Vec<RaisedAlert>,
    },
    /// What became of each of its events, for a record that holds a list.
    Several(Vec<Outcome>),
}

impl Outcome {
    fn add_alerts(&mut self, more: Vec<RaisedAlert>) {
        match self {
            Outcome::Event { alerts, .. } | Outcome::DeadLetter { alerts, .. } => {
                alerts.extend(more);
            }
            Outcome::Several(outcomes) => {
                if let Some(last) = outcomes.last_mut() {
                    last.add_alerts(more);
                }
            }
        }
    }
}

/// An event that was written to no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The kind of noise that it is; `None` if a route dropped it.
    pub noise: Option<Noise>,
    /// The bytes of the value of its source record.
    pub bytes: u64,
}

/// What stays the same from batch to batch.
#[derive(Debug, Clone)]
struct Context {
    outputs: OutputList,
    routing: Routing,
    catalogs: Arc<Catalogs>,
    method_names: Arc<MethodNames>,
    /// The source's name in the configuration.
    source: Option<Arc<str>>,
    replaying: bool,
    /// Whether the outputs are written to the topics.
    storing: bool,
}

/// The stages, composed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pipeline {
    context: Context,
    rules: Arc<CurrentRules<Path>>,
    names: Arc<ArcSwap<Names>>,
}

impl Pipeline {
    /// Composes the stages.
    pub fn new(
        outputs: OutputList,
        catalogs: Arc<Catalogs>,
        rules: Arc<CurrentRules<Path>>,
        names: Arc<ArcSwap<Names>>,
    ) -> Self {
        Self {
            context: Context {
                routing: Routing::new(Arc::default(), NoisePolicy::Keep, &outputs),
                outputs,
                method_names: Arc::new(MethodNames::of(&catalogs)),
                catalogs,
                source: None,
                replaying: false,
                storing: true,
            },
            rules,
            names,
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
        self.context.replaying = true;
        self.context.storing = storing;
        self
    }

    /// The same with routes and a noise policy. Without them, every event is written to the events topic.
    pub fn routed(mut self, routes: Arc<Routes>, noise: NoisePolicy) -> Self {
        self.context.routing = Routing::new(routes, noise, &self.context.outputs);
        self
    }

    /// The names of everything that decides about events, by its number in [`Batch::take_counts`]: the
    /// routes, the kinds of noise, and `default`.
    pub fn route_names(&self) -> Vec<Arc<str>> {
        self.context.routing.names()
    }

    /// Begins a batch with the rules and names that are in force now: all its records see these, and no
    /// others, however long it takes.
    pub fn begin(&self) -> Batch {
        Batch {
            context: self.context.clone(),
            rules: self.rules.snapshot(),
            names: self.names.load_full(),
            route_scratch: RefCell::default(),
            counts: RefCell::new(self.context.routing.no_counts()),
            scratch: RefCell::default(),
            documents: crate::json::Memory::default(),
        }
    }

    /// Writes to these outputs in the batches that begin from now on.
    pub fn set_outputs(&mut self, outputs: OutputList) {
        self.context.routing.find_topics(&outputs);
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
