//! What a method does, judged by the verb its name begins with: for methods no catalogue knows.

/// OCSF API Activity for `Other`.
pub(super) const OTHER: (i64, &str) = (99, "Other");

const CREATE: (i64, &str) = (1, "Create");
const READ: (i64, &str) = (2, "Read");
const UPDATE: (i64, &str) = (3, "Update");
const DELETE: (i64, &str) = (4, "Delete");

const VERBS: [(&str, (i64, &str)); 32] = [
    ("add", CREATE),
    ("bind", CREATE),
    ("claim", CREATE),
    ("create", CREATE),
    ("grant", CREATE),
    ("invite", CREATE),
    ("register", CREATE),
    ("describe", READ),
    ("fetch", READ),
    ("get", READ),
    ("list", READ),
    ("load", READ),
    ("read", READ),
    ("search", READ),
    ("alter", UPDATE),
    ("disable", UPDATE),
    ("enable", UPDATE),
    ("incrementalalter", UPDATE),
    ("modify", UPDATE),
    ("partialentityupdate", UPDATE),
    ("patch", UPDATE),
    ("pause", UPDATE),
    ("put", UPDATE),
    ("restart", UPDATE),
    ("resume", UPDATE),
    ("set", UPDATE),
    ("update", UPDATE),
    ("delete", DELETE),
    ("deregister", DELETE),
    ("remove", DELETE),
    ("revoke", DELETE),
    ("unbind", DELETE),
];

/// OCSF `activity_id` and `activity_name` of API Activity.
pub(super) fn activity(method: &str) -> (i64, &'static str) {
    let name = method.rsplit_once('.').map_or(method, |(_, name)| name);
    let name = name.strip_prefix("Tableflow").unwrap_or(name);
    VERBS
        .iter()
        .find(|(verb, _)| begins_with(name, verb))
        .map_or(OTHER, |(_, activity)| *activity)
}

/// Whether the name's first word is this verb, in whatever case: `ListTopics`, not `Listen`.
fn begins_with(name: &str, verb: &str) -> bool {
    name.get(..verb.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(verb))
        && !name[verb.len()..].starts_with(|next: char| next.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        for (method, expected) in [
            ("CreateAPIKey", CREATE),
            ("BindRoleForPrincipal", CREATE),
            ("TableflowListTables", READ),
            ("kafka.IncrementalAlterConfigs", UPDATE),
            ("UnBindAllRolesForPrincipal", DELETE),
            ("UnbindAllRolesForPrincipal", DELETE),
            ("schema-registry.DeleteSubject", DELETE),
            ("delete_topic", DELETE),
            ("Listen", OTHER),
            ("mds.Authorize", OTHER),
            ("mcp.tools/call", OTHER),
            ("", OTHER),
            ("Gé", OTHER),
        ] {
            assert_eq!(activity(method), expected, "{method}");
        }
    }
}
