//! `fire`: sends a test alert directly to the sinks, to see whether it reaches a person. Nothing is written
//! to Kafka, and the alert says that it is a test.

use std::io::Write;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::runtime::Runtime;

use super::config_file::ConfigFile;
use super::failure::Failure;
use crate::alert::{BUILT_IN, BuiltIn};
use crate::config::Config;
use crate::notice::Notice;
use crate::notify::{Client, Message, Sink, SinkAnswer};
use crate::pipeline::Path;
use crate::roles::clock::now_ms;
use crate::roles::rulebook::Rulebook;
use crate::rules::LoadedRule;

/// Send a test alert to the sinks.
#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    file: ConfigFile,
    /// Send only to this sink; may be given several times. Without it, all sinks are used.
    #[arg(long = "sink", value_name = "NAME")]
    sinks: Vec<String>,
    /// Send the alert that the rule with this id or title would raise, to the sinks whose filter accepts it.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Send no alert: only check that each sink is reachable and accepts the credential.
    #[arg(long, conflicts_with = "rule")]
    check: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.file.load()?;
    let sinks = chosen(&config, &command.sinks)?;
    if command.check {
        return check(&sinks);
    }
    let mut notice = Notice::example(now_ms());
    if let Some(rule) = &command.rule {
        fill_from_rule(&mut notice, rule, &config)?;
    }
    let runtime = runtime()?;
    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    for sink in &sinks {
        let name = &sink.name;
        let routed = sink.route.decide(&notice);
        if let (Err(reason), true) = (routed, command.rule.is_some()) {
            writeln!(out, "{name}: skipped: {}", reason.description())?;
            continue;
        }
        match runtime.block_on(send(sink, &notice)) {
            Ok(SinkAnswer::Accepted) => writeln!(out, "{name}: accepted")?,
            Ok(SinkAnswer::Later { detail, .. }) => {
                failed += 1;
                writeln!(out, "{name}: not accepted: {detail}")?;
            }
            Ok(SinkAnswer::Refused { detail }) => {
                failed += 1;
                writeln!(out, "{name}: refused: {detail}")?;
            }
            Err(error) => {
                failed += 1;
                writeln!(out, "{name}: {error:#}")?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(anyhow!("{failed} of {} sinks did not accept the test", sinks.len()).into()),
    }
}

/// Checks that a sink is reachable and accepts the credential, without sending an alert.
pub(super) fn check_one(sink: &Sink) -> anyhow::Result<Result<&'static str, String>> {
    Ok(match Client::new(sink) {
        Ok(client) => runtime()?.block_on(client.check()),
        Err(error) => Err(error.to_string()),
    })
}

fn check(sinks: &[&Sink]) -> Result<(), Failure> {
    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    for sink in sinks {
        let name = &sink.name;
        match check_one(sink)? {
            Ok(found) => writeln!(out, "{name}: {found}")?,
            Err(problem) => {
                failed += 1;
                writeln!(out, "{name}: error: {problem}")?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(anyhow!("{failed} of {} sinks failed the check", sinks.len()).into()),
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")
}

fn chosen<'c>(config: &'c Config, names: &[String]) -> Result<Vec<&'c Sink>, Failure> {
    let known: Vec<&str> = config.sinks.iter().map(|sink| sink.name.as_str()).collect();
    if known.is_empty() {
        let fault = "there is no sink\n  help: write one under `notify`: docs/notify.md";
        return Err(Failure::configuration([fault]));
    }
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(anyhow!(
            "no sink is called {unknown}; there are: {}",
            known.join(", ")
        )
        .into());
    }
    let wanted = |sink: &&Sink| names.is_empty() || names.contains(&sink.name);
    Ok(config.sinks.iter().filter(wanted).collect())
}

/// Makes the notice what it would be if the rule with the id or title `wanted` matched.
fn fill_from_rule(notice: &mut Notice, wanted: &str, config: &Config) -> Result<(), Failure> {
    let rulebook = Rulebook::load(config).map_err(Failure::configuration)?;
    let rules = rulebook.rules().snapshot();
    notice.rule_set = rules.hash().to_owned();
    let built_in = BUILT_IN
        .iter()
        .find(|rule| rule.id == wanted || rule.title == wanted);
    if let Some(rule) = built_in {
        let level = rules.built_in_level(rule.id, rule.level);
        notice.level = level.ok_or_else(|| anyhow!("the configuration disables {wanted}"))?;
        fill_from_built_in(notice, rule);
        return Ok(());
    }
    let found = rules
        .rules()
        .iter()
        .find(|loaded| loaded.rule.id.as_str() == wanted || loaded.rule.title == wanted);
    let loaded = found.ok_or_else(|| anyhow!("no rule in force has the id or title {wanted}"))?;
    fill_from_loaded(notice, loaded);
    Ok(())
}

fn fill_from_built_in(notice: &mut Notice, rule: &BuiltIn) {
    notice.rule_id = rule.id.to_owned();
    notice.rule = rule.title.to_owned();
    notice.rule_version = env!("CARGO_PKG_VERSION").to_owned();
    notice.description = Some(rule.description.to_owned());
    notice.runbook = Some(rule.runbook.to_owned());
}

fn fill_from_loaded(notice: &mut Notice, loaded: &LoadedRule<Path>) {
    let rule = &loaded.rule;
    notice.level = loaded.level;
    notice.rule_id = rule.id.to_string();
    notice.rule = rule.title.clone();
    notice.rule_version = loaded.version.clone();
    notice.description = rule.description.clone();
    notice.runbook = rule.runbook.clone();
    notice.links = rule.references.clone();
    notice.tags = rule.tags.clone();
    notice.falsepositives = rule.falsepositives.clone();
    notice.experimental = loaded.is_experimental();
}

async fn send(sink: &Sink, notice: &Notice) -> anyhow::Result<SinkAnswer> {
    let client = Client::new(sink)?;
    let now_ms = now_ms();
    let template = sink.template.as_deref();
    let message = Message::of_one(&sink.name, notice.clone(), now_ms, template);
    Ok(client.send(sink.endpoint.requests(&message, now_ms)).await)
}
