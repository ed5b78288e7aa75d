//! The catalogue of one product, as its file has it.

use std::collections::BTreeSet;

use super::names::{MAX_NAME_BYTES, Names};
use super::{Access, Method, Sensitivity};
use crate::diagnostic::{Diagnostic, Problem, nearest};
use crate::event::Activity;
use crate::json::Phrase;
use crate::yaml::{self, Entry, Node, YamlReader};

/// The methods of one product.
#[derive(Debug, Clone)]
pub struct Catalog {
    product: String,
    services: BTreeSet<String>,
    methods: Vec<Method>,
    lookup: Lookup,
}

/// How a method is found; the values are indices into the methods.
#[derive(Debug, Clone)]
enum Lookup {
    /// By its name, which is unique within the product.
    ByName(Names<usize>),
    /// By the word that events have for its service, and its name, which is unique within the service.
    ByService {
        /// By such a word, the index of the service.
        words: Names<usize>,
        services: Vec<ServiceMethods>,
    },
}

/// The methods of a service.
#[derive(Debug, Clone)]
struct ServiceMethods {
    service: String,
    methods: Names<usize>,
}

impl Catalog {
    /// Reads a catalogue; `file` is its name in diagnostics.
    ///
    /// # Errors
    /// Everything wrong in it.
    pub fn parse(text: &str, file: &str) -> Result<Catalog, Vec<Diagnostic>> {
        let mut parser = Parser::default();
        let catalog = match yaml::document(text) {
            Ok(root) => parser.catalog(&root),
            Err(problem) => {
                parser.reader.report(problem);
                None
            }
        };
        match catalog {
            Some(catalog) if parser.reader.is_content() => Ok(catalog),
            _ => Err(parser.reader.into_diagnostics(file)),
        }
    }

    /// The product that a rule's `logsource` names, such as `confluent`.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// Every service, sorted.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    /// Every method, in the order of the file.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter()
    }

    /// The method of this name or alias, in a catalogue without `service_names`.
    pub fn method(&self, name: &str) -> Option<&Method> {
        match &self.lookup {
            Lookup::ByName(names) => self.methods.get(*names.get(name)?),
            Lookup::ByService { .. } => None,
        }
    }

    /// The method of this name or alias of the service that an event's word stands for, in a catalogue with
    /// `service_names`.
    pub fn method_of(&self, service_name: &str, event_name: &str) -> Option<&Method> {
        let service = self.service_methods(service_name)?;
        self.methods.get(*service.methods.get(event_name)?)
    }

    /// The service that an event's word stands for, in a catalogue with `service_names`; it is known also
    /// where the method is not.
    pub fn service_of(&self, service_name: &str) -> Option<&str> {
        let service = self.service_methods(service_name)?;
        Some(&service.service)
    }

    fn service_methods(&self, service_name: &str) -> Option<&ServiceMethods> {
        match &self.lookup {
            Lookup::ByName(_) => None,
            Lookup::ByService { words, services } => services.get(*words.get(service_name)?),
        }
    }
}

/// What the modules of a file give to their methods.
#[derive(Clone, Copy)]
struct Module<'n> {
    service: &'n str,
    name: &'n str,
    resource_type: Option<&'n str>,
}

#[derive(Default)]
struct Parser {
    reader: YamlReader,
    services: BTreeSet<String>,
    methods: Vec<Method>,
    /// Of the service that is being read, or of all services.
    names: Names<usize>,
    /// Whether names are unique within a service only.
    by_service: bool,
}

impl Parser {
    fn catalog(&mut self, root: &Node) -> Option<Catalog> {
        let keys = ["product", "service_names", "services"];
        self.reader.map_of(root, &keys);
        let product = self.required(root, "product");
        let product = product.and_then(|node| self.reader.text(node));
        let service_names = root.entry("service_names");
        self.by_service = service_names.is_some();
        let mut services = Vec::new();
        if let Some(node) = self.required(root, "services") {
            for entry in self.reader.map(node) {
                self.service(entry);
                if self.by_service {
                    services.push(ServiceMethods {
                        service: entry.key.clone(),
                        methods: std::mem::take(&mut self.names),
                    });
                }
            }
        }
        let lookup = match service_names {
            None => Lookup::ByName(std::mem::take(&mut self.names)),
            Some(node) => Lookup::ByService {
                words: self.words(node, &services),
                services,
            },
        };
        Some(Catalog {
            product: product?.to_owned(),
            services: std::mem::take(&mut self.services),
            methods: std::mem::take(&mut self.methods),
            lookup,
        })
    }

    fn service(&mut self, entry: &Entry) {
        self.services.insert(entry.key.clone());
        for module in self.reader.map(&entry.node) {
            self.module(&entry.key, module);
        }
    }

    /// The words that events have for services; every service needs one.
    fn words(&mut self, node: &Node, services: &[ServiceMethods]) -> Names<usize> {
        let mut words: Names<usize> = Names::default();
        let position = |name: &str| services.iter().position(|known| known.service == name);
        for entry in self.reader.map(node) {
            let Some(index) = position(&entry.key) else {
                let problem = Problem::error(entry.key_mark, format!("no service `{}`", entry.key));
                let names = services.iter().map(|known| known.service.as_str());
                self.reader.report(match nearest(&entry.key, names) {
                    Some(near) => problem.remedy(format!("did you mean `{near}`?")),
                    None => problem.remedy("add it to `services`, or remove it here"),
                });
                continue;
            };
            for word in self.reader.list(&entry.node) {
                let Some(text) = self.reader.text(word) else {
                    continue;
                };
                if let Err(message) = check_name(text) {
                    self.reader.report(Problem::error(word.mark, message));
                }
                if let Some(other) = words.insert(text, index) {
                    let other = &services[other].service;
                    let message = format!("`{text}` already stands for the service `{other}`");
                    let problem = Problem::error(word.mark, message);
                    self.reader.report(problem.remedy("remove one of the two"));
                }
            }
        }
        let is_nameless = |service: &&ServiceMethods| node.entry(&service.service).is_none();
        for service in services.iter().filter(is_nameless) {
            let message = format!("the service `{}` has no name in events", service.service);
            let remedy = "add a list of values of `serviceName` for it";
            self.reader
                .report(Problem::error(node.mark, message).remedy(remedy));
        }
        words
    }

    fn module(&mut self, service: &str, entry: &Entry) {
        self.reader
            .map_of(&entry.node, &["resource_type", "methods"]);
        let resource_type = entry.node.entry("resource_type");
        let module = Module {
            service,
            name: &entry.key,
            resource_type: resource_type.and_then(|node| self.reader.text(node)),
        };
        if let Some(methods) = self.required(&entry.node, "methods") {
            for method in self.reader.map(methods) {
                self.method(module, method);
            }
        }
    }

    fn method(&mut self, module: Module<'_>, entry: &Entry) {
        const KEYS: [&str; 8] = [
            "aliases",
            "activity",
            "access",
            "sensitivity",
            "grants",
            "resource_type",
            "description",
            "description_zh",
        ];
        let node = &entry.node;
        self.reader.map_of(node, &KEYS);
        let activity = self.word(
            node,
            "activity",
            &[
                ("create", Activity::Create),
                ("read", Activity::Read),
                ("update", Activity::Update),
                ("delete", Activity::Delete),
                ("other", Activity::Other),
                ("logon", Activity::Logon),
                ("logoff", Activity::Logoff),
                ("start", Activity::Start),
                ("stop", Activity::Stop),
            ],
        );
        let access = [("read", Access::Read), ("write", Access::Write)];
        let access = self.word(node, "access", &access);
        let sensitivity = self.word(
            node,
            "sensitivity",
            &[
                ("low", Sensitivity::Low),
                ("medium", Sensitivity::Medium),
                ("high", Sensitivity::High),
            ],
        );
        let grants = self.flag(node, "grants");
        let own_type = node.entry("resource_type");
        let own_type = own_type.and_then(|node| self.reader.text(node));
        let description = self.required(node, "description");
        let description = description.and_then(|node| self.reader.text(node));
        let description_zh = node.entry("description_zh");
        let description_zh = description_zh.and_then(|node| self.reader.text(node));
        self.name(module, &entry.key, entry);
        let aliases = self.aliases(module, entry);
        let (Some(activity), Some(access), Some(sensitivity), Some(description)) =
            (activity, access, sensitivity, description)
        else {
            return;
        };
        let message = match description_zh {
            Some(description_zh) => format!("{description} {description_zh}").as_str().into(),
            None => description.into(),
        };
        self.methods.push(Method {
            name: entry.key.clone(),
            aliases,
            service: module.service.into(),
            module: module.name.into(),
            activity,
            access,
            sensitivity,
            grants,
            resource_type: own_type.or(module.resource_type).map(str::to_owned),
            description: description.into(),
            description_zh: description_zh.map(Phrase::from),
            message,
        });
    }

    fn aliases(&mut self, module: Module<'_>, entry: &Entry) -> Vec<String> {
        let Some(list) = entry.node.entry("aliases") else {
            return Vec::new();
        };
        let mut aliases = Vec::new();
        for node in self.reader.list(list) {
            if let Some(alias) = self.reader.text(node) {
                self.name(module, alias, entry);
                aliases.push(alias.to_owned());
            }
        }
        aliases
    }

    /// Reserves a name for the method that is about to be added.
    fn name(&mut self, module: Module<'_>, name: &str, entry: &Entry) {
        let mut refuse = |message: String| {
            self.reader.report(Problem::error(entry.key_mark, message));
        };
        if let Err(message) = check_name(name) {
            refuse(message);
        }
        if self.names.insert(name, self.methods.len()).is_some() {
            refuse(match self.by_service {
                true => format!("a second method of `{}` is called `{name}`", module.service),
                false => format!("a second method is called `{name}`"),
            });
        }
    }

    fn required<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n Node> {
        let found = node.entry(key);
        if found.is_none() && node.as_map().is_some() {
            let message = format!("`{key}` is missing");
            self.reader.report(Problem::error(node.mark, message));
        }
        found
    }

    /// Whether a key that may be missing says so.
    fn flag(&mut self, node: &Node, key: &str) -> bool {
        match node.entry(key).map(|found| (&found.value, found.mark)) {
            None => false,
            Some((yaml::Value::Bool(flag), _)) => *flag,
            Some((_, mark)) => {
                let problem = Problem::error(mark, format!("`{key}` is true or false"));
                self.reader.report(problem);
                false
            }
        }
    }

    fn word<T: Copy>(&mut self, node: &Node, key: &str, known: &[(&str, T)]) -> Option<T> {
        let found = self.required(node, key)?;
        let text = self.reader.text(found)?;
        self.reader
            .word(text, found.mark, key, known.iter().copied())
    }
}

/// What is wrong with a name of a method or a service.
fn check_name(name: &str) -> Result<(), String> {
    if !name.is_ascii() || name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(format!(
            "`{name}` is not 1 to {MAX_NAME_BYTES} ASCII characters"
        ));
    }
    Ok(())
}
