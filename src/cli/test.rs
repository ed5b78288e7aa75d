//! `test`: runs the tests of rules through the pipeline and shows, for each that fails, what was expected and what
//! each part of the rule answered. It needs no Kafka.

mod check;
mod junit;
mod report;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use clap::Args;

use self::check::check;
use self::report::{CaseReport, Report, RuleReport};
use super::config_file::load_config;
use super::explainer::Explainer;
use super::failure::Failure;
use super::lookup_args::LookupArgs;
use super::say::{report_panics, say};
use super::shipped;
use crate::config::Config;
use crate::pipeline::{self, Catalogs, Lookups, Pipeline};
use crate::roles::rulebook::{load_rules, read_lookups};
use crate::rules::test::{Coverage, RuleTests, load, rules_of};
use crate::rules::{CurrentRules, Overrides, RuleSet, RuleSource};

#[derive(Debug, Args)]
pub(super) struct Command {
    /// Rule files, test files, directories, or packs such as pack:confluent. Without any: the rules of the
    /// configuration, and without a configuration those of all packs.
    #[arg(value_name = "PATH")]
    paths: Vec<RuleSource>,
    /// The configuration file that names the rules, unless PATH does, the files of names and networks and the
    /// placeholders. Its overrides of levels are not used, because a test describes its rule as it is written.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    lookups: LookupArgs,
    /// The file with the values of placeholders in rules, in place of that of the configuration.
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    /// Also write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also list rules without tests, and selections and listed values that no test exercises. They do not change
    /// the exit code.
    #[arg(long)]
    coverage: bool,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.config.as_deref().map(load_config).transpose()?;
    let sources = command.sources(config.as_ref());
    let inputs = command.read(&sources, config.as_ref())?;
    report_panics();
    inputs.rules.warnings().iter().for_each(say);
    if inputs.tests.is_empty() {
        return Err(none_found(&sources).into());
    }
    let report = inputs.run();
    // First, because nothing is written after standard output is closed.
    if let Some(path) = &command.junit {
        let written = std::fs::write(path, junit::xml(&report));
        written.with_context(|| format!("write {}", path.display()))?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    report.write(&mut out)?;
    if command.coverage {
        report.write_coverage(&mut out)?;
    }
    out.flush()?;
    let (failed, all) = (report.failed(), report.cases());
    if failed > 0 {
        return Err(anyhow!("{failed} of {all} tests failed").into());
    }
    say(format_args!(
        "all {all} tests of {} rules passed",
        report.tested_rules()
    ));
    Ok(())
}

fn none_found(sources: &[RuleSource]) -> anyhow::Error {
    let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
    anyhow!(
        "no tests found in {}: the tests of x.yaml are expected in x.test.yaml in the same directory",
        places.join(", ")
    )
}

/// What the tests are run with.
struct Inputs {
    catalogs: Catalogs,
    rules: RuleSet<pipeline::Path>,
    tests: Vec<RuleTests>,
    lookups: Lookups,
}

impl Command {
    fn sources(&self, config: Option<&Config>) -> Vec<RuleSource> {
        match config {
            _ if !self.paths.is_empty() => self.paths.clone(),
            Some(config) => config.rules.clone(),
            None => shipped::packs(),
        }
    }

    /// Reads rules, tests, names and networks. The problems of all of them are reported together.
    fn read(&self, sources: &[RuleSource], config: Option<&Config>) -> Result<Inputs, Failure> {
        let catalogs = Catalogs::shipped().map_err(Failure::configuration)?;
        let of_config = config.and_then(|config| config.placeholders.as_deref());
        let placeholders = self.placeholders.as_deref().or(of_config);
        let overrides = Overrides::default();
        let rules = load_rules(&rules_of(sources), &catalogs, &overrides, placeholders);
        let lookups = read_lookups(&self.lookups.files(config));
        match (rules, load(sources), lookups) {
            (Ok(rules), Ok(tests), Ok(lookups)) => Ok(Inputs {
                catalogs,
                rules,
                tests,
                lookups,
            }),
            (rules, tests, lookups) => {
                let mut diagnostics = rules.err().unwrap_or_default();
                diagnostics.extend(tests.err().into_iter().flatten());
                diagnostics.extend(lookups.err().into_iter().flatten());
                let mut shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                // A rule file that a test file needs and that cannot be read is reported by both.
                shown.dedup();
                Err(Failure::Configuration(shown))
            }
        }
    }
}

impl Inputs {
    /// Runs every test, in the order of the rules.
    fn run(self) -> Report {
        let Inputs {
            catalogs,
            rules,
            tests,
            lookups,
        } = self;
        let rules = Arc::new(CurrentRules::new(rules));
        let in_force = rules.snapshot();
        let lookups = Arc::new(ArcSwap::from_pointee(lookups));
        let pipeline = Pipeline::new(shipped::outputs(), Arc::new(catalogs), rules, lookups);
        let explainer = Explainer::new(&pipeline, &in_force);
        let reports = in_force.rules().iter().enumerate().map(|(index, loaded)| {
            let mut coverage = Coverage::of(&loaded.rule.detection);
            let own = tests.iter().filter(|tests| tests.rule_id == loaded.rule.id);
            let cases = own.flat_map(|tests| tests.cases.iter().map(|case| (&tests.file, case)));
            let cases = cases.map(|(file, case)| {
                let started = Instant::now();
                CaseReport {
                    file: file.clone(),
                    name: case.name.clone(),
                    mark: case.mark,
                    failure: check(&explainer, (index, loaded), case, &mut coverage),
                    duration: started.elapsed(),
                }
            });
            RuleReport {
                title: loaded.rule.title.clone(),
                file: loaded.file.clone(),
                id_mark: loaded.rule.id_mark,
                cases: cases.collect(),
                coverage,
            }
        });
        Report {
            rules: reports.collect(),
        }
    }
}
