//! The rules in force, and one of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::task::block_in_place;

use super::plain::unavailable;
use crate::alert::BUILT_IN;
use crate::archive::{TableKind, begin_of_day_ms, day_of};
use crate::kafka::Stored;
use crate::page::{
    RULE_DAYS, RuleOrder, RulePage, RuleRow, RulesPage, Section, rule_page, rules_page,
};
use crate::pipeline::Path;
use crate::query::archive::{Attribute, Conditions};
use crate::rules::{DisabledRule, LoadedRule, RuleSet};
use crate::sigma::{Rule, escaped};
use crate::view::Emitted;
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::reader::Reader;
use crate::web::respond::html;
use crate::web::rule_book::Tests;

/// How many of the newest alerts of a rule are listed.
const ALERTS: usize = 10;

/// How many alerts each rule has raised on which day.
type Raised = BTreeMap<String, BTreeMap<i32, u64>>;

/// The rules, their tests, and what must be said of them.
struct Rules {
    rules: Arc<RuleSet<Path>>,
    tests: Arc<Tests>,
    notes: Vec<String>,
    now_ms: i64,
}

impl Rules {
    fn new(web: &Web, reader: &Reader) -> Rules {
        let (rules, tests) = block_in_place(|| web.0.rules.with_tests());
        let words = reader.language.words();
        let faults = tests.as_ref().as_ref().err();
        let notes = faults.map(|faults| format!("{} {faults}", words.tests_not_read));
        Rules {
            notes: notes.into_iter().collect(),
            rules,
            tests,
            now_ms: Timestamp::now().as_millisecond(),
        }
    }

    fn tests_of(&self, id: &str) -> Option<&[String]> {
        let tests = self.tests.as_ref().as_ref().ok()?;
        Some(tests.get(id).map_or(&[], Vec::as_slice))
    }

    /// The rules of the files, the disabled ones, and those that are parts of watchbell.
    fn rows(&self) -> Vec<RuleRow<'_>> {
        let loaded = self.rules.rules().iter().enumerate();
        let loaded = loaded.map(|(number, loaded)| self.row(number, loaded));
        let disabled = self.rules.disabled().iter().map(|rule| self.disabled(rule));
        let built_in = BUILT_IN.iter().map(|rule| RuleRow {
            id: rule.id,
            title: rule.title,
            level: self.rules.built_in_level(rule.id, rule.level),
            status: None,
            file: None,
            suppressions: 0,
            tests: None,
            tags: &[],
        });
        loaded.chain(disabled).chain(built_in).collect()
    }

    fn row<'r>(&'r self, number: usize, loaded: &'r LoadedRule<Path>) -> RuleRow<'r> {
        let id = loaded.rule.id.as_str();
        RuleRow {
            id,
            title: &loaded.rule.title,
            level: Some(loaded.level),
            status: loaded.rule.status,
            file: Some(&loaded.file),
            suppressions: self.rules.suppressions_of(number, self.now_ms),
            tests: self.tests_of(id).map(<[String]>::len),
            tags: &loaded.rule.tags,
        }
    }

    fn disabled<'r>(&'r self, disabled: &'r DisabledRule) -> RuleRow<'r> {
        let rule = &disabled.rule;
        RuleRow {
            id: rule.id.as_str(),
            title: &rule.title,
            level: None,
            status: rule.status,
            file: Some(&disabled.file),
            suppressions: 0,
            tests: self.tests_of(rule.id.as_str()).map(<[String]>::len),
            tags: &rule.tags,
        }
    }
}

/// The list of the rules.
pub(in crate::web) async fn rules(State(web): State<Web>, reader: Reader) -> Response {
    let rules = Rules::new(&web, &reader);
    let today = day_of(rules.now_ms);
    let (raised, notes) = match raised(&web, &reader, today).await {
        Ok(found) => found,
        Err(why) => return unavailable(&reader, &why),
    };
    let order = reader.parameter("order").unwrap_or_default();
    let attack = reader.parameter("attack").unwrap_or_default();
    let is_id = attack
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let page = RulesPage {
        rules: rules.rows(),
        raised: &raised,
        today,
        order: RuleOrder::of_name(&order),
        attack: if is_id { &attack } else { "" },
        notes: &[notes, rules.notes.clone()].concat(),
    };
    let frame = reader.frame(reader.language.words().rules, Section::Rules);
    html(StatusCode::OK, rules_page(frame, &page))
}

/// The alerts of all rules in the days that are shown, and what must be said of the snapshot.
async fn raised(web: &Web, reader: &Reader, today: i32) -> Result<(Raised, Vec<String>), String> {
    let snapshot = web.snapshot(reader.user()?).await?;
    let _permit = web.permit().await;
    let from_ms = begin_of_day_ms(today - RULE_DAYS + 1);
    let raised = snapshot.engine.raised_by_day(from_ms).await;
    let raised = raised.map_err(|error| in_words(&error))?;
    Ok((raised, snapshot.notes(reader.language)))
}

/// Where the YAML of a rule stands.
pub(super) fn text_of<'r>(rules: &'r RuleSet<Path>, id: &str) -> Option<&'r str> {
    let (rule, file) = written(rules, id)?;
    rules.text_of(file, rule.id_mark)
}

/// A rule as it was written, in force or disabled, and its file.
fn written<'r>(rules: &'r RuleSet<Path>, id: &str) -> Option<(&'r Rule, &'r str)> {
    let in_force = rules.rules().iter().map(|one| (&one.rule, &*one.file));
    let disabled = rules.disabled().iter().map(|one| (&one.rule, &*one.file));
    let mut all = in_force.chain(disabled);
    all.find(|(rule, _)| rule.id.as_str() == id)
}

/// One rule.
pub(in crate::web) async fn rule(State(web): State<Web>, reader: Reader) -> Response {
    let words = reader.language.words();
    let rules = Rules::new(&web, &reader);
    let id = reader.parameter("id").unwrap_or_default();
    let rows = rules.rows();
    let row = rows
        .into_iter()
        .find(|row| row.id == id && row.file.is_some());
    let Some(row) = row else {
        let (title, hint) = (words.no_such_rule, words.no_such_rule_hint);
        let page = reader.message_in(Section::Rules, title, hint);
        return html(StatusCode::NOT_FOUND, page);
    };
    let today = day_of(rules.now_ms);
    let (raised, alerts, notes) = match of_rule(&web, &reader, (&id, today)).await {
        Ok(found) => found,
        Err(why) => return unavailable(&reader, &why),
    };
    let alerts: Vec<Emitted<'_>> = alerts
        .iter()
        .map(|one| Emitted::new(one.record()))
        .collect();
    let written = written(&rules.rules, &id).map(|(rule, _)| rule);
    let page = RulePage {
        description: written.and_then(|rule| rule.description.as_deref()),
        runbook: written.and_then(|rule| rule.runbook.as_deref()),
        references: written.map_or(&[], |rule| &rule.references),
        false_positives: written.map_or(&[], |rule| &rule.falsepositives),
        group_by: written.map_or_else(Vec::new, |rule| {
            rule.group_by
                .iter()
                .map(|(name, _)| name.as_str())
                .collect()
        }),
        tests: rules.tests_of(&id).unwrap_or_default(),
        text: text_of(&rules.rules, &id).unwrap_or_default(),
        raised: &raised,
        today,
        alerts: &alerts,
        notes: &[notes, rules.notes.clone()].concat(),
        row,
    };
    let title = page.row.title.to_owned();
    html(
        StatusCode::OK,
        rule_page(reader.frame(&title, Section::Rules), &page),
    )
}

/// The alerts of a rule: how many on which day, the newest, and what must be said of the snapshot.
async fn of_rule(
    web: &Web,
    reader: &Reader,
    (id, today): (&str, i32),
) -> Result<(BTreeMap<i32, u64>, Vec<Stored>, Vec<String>), String> {
    let (mut raised, notes) = raised(web, reader, today).await?;
    let snapshot = web.snapshot(reader.user()?).await?;
    let _permit = web.permit().await;
    let conditions = Conditions {
        attributes: vec![(Attribute::Rule, vec![escaped(id)])],
        ..Conditions::default()
    };
    let newest = snapshot
        .engine
        .newest_records(TableKind::Alerts, &conditions, ALERTS);
    let newest = newest.await.map_err(|error| in_words(&error))?;
    Ok((raised.remove(id).unwrap_or_default(), newest, notes))
}
