//! One YAML mapping and what is to become of its keys, byte by byte.

mod new_key;
mod style;

pub(super) use new_key::{NewKey, NewValue};
pub(super) use style::Style;

use super::{
    Edit, Refusal,
    list::List,
    text::{indent, next_line, skip_blanks, whole_lines, yaml_scalar},
};
use crate::{
    Spanned,
    yaml::{Entry, NodeId, Tree, Value},
};

/// A mapping that is written where it is used: a service, a container, what lies in one.
pub(super) struct Mapping<'t> {
    pub text: &'t str,
    pub tree: &'t Tree<'t>,
    /// The mapping itself.
    pub node: NodeId,
    /// What it is part of, for a reason why not: `service`, `container`.
    pub owner: &'static str,
    /// Whether the file is written like JSON, with every key and word in quotes.
    pub json: bool,
    /// How what is new in it is written.
    pub style: Style,
    /// Keys that it does not have yet.
    pub keys: Vec<NewKey>,
    pub edits: Vec<Edit>,
}

impl<'t> Mapping<'t> {
    pub fn new(
        text: &'t str,
        tree: &'t Tree<'t>,
        node: NodeId,
        owner: &'static str,
        style: Style,
    ) -> Self {
        let flow = matches!(tree.nodes[node].value, Value::Mapping { flow: true, .. });
        let is_quoted = |(key, _)| {
            let key: NodeId = key;
            text[tree.nodes[key].content..].starts_with('"')
        };
        let json = flow && tree.pairs(node).next().is_some_and(is_quoted);
        let (keys, edits) = (Vec::new(), Vec::new());
        Self { text, tree, node, owner, json, style, keys, edits }
    }

    /// A mapping within it.
    pub fn inner(&self, node: NodeId) -> Self {
        let (keys, edits) = (Vec::new(), Vec::new());
        Self { node, keys, edits, ..*self }
    }

    /// The key as it is written in the mapping itself.
    pub fn own(&self, name: &str) -> Option<Entry<'t>> {
        self.tree.entries(self.node).into_iter().find(|entry| entry.own && entry.name == name)
    }

    pub fn list(
        &mut self,
        name: &'static str,
        current: &[Spanned<String>],
        wanted: &[String],
    ) -> Result<(), Refusal> {
        let has = |value: &String| current.iter().any(|item| item.value == *value);
        let add: Vec<String> = unique(wanted.iter().filter(|value| !has(value)));
        let goes = |item: &Spanned<String>| !wanted.contains(&item.value);
        if add.is_empty() && !current.iter().any(goes) {
            return Ok(());
        }
        let whole = || NewValue::List(unique(wanted));
        let Some(entry) = self.own(name) else {
            self.keys.push(NewKey { name, value: whole() });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            // The list is another's: from here on this service has its own.
            Value::Alias(_) => {
                let list = self.flow_list(wanted);
                self.edits.push(Edit::new(node.span.clone(), list));
            }
            Value::Sequence { .. } if node.aliased => {
                return Err(Refusal::new(
                    node.span.start,
                    format!(
                        "others share this list by its anchor: give this {} a {name} of its own",
                        self.owner
                    ),
                ));
            }
            Value::Sequence { items, .. } => {
                // Only what is written here can go: the rest comes from `extends` or an override.
                let remove: Vec<usize> = (0..items.len())
                    .filter(|index| {
                        let span = &self.tree.nodes[items[*index]].span;
                        current.iter().any(|item| item.span == *span && goes(item))
                    })
                    .collect();
                if wanted.is_empty() && remove.len() == items.len() {
                    self.remove_key(entry)?;
                } else {
                    let list = self.list_at(entry.value);
                    self.edits.extend(list.change(&remove, &add)?);
                }
            }
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                let list = self.flow_list(wanted);
                self.set_null(entry, &list)?;
            }
            _ => return Err(Refusal::new(node.span.start, format!("{name} is no list"))),
        }
        Ok(())
    }

    pub fn scalar(
        &mut self,
        name: &'static str,
        value: &str,
        is_string: bool,
    ) -> Result<(), Refusal> {
        let written = if is_string { yaml_scalar(value, false) } else { value.to_owned() };
        let Some(entry) = self.own(name) else {
            self.keys.push(NewKey { name, value: NewValue::Scalar(written) });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                self.set_null(entry, &written)
            }
            Value::Alias(_) => {
                self.edits.push(Edit::new(node.span.clone(), written));
                Ok(())
            }
            Value::Scalar { .. } if !node.aliased => {
                self.edits.push(Edit::new(node.content..node.span.end, written));
                Ok(())
            }
            _ => Err(Refusal::new(
                node.span.start,
                format!(
                    "others share the value of {name} by its anchor: give this {} one of its own",
                    self.owner
                ),
            )),
        }
    }

    /// A list that is written in it.
    pub fn list_at(&self, node: NodeId) -> List<'t> {
        List { text: self.text, tree: self.tree, node, json: self.json }
    }

    pub fn flow_list(&self, values: &[String]) -> String {
        let quoted = self.json;
        let values: Vec<String> =
            unique(values).iter().map(|value| yaml_scalar(value, quoted)).collect();
        format!("[{}]", values.join(", "))
    }

    /// Gives a key without a value one.
    pub fn set_null(&mut self, entry: Entry<'t>, value: &str) -> Result<(), Refusal> {
        let node = &self.tree.nodes[entry.value];
        if node.content < node.span.end && !node.anchored {
            self.edits.push(Edit::new(node.content..node.span.end, value.to_owned()));
            return Ok(());
        }
        let key = &self.tree.nodes[entry.key].span;
        let colon = skip_blanks(self.text, key.end);
        if node.anchored || !self.text[colon..].starts_with(':') {
            return Err(Refusal::new(
                key.start,
                "this key has no value, and is not written as `key:`",
            ));
        }
        self.edits.push(Edit::new(colon + 1..colon + 1, format!(" {value}")));
        Ok(())
    }

    /// Takes a key away with its list; where that would take a comment or the last key along, the
    /// list is emptied.
    fn remove_key(&mut self, entry: Entry<'t>) -> Result<(), Refusal> {
        let key = self.tree.nodes[entry.key].span.clone();
        let value = self.tree.nodes[entry.value].span.clone();
        let whole = key.start..value.end;
        // Without it a mapping with no other key would be gone, and one that merges another might say
        // what that one says.
        let is_needed = self.tree.pairs(self.node).count() == 1
            || self.tree.pairs(self.node).any(|(key, _)| self.tree.is_merge_key(key));
        let block = matches!(self.tree.nodes[self.node].value, Value::Mapping { flow: false, .. });
        let stands_alone = indent(self.text, key.start).is_some();
        let has_comment = self.text[whole.start..next_line(self.text, whole.end)].contains('#');
        if block && stands_alone && !is_needed && !has_comment {
            self.edits.push(Edit::new(whole_lines(self.text, &whole), ""));
        } else if let Value::Sequence { flow: true, items } = &self.tree.nodes[entry.value].value {
            let brackets = self.tree.nodes[entry.value].content..value.end;
            if self.text[brackets.clone()].contains('#') {
                let list = self.list_at(entry.value);
                let all: Vec<usize> = (0..items.len()).collect();
                self.edits.extend(list.change(&all, &[])?);
            } else {
                self.edits.push(Edit::new(brackets, "[]"));
            }
        } else if let Some(items) = self.tree.items(entry.value) {
            let colon = skip_blanks(self.text, key.end);
            self.edits.push(Edit::new(colon + 1..colon + 1, " []"));
            for item in items {
                let item = whole_lines(self.text, &self.tree.nodes[*item].span);
                self.edits.push(Edit::new(item, ""));
            }
        }
        Ok(())
    }
}

pub(super) fn unique<'v>(values: impl IntoIterator<Item = &'v String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for value in values {
        if !unique.contains(value) {
            unique.push(value.clone());
        }
    }
    unique
}
