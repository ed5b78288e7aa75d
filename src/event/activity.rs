//! What a method does: as a catalogue says, else as the first word of its name suggests.

/// What a method does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Makes something.
    Create,
    /// Looks at something.
    Read,
    /// Changes something.
    Update,
    /// Removes something.
    Delete,
    /// None of the others, such as an authorization decision.
    Other,
    /// Proves who somebody is.
    Logon,
    /// Ends a session.
    Logoff,
    /// Begins to run.
    Start,
    /// Ceases to run.
    Stop,
}

/// Verbs by which a method that no catalogue knows is judged.
const VERBS: &[(Activity, &[&str])] = &[
    (
        Activity::Create,
        &[
            "create", "register", "bind", "grant", "add", "invite", "insert", "generate", "import",
            "clone", "upload",
        ],
    ),
    (
        Activity::Read,
        &[
            "get", "list", "load", "describe", "search", "read", "fetch", "query", "lookup",
            "check", "download", "export",
        ],
    ),
    (
        Activity::Update,
        &[
            "update", "alter", "modify", "change", "edit", "set", "put", "patch", "pause",
            "resume", "start", "stop", "restart", "enable", "disable", "attach", "detach",
            "rename", "reset", "replace", "rotate",
        ],
    ),
    (
        Activity::Delete,
        &[
            "delete",
            "deregister",
            "unregister",
            "unbind",
            "revoke",
            "remove",
            "drop",
            "purge",
            "destroy",
            "terminate",
        ],
    ),
    (
        Activity::Logon,
        &["authenticate", "authentication", "login", "logon", "signin"],
    ),
    (Activity::Logoff, &["logout", "logoff", "signout"]),
];

impl Activity {
    /// Every activity, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Delete,
        Self::Other,
        Self::Logon,
        Self::Logoff,
        Self::Start,
        Self::Stop,
    ];

    /// What the first word of a method's name says, once a prefix such as `kafka.` or `Tableflow` is gone:
    /// a guess for methods that no catalogue knows.
    pub fn from_verb(method: &str) -> Activity {
        let bare = method.rsplit('.').next().unwrap_or(method);
        let bare = bare.strip_prefix("Tableflow").unwrap_or(bare);
        let begins_with = |verb: &str| {
            let head = bare.get(..verb.len());
            let word_ends = || !bare[verb.len()..].starts_with(|c: char| c.is_ascii_lowercase());
            head.is_some_and(|head| head.eq_ignore_ascii_case(verb)) && word_ends()
        };
        VERBS
            .iter()
            .find(|(_, verbs)| verbs.iter().any(|verb| begins_with(verb)))
            .map_or(Activity::Other, |(activity, _)| *activity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_of_an_unknown_method_says_what_it_does() {
        let cases = [
            ("CreateThing", Activity::Create),
            ("vendor.RegisterThing", Activity::Create),
            ("UnBindThing", Activity::Delete),
            ("DeregisterThing", Activity::Delete),
            ("searchThings", Activity::Read),
            ("list_things", Activity::Read),
            ("PauseThing", Activity::Update),
            ("new-service.Authenticate", Activity::Logon),
            ("TableflowListThings", Activity::Read),
            ("schema-registry.DeleteThing", Activity::Delete),
            ("mcp.tools/call", Activity::Other),
            ("Getaway", Activity::Other),
            ("Settle", Activity::Other),
            ("ä", Activity::Other),
            ("", Activity::Other),
        ];
        for (method, activity) in cases {
            assert_eq!(Activity::from_verb(method), activity, "{method}");
        }
    }
}
