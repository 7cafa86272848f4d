//! Compose files, <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.

mod merge;
pub(crate) mod mount;
mod service;

use std::collections::HashMap;

pub(crate) use merge::merge;

use crate::{
    Container, Document, Format, ReadError,
    text::Lines,
    yaml::{Entry, NodeId, Tree},
};

/// A chain of `extends` that is longer is a mistake.
const MAX_EXTENDS: usize = 32;

/// How many values services may take over from others by `extends`: a long service that many extend
/// must not ask for more memory than the file itself.
const MAX_EXTENDED_VALUES: u64 = 1_000_000;

/// Reads every service of a Compose file.
pub(crate) fn read(path: &str, text: &str) -> Document {
    let mut document = Document::empty(path, Format::Compose, text.len());
    let (tree, error) = Tree::parse(text);
    let mut reader =
        Reader { path, text, tree: &tree, lines: None, errors: Vec::new(), extended: 0 };
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (number, root) in tree.documents.iter().enumerate() {
        for container in reader.services(*root) {
            // Compose merges the documents of a file like files. Most files are one document.
            if let Some(earlier) = by_id.get(&container.id) {
                let earlier = &mut document.containers[*earlier];
                *earlier = merge(earlier, &container);
                continue;
            }
            if number + 1 < tree.documents.len() {
                by_id.insert(container.id.clone(), document.containers.len());
            }
            document.containers.push(container);
        }
    }
    document.errors = reader.errors;
    document.errors.extend(error);
    document
}

/// Reads the nodes of one tree.
struct Reader<'t> {
    path: &'t str,
    text: &'t str,
    /// Made when the first error needs it.
    lines: Option<Lines<'t>>,
    tree: &'t Tree<'t>,
    errors: Vec<ReadError>,
    /// How many values were taken over by `extends` so far.
    extended: u64,
}

impl<'t> Reader<'t> {
    fn services(&mut self, root: NodeId) -> Vec<Container> {
        let top = self.tree.entries(root);
        let Some(services) = top.iter().find(|entry| entry.name == "services") else {
            return Vec::new();
        };
        if self.tree.is_null(services.value) {
            return Vec::new();
        }
        if !self.tree.is_mapping(services.value) {
            self.error(services.value, "services must be a mapping of names to services");
            return Vec::new();
        }
        self.refuse_repeated_keys(services.value);
        let services = self.tree.entries(services.value);
        let by_name: HashMap<&str, Entry<'t>> =
            services.iter().map(|service| (service.name, *service)).collect();
        let mut read = Vec::with_capacity(services.len());
        for service in &services {
            if service.name.is_empty() {
                self.error(service.value, "a service without a name");
            } else if self.tree.is_mapping(service.value) {
                self.refuse_repeated_keys(service.value);
                read.push(self.extended(*service, &by_name));
            } else if !self.tree.is_null(service.value) {
                self.error(
                    service.value,
                    &format!("the service {} must be a mapping", service.name),
                );
            }
        }
        read
    }

    /// A service with what it takes over by `extends`.
    fn extended(&mut self, service: Entry<'t>, by_name: &HashMap<&str, Entry<'t>>) -> Container {
        let mut chain = vec![self.service(service)];
        let mut names = vec![service.name];
        while let Some(extends) = chain.last_mut().and_then(|(_, extends)| extends.take()) {
            if extends.elsewhere {
                break;
            }
            let problem = if names.contains(&extends.service.as_str()) {
                Some(format!("{} extends itself", extends.service))
            } else if names.len() >= MAX_EXTENDS {
                Some(format!("more than {MAX_EXTENDS} services extend one another"))
            } else if self.extended > MAX_EXTENDED_VALUES {
                Some(format!("more than {MAX_EXTENDED_VALUES} values are taken over by extends"))
            } else if let Some((name, base)) = by_name.get_key_value(extends.service.as_str()) {
                names.push(name);
                self.extended += self.tree.size(base.value);
                let errors = self.errors.len();
                chain.push(self.service(*base));
                // What is wrong with that service is said where it is read for itself.
                self.errors.truncate(errors);
                None
            } else {
                Some(format!("there is no service {} to extend", extends.service))
            };
            if let Some(problem) = problem {
                self.error(extends.node, &problem);
                break;
            }
        }
        let mut layers = chain.into_iter().rev().map(|(container, _)| container);
        let Some(mut container) = layers.next() else {
            unreachable!("the service itself is in the chain")
        };
        for layer in layers {
            container = merge(&container, &layer);
            container.replaces = layer.replaces;
        }
        container
    }

    fn refuse_repeated_keys(&mut self, mapping: NodeId) {
        if let Some(key) = self.tree.repeated_key(mapping) {
            let name = self.tree.scalar(key).unwrap_or_default().to_owned();
            self.error(key, &format!("the key {name} is there twice, which Compose refuses"));
        }
    }

    fn error(&mut self, node: NodeId, message: &str) {
        let lines = self.lines.get_or_insert_with(|| Lines::new(self.text));
        let (line, column) = lines.line_column(self.tree.nodes[node].span.start);
        self.errors.push(ReadError { line, column, message: message.to_owned() });
    }
}
