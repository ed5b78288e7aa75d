//! Settings: a member with a value, an object that names a setting beside its value, or a text such as
//! `retention.ms=1000`. Rules know them by one name, whatever the shape.

use std::ops::ControlFlow;

use super::fact::{GiveFact, NAME, OPERATION, VALUE, Visited};
use super::names::{self, Name, folded, is_of_kafka};
use super::reading::{Object, Place, Reader};
use crate::json::NodeId;
use crate::sigma::Value;

/// Members that name a setting.
const NAMING: [&str; 10] = [
    "attribute",
    "configkey",
    "configname",
    "key",
    "name",
    "param",
    "parameter",
    "property",
    "propertyname",
    "setting",
];

/// Members that hold the value of the setting that another member of the object names, or whose name the object has.
const VALUES: [&str; 13] = [
    "after",
    "configvalue",
    "new",
    "newsetting",
    "newvalue",
    "propertyvalue",
    "set",
    "settingvalue",
    "stringvalue",
    "to",
    "val",
    "value",
    "values",
];

/// Members that say what is done to the setting.
const OPERATIONS: [&str; 7] = [
    "alteroperation",
    "configop",
    "configoperation",
    "op",
    "operation",
    "operationtype",
    "optype",
];

/// Members beside a setting that are not its value.
const BESIDE: [&str; 22] = [
    "before",
    "configsource",
    "default",
    "defaultvalue",
    "dryrun",
    "isdefault",
    "issensitive",
    "old",
    "oldvalue",
    "previous",
    "previousvalue",
    "readonly",
    "resource",
    "resourcename",
    "resourcetype",
    "sensitive",
    "source",
    "synonyms",
    "topic",
    "type",
    "validateonly",
    "version",
];

/// Members that hold whether a setting of one word, such as `mfa`, is on.
const SWITCHES: [&str; 8] = [
    "active",
    "enabled",
    "enforced",
    "enforcement",
    "on",
    "required",
    "state",
    "status",
];

/// Most settings that one object can name: there are no more whose names are known.
const MOST_NAMES: usize = 64;

fn is(names: &[&str], name: &str) -> bool {
    names.binary_search(&name).is_ok()
}

/// Gives the settings of a request.
pub(super) struct Settings<'g, 'f> {
    give: &'g mut GiveFact<'f>,
}

impl<'g, 'f> Settings<'g, 'f> {
    pub(super) fn new(give: &'g mut GiveFact<'f>) -> Self {
        Settings { give }
    }

    /// Gives a value of a setting that may have several names.
    fn setting(
        &mut self,
        names: &[&str],
        value: Option<Value<'_>>,
        operation: Option<&'static str>,
    ) -> Visited {
        let names = names.iter().map(|name| (NAME, Value::String(name)));
        let value = value.map(|value| (VALUE, value));
        let operation = operation.map(|operation| (OPERATION, Value::String(operation)));
        let fact: Vec<_> = names.chain(value).chain(operation).collect();
        (self.give)(&fact)
    }

    /// Settings and their values in a text: `retention.ms=1000`, `{retention.ms: [1000]`, `name=retention.ms, value=1000`.
    fn in_text(&mut self, text: &str) -> Visited {
        if let Some(alone) = names_alone(text) {
            return alone
                .into_iter()
                .try_for_each(|name| self.setting(&[name], None, None));
        }
        let mut named = None;
        for (name, value) in pairs(text) {
            let name = folded(name);
            if let Some(known) = names::known(&name) {
                // `retention.ms={value=1000}`: the value is still to come.
                match is(&VALUES, &folded(value)) {
                    true => named = Some(known),
                    false => self.setting(&[known], Some(Value::String(value)), None)?,
                }
            } else if is(&VALUES, &name) {
                if let Some(named) = named.take() {
                    self.setting(&[named], Some(Value::String(value)), None)?;
                }
            } else {
                named = names::named(value).or(named);
            }
        }
        ControlFlow::Continue(())
    }
}

impl Reader for Settings<'_, '_> {
    fn object(&mut self, names: &[Name], object: Object<'_, '_>) -> Visited {
        let has_value = object
            .members()
            .any(|(name, _)| is(&VALUES, &folded(&name)));
        let own = of_object(names).into_iter();
        let own = own.filter(|setting| has_value || is_of_kafka(setting));
        let mut settings: Vec<String> = own.map(str::to_owned).collect();
        for (name, member) in object.members() {
            let name = folded(&name);
            // A list is of settings of its own.
            if object.is_array(member) && !is(&NAMING, &name) {
                continue;
            }
            let _ = object.scalars(member, &mut |value| {
                let named = value.text().and_then(|text| named(&name, &text, has_value));
                let is_new =
                    |named: &String| !settings.contains(named) && settings.len() < MOST_NAMES;
                settings.extend(named.filter(is_new));
                ControlFlow::Break(())
            });
        }
        if settings.is_empty() {
            return ControlFlow::Continue(());
        }
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let operation = operation(object);
        let mut found = false;
        let holding = match has_value {
            true => Holding::Value,
            false if settings.iter().any(|setting| is_of_kafka(setting)) => Holding::Any,
            false => Holding::Switch,
        };
        values(object, holding, &mut |value| {
            found = true;
            self.setting(&settings, Some(value), operation)
        })?;
        match found {
            true => ControlFlow::Continue(()),
            false => self.setting(&settings, None, operation),
        }
    }

    /// A list of a name and a value.
    fn array(&mut self, _names: &[Name], array: Object<'_, '_>) -> Visited {
        let mut named = None;
        for (_, element) in array.members() {
            let text = array.text(element);
            let setting = text.and_then(|text| names::named(&text));
            let setting = setting.filter(|setting| is_of_kafka(setting));
            if let (None, Some(named)) = (setting, named.take()) {
                array.scalars(element, &mut |value| {
                    self.setting(&[named], Some(value), None)
                })?;
            }
            named = setting;
        }
        ControlFlow::Continue(())
    }

    fn value(&mut self, place: Place<'_>, value: Value<'_>) -> Visited {
        let Some((last, before)) = place.names.split_last() else {
            return match value {
                Value::String(text) => self.in_text(text),
                _ => ControlFlow::Continue(()),
            };
        };
        if last.is_for_people() {
            return ControlFlow::Continue(());
        }
        if let Value::String(text) = value {
            self.in_text(text)?;
        }
        let settings = names::settings(place.names);
        let is_of_object =
            settings.is_empty() && of_object(before).iter().any(|of| is_of_kafka(of));
        // What `object` gives, with its operation.
        if is(&VALUES, last.folded()) || is_of_object {
            return ControlFlow::Continue(());
        }
        let own = last.dotted();
        match settings.as_slice() {
            [] => self.setting(&[&own], Some(value), None),
            settings => self.setting(settings, Some(value), None),
        }
    }
}

/// The settings whose names lead to an object: `{"retention.ms": {"value": "1000"}}`.
fn of_object(names: &[Name]) -> Vec<&'static str> {
    let is_value = |name: &&Name| is(&VALUES, name.folded());
    let wrappers = names.iter().rev().take_while(is_value).count();
    names::settings(&names[..names.len() - wrappers])
}

/// The setting that a member names.
fn named(member: &str, text: &str, has_value: bool) -> Option<String> {
    let known = names::named(text);
    let is_naming = is(&NAMING, member);
    if let Some(known) = known.filter(|known| is_naming || is_of_kafka(known)) {
        return Some(known.to_owned());
    }
    let other = || Name::new(text.into()).dotted();
    (is_naming && has_value)
        .then(other)
        .filter(|name| !name.is_empty())
}

/// Which members of an object hold the value of the setting that it is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// Those that are called so.
    Value,
    /// Those that say whether it is on.
    Switch,
    /// Any that says nothing else.
    Any,
}

/// Visits the values of the setting that an object is about.
fn values(
    object: Object<'_, '_>,
    holding: Holding,
    visit: &mut dyn FnMut(Value<'_>) -> Visited,
) -> Visited {
    let is_value = |name: &str| match holding {
        Holding::Value => is(&VALUES, name),
        Holding::Switch => is(&SWITCHES, name),
        Holding::Any => {
            !is(&NAMING, name)
                && !is(&OPERATIONS, name)
                && !is(&BESIDE, name)
                && !Name::new(name.into()).is_for_people()
        }
    };
    for (name, member) in object.members() {
        let name = folded(&name);
        if !is_value(&name) {
            continue;
        }
        object.inner(member, &mut |inner| inner_values(inner, visit))?;
        object.scalars(member, &mut |value| {
            let text = value.text().unwrap_or_default();
            // Beside a value that is called so, other members say something else. The name itself is no value.
            let is_value =
                holding == Holding::Value || !matches!(value, Value::Null | Value::Composite);
            match is_value && names::named(&text).is_none() {
                true => visit(value),
                false => ControlFlow::Continue(()),
            }
        })?;
    }
    ControlFlow::Continue(())
}

/// Visits the values of an object that stands for a value: `{"string": "1000"}`.
fn inner_values(object: Object<'_, '_>, visit: &mut dyn FnMut(Value<'_>) -> Visited) -> Visited {
    if object.is_empty() {
        return visit(Value::Composite);
    }
    let is_other = |name: &str| is(&OPERATIONS, name) || is(&BESIDE, name);
    let mut members = object
        .members()
        .filter(|(name, _)| !is_other(&folded(name)));
    members.try_for_each(|(_, member): (_, NodeId)| object.scalars(member, visit))
}

/// What is done to a setting. Only if all that is said says so, it is deleted.
fn operation(object: Object<'_, '_>) -> Option<&'static str> {
    let mut operation = None;
    for (name, member) in object.members() {
        if !is(&OPERATIONS, &folded(&name)) {
            continue;
        }
        let _ = object.scalars(member, &mut |value| {
            let word = value.text().map(|text| folded(&text));
            let told = match word.as_deref() {
                Some("delete" | "1") => DELETE,
                Some("append" | "2") => "APPEND",
                Some("subtract" | "3") => "SUBTRACT",
                _ => "SET",
            };
            if operation.is_none_or(|before| before == DELETE) {
                operation = Some(told);
            }
            ControlFlow::Continue(())
        });
    }
    operation
}

/// The operation that sets a setting back to its default.
const DELETE: &str = "DELETE";

/// The settings that a text lists, if it is nothing but such a list.
fn names_alone(text: &str) -> Option<Vec<&'static str>> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '\'');
    let words = text.split(is_between).filter(|word| !word.is_empty());
    let of_kafka = |word| names::named(word).filter(|name| is_of_kafka(name));
    let names: Vec<_> = words.map(of_kafka).collect::<Option<_>>()?;
    (!names.is_empty()).then_some(names)
}

/// The names in a text that `=` or `:` follows, each with the word after it.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | '(' | '{');
    let is_end = |c: char| c.is_whitespace() || ",;&=\"'|(){}[]".contains(c);
    text.match_indices(['=', ':'])
        .filter_map(move |(at, sign)| {
            // No name or value that matters is longer; so many signs in a text take no longer than others.
            let before = last_bytes(&text[..at], 80).trim_end_matches(is_around);
            let start = before.rfind(|c| !is_part(c));
            let start = start.map_or(0, |at| {
                at + before[at..].chars().next().map_or(1, char::len_utf8)
            });
            let name = Some(&before[start..]).filter(|name| !name.is_empty())?;
            let after = first_bytes(&text[at + sign.len()..], 100).trim_start_matches(is_around);
            let end = after.find(is_end).unwrap_or(after.len());
            Some((name, &after[..end]))
        })
}

fn last_bytes(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn first_bytes(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
