//! Sessions: what a browser says of who has logged in, signed by the page. The page keeps nothing of them, so any replica
//! with the same key knows every session.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::signer::Signer;
use crate::config::Role;

/// After this time a session that can become idle is signed anew.
const RENEWAL: Duration = Duration::from_secs(60);

/// Who has logged in, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) name: String,
    /// The person's id with the provider, if there is one.
    pub(super) uid: Option<String>,
    role: String,
    /// Random; the tokens of the session's forms are made from it.
    pub(super) id: String,
    /// When it began and when it was signed, in seconds since the Unix epoch.
    begun: i64,
    signed: i64,
}

/// How long sessions last, and the key that signs them.
pub(super) struct Sessions {
    pub(super) signer: Signer,
    pub(super) lifetime: Duration,
    pub(super) idle: Option<Duration>,
}

impl Session {
    pub(super) fn new(
        name: String,
        uid: Option<String>,
        role: Role,
        id: String,
        now_s: i64,
    ) -> Session {
        Session {
            name,
            uid,
            role: role.name().to_owned(),
            id,
            begun: now_s,
            signed: now_s,
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == self.role)
    }
}

impl Sessions {
    /// The session as a cookie holds it.
    pub(super) fn seal(&self, session: &Session) -> String {
        // A session has no part that JSON cannot hold.
        self.signer
            .seal(&serde_json::to_vec(session).unwrap_or_default())
    }

    /// The session of a cookie, and the same signed anew if it is time for it; `None` if it is not one of ours, or is over.
    pub(super) fn open(&self, sealed: &str, now_s: i64) -> Option<(Session, Option<String>)> {
        let session: Session = serde_json::from_slice(&self.signer.open(sealed)?).ok()?;
        let is_within = |since: i64, span: Duration| {
            let age = u64::try_from(now_s.saturating_sub(since)).unwrap_or(0);
            age < span.as_secs()
        };
        if !is_within(session.begun, self.lifetime) {
            return None;
        }
        let Some(idle) = self.idle else {
            return Some((session, None));
        };
        if !is_within(session.signed, idle) {
            return None;
        }
        let renewed = (!is_within(session.signed, RENEWAL.min(idle / 4))).then(|| {
            self.seal(&Session {
                signed: now_s,
                ..session.clone()
            })
        });
        Some((session, renewed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(lifetime_s: u64, idle_s: Option<u64>) -> Sessions {
        Sessions {
            signer: Signer::new(b"key", &["session"]).unwrap(),
            lifetime: Duration::from_secs(lifetime_s),
            idle: idle_s.map(Duration::from_secs),
        }
    }

    fn session() -> Session {
        Session::new(
            "Jane".into(),
            Some("u-1".into()),
            Role::Responder,
            "id".into(),
            1_000,
        )
    }

    #[test]
    fn a_session_ends_with_its_lifetime_however_much_it_is_used() {
        let sessions = sessions(100, None);
        let sealed = sessions.seal(&session());
        assert_eq!(sessions.open(&sealed, 1_099), Some((session(), None)));
        assert_eq!(sessions.open(&sealed, 1_100), None);
        assert_eq!(session().role(), Some(Role::Responder));
    }

    #[test]
    fn a_session_that_is_not_used_ends_and_one_that_is_used_goes_on_until_its_lifetime() {
        let sessions = sessions(1_000, Some(100));
        let sealed = sessions.seal(&session());
        assert_eq!(sessions.open(&sealed, 1_100), None);
        assert_eq!(sessions.open(&sealed, 1_024), Some((session(), None)));
        let (_, renewed) = sessions.open(&sealed, 1_099).unwrap();
        let mut sealed = renewed.expect("it is signed anew");
        assert!(sessions.open(&sealed, 1_150).is_some());
        let mut now_s = 1_099;
        while let Some((same, renewed)) = sessions.open(&sealed, now_s) {
            assert_eq!((same.begun, &*same.id), (1_000, "id"));
            sealed = renewed.unwrap_or(sealed);
            now_s += 50;
        }
        assert!((2_000..2_050).contains(&now_s), "{now_s}");
    }

    #[test]
    fn a_clock_that_goes_back_ends_no_session() {
        let sessions = sessions(100, Some(50));
        assert!(sessions.open(&sessions.seal(&session()), 900).is_some());
    }
}
