//! Names of the consumer groups that are derived from names in the configuration.
//! Invariant: two deployments, sources or sinks never get the same group.

/// Joins a deployment's group and a sink's name to the name of the sink's group.
const NOTIFY: &str = "-notify-";

/// Suffix of the group on the source cluster to which positions are copied for lag dashboards.
const LAG: &str = "-lag";

/// Suffix of the group that archives the topics.
const ARCHIVE: &str = "-archive";

/// The default group that archives the topics of a deployment.
pub(super) fn archive_group(group: &str) -> String {
    format!("{group}{ARCHIVE}")
}

/// The group with which a sink of a deployment reads the alerts topic.
pub(super) fn sink_group(group: &str, sink: &str) -> String {
    format!("{group}{NOTIFY}{sink}")
}

/// The default group on a source's cluster to which positions are copied. It differs from every
/// deployment's own group: that cluster may also be the destination of a deployment of the same name.
pub(super) fn lag_group(group: &str) -> String {
    format!("{group}{LAG}")
}

/// What is wrong with the name of a deployment's group; `None` if it is valid.
pub(super) fn group_fault(group: &str) -> Option<String> {
    // `/` is not allowed, since it separates the parts of a transactional id.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if group.len() > 100 || !group.chars().all(is_allowed) {
        return Some(
            "a group's name is made of letters, digits, `.`, `_` and `-`, 100 at most".into(),
        );
    }
    let sinks = NOTIFY.trim_end_matches('-');
    if group.contains(NOTIFY) || group.ends_with(sinks) {
        return Some(format!(
            "a group's name must not contain `{NOTIFY}` or end in `{sinks}`: it could be the group of \
             another deployment's sink"
        ));
    }
    if group.ends_with(ARCHIVE) {
        return Some(format!(
            "a group's name must not end in `{ARCHIVE}`: it could be the group with which another deployment \
             archives its topics"
        ));
    }
    group.ends_with(LAG).then(|| {
        format!(
            "a group's name must not end in `{LAG}`: it could be the group to which another \
             deployment copies positions for lag dashboards"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn two_deployments_and_sinks_never_get_the_same_group() {
        let parts = [
            "a", "notify", "-", "a-notify", "notify-a", "b.c", "lag", "archive",
        ];
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
            for made in sinks.chain([lag_group(group), archive_group(group)]) {
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
