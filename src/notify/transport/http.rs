//! Sends requests to a sink, over HTTPS or as mail, and reads its answers.
//! Invariant: an address, which may be a secret, appears in no log line and no error.

use std::sync::Arc;
use std::time::Duration;

use super::smtp::Mailer;
use crate::notify::probe::Method;
use crate::notify::request::{Request, SinkAnswer};
use crate::notify::sink::Sink;
use crate::notify::sinks::Endpoint;

/// Most bytes read of an answer.
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
    /// A client for this sink; no connection is opened yet.
    ///
    /// # Errors
    /// `ca_file` holds no valid certificates, or the system has no trusted ones.
    pub fn new(sink: &Sink) -> Result<Client, ClientError> {
        // It fails if a provider is installed already, as by another sink, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: reqwest::Error| ClientError(error.without_url().to_string());
        let mut builder = reqwest::Client::builder()
            .timeout(sink.timeout)
            .connect_timeout(sink.timeout.min(Duration::from_secs(10)))
            // Following a redirect would send the credential to another address.
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

    /// Send all requests, one for each peer, at the same time. It is enough if one peer accepts: that
    /// peer notifies people, and retrying because of a peer that is down would delay the next alerts.
    pub async fn send(&self, requests: Vec<Request>) -> SinkAnswer {
        let sending: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let client = self.clone();
                tokio::spawn(async move { client.send_one(request).await })
            })
            .collect();
        let mut best: Option<SinkAnswer> = None;
        for answer in sending {
            let answer = answer.await.unwrap_or_else(|error| SinkAnswer::Later {
                after: None,
                detail: error.to_string(),
            });
            if let SinkAnswer::Later { detail, .. } | SinkAnswer::Refused { detail } = &answer {
                tracing::debug!(detail, "a peer did not accept");
            }
            best = Some(match (best, answer) {
                (Some(SinkAnswer::Accepted), _) | (_, SinkAnswer::Accepted) => SinkAnswer::Accepted,
                // As long as one peer may still accept it, it is not refused.
                (Some(later @ SinkAnswer::Later { .. }), _) => later,
                (_, answer) => answer,
            });
        }
        best.unwrap_or(SinkAnswer::Accepted)
    }

    /// Send every peer the alerts that it may have forgotten. A peer that does not accept them gets them
    /// again at the next interval, and delays no other peer.
    pub async fn send_again(&self, peers: Vec<Vec<Request>>) {
        let sending: Vec<_> = peers
            .into_iter()
            .map(|requests| {
                let client = self.clone();
                tokio::spawn(async move {
                    for request in requests {
                        if let SinkAnswer::Later { detail, .. } | SinkAnswer::Refused { detail } =
                            client.send_one(request).await
                        {
                            tracing::debug!(detail, "a peer did not accept alerts sent again");
                            return;
                        }
                    }
                })
            })
            .collect();
        for peer in sending {
            // It only fails if the runtime is shutting down.
            let _ = peer.await;
        }
    }

    /// Check that the sink is reachable and accepts the credential, without raising an alarm. `Ok` says
    /// what was found: not every vendor has a way to check a credential.
    ///
    /// # Errors
    /// What is wrong, for people; without secrets.
    pub async fn check(&self) -> Result<&'static str, String> {
        if let Some(mailer) = &self.mailer {
            return mailer.check().await;
        }
        let mut found = "";
        for probe in self.endpoint.probes() {
            let mut request = match probe.method {
                Method::Get => self.http.get(&probe.url),
                Method::Post => self.http.post(&probe.url),
            };
            if let Some(token) = &probe.token {
                request = request.bearer_auth(token.expose());
            }
            let answer = request.send().await.map_err(causes)?;
            let status = answer.status().as_u16();
            let body = answer.text().await.map_err(causes)?;
            found = (probe.judge)(status, &body)?;
        }
        Ok(found)
    }

    async fn send_one(&self, request: Request) -> SinkAnswer {
        if let Some(mailer) = &self.mailer {
            return mailer.send(&request.body).await;
        }
        let later = |detail: String| SinkAnswer::Later {
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
                // The status says enough, except 200: with some sinks the body then has the outcome.
                Err(error) if body.is_empty() && status == 200 => return later(causes(error)),
                Err(_) => break,
            }
        }
        body.truncate(MAX_ANSWER_BYTES);
        self.endpoint
            .answer(status, after, &String::from_utf8_lossy(&body))
    }
}

/// An error and its causes, without the address.
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

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). A date is compared with the `Date` of
/// the answer, since the two machines' clocks may differ.
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
        // By the clock of the server, whatever this machine's clock says.
        let answered = Some("Wed, 21 Oct 2015 07:27:00 GMT");
        assert_eq!(retry_after(then, answered), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("soon", None), None);
    }
}
