//! An OpenID Connect provider as the specifications demand, over the stub server: it checks what the page sends, and signs
//! with ES256.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stub::{Received, Reply, Stub};

/// A provider that runs.
#[derive(Clone)]
pub struct Provider {
    pub stub: Stub,
    state: Arc<Mutex<State>>,
}

struct State {
    issuer: String,
    key: Key,
    /// The codes that were given, each with the parameters of its request.
    codes: HashMap<String, HashMap<String, String>>,
    /// The claims of who logs in next.
    claims: Value,
    /// What is said of them at the userinfo endpoint.
    person: Value,
    is_down: bool,
}

struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(id: &str) -> Key {
        let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(how, &random).expect("a key");
        Key {
            id: id.to_owned(),
            pair: EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).expect("a key"),
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_secs()
}

fn parameters(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

fn answer(json: &Value) -> Reply {
    Reply::Status(200, "content-type: application/json\r\n", json.to_string())
}

fn refusal(error: &str) -> Reply {
    Reply::Status(
        400,
        "content-type: application/json\r\n",
        json!({"error": error}).to_string(),
    )
}

impl Provider {
    /// A provider that has one client: `watchbell` with the secret `se:cret`.
    pub fn start() -> Provider {
        let state = State {
            issuer: String::new(),
            key: Key::new("one"),
            codes: HashMap::new(),
            claims: json!({"sub": "u-1", "preferred_username": "jane", "groups": ["on-call"]}),
            person: json!({}),
            is_down: false,
        };
        let state = Arc::new(Mutex::new(state));
        let answering = state.clone();
        let stub = Stub::start(move |received| answering.lock().expect("no panic").reply(received));
        state.lock().expect("no panic").issuer = stub.url();
        Provider { stub, state }
    }

    /// The claims of who logs in next.
    pub fn logs_in(&self, claims: Value) {
        self.state.lock().expect("no panic").claims = claims;
    }

    /// What the userinfo endpoint says.
    pub fn knows(&self, person: Value) {
        self.state.lock().expect("no panic").person = person;
    }

    /// Signs with another key from now on.
    pub fn changes_key(&self) {
        self.state.lock().expect("no panic").key = Key::new("two");
    }

    /// Whether it answers with errors.
    pub fn is_down(&self, is_down: bool) {
        self.state.lock().expect("no panic").is_down = is_down;
    }

    /// What a browser does at the address to which the page has sent it: it logs in, and is sent back to this path.
    pub fn authorize(&self, url: &str) -> String {
        let (endpoint, query) = url.split_once('?').expect("a query");
        let mut state = self.state.lock().expect("no panic");
        assert_eq!(endpoint, format!("{}/authorize", state.issuer));
        let asked = parameters(query);
        for (name, expected) in [
            ("response_type", "code"),
            ("client_id", "watchbell"),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile email"),
        ] {
            assert_eq!(asked[name], expected, "{name}");
        }
        for random in ["state", "nonce", "code_challenge"] {
            assert_eq!(asked[random].len(), 43, "{random}");
        }
        let (_, back) = asked["redirect_uri"]
            .split_once("/login/callback")
            .expect("the callback");
        assert_eq!(back, "");
        let code = format!("code-{}", state.codes.len());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("code", &code)
            .append_pair("state", &asked["state"]);
        query.append_pair("iss", &state.issuer);
        state.codes.insert(code, asked);
        format!("/login/callback?{}", query.finish())
    }
}

impl State {
    fn reply(&mut self, received: &Received) -> Reply {
        let issuer = &self.issuer;
        match &*received.path {
            _ if self.is_down => Reply::Status(503, "", "down".into()),
            "/.well-known/openid-configuration" => answer(&json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
            })),
            "/keys" => {
                let point = self.key.pair.public_key().as_ref();
                let [x, y] = [&point[1..33], &point[33..]].map(|part| BASE64URL_NOPAD.encode(part));
                answer(&json!({"keys": [
                    {"kty": "EC", "crv": "P-256", "kid": self.key.id, "use": "sig", "alg": "ES256", "x": x, "y": y},
                ]}))
            }
            "/token" => self.token(received),
            "/userinfo" => match received.header("authorization") {
                Some("Bearer access") => answer(&self.person),
                _ => Reply::Status(401, "", String::new()),
            },
            _ => Reply::Status(404, "", String::new()),
        }
    }

    fn token(&mut self, received: &Received) -> Reply {
        // `se:cret`, encoded before it is joined with the client's id.
        let expected = format!("Basic {}", BASE64.encode(b"watchbell:se%3Acret"));
        if received.header("authorization") != Some(&expected) {
            return refusal("invalid_client");
        }
        let form = parameters(&String::from_utf8_lossy(&received.body));
        // A code counts once.
        let Some(asked) = self.codes.remove(&form["code"]) else {
            return refusal("invalid_grant");
        };
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(&form["code_verifier"]));
        let is_right = form["grant_type"] == "authorization_code"
            && form["redirect_uri"] == asked["redirect_uri"]
            && challenge == asked["code_challenge"];
        if !is_right {
            return refusal("invalid_grant");
        }
        let mut claims = json!({
            "iss": self.issuer, "aud": "watchbell", "nonce": asked["nonce"], "iat": now_s(), "exp": now_s() + 60,
        });
        for (name, value) in self.claims.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "ES256", "kid": self.key.id});
        let encode = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self
            .key
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        let token = format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()));
        answer(&json!({"token_type": "Bearer", "access_token": "access", "id_token": token}))
    }
}
