//! Whether watchbell and rsigma load public rules, and decide the same for pairs of a rule and an event. The pairs come
//! from `tests/corpus/pairs.py`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use rsigma_eval::event::JsonEvent;
use serde::Deserialize;
use serde_json::value::RawValue;
use watchbell::json::Document;
use watchbell::sigma::{Engine, Origin, Rule, Scratch};

use crate::plain::{self, PlainEvent};
use crate::public::{self, PublicRule};
use crate::speed::{compiled, their_engine};

/// Disagreements of one rule that are printed.
const SHOWN: usize = 1;

#[derive(Deserialize)]
struct Pair<'p> {
    file: String,
    #[serde(borrow)]
    event: &'p RawValue,
}

/// One rule, compiled by each.
struct Compiled {
    ours: Option<(Rule, Engine<plain::Path>)>,
    theirs: Option<rsigma_eval::Engine>,
}

/// The files of a comparison.
pub struct Files<'f> {
    /// Public rules.
    pub directory: &'f Path,
    /// Pairs of a rule and an event.
    pub pairs: &'f Path,
    /// The rules of which a disagreement is explained.
    pub explained: &'f Path,
    /// Gets our decisions, one for each pair: `true`, `false`, or `null` for a rule that is not loaded.
    pub decisions: &'f Path,
}

/// Prints the rules that are not loaded and the pairs that rsigma decides otherwise. Returns whether all rules are loaded
/// but those with placeholders or with a number that must be quoted, and every disagreement is explained.
pub fn run(files: &Files<'_>) -> bool {
    let Files {
        directory,
        pairs,
        decisions,
        ..
    } = *files;
    let rules: HashMap<String, PublicRule> = public::load(directory)
        .into_iter()
        .map(|rule| (rule.file.display().to_string(), rule))
        .collect();
    let is_complete = report_loading(&rules);
    let mut compiled: HashMap<String, Compiled> = HashMap::new();
    let mut out = BufWriter::new(File::create(decisions).expect("a file for decisions"));
    let (mut decided, mut matched, mut others) = (0, 0, BTreeMap::<String, Vec<String>>::new());
    for line in BufReader::new(File::open(pairs).expect("pairs")).lines() {
        let line = line.expect("a pair");
        let pair: Pair<'_> = serde_json::from_str(&line).expect("a pair");
        let rule = compiled
            .entry(pair.file.clone())
            .or_insert_with(|| compile(&rules[&pair.file]));
        let ours = rule.ours.as_ref().map(|ours| holds(ours, pair.event.get()));
        writeln!(
            out,
            "{}",
            ours.map_or("null".to_owned(), |holds| holds.to_string())
        )
        .expect("a decision");
        let (Some(ours), Some(theirs)) = (ours, &rule.theirs) else {
            continue;
        };
        let value: serde_json::Value = serde_json::from_str(pair.event.get()).expect("JSON");
        let theirs = !theirs.evaluate(&JsonEvent::borrow(&value)).is_empty();
        decided += 1;
        matched += usize::from(ours);
        if ours != theirs {
            let text = format!("watchbell {ours}, rsigma {theirs}: {}", pair.event.get());
            others.entry(pair.file).or_default().push(text);
        }
    }
    let count: usize = others.values().map(Vec::len).sum();
    println!(
        "{decided} pairs decided by both, {matched} of them match; rsigma decides {count} otherwise"
    );
    let explained = explained(files.explained);
    others.retain(|file, _| {
        let name = Path::new(file).file_name().unwrap_or_default();
        !explained.contains(&*name.to_string_lossy())
    });
    println!(
        "{} rules with disagreements that are not explained",
        others.len()
    );
    for (file, texts) in &others {
        println!("  {file}: {}", texts.len());
        texts
            .iter()
            .take(SHOWN)
            .for_each(|text| println!("    {text}"));
    }
    is_complete && others.is_empty()
}

/// The names of the rules of which a disagreement with rsigma is explained.
fn explained(file: &Path) -> HashSet<String> {
    let text = std::fs::read_to_string(file).expect("explanations");
    let names = text.lines().filter_map(|line| {
        let (name, _) = line.split_once('\t')?;
        Some(name.to_owned())
    });
    names.collect()
}

/// Prints how many rules are loaded, and why the others are not.
fn report_loading(rules: &HashMap<String, PublicRule>) -> bool {
    let refused: BTreeMap<&String, &String> = rules
        .iter()
        .filter_map(|(file, rule)| Some((file, rule.ours.as_ref().err()?)))
        .collect();
    println!(
        "{} rules, {} of them loaded",
        rules.len(),
        rules.len() - refused.len()
    );
    let mut is_complete = true;
    for (file, why) in refused {
        is_complete &= why.contains("placeholder") || why.contains("without quotes");
        println!("  {file}: {why}");
    }
    is_complete
}

fn compile(rule: &PublicRule) -> Compiled {
    let ours = rule.ours.as_ref().ok().map(|rule| {
        let one = std::iter::once((&rule.logsource, &rule.detection));
        (rule.clone(), compiled(one, &plain::Path::parse))
    });
    let theirs = rule.theirs.as_ref().ok().and_then(|rule| {
        let (engine, refused) = their_engine(std::slice::from_ref(rule));
        (refused == 0).then_some(engine)
    });
    Compiled { ours, theirs }
}

/// Whether the rule matches an event of its log source.
fn holds((rule, engine): &(Rule, Engine<plain::Path>), event: &str) -> bool {
    let document = Document::parse(event.as_bytes()).expect("JSON");
    let origin = Origin {
        product: rule.logsource.product.as_deref(),
        service: rule.logsource.service.as_deref(),
        category: rule.logsource.category.as_deref(),
    };
    let event = PlainEvent { document, origin };
    !engine.matches(&event, &mut Scratch::default()).is_empty()
}
