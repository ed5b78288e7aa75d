//! Settings: a member with a value, an object that names a setting beside its value, or a text such as
//! `retention.ms=1000`. Rules know them by one name, whatever the shape.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::fact::{GiveFact, NAME, OPERATION, VALUE, Visited};
use super::names::{self, Name, folded, is_of_kafka};
use super::object::Object;
use super::reading::{Place, Reader};
use super::text::{names_alone, pairs};
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

/// An object that names more settings, and holds more values, has one element with all of them in place of one for each
/// value, but for settings whose names are known, of which there are no more.
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

    /// Gives so many names with the values beside them, in time that is proportional to both: each value with all names if
    /// there are few values, or else one element with all.
    fn crowd(&mut self, object: Object<'_, '_>, holding: Holding, settings: &[&str]) -> Visited {
        let mut texts = Vec::new();
        values(object, holding, &mut |value| {
            texts.extend(value.text().map(Cow::into_owned));
            ControlFlow::Continue(())
        })?;
        let values = texts.iter().map(|text| (VALUE, Value::String(text)));
        let names = settings.iter().map(|name| (NAME, Value::String(name)));
        let all: Vec<_> = names.chain(values.clone()).collect();
        if texts.len() > MOST_NAMES {
            return (self.give)(&all);
        }
        let names = &all[..settings.len()];
        values.into_iter().try_for_each(|value| {
            let fact: Vec<_> = names.iter().copied().chain([value]).collect();
            (self.give)(&fact)
        })
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
        let mut seen: HashSet<String> = settings.iter().cloned().collect();
        for (name, member) in object.members() {
            let name = folded(&name);
            // A list is of settings of its own.
            if object.is_array(member) && !is(&NAMING, &name) {
                continue;
            }
            let _ = object.scalars(member, &mut |value| {
                let named = value.text().and_then(|text| named(&name, &text, has_value));
                settings.extend(named.filter(|named| seen.insert(named.clone())));
                ControlFlow::Continue(())
            });
        }
        if settings.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let holding = match has_value {
            true => Holding::Value,
            false if settings.iter().any(|setting| is_of_kafka(setting)) => Holding::Any,
            false => Holding::Switch,
        };
        let done = operations(object);
        if settings.len() > MOST_NAMES {
            self.crowd(object, holding, &settings)?;
            settings.retain(|setting| names::named(setting).is_some());
        }
        let mut found = false;
        values(object, holding, &mut |value| {
            found = true;
            for operation in done.beside(value) {
                self.setting(&settings, Some(value), operation)?;
            }
            ControlFlow::Continue(())
        })?;
        match found {
            true => ControlFlow::Continue(()),
            false => self.setting(&settings, None, done.said),
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

/// Visits the values of an object in the place of a value: `{"org.example.Text": "1000"}`.
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

/// What is done to a setting.
struct Done {
    /// What is said; only if all that is said says so, it is deleted.
    said: Option<&'static str>,
    /// Whether Kafka's own name for the operation says so.
    is_certain: bool,
}

impl Done {
    /// What may be done to a setting that has this value: another program may not know the name by which it is said that
    /// it is deleted.
    fn beside(&self, value: Value<'_>) -> impl Iterator<Item = Option<&'static str>> {
        let is_doubtful =
            self.said == Some(DELETE) && !self.is_certain && !matches!(value, Value::Null);
        let other = is_doubtful.then_some(Some(SET));
        std::iter::once(self.said).chain(other)
    }
}

fn operations(object: Object<'_, '_>) -> Done {
    let mut done = Done {
        said: None,
        is_certain: false,
    };
    for (name, member) in object.members() {
        let name = folded(&name);
        if !is(&OPERATIONS, &name) {
            continue;
        }
        let _ = object.scalars(member, &mut |value| {
            let word = value.text().map(|text| folded(&text));
            let told = match word.as_deref() {
                Some("delete" | "1") => DELETE,
                Some("append" | "2") => APPEND,
                Some("subtract" | "3") => SUBTRACT,
                _ => SET,
            };
            done.is_certain |= matches!(name.as_str(), "operation" | "configoperation");
            if done.said.is_none_or(|before| before == DELETE) {
                done.said = Some(told);
            }
            ControlFlow::Continue(())
        });
    }
    done
}

/// What may be done to a setting.
pub(super) const DONE: [&str; 4] = [SET, DELETE, APPEND, SUBTRACT];

/// The operations that change a list of values.
const APPEND: &str = "APPEND";
const SUBTRACT: &str = "SUBTRACT";

/// The operation that sets a setting back to its default.
const DELETE: &str = "DELETE";

/// The operation that gives a setting a value.
const SET: &str = "SET";
