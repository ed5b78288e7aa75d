//! The names of consumer groups that are made of a name that a person gave.
//! Invariant: no two deployments, sources or sinks make the same one.

/// Stands between a group and a sink's name in the name of the sink's group.
const NOTIFY: &str = "-notify-";

/// Ends the name of the group on the source cluster that only dashboards read.
const LAG: &str = "-lag";

/// The group by which a sink of a deployment reads the alerts.
pub(super) fn sink_group(group: &str, sink: &str) -> String {
    format!("{group}{NOTIFY}{sink}")
}

/// The group on a source's cluster to which positions are copied, where nobody names one. It is no
/// deployment's own: one whose source and destination are that cluster may be called like this one.
pub(super) fn lag_group(group: &str) -> String {
    format!("{group}{LAG}")
}

/// What is wrong with a name for a group.
pub(super) fn group_fault(group: &str) -> Option<String> {
    // No `/`, which stands between the parts of a transactional id.
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if group.len() > 100 || !group.chars().all(fits) {
        return Some(
            "a group's name is made of letters, digits, `.`, `_` and `-`, 100 at most".into(),
        );
    }
    let sinks = NOTIFY.trim_end_matches('-');
    if group.contains(NOTIFY) || group.ends_with(sinks) {
        return Some(format!(
            "no group's name may have `{NOTIFY}` in it or end in `{sinks}`: the groups of another \
             deployment's sinks are called like that"
        ));
    }
    group.ends_with(LAG).then(|| {
        format!(
            "no group's name may end in `{LAG}`: the groups that only dashboards read are called \
             like that"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn no_group_and_sink_make_the_group_of_another_pair_or_of_a_deployment() {
        let parts = ["a", "notify", "-", "a-notify", "notify-a", "b.c", "lag"];
        let mut names = BTreeSet::from(parts.map(str::to_owned));
        for first in parts {
            names.extend(parts.map(|second| format!("{first}-{second}")));
        }
        let groups: Vec<&String> = names.iter().filter(|n| group_fault(n).is_none()).collect();
        assert!(groups.len() > 20, "{groups:?}");
        let mut seen: BTreeMap<String, String> = groups
            .iter()
            .map(|group| ((*group).clone(), format!("the group {group}")))
            .collect();
        for group in &groups {
            let sinks = names.iter().map(|sink| sink_group(group, sink));
            for made in sinks.chain([lag_group(group)]) {
                let whose = format!("{made} of the group {group}");
                let before = seen.insert(made, whose.clone());
                assert_eq!(before, None, "{whose}");
            }
        }
    }

    #[test]
    fn a_group_with_the_separator_of_transactional_ids_is_refused() {
        for group in ["a/b", "a b", "ä", "a-notify-b", "a-notify", "a-lag"] {
            assert!(group_fault(group).is_some(), "{group}");
        }
        for group in ["watchbell", "watchbell-eu", "notify-a", "lag", "a.b_c-1"] {
            assert_eq!(group_fault(group), None, "{group}");
        }
    }
}
