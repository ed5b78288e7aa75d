//! Finds routes that no event can reach, because an earlier route decides all of their events.

use super::model::Route;
use crate::sigma::Detection;

/// Each route that no event can reach, with the earlier route that decides all of its events: one for all events, or
/// one with the same condition.
pub(super) fn unreachable(routes: &[Route]) -> Vec<(&Route, &Route)> {
    let mut found = Vec::new();
    for (number, route) in routes.iter().enumerate() {
        let earlier = routes[..number].iter();
        let mut deciding = earlier.filter(|earlier| !earlier.continues);
        let same = |earlier: &&Route| match (&earlier.when, &route.when) {
            (None, _) => true,
            (Some(earlier), Some(own)) => is_same(earlier, own),
            (Some(_), None) => false,
        };
        found.extend(deciding.find(same).map(|earlier| (route, earlier)));
    }
    found
}

/// Whether two conditions compare the same fields with the same values in the same way.
fn is_same(a: &Detection, b: &Detection) -> bool {
    let lines = |detection: &Detection| {
        let lines = detection
            .tests()
            .map(|test| (test.to_string(), test.negated));
        lines.collect::<Vec<_>>()
    };
    a.condition == b.condition && a.selections.len() == b.selections.len() && lines(a) == lines(b)
}
