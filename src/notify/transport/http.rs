//! Sends requests over HTTPS, or mail, and reads what the sink says to them.
//! Invariant: an address, which may be a secret, appears in no message.

use std::sync::Arc;
use std::time::Duration;

use super::smtp::Mailer;
use crate::notify::probe::Method;
use crate::notify::request::{Answer, Request};
use crate::notify::sink::Sink;
use crate::notify::sinks::Endpoint;

/// Bytes read of an answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("prepare TLS: {0}")]
pub struct ClientError(String);

/// One sink's connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    mailer: Option<Mailer>,
    endpoint: Arc<dyn Endpoint>,
}

impl Client {
    /// Prepare; nothing is sent yet.
    ///
    /// # Errors
    /// The sink's certificates are none, or the system has none to trust.
    pub fn new(sink: &Sink) -> Result<Client, ClientError> {
        // Already installed by the sink before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: reqwest::Error| ClientError(error.without_url().to_string());
        let mut builder = reqwest::Client::builder()
            .timeout(sink.timeout)
            .connect_timeout(sink.timeout.min(Duration::from_secs(10)))
            // A redirection would carry the credential to wherever it leads.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("watchbell/", env!("CARGO_PKG_VERSION")))
            .pool_idle_timeout(Duration::from_secs(30))
            .http1_only();
        if let Some(pem) = &sink.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        let mailer = sink.endpoint.mailer(sink.timeout, sink.ca.as_deref());
        Ok(Client {
            http: builder.build().map_err(failed)?,
            mailer: mailer.map_err(ClientError)?,
            endpoint: Arc::clone(&sink.endpoint),
        })
    }

    /// Send every request at once. One that is accepted is enough: that peer tells people, and to ask
    /// again for the sake of one that is down would hold up the alerts behind.
    pub async fn send(&self, requests: Vec<Request>) -> Answer {
        let sending: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let client = self.clone();
                tokio::spawn(async move { client.one(request).await })
            })
            .collect();
        let mut best: Option<Answer> = None;
        for answer in sending {
            let answer = answer.await.unwrap_or_else(|error| Answer::Later {
                after: None,
                detail: error.to_string(),
            });
            if let Answer::Later { detail, .. } | Answer::Refused { detail } = &answer {
                tracing::debug!(detail, "a peer did not accept");
            }
            best = Some(match (best, answer) {
                (Some(Answer::Accepted), _) | (_, Answer::Accepted) => Answer::Accepted,
                // While one of them may still take it, it is not refused.
                (Some(later @ Answer::Later { .. }), _) => later,
                (_, answer) => answer,
            });
        }
        best.unwrap_or(Answer::Accepted)
    }

    /// Tell every peer what it may have forgotten. A peer that does not take it is told again later,
    /// and holds up no other.
    pub async fn send_again(&self, peers: Vec<Vec<Request>>) {
        let sending: Vec<_> = peers
            .into_iter()
            .map(|requests| {
                let client = self.clone();
                tokio::spawn(async move {
                    for request in requests {
                        if let Answer::Later { detail, .. } | Answer::Refused { detail } =
                            client.one(request).await
                        {
                            tracing::debug!(detail, "a peer did not take what it is told again");
                            return;
                        }
                    }
                })
            })
            .collect();
        for peer in sending {
            // It ends with this process.
            let _ = peer.await;
        }
    }

    /// Ask the sink whether it is there and knows us, without alarming anybody. `Ok` says what was
    /// found: not every vendor can be asked about a credential.
    ///
    /// # Errors
    /// What is wrong, for a person; without secrets.
    pub async fn check(&self) -> Result<&'static str, String> {
        if let Some(mailer) = &self.mailer {
            return mailer.check().await;
        }
        let mut found = "";
        for probe in self.endpoint.probes() {
            let mut ask = match probe.method {
                Method::Get => self.http.get(&probe.url),
                Method::Post => self.http.post(&probe.url),
            };
            if let Some(token) = &probe.token {
                ask = ask.bearer_auth(token.expose());
            }
            let answer = ask.send().await.map_err(causes)?;
            let status = answer.status().as_u16();
            let body = answer.text().await.map_err(causes)?;
            found = (probe.means)(status, &body)?;
        }
        Ok(found)
    }

    async fn one(&self, request: Request) -> Answer {
        if let Some(mailer) = &self.mailer {
            return mailer.send(&request.body).await;
        }
        let later = |detail: String| Answer::Later {
            after: None,
            detail,
        };
        let mut post = self.http.post(&request.url);
        for (name, value) in &request.headers {
            post = post.header(*name, value);
        }
        let mut response = match post.body(request.body).send().await {
            Ok(response) => response,
            Err(error) => return later(causes(error)),
        };
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name)?.to_str().ok();
        let after = header("retry-after").and_then(|after| retry_after(after, header("date")));
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() < MAX_ANSWER_BYTES => body.extend_from_slice(&chunk),
                Ok(_) => break,
                // The status says enough unless it was to be the body's part to say it.
                Err(error) if body.is_empty() && status == 200 => return later(causes(error)),
                Err(_) => break,
            }
        }
        body.truncate(MAX_ANSWER_BYTES);
        self.endpoint
            .answer(status, after, &String::from_utf8_lossy(&body))
    }
}

/// An error and what caused it, without the address.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Seconds, or a date (RFC 9110, section 10.2.3), which is compared with the date of the answer, since
/// our clock may be another one.
fn retry_after(value: &str, answered: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let answered = answered.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let now = answered.map_or_else(jiff::Timestamp::now, |date| date.timestamp());
    let wait = date.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("30", None), Some(Duration::from_secs(30)));
        let then = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(retry_after(then, None), Some(Duration::ZERO));
        let far = retry_after("Wed, 21 Oct 2150 07:28:00 GMT", None);
        assert!(far > Some(Duration::from_secs(1)));
        // By the clock of who answers, whatever ours says.
        let answered = Some("Wed, 21 Oct 2015 07:27:00 GMT");
        assert_eq!(retry_after(then, answered), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("soon", None), None);
    }
}
