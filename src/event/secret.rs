//! What must not be shown of a record: by the name that a value has, and by how a text looks.
//! Both are guesses: a secret with an ordinary name that looks like an ordinary text is not
//! recognized. docs/notify.md says what is replaced and what is not.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands in place of a secret.
pub const REDACTED: &str = "***";

/// Shorter texts are too short for a secret and the mark by which it is recognized.
const SHORTEST: usize = 6;

/// Words in a name that make its value a secret; names are compared without case and signs.
const SECRET_WORDS: [&str; 23] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "jaas",
    "privatekey",
    "apikey",
    "accesskey",
    "accountkey",
    "sharedkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "sslkey",
    "keystorekey",
    "keyfile",
    "keytab",
    "authuserinfo",
    "cookie",
    "connectionstring",
    "basicauth",
];

/// Names of secrets that must match as a whole: `rbacAuthorization`, for example, is the name of an
/// ordinary object of events.
const SECRET_NAMES: [&str; 9] = [
    "pwd",
    "pin",
    "otp",
    "pass",
    "bearer",
    "assertion",
    "authorization",
    "proxyauthorization",
    "authorizationheader",
];

/// Endings of names that describe a secret and do not hold it: `tokenType`, `secretId`.
const TELLING_ENDS: [&str; 30] = [
    "id",
    "ids",
    "type",
    "name",
    "kind",
    "provider",
    "class",
    "policy",
    "mechanism",
    "method",
    "algorithm",
    "format",
    "version",
    "url",
    "uri",
    "endpoint",
    "file",
    "path",
    "location",
    "enabled",
    "required",
    "expiry",
    "expiration",
    "ttl",
    "ms",
    "seconds",
    "count",
    "length",
    "status",
    "operation",
];

/// Names of what stands beside a secret and describes it.
const DESCRIBING: [&str; 18] = [
    "user",
    "username",
    "login",
    "principal",
    "owner",
    "description",
    "state",
    "scope",
    "scopes",
    "issuer",
    "audience",
    "created",
    "createdat",
    "updatedat",
    "expiresat",
    "key",
    "algorithm",
    "sensitivity",
];

/// A name without case and signs, by which names compare.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What the name of a member says of its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Name {
    /// That it is a secret: `sasl.jaas.config`, `clientSecret`, `X-Api-Key`.
    pub is_secret: bool,
    /// Only that it is a value; another member says of what.
    pub is_value: bool,
    /// Something about what it stands beside: `{"type":"oauth","id":…}`.
    pub describes: bool,
}

impl Name {
    /// What this name says.
    pub fn of(name: &str) -> Name {
        let name = plain(name);
        let tells = TELLING_ENDS.iter().any(|end| name.ends_with(end));
        let has_word = || SECRET_WORDS.iter().any(|word| name.contains(word));
        // `keyfile` is the content of a file in connectors, `passwordFile` the name of one.
        let is_secret =
            SECRET_NAMES.contains(&name.as_str()) || has_word() && (!tells || name == "keyfile");
        // Not `data` and the like: a resource that is called `passwords` has that, too.
        let is_value = ["value", "values", "val"]
            .iter()
            .any(|end| name.ends_with(end));
        Name {
            is_secret,
            is_value,
            describes: !is_value && !is_secret && (tells || DESCRIBING.contains(&name.as_str())),
        }
    }
}

/// Whether a name is that of a secret.
pub fn is_secret(name: &str) -> bool {
    Name::of(name).is_secret
}

/// An object or array around a value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Container {
    /// Whether it has members and not elements.
    pub is_object: bool,
    /// It belongs to a secret: only what describes that is shown.
    pub is_secret: bool,
    /// A member of it says that the one which is no more than a value is a secret.
    pub names_secret: bool,
}

impl Container {
    /// Whether the member of that name, or an element, is a secret, whatever it is.
    pub fn has_secret(self, name: Name) -> bool {
        match self.is_object {
            true => name.is_secret || self.names_secret && name.is_value,
            false => self.is_secret,
        }
    }

    /// Whether a text, an object or an array in it is hidden.
    pub fn hides(self, name: Name) -> bool {
        self.has_secret(name) || self.is_object && self.is_secret && !name.describes
    }

    /// Whether a number in it is hidden.
    pub fn hides_number(self, name: Name) -> bool {
        self.has_secret(name) || self.is_secret && name.is_value
    }
}

/// Whether the values of a field of a rule are secrets, as far as its name says; only what leads into a
/// part of the record can be.
pub fn is_secret_field(field: &str) -> bool {
    const PARTS: [&str; 4] = [
        "unmapped.",
        "api.request.data.",
        "api.response.data.",
        "resources.data.",
    ];
    let within = PARTS.iter().find_map(|part| field.strip_prefix(part));
    let last = field.rsplit('.').next().unwrap_or_default();
    within.is_some_and(|within| is_secret(within) && !Name::of(last).describes)
}

/// Whether a member names what another member holds: `{"name":…,"value":…}`.
pub fn names_another(name: &str) -> bool {
    let name = plain(name);
    let known = [
        "key",
        "property",
        "header",
        "field",
        "parameter",
        "param",
        "option",
        "setting",
    ];
    name.ends_with("name") || name.ends_with("key") || known.contains(&name.as_str())
}

/// A line of `why`, `field = values`, without them where the field is a secret's.
pub fn without_secret_values(line: &str) -> Cow<'_, str> {
    match line.split_once(" = ") {
        Some((field, _)) if is_secret_field(field) => format!("{field} = {REDACTED}").into(),
        _ => Cow::Borrowed(line),
    }
}

/// A text without the secrets that it shows: PEM private keys, JSON Web Tokens, `Authorization`
/// headers, passwords in URLs, values assigned to a secret's name (`'password' = '…'`), and those of
/// `CREATE SECRET`. What follows one that does not end is taken for a part of it.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST {
        return Cow::Borrowed(text);
    }
    let Some(patterns) = &*PATTERNS else {
        return Cow::Borrowed(REDACTED);
    };
    let mut text = Cow::Borrowed(text);
    let mut replace = |pattern: &Regex, by: &dyn Fn(&Captures<'_>) -> String| {
        if let Cow::Owned(replaced) = pattern.replace_all(&text, by) {
            text = Cow::Owned(replaced);
        }
    };
    let whole = |found: &Captures<'_>| found[0].to_owned();
    replace(&patterns.private_key, &|found| {
        format!("{}{REDACTED}", &found[1])
    });
    replace(&patterns.web_token, &|_| REDACTED.to_owned());
    replace(&patterns.known_token, &|_| REDACTED.to_owned());
    replace(&patterns.url, &|found| format!("{}{REDACTED}@", &found[1]));
    replace(&patterns.secret_statement, &|statement| {
        let literals = patterns
            .literal
            .replace_all(&statement[0], |found: &Captures<'_>| {
                // One before an equals sign is the name of an option.
                match found.get(1) {
                    None => format!("'{REDACTED}'"),
                    Some(_) => found[0].to_owned(),
                }
            });
        literals.into_owned()
    });
    replace(&patterns.scheme, &|found| match looks_random(&found[2]) {
        true => format!("{}{REDACTED}", &found[1]),
        false => whole(found),
    });
    replace(&patterns.assignment, &|found| {
        let (name, sign, value) = (&found[1], &found[2], &found[3]);
        match is_secret(name) && is_assigned(sign, value) {
            true => format!("{name}{sign}{}", hidden(value)),
            false => whole(found),
        }
    });
    text
}

/// Whether this is what is given to a name, and not the next word of a sentence about it.
fn is_assigned(sign: &str, value: &str) -> bool {
    let bare = value.trim_start_matches('\\');
    let quoted = bare.starts_with(['\'', '"', '`', '$']);
    let sign = sign.trim_matches(|c: char| c.is_whitespace() || "'\"`\\".contains(c));
    match sign {
        _ if value.ends_with(REDACTED) => false,
        "=" | "=>" | ":=" => true,
        // With a space between there is a scheme: `Bearer x`.
        ":" => quoted || value.contains(' ') || looks_random(value),
        _ => quoted,
    }
}

/// The same value, hidden, within the quotes that it had.
fn hidden(value: &str) -> String {
    let escapes = value.len() - value.trim_start_matches('\\').len();
    let quote = value[escapes..]
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"' | '`'));
    match quote {
        Some(quote) => {
            let quote = format!("{}{quote}", &value[..escapes]);
            format!("{quote}{REDACTED}{quote}")
        }
        None => REDACTED.to_owned(),
    }
}

/// Whether this may be a key or token and is no word: long enough, with digits, signs or letters of
/// both cases in the middle.
fn looks_random(text: &str) -> bool {
    let mixed = || {
        let rest = text.get(1..).unwrap_or_default();
        let has = |of: fn(&u8) -> bool| rest.bytes().any(|byte| of(&byte));
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
    };
    let marked =
        || text.contains(|c: char| c.is_ascii_digit() || matches!(c, '=' | '+' | '/' | '~'));
    text.len() >= 8 && (marked() || mixed())
}

/// Each compiled once.
struct Patterns {
    private_key: Regex,
    web_token: Regex,
    known_token: Regex,
    url: Regex,
    secret_statement: Regex,
    literal: Regex,
    scheme: Regex,
    assignment: Regex,
}

/// If they did not compile, which a test rules out, no text would be shown.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::compile().ok());

impl Patterns {
    fn compile() -> Result<Patterns, regex::Error> {
        Ok(Patterns {
            private_key: Regex::new(
                r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)",
            )?,
            // Header and payload of a JSON Web Token begin with `{"`.
            web_token: Regex::new(r"\beyJ[\w-]{5,}(?:\.[\w-]*)*")?,
            // Those of GitHub, Slack and Confluent say what they are.
            known_token: Regex::new(
                r"\b(?:gh[opsur]_\w{20,}|xox[a-z]-[\w-]{10,}|cflt[\w+/=]{40,})",
            )?,
            url: Regex::new(r#"([A-Za-z][\w+.-]*://[^\s/@:'"<>]*:)[^\s/'"<>]+@"#)?,
            // From the word on to the statement's end; semicolons within quotes do not end it.
            secret_statement: Regex::new(concat!(
                r"(?is)\b(?:create|alter)\s+(?:or\s+replace\s+)?(?:persistent\s+|temporary\s+|temp\s+)?secret\b",
                r"(?:'(?:[^']|'')*(?:'|$)|\$\$.*?(?:\$\$|$)|[^;'])*",
            ))?,
            literal: Regex::new(r"(?s)(?:'(?:[^']|'')*(?:'|$)|\$\$.*?(?:\$\$|$))(\s*=)?")?,
            scheme: Regex::new(
                r"(?i)\b((?:bearer|basic|digest|negotiate|apikey|aws4-hmac-sha256)\s+)([\w.~+/=-]+)",
            )?,
            assignment: Regex::new(&assignment())?,
        })
    }
}

/// A name that may be a secret's, what assigns, and the value; without a sign that assigns, only
/// what stands in quotes is a value.
fn assignment() -> String {
    let name = concat!(
        r"[\w.-]*(?:pass|pwd|secret|token|authorization|credential|jaas|key|info|cookie|connection",
        r"|bearer|assertion|pin|otp|auth)[\w.-]*"
    );
    let quoted = concat!(
        r#"\\+"[^"\\]*(?:\\+"|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)"#,
        r#"|`[^`]*(?:`|$)|\$\$.*?(?:\$\$|$)"#
    );
    let bare = r#"(?:(?:bearer|basic|digest|negotiate)\s+)?[^\s,;&(){}<>'"`]+"#;
    let end = r#"\\*['"`]?"#;
    format!(r"(?is)\b({name})({end}\s*(?:=>|:=|=|:)\s*|\s+)({quoted}|{bare})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "Password",
            "db_password",
            "ssl.key.password",
            "ssl.keystore.key",
            "sasl.jaas.config",
            "properties.sasl.jaas.config",
            "clientSecret",
            "client-secret",
            "api_key",
            "apiKey",
            "X-Api-Key",
            "api-secret",
            "access_token",
            "Authorization",
            "proxy-authorization",
            "privateKey",
            "private_key_pem",
            "aws.secret.access.key",
            "basic.auth.user.info",
            "schema.registry.basic.auth.user.info",
            "keyfile",
            "pwd",
            "ssl.key.passphrase",
            "azure.account.key",
            "Set-Cookie",
            "credentials",
            "secretString",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_tell_of_secrets_are_not() {
        for name in [
            "secretId",
            "secret_name",
            "tokenType",
            "token.expiry",
            "apiKeyId",
            "credentialId",
            "credential_uid_type",
            "authorizationInfo",
            "authorizations",
            "passwordPolicy",
            "password_file",
            "sasl.mechanism",
            "key",
            "keyId",
            "resourceName",
            "operation",
            "credentials.provider",
            "tokenTtlMs",
            "compass",
            "opinion",
            "statement",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn values_of_secret_fields_are_replaced() {
        for (line, shown) in [
            (
                "api.request.data.Password = S3CRET",
                "api.request.data.Password = ***",
            ),
            (
                "unmapped.a.sasl.jaas.config = S3CRET, b",
                "unmapped.a.sasl.jaas.config = ***",
            ),
            (
                "api.request.data.token.kind = oauth",
                "api.request.data.token.kind = oauth",
            ),
            (
                "actor.user.credential_uid = KEY1",
                "actor.user.credential_uid = KEY1",
            ),
            (
                "actor.authorizations.decision = ALLOW",
                "actor.authorizations.decision = ALLOW",
            ),
            (
                "unmapped.data.authenticationInfo.credentials.idSecretCredentials.credentialId = KEY1",
                "unmapped.data.authenticationInfo.credentials.idSecretCredentials.credentialId = KEY1",
            ),
            ("* = passwords", "* = passwords"),
        ] {
            assert_eq!(without_secret_values(line), shown);
        }
    }

    #[test]
    fn secrets_within_texts_are_replaced() {
        for (text, shown) in [
            (
                "CREATE TABLE t WITH ('connector' = 'kafka', 'properties.sasl.jaas.config' = 'org.x \
                 required username=\"u\" password=\"S3CRET\";', 'topic' = 'passwords')",
                "CREATE TABLE t WITH ('connector' = 'kafka', 'properties.sasl.jaas.config' = '***', \
                 'topic' = 'passwords')",
            ),
            ("'db.password' = 'S3''CRET'", "'db.password' = '***'"),
            (
                "PlainLoginModule required username=\"u\" password=\"S3CRET\";",
                "PlainLoginModule required username=\"u\" password=\"***\";",
            ),
            (
                r#"{"user":"u","password":"S3CRET"}"#,
                r#"{"user":"u","password":"***"}"#,
            ),
            (
                r#"{\"password\":\"S3CRET\",\"a\":1}"#,
                r#"{\"password\":\"***\",\"a\":1}"#,
            ),
            ("api_key=S3CRET&x=1", "api_key=***&x=1"),
            ("clientSecret: aB3dE5gH9", "clientSecret: ***"),
            (
                "CREATE SECRET pw AS 'S3CRET'; SELECT 'kept'",
                "CREATE SECRET pw AS '***'; SELECT 'kept'",
            ),
            (
                "create or replace secret s WITH ('type' = 'S3CRET') as $$S3CRET$$",
                "create or replace secret s WITH ('type' = '***') as '***'",
            ),
            (
                "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'S3CRET', SECRET 'S3;CRET')",
                "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID '***', SECRET '***')",
            ),
            (
                "CREATE USER u PASSWORD 'S3CRET'",
                "CREATE USER u PASSWORD '***'",
            ),
            (
                "Authorization: Bearer S3CRETab",
                "Authorization: Bearer ***",
            ),
            ("authorization: bearer secretly", "authorization: ***"),
            (
                "authorization=Basic dXNlcjpwYXNz",
                "authorization=Basic ***",
            ),
            ("sent with Bearer aB3dE5gH9 to", "sent with Bearer *** to"),
            (
                "token eyJhbGciOiJ9.eyJzdWIiOiIx.c2ln ends",
                "token *** ends",
            ),
            (
                "https://user:S3CRET@host/path?q=1",
                "https://user:***@host/path?q=1",
            ),
            (
                "jdbc:x://h/db?user=u&password=S3CRET&ssl=1",
                "jdbc:x://h/db?user=u&password=***&ssl=1",
            ),
            (
                "a -----BEGIN RSA PRIVATE KEY-----\nS3CRET\n-----END RSA PRIVATE KEY----- b",
                "a -----BEGIN RSA PRIVATE KEY-----*** b",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nS3CR",
                "-----BEGIN PRIVATE KEY-----***",
            ),
            ("'password' = 'S3CR", "'password' = '***'"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn ordinary_texts_stay() {
        for text in [
            "passwords",
            "orders-agg",
            "secret-santa",
            "reset-password",
            "token expired",
            "invalid password for user u-1",
            "Invalid token: expired",
            "Bearer token is missing",
            "Basic authentication failed",
            "password is not set",
            "the secret of success",
            "crn://confluent.cloud/organization=o1/environment=env-1/topic=passwords",
            "User:sa-1",
            "api.request.data.name = passwords",
            "2026-11-21T08:30:00Z",
            "SELECT secret_id, token_type FROM passwords WHERE name = 'x'",
            "DROP SECRET s",
            "tokenType: bearer",
            "secretId = abc-123",
            "https://example.com:8080/a@b",
            "io.confluent.kafka.server/authorization",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
