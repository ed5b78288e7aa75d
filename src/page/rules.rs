//! The list of the rules in force: how many alerts each has raised, its tests, and what they cover of ATT&CK.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::attack::{attack_id, attack_link, matrix};
use super::frame::Frame;
use super::histogram::grouped;
use super::record_row::cut;
use super::sparkline::sparkline;
use super::words::Words;
use crate::sigma::{Level, Status};
use crate::view::shown;

/// So many days of alerts are shown of each rule.
pub const RULE_DAYS: i32 = 28;

/// A rule of the list.
pub struct RuleRow<'p> {
    /// Its id.
    pub id: &'p str,
    /// Its title.
    pub title: &'p str,
    /// The level in force; `None` of a rule that is disabled.
    pub level: Option<Level>,
    /// Its status, if it has one.
    pub status: Option<Status>,
    /// The file, or the file of a pack; `None` of a rule that is a part of watchbell.
    pub file: Option<&'p str>,
    /// How many suppressions are for it.
    pub suppressions: usize,
    /// How many tests it has; `None` if that is not known, or if it can have none.
    pub tests: Option<usize>,
    /// Its tags.
    pub tags: &'p [String],
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RuleOrder {
    /// The highest level first.
    #[default]
    Level,
    /// The most alerts first.
    Alerts,
    /// By title.
    Title,
}

impl RuleOrder {
    const ALL: [RuleOrder; 3] = [RuleOrder::Level, RuleOrder::Alerts, RuleOrder::Title];

    const fn name(self) -> &'static str {
        match self {
            RuleOrder::Level => "level",
            RuleOrder::Alerts => "alerts",
            RuleOrder::Title => "title",
        }
    }

    const fn word(self, words: &Words) -> &'static str {
        match self {
            RuleOrder::Level => words.by_level,
            RuleOrder::Alerts => words.by_alerts,
            RuleOrder::Title => words.by_title,
        }
    }

    /// The order of this name; by level of any other.
    pub fn of_name(name: &str) -> RuleOrder {
        let mut all = RuleOrder::ALL.into_iter();
        all.find(|order| order.name() == name).unwrap_or_default()
    }
}

/// What the list shows.
pub struct RulesPage<'p> {
    /// All rules, also the disabled ones.
    pub rules: Vec<RuleRow<'p>>,
    /// How many alerts each has raised on which day, by id; days since the Unix epoch.
    pub raised: &'p BTreeMap<String, BTreeMap<i32, u64>>,
    /// The current day in UTC.
    pub today: i32,
    /// In which order they are shown.
    pub order: RuleOrder,
    /// The tactic or technique of which rules are shown alone; all if it is empty.
    pub attack: &'p str,
    /// What the reader must know, such as that the tests cannot be read.
    pub notes: &'p [String],
}

impl RulesPage<'_> {
    fn days(&self, rule: &RuleRow<'_>) -> BTreeMap<i32, u64> {
        self.raised.get(rule.id).cloned().unwrap_or_default()
    }

    /// How many alerts a rule has raised in the days that are shown.
    fn sum(&self, rule: &RuleRow<'_>) -> u64 {
        let first = self.today - RULE_DAYS + 1;
        let days = self.raised.get(rule.id);
        days.map_or(0, |days| {
            days.range(first..=self.today).map(|(_, of)| of).sum()
        })
    }

    /// The rules with the tag that is asked for, in order; disabled ones last.
    fn shown(&self) -> Vec<&RuleRow<'_>> {
        let has_tag = |rule: &&RuleRow<'_>| {
            let mut ids = rule.tags.iter().filter_map(|tag| attack_id(tag));
            self.attack.is_empty() || ids.any(|id| id == self.attack)
        };
        let mut rules: Vec<&RuleRow<'_>> = self.rules.iter().filter(has_tag).collect();
        rules.sort_by_cached_key(|rule| {
            let level = Reverse(rule.level);
            let first = match self.order {
                RuleOrder::Level => (Reverse(0), level),
                RuleOrder::Alerts => (Reverse(self.sum(rule)), level),
                RuleOrder::Title => (Reverse(0), Reverse(None)),
            };
            (rule.level.is_none(), first, rule.title.to_lowercase())
        });
        rules
    }
}

/// The URL of a rule.
pub(super) fn rule_url(id: &str) -> String {
    url("/rules/rule", "id", id)
}

/// The URL of a page with one parameter.
pub(super) fn url(path: &str, name: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(name, value);
    format!("{path}?{}", query.finish())
}

/// The page of all rules.
pub fn rules_page(frame: Frame<'_>, page: &RulesPage<'_>) -> String {
    let words = frame.words();
    let rules = page.shown();
    let in_force = rules.iter().filter(|rule| rule.level.is_some());
    let count = in_force.count() as u64;
    let content = html! {
        h1 { (words.rules) }
        @for note in page.notes { p.note { (shown(note)) } }
        p { a href="/rules/try" { (words.try_rule) } }
        @if !page.attack.is_empty() {
            p { (words.only_with) " " (attack_link(page.attack)) " · " a href="/rules" { (words.all_rules) } }
        }
        p.spans {
            span.faint { (grouped(count)) " " (words.rules_in_force) " · " (words.order) }
            @for order in RuleOrder::ALL {
                a href={ "/rules?order=" (order.name()) @if !page.attack.is_empty() { "&attack=" (page.attack) } }
                    aria-current=[(order == page.order).then_some("true")] { (order.word(words)) }
            }
        }
        @if rules.is_empty() { div.empty { p { (words.no_rules) } } }
        @else { (table(page, &rules, words)) }
        section {
            h2 { (words.coverage) }
            p.faint { (words.coverage_hint) }
            (matrix(page.rules.iter().filter(|rule| rule.level.is_some()).map(|rule| rule.tags), words))
        }
    };
    frame.with(&content).into_string()
}

fn table(page: &RulesPage<'_>, rules: &[&RuleRow<'_>], words: &Words) -> Markup {
    html! {
        div.table {
            table.records.rules {
                thead { tr {
                    th scope="col" { (words.rule) } th scope="col" { (words.level) } th scope="col" { (words.state) }
                    th scope="col" { (words.alerts_per_day) " " span.faint { (words.of_weeks) } }
                    th scope="col" { (words.tests) } th scope="col" { (words.rule_source) }
                } }
                tbody { @for rule in rules { (row(page, rule, words)) } }
            }
        }
    }
}

fn row(page: &RulesPage<'_>, rule: &RuleRow<'_>, words: &Words) -> Markup {
    let alerts = url("/alerts", "rule", rule.id);
    html! {
        tr data-rule=(rule.id) {
            th scope="row" {
                @if rule.file.is_some() { a href=(rule_url(rule.id)) { bdi { (cut(rule.title)) } } }
                @else { bdi { (cut(rule.title)) } }
            }
            td.level { @if let Some(level) = rule.level { (level.as_str()) } }
            td { (state(rule, words)) }
            td { a href=(alerts) { (sparkline(&page.days(rule), (page.today, RULE_DAYS), words.alerts)) } }
            td {
                @match rule.tests {
                    Some(0) => span.warning { (words.no_tests) },
                    Some(tests) => { (tests) " " (words.tests) },
                    None => "",
                }
            }
            td { @match rule.file { Some(file) => bdi { (cut(file)) }, None => (words.built_in) } }
        }
    }
}

/// Whether a rule is in force, its status, and how many suppressions are for it.
pub(super) fn state(rule: &RuleRow<'_>, words: &Words) -> Markup {
    html! {
        @if rule.level.is_none() { strong { (words.disabled) } } @else { (words.in_force) }
        @if let Some(status) = rule.status { " · " (status.as_str()) }
        @if rule.suppressions > 0 { " · " (rule.suppressions) " " (words.suppressions) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::frame::TEST_FRAME;
    use crate::page::rule_tests::tags;

    fn rule<'p>(
        id: &'p str,
        title: &'p str,
        level: Option<Level>,
        tags: &'p [String],
    ) -> RuleRow<'p> {
        RuleRow {
            id,
            title,
            level,
            status: Some(Status::Test),
            file: Some("rules/x.yaml"),
            suppressions: 0,
            tests: Some(2),
            tags,
        }
    }

    fn titles(order: RuleOrder, attack: &str) -> Vec<String> {
        let today = 20_526;
        let raised = [
            ("1", today, 5),
            ("2", today - 1, 7),
            ("3", today - RULE_DAYS, 900),
        ];
        let raised = raised.map(|(id, day, count)| (id.to_owned(), BTreeMap::from([(day, count)])));
        let (impact, none) = (tags(&["attack.impact", "attack.t1485"]), Vec::new());
        let page = RulesPage {
            rules: vec![
                rule("1", "b", Some(Level::Low), &impact),
                rule("2", "a", Some(Level::Low), &none),
                rule("3", "c", Some(Level::High), &none),
                rule("4", "A disabled one", None, &impact),
            ],
            raised: &BTreeMap::from(raised),
            today,
            order,
            attack,
            notes: &[],
        };
        page.shown()
            .iter()
            .map(|rule| rule.title.to_owned())
            .collect()
    }

    #[test]
    fn rules_are_sorted_by_level_alerts_or_title_and_disabled_ones_are_last() {
        let disabled = "A disabled one";
        assert_eq!(titles(RuleOrder::Level, ""), ["c", "a", "b", disabled]);
        // Alerts of earlier days do not count.
        assert_eq!(titles(RuleOrder::Alerts, ""), ["a", "b", "c", disabled]);
        assert_eq!(titles(RuleOrder::Title, ""), ["a", "b", "c", disabled]);
        assert_eq!(titles(RuleOrder::Level, "T1485"), ["b", disabled]);
        assert!(titles(RuleOrder::Level, "T9999").is_empty());
    }

    #[test]
    fn a_row_says_what_there_is_of_a_rule_and_values_stay_text() {
        let harm = "<script>alert(1)</script>";
        let none = Vec::new();
        let mut hostile = rule("<b>", harm, Some(Level::Critical), &none);
        (hostile.suppressions, hostile.tests, hostile.file) = (2, Some(0), Some(harm));
        let page = RulesPage {
            rules: vec![hostile],
            raised: &BTreeMap::from([("<b>".to_owned(), BTreeMap::from([(20_526, 1_234)]))]),
            today: 20_526,
            order: RuleOrder::Level,
            attack: harm,
            notes: &[harm.to_owned()],
        };
        let page = RulesPage { attack: "", ..page };
        let html = rules_page(TEST_FRAME, &page);
        assert!(!html.contains("<script>alert"), "{html}");
        for expected in [
            "critical",
            "in force · test · 2 suppressions",
            "no tests",
            "<span class=\"sum\">1\u{202f}234</span>",
            "href=\"/rules/rule?id=%3Cb%3E\"",
            "href=\"/alerts?rule=%3Cb%3E\"",
        ] {
            assert!(html.contains(expected), "{expected}: {html}");
        }
    }
}
