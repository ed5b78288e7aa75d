//! Login by an OpenID Connect provider: authorization code with PKCE (RFC 7636). What has to be remembered until the
//! person comes back is in a signed cookie, so any replica can finish what another has begun.

mod id_token;
mod keys;
mod provider;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::id_token::{Claims, Expected, TokenError, Unverified};
use self::keys::SignatureError;
use self::provider::{Known, Provider, ProviderError};
use super::random::random_text;
use super::signer::Signer;
use crate::config::OidcLogin;

/// How long a login may take, in seconds.
pub(super) const LOGIN_S: i64 = 15 * 60;

/// The path to which the provider sends people back.
pub(super) const CALLBACK: &str = "/login/callback";

/// Logs people in.
pub(super) struct Oidc {
    provider: Provider,
    redirect_uri: String,
    signer: Signer,
}

/// What is remembered of a login that has begun.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    back: String,
    until_s: i64,
}

/// Who has logged in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) groups: Vec<String>,
    /// The page that was asked for.
    pub(super) back: String,
}

/// Nobody has logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The provider does not answer as it should.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The provider sent the person back with an error.
    #[error("the provider says: {0}")]
    Refused(String),
    /// The answer belongs to no login that this browser has begun, or to one too long ago.
    #[error("the answer belongs to no login of this browser, or to one that took too long")]
    Unasked,
    /// The name is missing.
    #[error("the claim {0} with the name is missing")]
    NoName(String),
}

impl Failure {
    /// Whether the provider is at fault, and the same may work soon.
    pub(super) fn is_outage(&self) -> bool {
        matches!(
            self,
            Failure::Provider(ProviderError::Unreachable(..) | ProviderError::Unusable(..))
        )
    }
}

/// The parameters of the provider's answer.
#[derive(Debug, Default, Clone)]
pub(super) struct Answer {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) error: Option<String>,
}

impl Oidc {
    /// Prepares logins of people who reach the page at `public_url`.
    ///
    /// # Errors
    /// The certificates of the configuration cannot be used.
    pub(super) fn new(login: OidcLogin, public_url: &str, signer: Signer) -> Result<Oidc, String> {
        Ok(Oidc {
            provider: Provider::new(login)?,
            redirect_uri: format!("{public_url}{CALLBACK}"),
            signer,
        })
    }

    /// Begins a login: the address to which the browser is sent, and the cookie's value.
    ///
    /// # Errors
    /// The provider does not answer.
    pub(super) async fn begin(
        &self,
        back: String,
        now_s: i64,
    ) -> Result<(String, String), Failure> {
        let known = self.provider.known().await?;
        let begun = Begun {
            state: random_text(),
            nonce: random_text(),
            verifier: random_text(),
            back,
            until_s: now_s + LOGIN_S,
        };
        let login = self.provider.login();
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(&begun.verifier));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &login.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &login.scopes.join(" "))
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let endpoint = known.authorization_endpoint();
        let mark = if endpoint.contains('?') { '&' } else { '?' };
        let cookie = serde_json::to_vec(&begun).unwrap_or_default();
        Ok((
            format!("{endpoint}{mark}{}", query.finish()),
            self.signer.seal(&cookie),
        ))
    }

    /// Finishes a login with the provider's answer and the value of the cookie.
    ///
    /// # Errors
    /// Nobody has logged in.
    pub(super) async fn finish(
        &self,
        answer: &Answer,
        cookie: Option<&str>,
        now_s: i64,
    ) -> Result<Person, Failure> {
        let begun = cookie.and_then(|cookie| self.signer.open(cookie));
        let begun = begun.and_then(|json| serde_json::from_slice::<Begun>(&json).ok());
        let begun = begun
            .filter(|begun| begun.until_s > now_s)
            .ok_or(Failure::Unasked)?;
        let state = answer.state.as_deref().unwrap_or_default();
        if !self.signer.is_same(&begun.state, state) {
            return Err(Failure::Unasked);
        }
        // RFC 9207: the answer of another provider than the one that was asked.
        let login = self.provider.login();
        if answer
            .issuer
            .as_ref()
            .is_some_and(|issuer| *issuer != login.issuer)
        {
            return Err(Failure::Unasked);
        }
        if let Some(error) = &answer.error {
            return Err(Failure::Refused(error.clone()));
        }
        let code = answer.code.as_deref().ok_or(Failure::Unasked)?;
        let known = self.provider.known().await?;
        let by = (&*self.redirect_uri, &*begun.verifier);
        let tokens = self.provider.exchange(&known, code, by).await?;
        let expected = Expected {
            issuer: &login.issuer,
            client_id: &login.client_id,
            nonce: &begun.nonce,
            now_s,
        };
        let token = Unverified::read(&tokens.id_token)?;
        let mut claims = match token.verify(&known.keys, &expected) {
            // The provider may sign with a key that it has published since.
            Err(TokenError::Signature(SignatureError::NoKey)) => {
                token.verify(&self.provider.with_new_keys().await?.keys, &expected)
            }
            verified => verified,
        }?;
        if claims.groups(&login.groups_claim).is_none()
            || claims.name(login.name_claim.as_deref()).is_none()
        {
            self.complete(&mut claims, &known, tokens.access_token.as_deref())
                .await;
        }
        let name = claims.name(login.name_claim.as_deref());
        Ok(Person {
            name: name
                .ok_or_else(|| Failure::NoName(login.name_claim.clone().unwrap_or_default()))?,
            // A token without one is refused.
            uid: claims.uid().unwrap_or_default().to_owned(),
            groups: claims.groups(&login.groups_claim).unwrap_or_default(),
            back: begun.back,
        })
    }

    /// Adds what the provider says of the person beside the token. Without it, the token alone counts.
    async fn complete(&self, claims: &mut Claims, known: &Known, access_token: Option<&str>) {
        let Some(token) = access_token else {
            return;
        };
        match self.provider.person(known, token).await {
            Ok(said) => {
                let said = Claims(said);
                // It must be about the same person (OpenID Connect Core, 5.3.2).
                if said.uid().is_some() && said.uid() == claims.uid() {
                    for (name, value) in said.0 {
                        claims.0.entry(name).or_insert(value);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the login provider does not say more of a person than the ID token")
            }
        }
    }
}
