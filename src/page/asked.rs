//! What a reader asks of the page, as it stands in the URL: conditions, columns, and where the next rows begin. The same
//! URL gives the same page, so it can be shared and kept.

use std::fmt::Write;
use std::str::FromStr;

use super::chosen_columns::PageColumn;
use super::span_text::{self, Clock};
use crate::query::PastTime;
use crate::query::archive::{Attribute, Before, TEXT, Wanted};
use crate::view::At;

/// The parameter of a filter in the syntax of rules.
const WHERE: &str = "where";

/// The parameter of the range of time, as a person writes it.
pub(super) const WHEN: &str = "when";

/// The parameters of the beginning and the end of the range.
const FROM: &str = "from";
pub(super) const TO: &str = "to";

/// The parameter of the columns.
pub(super) const COLUMNS: &str = "columns";

/// The parameter of the row before the first one.
const BEFORE: &str = "before";

/// The parameters of a condition that is added by the form.
pub(super) const ADDED: (&str, &str) = ("add", "value");

/// Most conditions of one question, so that the work of a request is bounded.
const MOST_CONDITIONS: usize = 64;

/// What a reader asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Conditions, in the order in which they were given: the name of an attribute, `text` or `where`, and the value.
    conditions: Vec<(&'static str, String)>,
    /// The range of time as it was written: a text such as `3d`, or a beginning and an end.
    when: String,
    from: String,
    to: String,
    /// The columns, if the reader has chosen some.
    columns: Vec<PageColumn>,
    /// Where the rows begin.
    before: Option<Cursor>,
    /// Whether the URL is one that the form has made and not the one to share.
    is_form: bool,
    faults: Vec<Fault>,
}

/// A part of what is asked that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The parameter.
    pub name: &'static str,
    /// What was written.
    pub value: String,
    /// What is wrong, and the remedy; empty where the parameter cannot have such a value.
    pub message: String,
}

/// The row after which the next rows begin: its time and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub Before);

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (time_us, at) = text.split_once(',').ok_or(())?;
        let at: At = at.parse().map_err(|_| ())?;
        Ok(Cursor(Before {
            time_us: time_us.parse().map_err(|_| ())?,
            topic: at.topic,
            partition: at.partition,
            offset: at.offset,
        }))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cursor(Before {
            time_us,
            topic,
            partition,
            offset,
        }) = self;
        write!(f, "{time_us},{topic}/{partition}@{offset}")
    }
}

impl Asked {
    /// Reads the query of a URL. What is none is kept as a fault.
    pub fn of_query(query: &str) -> Asked {
        let mut asked = Asked::default();
        let (mut added, mut value) = (None, None);
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let text = text.trim();
            match &*name {
                name if name == ADDED.0 => added = Some(text.to_owned()),
                name if name == ADDED.1 => value = Some(text.to_owned()),
                _ if text.is_empty() => asked.is_form = true,
                WHEN => asked.when = text.to_owned(),
                FROM => asked.from = text.to_owned(),
                TO => asked.to = text.to_owned(),
                COLUMNS => asked.choose_columns(text),
                BEFORE => match text.parse() {
                    Ok(cursor) => asked.before = Some(cursor),
                    Err(()) => asked.fault(BEFORE, text, ""),
                },
                name => asked.condition(name, text),
            }
        }
        if added.is_some() || value.is_some() {
            asked.is_form = true;
        }
        if let (Some(name), Some(value)) = (added, value.filter(|value| !value.is_empty())) {
            asked.condition(&name, &value);
        }
        asked
    }

    fn condition(&mut self, name: &str, value: &str) {
        // Parameters of other parts of the page are theirs.
        let Some(name) = condition_name(name) else {
            return;
        };
        let condition = (name, value.to_owned());
        if self.conditions.len() >= MOST_CONDITIONS {
            self.fault(name, value, "");
        } else if !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    fn choose_columns(&mut self, text: &str) {
        for word in text.split(',').filter(|word| !word.is_empty()) {
            match PageColumn::of_name(word) {
                Some(column) if self.columns.contains(&column) => {}
                Some(column) => self.columns.push(column),
                None => self.fault(COLUMNS, word, ""),
            }
        }
    }

    fn fault(&mut self, name: &'static str, value: &str, message: &str) {
        self.faults.push(Fault {
            name,
            value: value.to_owned(),
            message: message.to_owned(),
        });
    }

    /// Whether the reader is to be sent to [`Asked::query`], which is the URL to share.
    pub fn is_form(&self) -> bool {
        self.is_form
    }

    /// The conditions, each with the name of its parameter.
    pub fn conditions(&self) -> &[(&'static str, String)] {
        &self.conditions
    }

    /// The range of time as a person wrote it.
    pub fn when(&self) -> String {
        match (&*self.when, &*self.from, &*self.to) {
            ("", "", "") => String::new(),
            ("", from, "") => from.to_owned(),
            ("", "", to) => format!("until {to}"),
            ("", from, to) => format!("{from} to {to}"),
            (when, _, _) => when.to_owned(),
        }
    }

    /// The columns to show.
    pub fn columns(&self) -> &[PageColumn] {
        match self.columns.is_empty() {
            true => PageColumn::DEFAULT,
            false => &self.columns,
        }
    }

    /// Whether the reader has chosen the columns.
    pub fn has_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Where the rows begin; `None` for the newest.
    pub fn before(&self) -> Option<&Before> {
        self.before.as_ref().map(|cursor| &cursor.0)
    }

    /// The question as the query library takes it; `3d` and `Tuesday` refer to the clock.
    ///
    /// # Errors
    /// Parts of it are none.
    pub fn wanted(&self, clock: Clock<'_>) -> Result<Wanted, Vec<Fault>> {
        let mut faults = self.faults.clone();
        let mut wanted = Wanted::default();
        let mut time = |name, text: &str| match text {
            "" => None,
            text => match text.parse::<PastTime>() {
                Ok(time) => Some(time),
                Err(error) => {
                    faults.push(Fault {
                        name,
                        value: text.to_owned(),
                        message: error.to_string(),
                    });
                    None
                }
            },
        };
        wanted.from = time(FROM, &self.from);
        wanted.to = time(TO, &self.to);
        if !self.when.is_empty() {
            match span_text::read(&self.when, clock) {
                Some((from, to)) => {
                    wanted.from = from.map(PastTime::At);
                    wanted.to = to.map(PastTime::At);
                }
                None => faults.push(Fault {
                    name: WHEN,
                    value: self.when.clone(),
                    message: String::new(),
                }),
            }
        }
        for (name, value) in &self.conditions {
            match attribute(name) {
                _ if *name == TEXT => wanted.texts.push(value.clone()),
                _ if *name == WHERE => wanted.filters.push((WHERE.to_owned(), value.clone())),
                Some(attribute) => {
                    let mut known = wanted.attributes.iter_mut();
                    match known.find(|(known, _)| *known == attribute) {
                        Some((_, patterns)) => patterns.push(value.clone()),
                        None => wanted.attributes.push((attribute, vec![value.clone()])),
                    }
                }
                None => {}
            }
        }
        match faults.is_empty() {
            true => Ok(wanted),
            false => Err(faults),
        }
    }

    /// The query of the URL of this question.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs() {
            query.append_pair(name, &value);
        }
        query.finish()
    }

    /// The parameters, but for where the rows begin.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.conditions.clone();
        let times = [(WHEN, &self.when), (FROM, &self.from), (TO, &self.to)];
        let times = times.into_iter().filter(|(_, text)| !text.is_empty());
        pairs.extend(times.map(|(name, text)| (name, text.clone())));
        if !self.columns.is_empty() {
            let mut names = String::new();
            for column in &self.columns {
                let comma = if names.is_empty() { "" } else { "," };
                // Writing into a string does not fail.
                let _ = write!(names, "{comma}{}", column.name());
            }
            pairs.push((COLUMNS, names));
        }
        if let Some(before) = &self.before {
            pairs.push((BEFORE, before.to_string()));
        }
        pairs
    }

    /// The same with one more condition, from the newest row on.
    pub fn and(&self, name: &'static str, value: &str) -> Asked {
        let mut asked = self.newest();
        asked.condition(name, value);
        asked
    }

    /// The same without one of its conditions.
    pub fn without(&self, number: usize) -> Asked {
        let mut asked = self.newest();
        asked.conditions.remove(number);
        asked
    }

    /// The same in this range of time.
    pub fn within(&self, from: &str, to: &str) -> Asked {
        Asked {
            when: String::new(),
            from: from.to_owned(),
            to: to.to_owned(),
            ..self.newest()
        }
    }

    /// The same in a range of time that a person would write.
    pub fn in_span(&self, when: &str) -> Asked {
        Asked {
            when: when.to_owned(),
            ..self.within("", "")
        }
    }

    /// The same with a column more or less.
    pub fn toggled(&self, column: PageColumn) -> Asked {
        let mut columns = self.columns().to_vec();
        match columns.iter().position(|shown| *shown == column) {
            Some(at) if columns.len() > 1 => _ = columns.remove(at),
            Some(_) => {}
            None => columns.push(column),
        }
        let mut asked = self.clone();
        asked.columns = if columns == PageColumn::DEFAULT {
            Vec::new()
        } else {
            columns
        };
        asked
    }

    /// The rows after this one.
    pub fn after(&self, row: Before) -> Asked {
        Asked {
            before: Some(Cursor(row)),
            ..self.clone()
        }
    }

    /// The same from the newest row on.
    pub fn newest(&self) -> Asked {
        Asked {
            before: None,
            is_form: false,
            ..self.clone()
        }
    }
}

/// The name of a parameter that is a condition.
fn condition_name(name: &str) -> Option<&'static str> {
    let others = [TEXT, WHERE].into_iter();
    let mut known = Attribute::ALL.iter().map(|of| of.name()).chain(others);
    known.find(|known| *known == name)
}

/// The attribute that a condition of this name is about.
fn attribute(name: &str) -> Option<Attribute> {
    Attribute::ALL.into_iter().find(|of| of.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    fn epoch() -> Clock<'static> {
        let now = Timestamp::UNIX_EPOCH;
        let zone = const { &TimeZone::UTC };
        Clock { now, zone }
    }

    #[test]
    fn a_question_is_its_url() {
        let query = "actor=jane%40example.com&operation=Delete*&operation=Create*&text=a+%26+b&when=3d\
                     &columns=time%2Cactor&before=1764504000000000%2Cwatchbell.events%2F0%4012";
        let asked = Asked::of_query(query);
        assert_eq!(asked.query(), query);
        assert!(!asked.is_form());
        let wanted = asked.wanted(epoch()).unwrap();
        let patterns = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(
            wanted.attributes,
            [
                (Attribute::Actor, patterns(&["jane@example.com"])),
                (Attribute::Operation, patterns(&["Delete*", "Create*"])),
            ]
        );
        assert_eq!(wanted.texts, ["a & b"]);
        assert_eq!(asked.before().unwrap().offset, 12);
    }

    #[test]
    fn a_form_leads_to_the_url_to_share() {
        let asked = Asked::of_query("text=&when=&actor=jane&add=service&value=flink");
        assert!(asked.is_form());
        assert_eq!(asked.query(), "actor=jane&service=flink");
        let again = Asked::of_query("actor=jane&actor=jane&add=actor&value=jane");
        assert_eq!(again.query(), "actor=jane");
        let asked = asked.without(0);
        assert_eq!(asked.query(), "service=flink");
        assert!(!asked.is_form());
    }

    #[test]
    fn a_beginning_and_an_end_read_as_a_person_writes_them() {
        let (from, to) = ("2026-09-10T00:00:00Z", "2026-09-11T12:30:00Z");
        for (from, to, text) in [
            (from, to, format!("{from} to {to}")),
            (from, "", from.to_owned()),
            ("", to, format!("until {to}")),
        ] {
            let asked = Asked::default().within(from, to);
            assert_eq!(asked.when(), text);
            let (asked, written) = (asked.wanted(epoch()), Asked::default().in_span(&text));
            let (asked, written) = (asked.unwrap(), written.wanted(epoch()).unwrap());
            assert_eq!((asked.from, asked.to), (written.from, written.to));
        }
    }

    #[test]
    fn what_is_no_question_is_named() {
        let asked = Asked::of_query("when=someday&from=tomorrow&columns=time,shape&before=x");
        let faults = asked.wanted(epoch()).unwrap_err();
        let named: Vec<_> = faults.iter().map(|f| (f.name, &*f.value)).collect();
        assert_eq!(
            named,
            [
                ("columns", "shape"),
                ("before", "x"),
                ("from", "tomorrow"),
                ("when", "someday")
            ]
        );
    }

    #[test]
    fn many_conditions_are_bounded() {
        let query: String = (0..1_000).map(|n| format!("actor={n}&")).collect();
        let asked = Asked::of_query(&query);
        assert_eq!(asked.conditions().len(), MOST_CONDITIONS);
        assert!(asked.wanted(epoch()).is_err());
    }
}
