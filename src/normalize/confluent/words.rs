//! The vendor's words for outcomes and kinds. New ones come without notice, so a word that is not
//! documented is judged by its parts: `USER_LOCKED_DENIED` by `DENIED`, `403` by its class.
//! Invariant: what was judged so is labelled, and a word with parts for both outcomes is inconclusive.

use crate::event::{Status, UserKind};

/// No word of a vendor is longer, in bytes; of a longer text the beginning is judged.
const MAX_WORD_BYTES: usize = 128;

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged<T> {
    pub(super) is: T,
    /// Judged by its parts.
    pub(super) is_inferred: bool,
}

impl<T> Judged<T> {
    fn known(is: T) -> Self {
        Self {
            is,
            is_inferred: false,
        }
    }

    fn inferred(is: T) -> Self {
        Self {
            is,
            is_inferred: true,
        }
    }
}

/// The documented words of success, of failure, and of neither.
const SUCCESS: [&str; 3] = ["SUCCESS", "ALLOW", "ALLOWED"];
const FAILURE: [&str; 9] = [
    "FAILURE",
    "UNAUTHENTICATED",
    "DENY",
    "DENIED",
    "FAILED",
    "ERROR",
    "UNAUTHORIZED",
    "PERMISSION_DENIED",
    "UNKNOWN_USER_DENIED",
];
const NEITHER: [&str; 5] = ["UNSET", "UNKNOWN", "UNSPECIFIED", "NONE", "PENDING"];

/// Beginnings of parts that tell of a failure.
const FAILING: [&str; 27] = [
    "DENI",
    "DENY",
    "FAIL",
    "UNAUTH",
    "ERR",
    "INVALID",
    "REJECT",
    "REFUS",
    "FORBID",
    "EXPIRE",
    "TIMEOUT",
    "TIMEDOUT",
    "BLOCK",
    "ABORT",
    "CANCEL",
    "UNAVAIL",
    "UNSUPPORT",
    "UNIMPL",
    "MISSING",
    "EXCEED",
    "EXHAUST",
    "CONFLICT",
    "THROTTL",
    "ILLEGAL",
    "INSUFFICIENT",
    "INCORRECT",
    "MISMATCH",
];

/// Beginnings of parts that tell of success.
const SUCCEEDING: [&str; 9] = [
    "SUCC",
    "ALLOW",
    "GRANT",
    "PERMIT",
    "ACCEPT",
    "APPROV",
    "COMPLETE",
    "AUTHORIZED",
    "AUTHENTICATED",
];

/// Beginnings of parts that tell of a failure behind a `NOT`, and of nothing without it.
const FAILING_IF_NOT: [&str; 10] = [
    "FOUND",
    "EXIST",
    "SUCH",
    "AVAIL",
    "SUPPORT",
    "IMPLEMENT",
    "VALID",
    "TRUST",
    "MATCH",
    "ENTITLED",
];

/// What negates the part after it, also within a part, as in `UNSUCCESSFUL`.
const NEGATIONS: [&str; 6] = ["NO", "NOT", "NON", "UN", "DIS", "WITHOUT"];

/// What may stand between a negation and the negated part, as in `NOT_YET_AUTHORIZED`.
const FILLERS: [&str; 6] = ["YET", "IN", "ON", "BEEN", "BE", "ANY"];

/// What a word says of success.
pub(super) fn status(word: &str) -> Judged<Status> {
    let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_one_of(&SUCCESS) {
        Judged::known(Status::Success)
    } else if is_one_of(&FAILURE) {
        Judged::known(Status::Failure)
    } else if is_one_of(&NEITHER) {
        Judged::known(Status::Unknown)
    } else {
        Judged::inferred(status_by_parts(word))
    }
}

#[cold]
fn status_by_parts(word: &str) -> Status {
    let (mut succeeds, mut fails, mut negated) = (false, false, false);
    let parts = parts(word);
    for (index, part) in parts.iter().enumerate() {
        let next = parts.get(index + 1).map_or("", String::as_str);
        if NEGATIONS.contains(&part.as_str()) || part == "NEVER" {
            negated = true;
            continue;
        }
        let said = match part.as_str() {
            "OK" | "TRUE" | "YES" | "PARTIAL" | "PARTIALLY" => Status::Success,
            "FALSE" | "BAD" | "WRONG" => Status::Failure,
            "TIME" | "TIMED" if next == "OUT" => Status::Failure,
            "ALREADY" if next.starts_with("EXIST") => Status::Failure,
            // `UNKNOWN_USER`, but not `STATUS_UNKNOWN`.
            "UNKNOWN" if !next.is_empty() && !is_about_itself(next) => Status::Failure,
            _ => said_by(part, negated),
        };
        let nothing = matches!(next, "NONE" | "0");
        match said {
            Status::Success if negated => fails = true,
            Status::Failure if negated || nothing => succeeds = true,
            Status::Success => succeeds = true,
            Status::Failure => fails = true,
            Status::Unknown if FILLERS.contains(&part.as_str()) => continue,
            Status::Unknown => {}
        }
        negated = false;
    }
    // `NO` alone is an answer.
    match (succeeds, fails || negated && parts.len() == 1) {
        (true, false) => Status::Success,
        (false, true) => Status::Failure,
        _ => Status::Unknown,
    }
}

/// What one part says; `negated` if the part before it negates it.
fn said_by(part: &str, negated: bool) -> Status {
    if part.bytes().all(|byte| byte.is_ascii_digit()) {
        // Codes of HTTP, and those of Schema Registry that begin with one: `40403`.
        return match (part.as_bytes(), part.len()) {
            ([b'2', ..], 3) => Status::Success,
            ([b'4' | b'5', ..], 3 | 5) => Status::Failure,
            _ => Status::Unknown,
        };
    }
    if negated && begins(part, &FAILING_IF_NOT) {
        return Status::Success;
    }
    if begins(part, &FAILING) {
        return Status::Failure;
    }
    if begins(part, &SUCCEEDING) {
        return Status::Success;
    }
    // Words written together, such as `ACCESSDENIED`, `NOERROR`, `UNSUCCESSFUL`.
    let within = |stem: &str, said: Status, turned: Status| {
        let before = &part[..part.find(stem)?];
        Some(match NEGATIONS.contains(&before) {
            true => turned,
            false => said,
        })
    };
    let failing = [
        "DENIED", "DENY", "FAIL", "UNAUTH", "ERROR", "INVALID", "REJECT", "FORBID",
    ];
    let failing = failing.iter().chain(&["EXPIRED", "TIMEOUT", "NOTFOUND"]);
    failing
        .map(|stem| within(stem, Status::Failure, Status::Success))
        .chain(["SUCCESS", "ALLOW"].map(|stem| within(stem, Status::Success, Status::Failure)))
        .flatten()
        .next()
        .unwrap_or(Status::Unknown)
}

fn begins(part: &str, stems: &[&str]) -> bool {
    stems.iter().any(|stem| part.starts_with(stem))
}

fn is_about_itself(part: &str) -> bool {
    ["STATUS", "RESULT", "OUTCOME", "STATE", "CODE"].contains(&part)
}

/// Whether a method changes anything, by the word of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Access {
    /// As the catalogue's methods have it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Read => "access:read",
            Self::Write => "access:write",
        }
    }
}

/// What an `accessType` says.
pub(super) fn access(word: &str) -> Judged<Option<Access>> {
    let is = |known: &str| known.eq_ignore_ascii_case(word);
    if is("READ_ONLY") {
        Judged::known(Some(Access::Read))
    } else if is("MODIFICATION") {
        Judged::known(Some(Access::Write))
    } else if NEITHER.iter().any(|word| is(word)) {
        Judged::known(None)
    } else {
        Judged::inferred(access_by_parts(word))
    }
}

#[cold]
fn access_by_parts(word: &str) -> Option<Access> {
    const WRITING: [&str; 12] = [
        "WRITE", "WRITING", "MODIF", "UPDAT", "CREAT", "DELET", "ALTER", "CHANG", "MUTAT", "ADMIN",
        "MANAGE", "EDIT",
    ];
    const READING: [&str; 7] = ["READ", "VIEW", "LIST", "DESCRIBE", "GET", "FETCH", "QUERY"];
    let parts = parts(word);
    let is_any = |stems: &[&str]| parts.iter().any(|part| begins(part, stems));
    // A word that may mean both counts as changing; a word that denies a change does not.
    let is_denied = parts.iter().any(|part| NEGATIONS.contains(&part.as_str()));
    match (is_any(&WRITING), is_any(&READING)) {
        (true, _) if is_denied => None,
        (true, _) => Some(Access::Write),
        (false, true) if is_denied => None,
        (false, true) => Some(Access::Read),
        (false, false) => None,
    }
}

/// What the word for an unknown sort of principal says, such as `confluentAgentAccount`.
#[cold]
pub(super) fn principal(word: &str) -> Option<UserKind> {
    const SERVICES: [&str; 10] = [
        "SERVICE",
        "POOL",
        "MACHINE",
        "AGENT",
        "ROBOT",
        "BOT",
        "WORKLOAD",
        "APPLICATION",
        "CLIENT",
        "SYSTEM",
    ];
    let parts = parts(word);
    let is_any = |stems: &[&str]| parts.iter().any(|part| begins(part, stems));
    if is_any(&SERVICES) {
        Some(UserKind::Service)
    } else if is_any(&["GROUP"]) {
        Some(UserKind::Group)
    } else if is_any(&["EXTERNAL"]) {
        Some(UserKind::External)
    } else if is_any(&["USER", "PERSON", "HUMAN"]) {
        Some(UserKind::User)
    } else {
        None
    }
}

/// The name of a policy from that of its member, such as `NETWORK_POLICY` from
/// `networkPolicyAuthorization`; `None` if that is no policy.
pub(super) fn policy(member: &str) -> Option<String> {
    let at = member.len().checked_sub("authorization".len())?;
    let (name, suffix) = member.split_at_checked(at)?;
    (suffix.eq_ignore_ascii_case("authorization") && !name.is_empty())
        .then(|| parts(name).join("_"))
        .filter(|name| !name.is_empty())
}

/// The parts of a word in capitals: it is cut where it is not alphanumeric, between a small letter
/// and a capital, and between letters and digits.
fn parts(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = b' ';
    for byte in word.bytes().take(MAX_WORD_BYTES) {
        if byte.is_ascii_alphanumeric() {
            let begins = !before.is_ascii_alphanumeric()
                || before.is_ascii_lowercase() && byte.is_ascii_uppercase()
                || before.is_ascii_digit() != byte.is_ascii_digit();
            if begins {
                parts.push(String::new());
            }
            if let Some(part) = parts.last_mut() {
                part.push(byte.to_ascii_uppercase().into());
            }
        }
        before = byte;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_words_are_known_whatever_their_case() {
        let known = |word: &str| {
            let judged = status(word);
            assert!(!judged.is_inferred, "{word}");
            judged.is
        };
        for word in ["SUCCESS", "ALLOW", "success"] {
            assert_eq!(known(word), Status::Success, "{word}");
        }
        for word in ["FAILURE", "UNAUTHENTICATED", "UNKNOWN_USER_DENIED", "Deny"] {
            assert_eq!(known(word), Status::Failure, "{word}");
        }
        for word in ["UNSET", "UNKNOWN", "None"] {
            assert_eq!(known(word), Status::Unknown, "{word}");
        }
    }

    #[test]
    fn another_word_is_judged_by_its_parts() {
        let inferred = |word: &str| {
            let judged = status(word);
            assert!(judged.is_inferred, "{word}");
            judged.is
        };
        for word in [
            "OK",
            "NO_ERROR",
            "NOERROR",
            "noError",
            "NO_ERRORS",
            "NOT_DENIED",
            "WITHOUT_ERROR",
            "200",
            "HTTP_204",
            "201 Created",
            "SUCCEEDED",
            "Successful",
            "LOGIN_SUCCESS",
            "GRANTED",
            "PERMITTED",
            "Accepted",
            "ERROR_NONE",
            "errors: 0",
            "NOT_EXPIRED",
            "UNEXPIRED",
            "true",
            "AUTHENTICATED",
            "COMPLETED",
            "NO_FAILURE",
        ] {
            assert_eq!(inferred(word), Status::Success, "{word}");
        }
        for word in [
            "ACCESS_DENIED",
            "AccessDenied",
            "ACCESSDENIED",
            "denied by policy",
            "AUTH_FAILED",
            "authenticationFailed",
            "AUTHENTICATION_FAILURE",
            "UNAUTHORIZED_CLIENT",
            "UNAUTHENTICATED_USER",
            "SSL_ERROR",
            "INTERNAL_ERROR",
            "INVALID_CREDENTIALS",
            "InvalidToken",
            "NOT_FOUND",
            "NotFound",
            "404 Not Found",
            "USER_NOT_FOUND",
            "REJECTED",
            "FORBIDDEN",
            "TOKEN_EXPIRED",
            "TIMEOUT",
            "TIMED_OUT",
            "DEADLINE_EXCEEDED",
            "401",
            "403",
            "HTTP_500",
            "HTTP503",
            "40403",
            "50001",
            "UNSUCCESSFUL",
            "NOT_SUCCESSFUL",
            "NOT_AUTHORIZED",
            "NOT_ALLOWED",
            "DISALLOWED",
            "NO_SUCCESS",
            "NOT_OK",
            "NO_SUCH_USER",
            "NOT_YET_AUTHORIZED",
            "NO_RETRY_FAILED",
            "IP_NOT_IN_ALLOWLIST",
            "ALREADY_EXISTS",
            "UNKNOWN_USER",
            "UNKNOWN_TOPIC_OR_PARTITION",
            "DOES_NOT_EXIST",
            "UNAVAILABLE",
            "NOT_SUPPORTED",
            "CANCELLED",
            "false",
            "NO",
            "BAD_REQUEST",
        ] {
            assert_eq!(inferred(word), Status::Failure, "{word}");
        }
        for word in [
            "IN_PROGRESS",
            "STATUS_UNKNOWN",
            "UNKNOWN_STATUS",
            "100",
            "302",
            "7",
            "4",
            "42",
            "",
            "?",
            "NOT_APPLICABLE",
            "NOT_SET",
            "SUCCESS_WITH_ERRORS",
            "PARTIAL_FAILURE",
            "BOOKED",
            "\u{e9}chou\u{e9}",
        ] {
            assert_eq!(inferred(word), Status::Unknown, "{word}");
        }
    }

    #[test]
    fn a_text_of_any_length_is_judged_by_its_beginning() {
        let long = format!("DENIED {}", "x ".repeat(1_000_000));
        assert_eq!(status(&long).is, Status::Failure);
        let late = format!("{} DENIED", "x ".repeat(1_000_000));
        assert_eq!(status(&late).is, Status::Unknown);
    }

    #[test]
    fn a_kind_of_access_is_judged_by_its_parts() {
        let cases = [
            ("READ_ONLY", Some(Access::Read), false),
            ("Modification", Some(Access::Write), false),
            ("UNKNOWN", None, false),
            ("READ", Some(Access::Read), true),
            ("READ_WRITE", Some(Access::Write), true),
            ("CREATION", Some(Access::Write), true),
            ("metadataUpdate", Some(Access::Write), true),
            ("NO_WRITE", None, true),
            ("EXECUTION", None, true),
        ];
        for (word, is, is_inferred) in cases {
            assert_eq!(access(word), Judged { is, is_inferred }, "{word}");
        }
    }

    #[test]
    fn a_member_that_ends_in_authorization_is_a_policy() {
        let name = |member: &str| policy(member);
        assert_eq!(
            name("networkPolicyAuthorization").as_deref(),
            Some("NETWORK_POLICY")
        );
        assert_eq!(name("mfa_authorization").as_deref(), Some("MFA"));
        for none in [
            "authorization",
            "operation",
            "",
            "_authorization",
            "\u{e9}uthorization",
        ] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
