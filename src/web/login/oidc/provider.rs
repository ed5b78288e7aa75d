//! The provider as its discovery document describes it (OpenID Connect Discovery 1.0), and the requests to it. What it
//! says is asked for when somebody logs in, so a provider that is down stops nothing but logins.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::KeySet;
use crate::config::OidcLogin;

/// Longest time of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of an answer.
const ANSWER_BYTES: usize = 1024 * 1024;

/// After this time the provider's description and keys are asked for again.
const AGE: Duration = Duration::from_secs(60 * 60);

/// Keys are not asked for more often than this, however many tokens name unknown ones.
const KEYS_PAUSE: Duration = Duration::from_secs(10);

/// The provider does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(in crate::web::login) enum ProviderError {
    /// It cannot be reached, or answers with an error.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, String),
    /// It answers something else than it should.
    #[error("{0} answers what cannot be used: {1}")]
    Unusable(String, String),
    /// It refuses the code of a login.
    #[error("the provider refuses the login: {0}")]
    Refused(String),
}

/// The part of the discovery document that is used.
#[derive(Debug, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What is known of the provider.
pub(super) struct Known {
    description: Description,
    pub(super) keys: KeySet,
    since: Instant,
}

impl Known {
    /// Where browsers are sent to log in.
    pub(super) fn authorization_endpoint(&self) -> &str {
        &self.description.authorization_endpoint
    }
}

/// What the provider gives for the code of a login.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

/// The provider.
pub(super) struct Provider {
    login: OidcLogin,
    http: reqwest::Client,
    known: Mutex<Option<Arc<Known>>>,
}

impl Provider {
    /// A provider; nothing is asked yet.
    ///
    /// # Errors
    /// The certificates of the configuration cannot be used.
    pub(super) fn new(login: OidcLogin) -> Result<Provider, String> {
        // It fails if a provider of TLS is installed already, as by a sink, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: reqwest::Error| format!("prepare TLS: {}", error.without_url());
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2)
            // A redirect could lead the code and the secret elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("watchbell/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &login.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Provider {
            http: builder.build().map_err(failed)?,
            login,
            known: Mutex::default(),
        })
    }

    /// The configuration.
    pub(super) fn login(&self) -> &OidcLogin {
        &self.login
    }

    /// What the provider says of itself.
    ///
    /// # Errors
    /// It does not answer, and has not answered before.
    pub(super) async fn known(&self) -> Result<Arc<Known>, ProviderError> {
        let before = self.remembered().clone();
        if let Some(known) = before.as_ref().filter(|known| known.since.elapsed() < AGE) {
            return Ok(known.clone());
        }
        match (self.ask().await, before) {
            (Err(error), Some(known)) => {
                tracing::warn!(%error, "the login provider is not described anew");
                Ok(known)
            }
            (newest, _) => newest,
        }
    }

    /// The same with keys that were asked for just now, as a provider may have changed them.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) async fn with_new_keys(&self) -> Result<Arc<Known>, ProviderError> {
        let before = self.remembered().clone();
        match before.filter(|known| known.since.elapsed() < KEYS_PAUSE) {
            Some(known) => Ok(known),
            None => self.ask().await,
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the provider, and remembers what it says.
    async fn ask(&self) -> Result<Arc<Known>, ProviderError> {
        let known = Arc::new(self.description().await?);
        *self.remembered() = Some(known.clone());
        Ok(known)
    }

    async fn description(&self) -> Result<Known, ProviderError> {
        let issuer = self.login.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let description: Description = read(&url, &self.get(&url, None).await?)?;
        let unusable = |why: String| ProviderError::Unusable(url.clone(), why);
        if description.issuer != self.login.issuer {
            return Err(unusable(format!(
                "its issuer is `{}`; write it so as page.login.oidc.issuer",
                description.issuer
            )));
        }
        let userinfo = description.userinfo_endpoint.as_deref();
        let endpoints = [
            &*description.authorization_endpoint,
            &*description.token_endpoint,
            &*description.jwks_uri,
        ];
        for endpoint in endpoints.into_iter().chain(userinfo) {
            let is_secure = endpoint.starts_with("https://");
            if !is_secure && !self.login.issuer.starts_with("http://") {
                return Err(unusable(format!(
                    "`{endpoint}` does not begin with https://"
                )));
            }
        }
        let url = &description.jwks_uri;
        let keys = KeySet::of_json(&self.get(url, None).await?)
            .map_err(|error| ProviderError::Unusable(url.clone(), error.to_string()))?;
        Ok(Known {
            description,
            keys,
            since: Instant::now(),
        })
    }

    /// Exchanges the code of a login for its tokens.
    ///
    /// # Errors
    /// The provider does not answer, or refuses the code.
    pub(super) async fn exchange(
        &self,
        known: &Known,
        code: &str,
        (redirect_uri, verifier): (&str, &str),
    ) -> Result<Tokens, ProviderError> {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
            ("client_id", &self.login.client_id),
        ];
        let url = &known.description.token_endpoint;
        let mut request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(secret) = &self.login.client_secret {
            let methods = &known.description.token_endpoint_auth_methods_supported;
            let has = |method: &str| methods.iter().any(|known| known == method);
            if has("client_secret_post") && !has("client_secret_basic") {
                pairs.push(("client_secret", secret.expose()));
            } else {
                let pair = basic(&self.login.client_id, secret.expose());
                request = request.header(AUTHORIZATION, pair);
            }
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let (status, body) = self.answer(url, request.body(form)).await?;
        match status {
            200 => read(url, &body),
            400..500 => Err(ProviderError::Refused(refusal(status, &body))),
            status => Err(ProviderError::Unreachable(
                url.clone(),
                format!("status {status}"),
            )),
        }
    }

    /// What the provider says of a person beside the ID token; nothing where it has no such address.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) async fn person(
        &self,
        known: &Known,
        access_token: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        match &known.description.userinfo_endpoint {
            Some(url) => read(url, &self.get(url, Some(access_token)).await?),
            None => Ok(Map::new()),
        }
    }

    async fn get(&self, url: &str, token: Option<&str>) -> Result<Vec<u8>, ProviderError> {
        let mut request = self.http.get(url).header(ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        match self.answer(url, request).await? {
            (200, body) => Ok(body),
            (status, _) => Err(ProviderError::Unreachable(
                url.to_owned(),
                format!("status {status}"),
            )),
        }
    }

    async fn answer(
        &self,
        url: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<(u16, Vec<u8>), ProviderError> {
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            ProviderError::Unreachable(url.to_owned(), text)
        };
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_BYTES {
                let why = format!("more than {ANSWER_BYTES} bytes");
                return Err(ProviderError::Unusable(url.to_owned(), why));
            }
        }
        Ok((response.status().as_u16(), body))
    }
}

/// The client and its secret (RFC 6749, section 2.3.1): both are encoded before they are joined.
fn basic(client_id: &str, secret: &str) -> String {
    let encoded =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encoded(client_id), encoded(secret));
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

fn read<T: for<'d> Deserialize<'d>>(url: &str, body: &[u8]) -> Result<T, ProviderError> {
    serde_json::from_slice(body)
        // The answer may have secrets, and the position of the error is of use to nobody.
        .map_err(|_| ProviderError::Unusable(url.to_owned(), "no such JSON as it should be".into()))
}

/// Why the provider refuses a code (RFC 6749, section 5.2).
fn refusal(status: u16, body: &[u8]) -> String {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let text = |name: &str| Some(answer.as_ref()?.get(name)?.as_str()?.to_owned());
    let error = text("error").unwrap_or_else(|| format!("status {status}"));
    match text("error_description") {
        Some(description) => format!("{error}: {description}"),
        None => error,
    }
}
