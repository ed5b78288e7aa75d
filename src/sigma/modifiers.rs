//! Parses `field|modifier|modifier: values` into a [`Test`].
//! A modifier that is unknown, misplaced or not yet supported rejects the rule; none is ignored.

use super::context::Context;
use super::encoding::Utf16;
use super::matcher::{Check, ElementLines, Relation, Test};
use super::time::TimePart;
use super::value::Bound;
use crate::diagnostic::{Mark, Problem, nearest};
use crate::yaml::{Entry, Node};

/// Every supported modifier, as listed in error messages.
pub const SUPPORTED: [&str; 31] = [
    "all",
    "startswith",
    "endswith",
    "contains",
    "exists",
    "cased",
    "neq",
    "windash",
    "re",
    "i",
    "m",
    "s",
    "base64",
    "base64offset",
    "utf16le",
    "utf16be",
    "utf16",
    "wide",
    "lt",
    "lte",
    "gt",
    "gte",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "cidr",
    "expand",
    "fieldref",
];

/// The remedy for modifiers that exclude each other.
const ONE_OF_TWO: &str = "remove one of the two, or write two lines";

/// The modifiers of one key.
#[derive(Debug, Clone, Default)]
pub(super) struct Modifiers {
    pub(super) kind: ValueKind,
    pub(super) relation: Option<Relation>,
    pub(super) all: bool,
    pub(super) neq: bool,
    pub(super) cased: bool,
    pub(super) windash: bool,
    pub(super) expand: bool,
    pub(super) utf16: Option<Utf16>,
    pub(super) base64: Option<Base64>,
}

/// How the values of a line are interpreted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ValueKind {
    #[default]
    Plain,
    Exists,
    Regex {
        i: bool,
        m: bool,
        s: bool,
    },
    Cidr,
    Compare(Bound),
    /// A part of a time; without a bound, it is equal.
    Time(TimePart, Option<Bound>),
    FieldRef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base64 {
    Whole,
    Offset,
}

/// Reads one line of a selection. A key without a field name searches keywords.
pub fn test(entry: &Entry, context: &mut Context<'_>) -> Option<Test> {
    let is_map = |node: &Node| node.as_map().is_some();
    if is_map(&entry.node)
        || entry
            .node
            .as_seq()
            .is_some_and(|nodes| nodes.iter().any(is_map))
    {
        return element(entry, context);
    }
    let mut words = entry.key.split('|');
    let field = words.next().filter(|name| !name.is_empty());
    match Modifiers::parse(words, field.is_none(), entry.key_mark) {
        Ok(modifiers) => checked(field, &modifiers, &entry.node, entry.key_mark, context),
        Err(problem) => {
            context.problems.push(problem);
            None
        }
    }
}

/// Reads a line whose value is a map, or a list of maps: lines about one element of a list.
fn element(entry: &Entry, context: &mut Context<'_>) -> Option<Test> {
    let Entry {
        key,
        key_mark,
        node,
    } = entry;
    let mut refuse = |mark: Mark, message: &str, remedy: &str| {
        let problem = Problem::error(mark, message);
        context.problems.push(problem.remedy(remedy));
        None
    };
    if key.is_empty() || key.contains('|') {
        let message = "a map is expected only after the name of a field without modifiers";
        return refuse(
            *key_mark,
            message,
            "write modifiers in the lines of the map",
        );
    }
    let maps = node.as_seq().unwrap_or(std::slice::from_ref(node));
    let mut groups = Vec::new();
    for map in maps {
        let entries = map.as_map().unwrap_or_default();
        if entries.is_empty() {
            let message = "lines about an element are a map";
            return refuse(
                map.mark,
                message,
                "write `field: {name: value, other: value}`",
            );
        }
        let mut lines = Vec::new();
        for line in entries {
            if line.key.is_empty() || line.key.starts_with('|') {
                return refuse(
                    line.key_mark,
                    "a line about an element needs a field name",
                    "write the name of a field of the element before the modifier",
                );
            }
            if line.node.as_map().is_some() {
                let message = "a map within lines about an element";
                let remedy = "write the names with a dot, as in `policy.name: x`";
                return refuse(line.key_mark, message, remedy);
            }
            lines.push(Entry {
                key: format!("{key}.{}", line.key),
                ..line.clone()
            });
        }
        groups.push(lines);
    }
    let mut read = |lines: Vec<Entry>| {
        let lines = lines.iter().map(|line| {
            let test = test(line, context)?;
            if let Check::Field(_) = test.check {
                let problem = Problem::error(test.mark, "`fieldref` in a line about an element");
                let remedy = "write it outside of the map, with the whole name of the field";
                context.problems.push(problem.remedy(remedy));
                return None;
            }
            Some(test)
        });
        // All lines are read, so that each problem is reported.
        lines
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()
    };
    let groups: Vec<Option<Vec<Test>>> = groups.into_iter().map(&mut read).collect();
    Some(Test {
        field: Some(key.clone()),
        check: Check::Element(ElementLines {
            depth: key.split('.').count(),
            groups: groups.into_iter().collect::<Option<_>>()?,
        }),
        negated: false,
        mark: *key_mark,
    })
}

/// Reads a list of keywords: one of them must be in any string of the event.
pub fn keywords(values: &Node, context: &mut Context<'_>) -> Option<Test> {
    checked(None, &Modifiers::default(), values, values.mark, context)
}

fn checked(
    field: Option<&str>,
    modifiers: &Modifiers,
    node: &Node,
    mark: Mark,
    context: &mut Context<'_>,
) -> Option<Test> {
    let before = context.problems.len();
    let check = modifiers.check(node, field.is_none(), mark, context);
    let sound = context.problems[before..].iter().all(Problem::is_warning);
    let check = check.filter(|_| sound)?;
    Some(Test {
        field: field.map(str::to_owned),
        check,
        negated: modifiers.neq,
        mark,
    })
}

impl Modifiers {
    fn parse<'a>(
        words: impl Iterator<Item = &'a str>,
        keywords: bool,
        mark: Mark,
    ) -> Result<Modifiers, Problem> {
        let mut modifiers = Modifiers::default();
        let mut seen: Vec<&str> = Vec::new();
        for word in words {
            if seen.contains(&word) {
                let message = format!("modifier `{word}` is repeated");
                return Err(Problem::error(mark, message).remedy("write it once"));
            }
            modifiers.apply(word, mark)?;
            seen.push(word);
        }
        match modifiers.conflict(&seen, keywords) {
            Some((message, remedy)) => Err(Problem::error(mark, message).remedy(remedy)),
            None => Ok(modifiers),
        }
    }

    fn apply(&mut self, word: &str, mark: Mark) -> Result<(), Problem> {
        match word {
            "all" => self.all = true,
            "neq" => self.neq = true,
            "cased" => self.cased = true,
            "windash" => self.windash = true,
            "expand" => self.expand = true,
            "contains" => return self.relate(Relation::Contains, mark),
            "startswith" => return self.relate(Relation::StartsWith, mark),
            "endswith" => return self.relate(Relation::EndsWith, mark),
            "exists" => return self.set_kind(ValueKind::Exists, mark),
            "cidr" => return self.set_kind(ValueKind::Cidr, mark),
            "fieldref" => return self.set_kind(ValueKind::FieldRef, mark),
            "lt" => return self.compare(Bound::Less, mark),
            "lte" => return self.compare(Bound::AtMost, mark),
            "gt" => return self.compare(Bound::Greater, mark),
            "gte" => return self.compare(Bound::AtLeast, mark),
            "re" => {
                let (i, m, s) = (false, false, false);
                return self.set_kind(ValueKind::Regex { i, m, s }, mark);
            }
            "i" | "m" | "s" => match &mut self.kind {
                ValueKind::Regex { i, m, s } => {
                    *i |= word == "i";
                    *m |= word == "m";
                    *s |= word == "s";
                }
                _ => {
                    let problem =
                        Problem::error(mark, format!("modifier `{word}` must follow `re`"));
                    return Err(problem.remedy(format!("write `|re|{word}`")));
                }
            },
            "utf16le" | "wide" => return self.encode_utf16(Utf16::Little, mark),
            "utf16be" => return self.encode_utf16(Utf16::Big, mark),
            "utf16" => return self.encode_utf16(Utf16::Marked, mark),
            "base64" => return self.encode_base64(Base64::Whole, mark),
            "base64offset" => return self.encode_base64(Base64::Offset, mark),
            word => match TimePart::parse(word) {
                Some(part) => return self.time_part(part, mark),
                None => return Err(unknown(word, mark)),
            },
        }
        Ok(())
    }

    fn relate(&mut self, relation: Relation, mark: Mark) -> Result<(), Problem> {
        match self.relation.replace(relation) {
            None => Ok(()),
            Some(_) => {
                let message = "only one of `contains`, `startswith` and `endswith` is allowed";
                Err(Problem::error(mark, message).remedy(ONE_OF_TWO))
            }
        }
    }

    /// A bound for the value, or for the part of a time that the modifier before it names.
    fn compare(&mut self, bound: Bound, mark: Mark) -> Result<(), Problem> {
        if let ValueKind::Time(part, None) = self.kind {
            self.kind = ValueKind::Time(part, Some(bound));
            return Ok(());
        }
        self.set_kind(ValueKind::Compare(bound), mark)
    }

    fn time_part(&mut self, part: TimePart, mark: Mark) -> Result<(), Problem> {
        if let ValueKind::Compare(_) = self.kind {
            let word = part.as_str();
            let problem = Problem::error(mark, format!("`{word}` after a comparison"));
            return Err(problem.remedy(format!("write it before, as in `|{word}|gte`")));
        }
        self.set_kind(ValueKind::Time(part, None), mark)
    }

    fn set_kind(&mut self, kind: ValueKind, mark: Mark) -> Result<(), Problem> {
        if self.kind != ValueKind::Plain {
            let message = "only one of `re`, `cidr`, `exists`, `fieldref`, `lt`, `lte`, `gt`, `gte` \
                           and the parts of a time is allowed";
            return Err(Problem::error(mark, message).remedy(ONE_OF_TWO));
        }
        self.kind = kind;
        Ok(())
    }

    fn encode_utf16(&mut self, order: Utf16, mark: Mark) -> Result<(), Problem> {
        if self.base64.is_some() || self.utf16.is_some() || self.relation.is_some() {
            let message =
                "only one UTF-16 encoding is allowed, and only before `base64` and `contains`";
            let remedy = "write them in this order: `|utf16le|base64offset|contains`";
            return Err(Problem::error(mark, message).remedy(remedy));
        }
        self.utf16 = Some(order);
        Ok(())
    }

    fn encode_base64(&mut self, base64: Base64, mark: Mark) -> Result<(), Problem> {
        if self.base64.is_some() || self.relation.is_some() {
            let message =
                "only one of `base64` and `base64offset` is allowed, and only before `contains`";
            let remedy = "write them in this order: `|base64offset|contains`";
            return Err(Problem::error(mark, message).remedy(remedy));
        }
        self.base64 = Some(base64);
        Ok(())
    }

    /// A message and a remedy if modifiers cannot be combined.
    fn conflict(&self, seen: &[&str], keywords: bool) -> Option<(String, &'static str)> {
        let time;
        let allowed: &[&str] = match self.kind {
            ValueKind::Plain => &SUPPORTED,
            ValueKind::Exists => &["exists"],
            ValueKind::Regex { .. } => &["re", "i", "m", "s", "all", "neq"],
            ValueKind::Cidr => &["cidr", "expand", "all", "neq"],
            ValueKind::Compare(_) => &["lt", "lte", "gt", "gte", "all", "neq"],
            ValueKind::Time(part, _) => {
                time = [part.as_str(), "lt", "lte", "gt", "gte", "neq"];
                &time
            }
            ValueKind::FieldRef => &[
                "fieldref",
                "contains",
                "startswith",
                "endswith",
                "cased",
                "all",
                "neq",
            ],
        };
        if let Some(other) = seen.iter().find(|word| !allowed.contains(word)) {
            let kind = allowed[0];
            let message = format!("modifier `{other}` cannot be combined with `{kind}`");
            return Some((message, ONE_OF_TWO));
        }
        if self.utf16.is_some() && self.base64.is_none() {
            let message = "a UTF-16 encoding needs `base64` or `base64offset` after it: the strings \
                           of an event are text";
            return Some((message.to_owned(), "write `|utf16le|base64offset|contains`"));
        }
        let about_fields = !matches!(self.kind, ValueKind::Plain | ValueKind::Regex { .. });
        if keywords && (about_fields || self.neq) {
            let message = "this modifier needs a field name; keywords have none";
            return Some((message.to_owned(), "write the name of a field before it"));
        }
        None
    }
}

fn unknown(word: &str, mark: Mark) -> Problem {
    let problem = Problem::error(mark, format!("unknown modifier `{word}`"));
    match nearest(word, SUPPORTED) {
        Some(known) => problem.remedy(format!("did you mean `{known}`?")),
        None => problem.remedy(format!(
            "the supported modifiers are: {}",
            SUPPORTED.join(", ")
        )),
    }
}
