//! Login by a token that one person has. The answer to a wrong token takes a while, and until then no other token from
//! the same address is looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::signer::Signer;
use crate::config::TokenLogin;

/// How long the answer to a wrong token takes.
const DELAY: Duration = Duration::from_secs(1);

/// Checks tokens.
pub(super) struct TokenCheck {
    pub(super) login: TokenLogin,
    signer: Signer,
    /// From where wrong tokens came, and until when no other one from there is looked at.
    late: Mutex<HashMap<Option<IpAddr>, Instant>>,
}

/// Whether a token was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    Right,
    /// The answer is to be given after this time.
    Wrong(Duration),
    /// It was not looked at.
    TooEarly,
}

impl TokenCheck {
    pub(super) fn new(login: TokenLogin, signer: Signer) -> TokenCheck {
        TokenCheck {
            login,
            signer,
            late: Mutex::default(),
        }
    }

    /// Compares a token that came from an address with the right one.
    pub(super) fn check(&self, token: &str, from: Option<IpAddr>, now: Instant) -> Checked {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.retain(|_, until| *until > now);
        if late.contains_key(&from) {
            return Checked::TooEarly;
        }
        if self.signer.is_same(self.login.token.expose(), token) {
            return Checked::Right;
        }
        late.insert(from, now + DELAY);
        Checked::Wrong(DELAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::Secret;

    #[test]
    fn after_a_wrong_token_no_other_one_from_the_same_address_is_looked_at_for_a_second() {
        let login = TokenLogin {
            token: Secret::new("right"),
            name: "Jane".into(),
        };
        let check = TokenCheck::new(login, Signer::new(b"key", &["token"]).unwrap());
        let (here, there) = (Some([10, 0, 0, 1].into()), Some([10, 0, 0, 2].into()));
        let begin = Instant::now();
        assert_eq!(check.check("right", here, begin), Checked::Right);
        assert_eq!(check.check("wrong", here, begin), Checked::Wrong(DELAY));
        let soon = begin + DELAY / 2;
        assert_eq!(check.check("right", here, soon), Checked::TooEarly);
        assert_eq!(check.check("right", there, soon), Checked::Right);
        assert_eq!(check.check("right", here, begin + DELAY), Checked::Right);
        assert_eq!(check.late.lock().unwrap().len(), 0);
    }
}
