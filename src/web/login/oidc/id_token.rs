//! The ID token: what a provider says of who has logged in, signed (OpenID Connect Core 1.0, section 3.1.3.7).
//! Invariant: nothing of a token is used before its signature and all its claims about issuer, audience, time and nonce
//! are checked.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::{KeySet, SignatureError};

/// How far the provider's clock may be from this one, in seconds.
const CLOCK_SKEW_S: i64 = 120;

/// Most characters of a name.
const NAME_CHARACTERS: usize = 200;

/// Where a person's name is, if no claim was chosen.
const NAME_CLAIMS: [&str; 4] = ["preferred_username", "email", "name", "sub"];

/// What a token must say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now_s: i64,
}

/// A token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::web::login) enum TokenError {
    /// It is none.
    #[error("the ID token cannot be read")]
    Unreadable,
    /// The signature.
    #[error("the ID token is refused: {0}")]
    Signature(#[from] SignatureError),
    /// A claim is missing or wrong.
    #[error("the ID token is refused: {0}")]
    Claim(&'static str),
}

/// A token whose signature is not checked yet.
pub(super) struct Unverified<'t> {
    signed: &'t str,
    claims: Vec<u8>,
    signature: Vec<u8>,
    algorithm: String,
    key_id: Option<String>,
}

/// The claims of a person: of a checked token, or of the provider's answer about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims(pub(super) Map<String, Value>);

impl<'t> Unverified<'t> {
    /// Takes a token in its compact form apart.
    pub(super) fn read(token: &'t str) -> Result<Unverified<'t>, TokenError> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            kid: Option<String>,
            crit: Option<Value>,
        }
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let read = || {
            let (signed, signature) = token.rsplit_once('.')?;
            let (header, claims) = signed.split_once('.')?;
            let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
            // An extension that must be understood is not.
            header.crit.is_none().then_some(())?;
            Some(Unverified {
                signed,
                claims: decode(claims)?,
                signature: decode(signature)?,
                algorithm: header.alg,
                key_id: header.kid,
            })
        };
        read().ok_or(TokenError::Unreadable)
    }

    /// The claims, once everything is checked.
    pub(super) fn verify(
        &self,
        keys: &KeySet,
        expected: &Expected<'_>,
    ) -> Result<Claims, TokenError> {
        let by = (&*self.algorithm, self.key_id.as_deref());
        keys.verify(by, self.signed.as_bytes(), &self.signature)?;
        let claims = serde_json::from_slice(&self.claims).map_err(|_| TokenError::Unreadable)?;
        let claims = Claims(claims);
        match claims.fault(expected) {
            None => Ok(claims),
            Some(fault) => Err(TokenError::Claim(fault)),
        }
    }
}

impl Claims {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A time in seconds; some providers write fractions.
    #[allow(clippy::cast_possible_truncation)]
    fn time_s(&self, name: &str) -> Option<i64> {
        let time = self.0.get(name)?;
        time.as_i64()
            .or_else(|| time.as_f64().map(|time| time as i64))
    }

    /// What is wrong with the claims of a token.
    fn fault(&self, expected: &Expected<'_>) -> Option<&'static str> {
        let audiences: Vec<&str> = match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let party = self.text("azp");
        let now_s = expected.now_s;
        let is_after = |name: &str| {
            self.time_s(name)
                .is_some_and(|at| at > now_s + CLOCK_SKEW_S)
        };
        let checks = [
            (
                self.text("iss") == Some(expected.issuer),
                "it is of another issuer",
            ),
            (
                audiences.contains(&expected.client_id),
                "it is for another client",
            ),
            (
                if audiences.len() > 1 || self.0.contains_key("azp") {
                    party == Some(expected.client_id)
                } else {
                    true
                },
                "it was given to another client",
            ),
            (
                self.text("nonce") == Some(expected.nonce),
                "it is not the answer to this login",
            ),
            (
                self.time_s("exp")
                    .is_some_and(|end| end > now_s - CLOCK_SKEW_S),
                "it has expired; are the clocks of the provider and of this machine right?",
            ),
            (
                self.time_s("iat").is_some() && !is_after("iat") && !is_after("nbf"),
                "it is not valid yet; are the clocks of the provider and of this machine right?",
            ),
            (self.uid().is_some(), "it does not say who has logged in"),
        ];
        checks
            .into_iter()
            .find_map(|(is_right, fault)| (!is_right).then_some(fault))
    }

    /// The person's id with the provider.
    pub(super) fn uid(&self) -> Option<&str> {
        self.text("sub").filter(|uid| !uid.is_empty())
    }

    /// The person's name: the claim that was chosen, or the first of the usual ones.
    pub(super) fn name(&self, chosen: Option<&str>) -> Option<String> {
        let text = |name: &str| {
            self.at(name)?
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let name = match chosen {
            Some(chosen) => text(chosen),
            None => NAME_CLAIMS.into_iter().find_map(text),
        };
        name.map(|name| name.chars().take(NAME_CHARACTERS).collect())
    }

    /// The person's groups, if the claim is there: a list of texts, or one text with commas.
    pub(super) fn groups(&self, claim: &str) -> Option<Vec<String>> {
        let texts: Vec<&str> = match self.at(claim)? {
            Value::String(text) => text.split(',').collect(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let texts = texts
            .into_iter()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        Some(texts.map(str::to_owned).collect())
    }

    /// A claim by its name, or by the names of the objects around it, as in `realm_access.roles`.
    fn at(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let mut names = name.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW_S: i64 = 1_764_504_000;

    struct Provider(EcdsaKeyPair);

    impl Provider {
        fn new() -> Provider {
            let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let random = SystemRandom::new();
            let key = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
            Provider(EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).unwrap())
        }

        fn keys(&self) -> KeySet {
            let point = self.0.public_key().as_ref();
            let [x, y] = [&point[1..33], &point[33..]].map(|part| BASE64URL_NOPAD.encode(part));
            let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y}]});
            KeySet::of_json(keys.to_string().as_bytes()).unwrap()
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let encode = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
            let signed = format!("{}.{}", encode(header), encode(claims));
            let signature = self
                .0
                .sign(&SystemRandom::new(), signed.as_bytes())
                .unwrap();
            format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://login.example", "aud": "watchbell", "sub": "u-1", "nonce": "n",
            "iat": NOW_S, "exp": NOW_S + 300, "preferred_username": "jane",
        })
    }

    fn checked(provider: &Provider, token: &str) -> Result<Claims, TokenError> {
        let expected = Expected {
            issuer: "https://login.example",
            client_id: "watchbell",
            nonce: "n",
            now_s: NOW_S,
        };
        Unverified::read(token)?.verify(&provider.keys(), &expected)
    }

    #[test]
    fn a_token_is_accepted_with_clocks_that_differ_by_two_minutes() {
        let provider = Provider::new();
        let header = json!({"alg": "ES256", "kid": "k", "typ": "JWT"});
        for (name, value) in [
            ("sub", json!("u-1")),
            ("aud", json!(["watchbell"])),
            ("azp", json!("watchbell")),
            ("exp", json!(NOW_S - 119)),
            ("iat", json!(NOW_S + 120)),
            ("exp", json!(1_764_504_300.5)),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            let claims = checked(&provider, &provider.sign(&header, &claims));
            assert_eq!(claims.unwrap().uid(), Some("u-1"), "{name}: {value}");
        }
        let mut both = claims();
        (both["aud"], both["azp"]) = (json!(["other", "watchbell"]), json!("watchbell"));
        assert!(checked(&provider, &provider.sign(&header, &both)).is_ok());
    }

    #[test]
    fn each_claim_that_is_missing_or_wrong_is_named() {
        let provider = Provider::new();
        let header = json!({"alg": "ES256", "kid": "k"});
        for (name, value, expected) in [
            ("iss", json!("https://login.example/"), "another issuer"),
            ("iss", Value::Null, "another issuer"),
            ("aud", json!("other"), "for another client"),
            ("aud", json!([]), "for another client"),
            (
                "aud",
                json!(["watchbell", "other"]),
                "given to another client",
            ),
            ("azp", json!("other"), "given to another client"),
            ("azp", Value::Null, "given to another client"),
            ("nonce", json!("m"), "not the answer"),
            ("nonce", Value::Null, "not the answer"),
            ("exp", json!(NOW_S - 120), "expired"),
            ("exp", Value::Null, "expired"),
            ("exp", json!("soon"), "expired"),
            ("iat", json!(NOW_S + 121), "not valid yet"),
            ("iat", Value::Null, "not valid yet"),
            ("nbf", json!(NOW_S + 121), "not valid yet"),
            ("sub", json!(""), "who has logged in"),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            let error = checked(&provider, &provider.sign(&header, &claims)).unwrap_err();
            assert!(
                error.to_string().contains(expected),
                "{name}: {value}: {error}"
            );
        }
    }

    #[test]
    fn what_another_key_signed_or_nobody_did_is_refused() {
        let (provider, other) = (Provider::new(), Provider::new());
        let header = json!({"alg": "ES256", "kid": "k"});
        let refused = |error: SignatureError| Err(TokenError::Signature(error));
        let token = other.sign(&header, &claims());
        assert_eq!(checked(&provider, &token), refused(SignatureError::Wrong));
        let token = provider.sign(&header, &claims());
        let [header_part, _, signature] = *token.split('.').collect::<Vec<_>>() else {
            panic!("{token}");
        };
        let mut admin = claims();
        admin["preferred_username"] = json!("admin");
        let admin = BASE64URL_NOPAD.encode(admin.to_string().as_bytes());
        let changed = format!("{header_part}.{admin}.{signature}");
        assert_eq!(checked(&provider, &changed), refused(SignatureError::Wrong));
        let none = provider.sign(&json!({"alg": "none"}), &claims());
        let none = none.rsplit_once('.').unwrap().0.to_owned() + ".";
        assert_eq!(
            checked(&provider, &none),
            refused(SignatureError::Algorithm)
        );
        let unknown = provider.sign(&json!({"alg": "ES256", "kid": "new"}), &claims());
        assert_eq!(checked(&provider, &unknown), refused(SignatureError::NoKey));
        let critical = provider.sign(&json!({"alg": "ES256", "crit": ["b64"]}), &claims());
        for unreadable in [&*critical, "", "a", "a.b", "a.b.c", "...."] {
            let error = checked(&provider, unreadable);
            assert_eq!(error, Err(TokenError::Unreadable), "{unreadable}");
        }
    }

    #[test]
    fn names_and_groups_are_found_where_providers_write_them() {
        let json = json!({
            "sub": "u-1", "email": "jane@example.com", "preferred_username": " ", "groups": ["a", 1, " b "],
            "one": "a", "several": "a, b,", "realm_access": {"roles": ["c"]}, "https://x.example/groups": ["d"],
        });
        let all = Claims(json.as_object().unwrap().clone());
        assert_eq!(all.name(None).as_deref(), Some("jane@example.com"));
        assert_eq!(all.name(Some("sub")).as_deref(), Some("u-1"));
        assert_eq!(all.name(Some("name")), None);
        for (claim, expected) in [
            ("groups", Some("a+b")),
            ("one", Some("a")),
            ("several", Some("a+b")),
            ("realm_access.roles", Some("c")),
            ("https://x.example/groups", Some("d")),
            ("realm_access", None),
            ("missing", None),
        ] {
            let found = all.groups(claim).map(|groups| groups.join("+"));
            assert_eq!(found.as_deref(), expected, "{claim}");
        }
    }
}
