//! Asks a running daemon how many alerts each rule has raised.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::observe::http::{METRICS, STATUS};

/// How long the daemon may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Most bytes that are read of an answer.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// The counter of alerts, whose label `rule` is the id of the rule.
const ALERTS: &str = "watchbell_alerts_total";

/// The address of a daemon.
pub(super) struct Daemon {
    url: String,
}

/// How many alerts each rule has raised since the daemon was started.
#[derive(Debug, Default)]
pub(super) struct Hits {
    by_rule: HashMap<String, u64>,
    /// The hash of the rules that the daemon has in force, if it says so.
    pub(super) rules_hash: Option<String>,
}

impl Hits {
    /// The alerts of the rule with this id.
    pub(super) fn of(&self, rule: &str) -> u64 {
        self.by_rule.get(rule).copied().unwrap_or_default()
    }
}

impl Daemon {
    /// A daemon at this URL, without a path.
    pub(super) fn at(url: &str) -> Daemon {
        Daemon {
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// The daemon that listens on this address of this machine.
    pub(super) fn listening_on(mut listen: SocketAddr) -> Daemon {
        if listen.ip().is_unspecified() {
            listen.set_ip(match listen.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Daemon {
            url: format!("http://{listen}"),
        }
    }

    /// Asks the daemon.
    ///
    /// # Errors
    /// It cannot be reached, or what answers is no daemon of watchbell.
    pub(super) fn hits(&self) -> anyhow::Result<Hits> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the runtime")?;
        // It fails if a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .user_agent(concat!("watchbell/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("prepare TLS")?;
        let answer = async {
            let metrics = self.get(&client, METRICS).await?;
            let status = self.get(&client, STATUS).await?;
            Ok((metrics, status))
        };
        let (metrics, status) = runtime
            .block_on(answer)
            .map_err(|error: anyhow::Error| anyhow!("no daemon at {}: {error:#}", self.url))?;
        if !metrics.contains("watchbell_build_info") {
            return Err(anyhow!("what answers at {} is not watchbell", self.url));
        }
        let status: serde_json::Value = serde_json::from_str(&status).unwrap_or_default();
        Ok(Hits {
            by_rule: alerts_by_rule(&metrics),
            rules_hash: status["rules"]["hash"].as_str().map(str::to_owned),
        })
    }

    async fn get(&self, client: &reqwest::Client, path: &str) -> anyhow::Result<String> {
        let request = client.get(format!("{}{path}", self.url));
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let mut answer = answer
            .error_for_status()
            .map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return Err(anyhow!("an answer of more than {MAX_ANSWER_BYTES} bytes"));
            }
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// The counter of alerts in the text format of Prometheus, summed by rule.
fn alerts_by_rule(metrics: &str) -> HashMap<String, u64> {
    let mut alerts: HashMap<String, u64> = HashMap::new();
    for line in metrics.lines() {
        let sample = line.strip_prefix(ALERTS);
        let Some(sample) = sample.and_then(|rest| rest.strip_prefix('{')) else {
            continue;
        };
        if let Some((rule, count)) = rule_and_count(sample) {
            *alerts.entry(rule).or_default() += count;
        }
    }
    alerts
}

/// The label `rule` and the value of a sample, which begins with its labels: `rule="…",source="…"} 3`.
fn rule_and_count(sample: &str) -> Option<(String, u64)> {
    let mut rest = sample;
    let mut rule = None;
    loop {
        if let Some(value) = rest.strip_prefix('}') {
            let count: f64 = value.split_whitespace().next()?.parse().ok()?;
            return Some((rule?, count as u64));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = label_value(after)?;
        if name == "rule" {
            rule = Some(value);
        }
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// The value of a label up to its closing quotation mark, and what follows.
fn label_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_summed_by_rule_whatever_the_source_is_called() {
        let metrics = "\
# TYPE watchbell_alerts_total counter
watchbell_alerts_total{level=\"high\",rule=\"a\",source=\"x\"} 3
watchbell_alerts_total{level=\"low\",rule=\"a\",source=\"y\\\",rule=\\\"b\"} 4
watchbell_alerts_total{level=\"low\",rule=\"b\",source=\"}\\\\\"} 1e3
watchbell_alerts_total_more{rule=\"a\"} 9
watchbell_alerts_total{rule=\"cut
watchbell_events_total{source=\"x\"} 5
";
        let alerts = alerts_by_rule(metrics);
        let expected = [("a".to_owned(), 7), ("b".to_owned(), 1_000)];
        assert_eq!(alerts, expected.into_iter().collect());
    }

    #[test]
    fn a_daemon_that_listens_on_every_address_is_asked_on_the_loopback_one() {
        for (listen, url) in [
            ("0.0.0.0:9464", "http://127.0.0.1:9464"),
            ("[::]:9464", "http://[::1]:9464"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
        ] {
            assert_eq!(Daemon::listening_on(listen.parse().unwrap()).url, url);
        }
        assert_eq!(
            Daemon::at("http://watchbell:9464/").url,
            "http://watchbell:9464"
        );
    }
}
