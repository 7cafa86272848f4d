//! The values of a manifest, each of the type that the API asks for.

use crate::{
    Container, ReadError, Spanned,
    text::Lines,
    yaml::{Entry, NodeId, Tree, Value},
};

/// Reads the nodes of one tree.
pub(super) struct Reader<'t> {
    pub path: &'t str,
    text: &'t str,
    /// Made when the first error needs it.
    lines: Option<Lines<'t>>,
    pub tree: &'t Tree<'t>,
    pub containers: Vec<Container>,
    pub errors: Vec<ReadError>,
    /// How many values containers took over from their pods so far.
    pub shared: usize,
}

impl<'t> Reader<'t> {
    pub fn new(path: &'t str, text: &'t str, tree: &'t Tree<'t>) -> Self {
        let (containers, errors) = (Vec::new(), Vec::new());
        Self { path, text, lines: None, tree, containers, errors, shared: 0 }
    }

    /// One key of a mapping that has a value.
    pub fn field(&self, node: NodeId, name: &str) -> Option<Entry<'t>> {
        let entries = self.tree.entries(node).into_iter();
        entries.filter(|entry| !self.tree.is_null(entry.value)).find(|entry| entry.name == name)
    }

    /// The keys of a mapping that have a value.
    pub fn fields(&mut self, entry: Entry<'t>) -> Vec<Entry<'t>> {
        self.fields_of(entry.value, entry.name)
    }

    pub fn fields_of(&mut self, node: NodeId, name: &str) -> Vec<Entry<'t>> {
        if !self.tree.is_mapping(node) {
            self.error(node, &format!("{name} must be a mapping"));
            return Vec::new();
        }
        self.refuse_repeated_keys(node);
        let mut entries = self.tree.entries(node);
        entries.retain(|entry| !self.tree.is_null(entry.value));
        entries
    }

    /// The items of a list; an error where it is none.
    pub fn items(&mut self, entry: Entry<'t>) -> &'t [NodeId] {
        let tree = self.tree;
        tree.items(entry.value).unwrap_or_else(|| {
            self.error(entry.value, &format!("{} must be a list", entry.name));
            &[]
        })
    }

    /// A list of words.
    pub fn list(&mut self, entry: Entry<'t>) -> Vec<Spanned<String>> {
        let items = self.items(entry);
        items.iter().filter_map(|item| self.string(*item)).collect()
    }

    /// A single value, as it is written; an error where it is none.
    pub fn string(&mut self, node: NodeId) -> Option<Spanned<String>> {
        let Some(text) = self.tree.scalar(node) else {
            self.error(node, "this must be a single value");
            return None;
        };
        Some(Spanned::new(text.to_owned(), self.tree.nodes[node].span.clone()))
    }

    /// The value of a key.
    pub fn text(&mut self, entry: Entry<'t>) -> Option<Spanned<String>> {
        self.string(entry.value)
    }

    /// A number. In quotes it is none, and the server refuses it.
    pub fn number(&mut self, entry: Entry<'t>) -> Option<Spanned<String>> {
        let word = self.text(entry)?;
        if self.is_plain(entry.value) && word.value.parse::<i64>().is_ok() {
            return Some(word);
        }
        self.error(entry.value, &format!("{} must be a number", entry.name));
        None
    }

    pub fn boolean(&mut self, entry: Entry<'t>) -> Option<Spanned<bool>> {
        let word = self.text(entry)?;
        // YAML 1.1, which Kubernetes reads.
        let value = match word.value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => None,
        };
        match value.filter(|_| self.is_plain(entry.value)) {
            Some(value) => Some(Spanned::new(value, word.span)),
            None => {
                self.error(entry.value, &format!("{} must be true or false", entry.name));
                None
            }
        }
    }

    fn is_plain(&self, node: NodeId) -> bool {
        let node = &self.tree.nodes[self.tree.resolve(node)];
        matches!(node.value, Value::Scalar { plain: true, .. })
    }

    pub fn refuse_repeated_keys(&mut self, mapping: NodeId) {
        if let Some(key) = self.tree.repeated_key(mapping) {
            let name = self.tree.scalar(key).unwrap_or_default().to_owned();
            self.error(
                key,
                &format!("the key {name} is there twice: which one counts is not said"),
            );
        }
    }

    pub fn error(&mut self, node: NodeId, message: &str) {
        let lines = self.lines.get_or_insert_with(|| Lines::new(self.text));
        let (line, column) = lines.line_column(self.tree.nodes[node].span.start);
        self.errors.push(ReadError { line, column, message: message.to_owned() });
    }
}
