//! Reads routes from the configuration: a list of maps.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{RecordKey, Route, RouteAction, RouteOutput};
use super::routes::Routes;
use super::shape::{EventShape, FieldName};
use crate::diagnostic::{Mark, Problem};
use crate::event::Path;
use crate::sigma::{self, Detection, Placeholders};
use crate::yaml::{Entry, Node, Value as Yaml};

/// The most routes.
pub const MAX_ROUTES: usize = 100;

/// The keys of a route.
const KEYS: [&str; 7] = ["name", "when", "to", "drop", "shape", "key", "continue"];

/// The beginnings of names that the built-in routes have.
const RESERVED: [&str; 2] = ["default", "noise"];

/// Everything that is wrong in a list of routes, with line and column.
pub fn check(node: &Node) -> Vec<Problem> {
    read(node).1
}

/// The routes of a list, and everything that is wrong in it; if something is, no route.
pub fn read(node: &Node) -> (Routes, Vec<Problem>) {
    let mut reader = Reader::default();
    let elements: &[Node] = match &node.value {
        Yaml::Seq(elements) => elements,
        Yaml::Null => &[],
        other => {
            let message = format!("a list of routes is expected, not {}", other.kind());
            let problem = Problem::error(node.mark, message);
            reader.problems.push(problem.remedy(EXAMPLE));
            &[]
        }
    };
    if elements.len() > MAX_ROUTES {
        let message = format!("there are more than {MAX_ROUTES} routes");
        let problem = Problem::error(elements[MAX_ROUTES].mark, message);
        let remedy = "let one route with a longer condition do what several do";
        reader.problems.push(problem.remedy(remedy));
    }
    let elements = elements.iter().take(MAX_ROUTES);
    let routes = elements.filter_map(|element| reader.route(element));
    let compiled = Routes::new(routes.collect());
    let routes = compiled.unwrap_or_else(|unknown| {
        reader.problems.extend(unknown);
        Routes::default()
    });
    let dropping = |route: &&Route| matches!(route.action, RouteAction::Drop);
    for route in routes.all().iter().filter(dropping) {
        if route.when.is_none() {
            let message = format!(
                "the route `{}` drops every event that reaches it",
                route.name
            );
            let problem = Problem::warning(route.mark, message);
            let remedy = "say with `when` which events it drops";
            reader.problems.push(problem.remedy(remedy));
        }
    }
    for (route, earlier) in routes.unreachable() {
        let message = format!(
            "no event reaches the route `{}`: `{}` decides all of its events",
            route.name, earlier.name
        );
        let problem = Problem::warning(route.mark, message);
        let remedy = "move it up, or write `continue: true` in the other one";
        reader.problems.push(problem.remedy(remedy));
    }
    reader.problems.sort_by_key(|problem| problem.mark);
    match reader.problems.iter().all(Problem::is_warning) {
        true => (routes, reader.problems),
        false => (Routes::default(), reader.problems),
    }
}

const EXAMPLE: &str =
    "write `routes: [{name: flink, when: {api.service.name: flink}, to: team.flink.events}]`";

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    /// The lines of the names.
    names: HashMap<String, Mark>,
}

impl Reader {
    fn refuse<T>(&mut self, mark: Mark, message: impl Into<String>, remedy: &str) -> Option<T> {
        let problem = Problem::error(mark, message);
        self.problems.push(problem.remedy(remedy));
        None
    }

    fn route(&mut self, node: &Node) -> Option<Route> {
        let Some(entries) = node.as_map() else {
            let message = format!("a route is a map, not {}", node.value.kind());
            return self.refuse(node.mark, message, EXAMPLE);
        };
        for entry in entries.iter().filter(|entry| !KEYS.contains(&&*entry.key)) {
            let remedy = match crate::diagnostic::nearest(&entry.key, KEYS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of a route are: {}", KEYS.join(", ")),
            };
            let message = format!("unknown key `{}`", entry.key);
            self.refuse::<()>(entry.key_mark, message, &remedy);
        }
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key);
        let name = self.name(node, entry("name"));
        let when = entry("when").map(|entry| self.when(&entry.node));
        let action = self.action(node);
        let continues = entry("continue").map(|entry| self.flag(&entry.node));
        if let (Some(RouteAction::Drop), Some(entry)) = (&action, entry("continue")) {
            let message = "a route that drops cannot continue";
            self.refuse::<()>(entry.key_mark, message, "leave `continue` out");
        }
        Some(Route {
            name: name?,
            mark: node.mark,
            when: match when {
                Some(when) => Some(when?),
                None => None,
            },
            action: action?,
            continues: continues.unwrap_or(Some(false))?,
        })
    }

    fn name(&mut self, route: &Node, entry: Option<&Entry>) -> Option<Arc<str>> {
        let remedy = "name it after what it is for, such as `name: flink`";
        let Some(entry) = entry else {
            return self.refuse(route.mark, "a route without a name", remedy);
        };
        let mark = entry.node.mark;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let name = entry.node.as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_allowed) {
            let message =
                "a route's name is made of letters, digits, `.`, `_` and `-`, 100 at most";
            return self.refuse(mark, message, remedy);
        }
        if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
            let message = format!("`{name}` begins like the name of a built-in route");
            return self.refuse(mark, message, remedy);
        }
        if let Some(first) = self.names.insert(name.to_owned(), mark) {
            let message = format!("the route in line {} is named `{name}`, too", first.line);
            return self.refuse(mark, message, "give each route a name of its own");
        }
        Some(name.into())
    }

    /// A detection, or one selection of it.
    fn when(&mut self, node: &Node) -> Option<Detection> {
        let placeholders = Placeholders::unsupported(
            "a route has no placeholders",
            "write the values themselves, without `expand`",
        );
        let whole = match node.entry("condition") {
            Some(_) => node,
            None => &sigma::detection_of(node.clone()),
        };
        sigma::detection_with(whole, &placeholders, &mut self.problems)
    }

    fn action(&mut self, route: &Node) -> Option<RouteAction> {
        let of = |key: &str| route.as_map()?.iter().find(|entry| entry.key == key);
        match (of("to"), of("drop")) {
            (Some(to), None) => {
                let topic = self.topic(&to.node);
                let shape = of("shape").map(|entry| self.shape(&entry.node));
                let key = of("key").map(|entry| self.key(&entry.node));
                let shape = shape.unwrap_or_else(|| Some(EventShape::default()))?;
                let default_key = match shape {
                    EventShape::Raw => RecordKey::Source,
                    _ => RecordKey::default(),
                };
                Some(RouteAction::Write(RouteOutput {
                    topic: topic?,
                    shape,
                    key: key.unwrap_or(Some(default_key))?,
                }))
            }
            (None, Some(drop)) => {
                if self.flag(&drop.node)? {
                    for entry in ["shape", "key"].into_iter().filter_map(of) {
                        let message = format!("a route that drops has no `{}`", entry.key);
                        self.refuse::<()>(entry.key_mark, message, "leave it out");
                    }
                    return Some(RouteAction::Drop);
                }
                let remedy = "write `to: <topic>`, or `drop: true`";
                self.refuse(drop.node.mark, "a route that does nothing", remedy)
            }
            (Some(_), Some(drop)) => {
                let message = "a route writes to a topic or drops, not both";
                self.refuse(drop.key_mark, message, "keep `to` or `drop`")
            }
            (None, None) => {
                let remedy = "write `to: <topic>`, or `drop: true`";
                self.refuse(
                    route.mark,
                    "a route without `to` and without `drop`",
                    remedy,
                )
            }
        }
    }

    /// The name of a topic, as Kafka allows it.
    fn topic(&mut self, node: &Node) -> Option<Arc<str>> {
        match node.as_str() {
            Some(name) if is_topic_name(name) && !name.starts_with("__") => Some(name.into()),
            Some(name) if name.starts_with("__") => {
                let message = format!("{name} is a topic of Kafka's own");
                self.refuse(node.mark, message, "name another topic")
            }
            None => {
                let message = format!("a topic's name is a string, not {}", node.value.kind());
                self.refuse(node.mark, message, "quote it")
            }
            Some(_) => {
                let message = "this is no name of a topic";
                let remedy = "Kafka allows letters, digits, `.`, `_` and `-`, 249 at most";
                self.refuse(node.mark, message, remedy)
            }
        }
    }

    fn shape(&mut self, node: &Node) -> Option<EventShape> {
        let remedy = "write full, lean, raw, or `{fields: [actor.user.uid, api.operation]}`";
        let words = ["full", "lean", "raw"];
        match node.as_str() {
            Some("full") => return Some(EventShape::Full),
            Some("lean") => return Some(EventShape::Lean),
            Some("raw") => return Some(EventShape::Raw),
            Some(word) => {
                let near = crate::diagnostic::nearest(word, words);
                let near = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("`{word}` is no shape");
                return self.refuse(node.mark, message, near.as_deref().unwrap_or(remedy));
            }
            None => {}
        }
        let fields = match node.as_map() {
            Some([fields]) if fields.key == "fields" => &fields.node,
            _ => return self.refuse(node.mark, "this is no shape", remedy),
        };
        let names = fields.as_seq().unwrap_or_default();
        if names.is_empty() {
            return self.refuse(fields.mark, "a list of fields is expected", remedy);
        }
        let mut read = Vec::new();
        for name in names {
            match FieldName::parse(name.as_str().unwrap_or_default(), name.mark) {
                Ok(field) => read.push(field),
                Err(problem) => self.problems.push(problem),
            }
        }
        (read.len() == names.len()).then_some(EventShape::Fields(read))
    }

    fn key(&mut self, node: &Node) -> Option<RecordKey> {
        let remedy = "write actor, source, none, or a field such as `resources.uid`";
        let text = match node.as_str() {
            None => return self.refuse(node.mark, "a key is a word or a field", remedy),
            Some("actor") => return Some(RecordKey::Actor),
            Some("source") => return Some(RecordKey::Source),
            Some("none") => return Some(RecordKey::None),
            Some(text) => text,
        };
        match Path::parse(text) {
            Ok(path) => Some(RecordKey::Field(path)),
            Err(unknown) => {
                let near = unknown
                    .suggestion
                    .map(|near| format!("did you mean `{near}`?"));
                let message = format!("unknown field `{text}`");
                self.refuse(node.mark, message, near.as_deref().unwrap_or(remedy))
            }
        }
    }

    fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Yaml::Bool(flag) => Some(flag),
            _ => self.refuse(
                node.mark,
                "true or false is expected",
                "write true or false",
            ),
        }
    }
}

/// Whether Kafka takes this for the name of a topic.
pub fn is_topic_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_long = !(1..=249).contains(&name.len());
    !is_long && name.chars().all(is_allowed) && ![".", ".."].contains(&name)
}
