//! docs/packs.md is generated from the shipped rules: `WATCHBELL_BLESS=1 cargo test --test it packs_page` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use watchbell::catalog::Catalogs;
use watchbell::pipeline;
use watchbell::rules::{LoadedRule, Overrides, RuleSet, RuleSource, pack_names};

const PAGE: &str = "docs/packs.md";

const HEAD: &str = "# The shipped rules

For people who decide which packs to use, and at which level. This page is generated from the rules:
`WATCHBELL_BLESS=1 cargo test --test it packs_page` writes it, and a test fails while it is out of date.
[rules.md](rules.md) says how rules are written, overridden and tested.

The ATT&CK column has the techniques, or the tactics where no technique fits. The last column has the number of the
rule's own tests: events that alert, and events that do not. A rule with the status `experimental` notifies nobody.

A test holds the noise of the Confluent pack to a budget: in a [month of a quiet
organization](../tests/data/confluent/quiet-month.tsv), with Terraform, pipelines and work in the console, each week has at
most five incidents of level high or above, and at most forty of level medium. An incident is what has one group key, and
so what pages once. `cargo test --test it quiet_month -- --nocapture` prints what each week raised.
";

/// A row of the page.
struct Row {
    name: String,
    title: String,
    level: String,
    status: String,
    attack: String,
    about: String,
    /// Tests that expect an alert, and tests that expect none.
    tests: (usize, usize),
}

/// The techniques of a rule, else its tactics.
fn attack(tags: &[String]) -> String {
    let names = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    let is_technique = |name: &str| {
        let digits = name.strip_prefix('t').unwrap_or_default();
        digits.starts_with(|first: char| first.is_ascii_digit())
    };
    let (techniques, tactics): (Vec<&str>, Vec<&str>) = names.partition(|name| is_technique(name));
    match techniques.as_slice() {
        [] => tactics.join(", "),
        techniques => techniques.join(", ").to_uppercase(),
    }
}

fn row(rule: &LoadedRule<pipeline::Path>, tests: (usize, usize)) -> Row {
    let file = rule.file.rsplit('/').next().unwrap_or_default();
    let meta = &rule.rule;
    Row {
        name: file.trim_end_matches(".yaml").to_owned(),
        title: meta.title.clone(),
        level: rule.level.to_string(),
        status: meta
            .status
            .map(|status| format!("{status:?}").to_lowercase())
            .unwrap_or_default(),
        attack: attack(&meta.tags),
        about: meta
            .description
            .clone()
            .unwrap_or_default()
            .replace('|', "\\|"),
        tests,
    }
}

fn page() -> String {
    let known = pipeline::known(&Catalogs::shipped().unwrap());
    let mut page = HEAD.to_owned();
    let mut seen = BTreeSet::new();
    // The rules that every pack includes come first, and once.
    let mut packs: Vec<&str> = pack_names().collect();
    packs.sort_by_key(|name| *name != "common");
    for pack in packs {
        let sources = [RuleSource::Pack(pack.to_owned())];
        let resolve = &pipeline::Path::parse;
        let set = RuleSet::load(&sources, &known, &Overrides::default(), resolve).unwrap();
        let suites = watchbell::rules::test::load(&sources).unwrap();
        let tests: BTreeMap<&str, (usize, usize)> = suites
            .iter()
            .map(|suite| {
                let alerting = suite.cases.iter().filter(|case| case.alerts > 0).count();
                (
                    suite.rule_id.as_str(),
                    (alerting, suite.cases.len() - alerting),
                )
            })
            .collect();
        let new = set
            .rules()
            .iter()
            .filter(|rule| seen.insert(rule.rule.id.clone()));
        let mut rows: Vec<(std::cmp::Reverse<watchbell::sigma::Level>, Row)> = new
            .map(|rule| {
                let tests = tests[rule.rule.id.as_str()];
                (std::cmp::Reverse(rule.level), row(rule, tests))
            })
            .collect();
        rows.sort_by(|(level, row), (other, against)| {
            (level, &row.name).cmp(&(other, &against.name))
        });
        let _ = write!(
            page,
            "\n## `pack:{pack}`: {} rules\n\n| rule | level | status | ATT&CK | what it finds | tests |\n|---|---|---|---|---|---|\n",
            rows.len()
        );
        for (_, row) in rows {
            let Row {
                name,
                title,
                level,
                status,
                attack,
                about,
                tests: (alerting, silent),
            } = row;
            let _ = writeln!(
                page,
                "| `{name}` | {level} | {status} | {attack} | **{title}.** {about} | {alerting} + {silent} |"
            );
        }
    }
    page
}

#[test]
fn the_page_about_the_shipped_rules_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = page();
    if std::fs::read_to_string(&file).is_ok_and(|written| written == page) {
        return;
    }
    if std::env::var_os("WATCHBELL_BLESS").is_some() {
        std::fs::write(&file, page).unwrap();
    }
    panic!("{PAGE} was out of date: WATCHBELL_BLESS=1 cargo test --test it packs_page");
}
