//! Alerts about suppressions that are about to end, and about those that have ended.

use serde_json::json;

use super::digest;
use super::loss::{BuiltIn, Source, SourceAlert};
use crate::rules::{LoadedSuppression, SuppressionEnd};
use crate::sigma::Level;

/// The alerts of a suppression page people again, soon or from now on.
pub static SUPPRESSION_ENDS: BuiltIn = BuiltIn {
    id: "72088741-0546-4798-a297-5d828a317953",
    title: "A suppression ends",
    description: "A suppression keeps certain alerts from people until a day that it names. From then on \
                  these alerts are sent again.",
    runbook: "Ask the owner whether its reason still holds. If it does, write a later day in expires, or \
              change the rule so that it does not match these events. If not, delete the suppression. \
              watchbell rules lists all of them; replay --summary shows which alerts it kept back.",
    level: Level::Medium,
};

impl<'a> SourceAlert<'a> {
    /// A suppression ends soon, or has ended. Every process that finds the same raises the same alert. `alerts` is
    /// the topic of the alerts that it keeps from people.
    pub fn suppression_ends(
        loaded: &'a LoadedSuppression,
        end: SuppressionEnd,
        alerts: &'a str,
    ) -> SourceAlert<'a> {
        let suppression = &loaded.suppression;
        let (id, expires) = (suppression.id.as_str(), suppression.expires());
        let (title, owner, reason) = (&suppression.title, &suppression.owner, &suppression.reason);
        let (verb, stage) = match end {
            SuppressionEnd::Soon => ("ends", "soon"),
            SuppressionEnd::Reached => ("ended", "reached"),
        };
        let source = Source {
            name: title,
            topic: alerts,
        };
        SourceAlert {
            title: format!("The suppression {title} of {owner} {verb} at {expires}"),
            why: format!("its reason was: {reason}; it is in {}", loaded.file),
            evidence: json!({"suppression": id, "reason": reason}),
            // Each of the two is sent at once, also soon after the other.
            group_key: digest(&[SUPPRESSION_ENDS.id, id, stage]),
            ..SourceAlert::new(&SUPPRESSION_ENDS, source, &[id, &expires, stage])
        }
    }
}
