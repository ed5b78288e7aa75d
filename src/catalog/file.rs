//! The catalogue of one product, as its file has it. A name is found without regard to ASCII case and
//! without allocation, since every event asks.

use std::collections::BTreeSet;

use foldhash::HashMap;

use super::{Access, Method, Sensitivity};
use crate::diagnostic::{Diagnostic, Problem};
use crate::event::Activity;
use crate::yaml::{self, Entry, Node, YamlReader};

/// Longest name that a catalogue may hold, in bytes: what a lookup lowercases on the stack.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// The methods of one product.
#[derive(Debug, Clone)]
pub struct Catalog {
    product: String,
    services: BTreeSet<String>,
    methods: Vec<Method>,
    /// Index into `methods` by lowercased name or alias.
    by_name: HashMap<Box<[u8]>, usize>,
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

    /// Every name that an event may give a method, aliases included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().flat_map(Method::names)
    }

    /// The method of this name or alias.
    pub fn method(&self, name: &str) -> Option<&Method> {
        let mut buffer = [0; MAX_NAME_BYTES];
        let key = buffer.get_mut(..name.len())?;
        key.copy_from_slice(name.as_bytes());
        key.make_ascii_lowercase();
        self.methods.get(*self.by_name.get(&*key)?)
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
    by_name: HashMap<Box<[u8]>, usize>,
}

impl Parser {
    fn catalog(&mut self, root: &Node) -> Option<Catalog> {
        self.reader.map_of(root, &["product", "services"]);
        let product = self.required(root, "product");
        let product = product.and_then(|node| self.reader.text(node));
        if let Some(services) = self.required(root, "services") {
            for service in self.reader.map(services) {
                self.services.insert(service.key.clone());
                for module in self.reader.map(&service.node) {
                    self.module(&service.key, module);
                }
            }
        }
        Some(Catalog {
            product: product?.to_owned(),
            services: std::mem::take(&mut self.services),
            methods: std::mem::take(&mut self.methods),
            by_name: std::mem::take(&mut self.by_name),
        })
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
        const KEYS: [&str; 6] = [
            "aliases",
            "activity",
            "access",
            "sensitivity",
            "resource_type",
            "description",
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
        let own_type = node.entry("resource_type");
        let own_type = own_type.and_then(|node| self.reader.text(node));
        let description = self.required(node, "description");
        let description = description.and_then(|node| self.reader.text(node));
        self.name(&entry.key, entry);
        let aliases = self.aliases(entry);
        let (Some(activity), Some(access), Some(sensitivity), Some(description)) =
            (activity, access, sensitivity, description)
        else {
            return;
        };
        self.methods.push(Method {
            name: entry.key.clone(),
            aliases,
            service: module.service.into(),
            module: module.name.into(),
            activity,
            access,
            sensitivity,
            resource_type: own_type.or(module.resource_type).map(str::to_owned),
            description: description.into(),
        });
    }

    fn aliases(&mut self, entry: &Entry) -> Vec<String> {
        let Some(list) = entry.node.entry("aliases") else {
            return Vec::new();
        };
        let mut aliases = Vec::new();
        for node in self.reader.list(list) {
            if let Some(alias) = self.reader.text(node) {
                self.name(alias, entry);
                aliases.push(alias.to_owned());
            }
        }
        aliases
    }

    /// Reserves a name for the method that is about to be added.
    fn name(&mut self, name: &str, entry: &Entry) {
        let mut refuse = |message: String| {
            self.reader.report(Problem::error(entry.key_mark, message));
        };
        if !name.is_ascii() || name.is_empty() || name.len() > MAX_NAME_BYTES {
            refuse(format!(
                "`{name}` is not 1 to {MAX_NAME_BYTES} ASCII characters"
            ));
        }
        let key = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        if self.by_name.insert(key, self.methods.len()).is_some() {
            refuse(format!("a second method is called `{name}`"));
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

    fn word<T: Copy>(&mut self, node: &Node, key: &str, known: &[(&str, T)]) -> Option<T> {
        let found = self.required(node, key)?;
        let text = self.reader.text(found)?;
        self.reader
            .word(text, found.mark, key, known.iter().copied())
    }
}
