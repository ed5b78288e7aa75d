//! All routes, ready to be asked about an event. Nothing in them changes.

use std::fmt;

use super::model::Route;
use super::unreachable::unreachable;
use crate::diagnostic::Problem;
use crate::event::{AuditEvent, Path};
use crate::sigma::{Engine, Logsource, LogsourceDetection, Scratch};

/// The routes of a configuration, ready to be asked. Nothing in it changes.
#[derive(Default)]
pub struct Routes {
    routes: Vec<Route>,
    engine: Engine<Path>,
    /// For each route its number in the engine; `None` for a route that is for all events.
    numbers: Vec<Option<usize>>,
}

/// The outcome of asking the routes about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routed {
    /// A route has decided.
    Decided,
    /// No route has, so the noise policy is next.
    Undecided,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.routes).finish()
    }
}

impl Routes {
    /// Compiles routes.
    ///
    /// # Errors
    /// Every unknown field.
    pub fn new(routes: Vec<Route>) -> Result<Routes, Vec<Problem>> {
        let everything = Logsource::default();
        let mut numbers = Vec::new();
        let mut targets = Vec::new();
        for route in &routes {
            numbers.push(route.when.as_ref().map(|_| targets.len()));
            targets.extend(route.when.as_ref().map(|detection| LogsourceDetection {
                logsource: &everything,
                detection,
            }));
        }
        match Engine::compile(targets, &Path::parse) {
            Ok(engine) => Ok(Routes {
                routes,
                engine,
                numbers,
            }),
            Err(problems) => Err(problems.into_iter().map(|(_, problem)| problem).collect()),
        }
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Calls `take` with the number of each route that an event takes, in order.
    pub fn ask(
        &self,
        event: &AuditEvent<'_>,
        scratch: &mut Scratch,
        mut take: impl FnMut(usize),
    ) -> Routed {
        let matched = match self.engine.is_empty() {
            true => &[],
            false => self.engine.matches(event, scratch),
        };
        for (number, route) in self.routes.iter().enumerate() {
            let is_taken = match self.numbers[number] {
                Some(detection) => matched.binary_search(&detection).is_ok(),
                None => true,
            };
            if !is_taken {
                continue;
            }
            take(number);
            if !route.continues {
                return Routed::Decided;
            }
        }
        Routed::Undecided
    }

    /// The routes that no event can reach, each with the earlier route that decides all of its events.
    pub fn unreachable(&self) -> Vec<(&Route, &Route)> {
        unreachable(&self.routes)
    }
}
