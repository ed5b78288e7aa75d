//! Where an event is written: what its routes, the noise policy and the default say, as outputs.

use std::sync::Arc;

use super::outcome::{Dropped, Outcome};
use super::outputs::{Content, OutputList};
use crate::event::{AuditEvent, PARTS_OF_EVENT};
use crate::route::{
    EventShape, MAX_ROUTES, Noise, NoisePolicy, RecordKey, RouteAction, RouteOutput, Routed, Routes,
};
use crate::sigma::Scratch;

/// Records and bytes that something has decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteCount {
    /// Events.
    pub records: u64,
    /// Bytes of the records that were written, or of the source records that were dropped.
    pub bytes: u64,
}

/// The routes and the noise policy, with the topics that there are.
#[derive(Debug, Clone)]
pub(super) struct Routing {
    routes: Arc<Routes>,
    noise: NoisePolicy,
    /// The place of the topic of each route in the list of outputs.
    topics: Vec<Option<usize>>,
    /// The place of the routine topic, if there is one.
    routine: Option<usize>,
}

/// What has decided about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// A route, by its number.
    Route(usize),
    /// The noise policy.
    Noise(Noise),
    /// Nothing else did.
    Default,
}

/// One output of an event.
pub(super) struct EventOutput<'r> {
    /// Its number among the outputs of the event.
    pub(super) number: u32,
    /// The place of its topic in the list of outputs.
    pub(super) topic: usize,
    pub(super) shape: &'r EventShape,
    pub(super) key: &'r RecordKey,
}

/// What became of an event's outputs.
pub(super) struct Written {
    /// Whether the event was written, or dropped as its route or the noise policy says.
    pub(super) is_kept: bool,
    /// Set if it was written to no topic.
    pub(super) dropped: Option<Dropped>,
    /// The dead letters in place of outputs that could not be written.
    pub(super) refused: Vec<Outcome>,
}

/// The place of the events topic in the list of outputs.
const EVENTS: usize = Content::Events as usize;

/// The name of the output that is not of a route. No route has it.
const DEFAULT_OUTPUT: &str = "default";

/// The number of the first output of a route, beyond those of alerts.
pub(super) const FIRST_ROUTE_OUTPUT: u32 = 3_000;

/// The number of what was dropped in a day, which is written beside the outputs of the first event of the next day.
pub(super) const DROPPED_OUTPUT: u32 = PARTS_OF_EVENT - 2;

/// The number of the ledger's records, which are written beside the outputs of a source record.
pub const LEDGER_OUTPUT: u32 = PARTS_OF_EVENT - 3;

const _: () = assert!(FIRST_ROUTE_OUTPUT as usize + MAX_ROUTES < LEDGER_OUTPUT as usize);

impl Routing {
    pub(super) fn new(routes: Arc<Routes>, noise: NoisePolicy, outputs: &OutputList) -> Routing {
        let mut routing = Routing {
            routes,
            noise,
            topics: Vec::new(),
            routine: None,
        };
        routing.find_topics(outputs);
        routing
    }

    /// Finds the topics among these outputs.
    pub(super) fn find_topics(&mut self, outputs: &OutputList) {
        let routes = self.routes.all().iter();
        self.topics = routes
            .map(|route| match &route.action {
                RouteAction::Write(output) => outputs.place_of(&output.topic),
                RouteAction::Drop => None,
            })
            .collect();
        self.routine = outputs.routine();
    }

    /// The names of what decides, by [`Routing::number`].
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let routes = self.routes.all().iter().map(|route| route.name.clone());
        let built_in = Noise::ALL
            .map(Noise::name)
            .into_iter()
            .chain([DEFAULT_OUTPUT]);
        routes.chain(built_in.map(Arc::from)).collect()
    }

    /// What a dead letter in place of an output says, with the name of the route.
    pub(super) fn detail(&self, decision: Decision, detail: String) -> String {
        match decision {
            Decision::Route(number) => {
                format!("route {}: {detail}", self.routes.all()[number].name)
            }
            Decision::Noise(_) | Decision::Default => detail,
        }
    }

    /// The output of an event that a decision stands for, as the dead letter in its place names it. The noise policy
    /// only chooses another topic for the default output.
    pub(super) fn output_name(&self, decision: Decision) -> &str {
        match decision {
            Decision::Route(number) => &self.routes.all()[number].name,
            Decision::Noise(_) | Decision::Default => DEFAULT_OUTPUT,
        }
    }

    /// The number of the output with this name among the outputs of an event.
    pub(super) fn output_number(&self, name: &str) -> Option<u32> {
        if name == DEFAULT_OUTPUT {
            return Some(0);
        }
        let mut routes = self.routes.all().iter();
        let number = routes.position(|route| *route.name == *name)?;
        Some(self.output(Decision::Route(number))?.number)
    }

    pub(super) fn no_counts(&self) -> Vec<RouteCount> {
        vec![RouteCount::default(); self.routes.all().len() + Noise::ALL.len() + 1]
    }

    /// The number of what has decided.
    pub(super) fn number(&self, decision: Decision) -> usize {
        let routes = self.routes.all().len();
        match decision {
            Decision::Route(number) => number,
            Decision::Noise(noise) => routes + noise as usize,
            Decision::Default => routes + Noise::ALL.len(),
        }
    }

    /// Calls `take` with everything that decides about an event, in order. `is_quiet` says that it raised no alert.
    pub(super) fn decide(
        &self,
        event: &AuditEvent<'_>,
        is_quiet: bool,
        is_known: impl FnOnce() -> bool,
        scratch: &mut Scratch,
        mut take: impl FnMut(Decision),
    ) {
        if !self.routes.is_empty() {
            let routed = self
                .routes
                .ask(event, scratch, |number| take(Decision::Route(number)));
            if routed == Routed::Decided {
                return;
            }
        }
        let is_apart = self.noise == NoisePolicy::Drop || self.routine.is_some();
        let is_asked = is_quiet && is_apart && self.noise != NoisePolicy::Keep;
        let noise = is_asked.then(|| Noise::of(event, is_known)).flatten();
        take(noise.map_or(Decision::Default, Decision::Noise));
    }

    /// The output that a decision gives; `None` if it drops the event.
    pub(super) fn output(&self, decision: Decision) -> Option<EventOutput<'_>> {
        const FULL: &EventShape = &EventShape::Full;
        const ACTOR: &RecordKey = &RecordKey::Actor;
        let built_in = |topic: usize| EventOutput {
            number: 0,
            topic,
            shape: FULL,
            key: ACTOR,
        };
        match decision {
            Decision::Route(number) => match &self.routes.all()[number].action {
                RouteAction::Drop => None,
                RouteAction::Write(RouteOutput { shape, key, .. }) => Some(EventOutput {
                    number: FIRST_ROUTE_OUTPUT + u32::try_from(number).unwrap_or(0),
                    topic: self.topics[number].unwrap_or(EVENTS),
                    shape,
                    key,
                }),
            },
            Decision::Noise(_) if self.noise == NoisePolicy::Drop => None,
            Decision::Noise(_) => Some(built_in(self.routine.unwrap_or(EVENTS))),
            Decision::Default => Some(built_in(EVENTS)),
        }
    }
}
