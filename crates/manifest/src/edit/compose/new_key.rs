//! Keys that a service does not have yet, in the style of their neighbours.

use super::Plan;
use crate::{
    edit::{
        Edit, Refusal,
        list::insert_lines,
        text::{indent, skip_blanks, yaml_scalar},
    },
    yaml::{NodeId, Value},
};

/// A key that is to be added, in the two styles.
pub(super) struct NewKey {
    pub name: &'static str,
    pub value: NewValue,
}

pub(super) enum NewValue {
    Scalar(String),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

/// How a list is written.
enum Style {
    Flow,
    /// How far the dash stands behind the key.
    Block {
        offset: usize,
    },
}

impl Plan<'_> {
    /// Adds the keys that the service does not have.
    pub(super) fn add_keys(&mut self) -> Result<(), Refusal> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let keys = std::mem::take(&mut self.keys);
        let service = &self.tree.nodes[self.service];
        let Value::Mapping { flow, .. } = &service.value else { return Ok(()) };
        if *flow {
            let pairs: Vec<(String, String)> = keys
                .iter()
                .map(|key| {
                    let value = match &key.value {
                        NewValue::Scalar(scalar) => scalar.clone(),
                        NewValue::List(list) => self.flow_list(list),
                        NewValue::Map(map) => self.flow_map(map),
                    };
                    (key.name.to_owned(), value)
                })
                .collect();
            let edit = self.insert_into(self.service, &pairs)?;
            self.edits.push(edit);
            return Ok(());
        }
        let (last, column) = self.block_place(self.service)?;
        let indent = " ".repeat(column);
        let style = self.list_style();
        let mut lines = Vec::new();
        for key in &keys {
            match (&key.value, &style) {
                (NewValue::Scalar(scalar), _) => {
                    lines.push(format!("{indent}{}: {scalar}", key.name))
                }
                (NewValue::List(list), _) if list.is_empty() => {
                    lines.push(format!("{indent}{}: []", key.name))
                }
                (NewValue::List(list), Style::Flow) => {
                    lines.push(format!("{indent}{}: {}", key.name, self.flow_list(list)));
                }
                (NewValue::List(list), Style::Block { offset }) => {
                    lines.push(format!("{indent}{}:", key.name));
                    let inner = " ".repeat(column + offset);
                    lines.extend(
                        list.iter().map(|value| format!("{inner}- {}", yaml_scalar(value, false))),
                    );
                }
                (NewValue::Map(map), Style::Flow) => {
                    lines.push(format!("{indent}{}: {}", key.name, self.flow_map(map)));
                }
                (NewValue::Map(map), Style::Block { offset }) => {
                    lines.push(format!("{indent}{}:", key.name));
                    let inner = " ".repeat(column + (*offset).max(2));
                    let line = |(name, value): &(String, String)| {
                        format!("{inner}{name}: {}", yaml_scalar(value, false))
                    };
                    lines.extend(map.iter().map(line));
                }
            }
        }
        self.edits.push(insert_lines(self.text, last, &lines));
        Ok(())
    }

    fn flow_map(&self, map: &[(String, String)]) -> String {
        let quoted = self.is_json();
        let pairs: Vec<String> = map
            .iter()
            .map(|(name, value)| {
                format!("{}: {}", yaml_scalar(name, quoted), yaml_scalar(value, quoted))
            })
            .collect();
        format!("{{{}}}", pairs.join(", "))
    }

    /// Where a block mapping ends, and the column of its keys.
    fn block_place(&self, mapping: NodeId) -> Result<(usize, usize), Refusal> {
        let span = self.tree.nodes[mapping].span.clone();
        let Some((key, _)) = self.tree.pairs(mapping).next() else {
            return Err(Refusal::new(span.start, "this mapping is empty"));
        };
        let key = self.tree.nodes[key].span.start;
        let indent = indent(self.text, key).ok_or_else(|| {
            Refusal::new(key, "the first key does not stand alone behind blanks on its line")
        })?;
        // A key without a value ends behind its colon.
        let last = self.tree.pairs(mapping).last().map_or(span.end, |(key, value)| {
            let (key, value) = (&self.tree.nodes[key].span, &self.tree.nodes[value].span);
            key.end.max(value.end)
        });
        Ok((last, indent.len()))
    }

    /// Adds pairs to a mapping, in its own style.
    pub(super) fn insert_into(
        &self,
        mapping: NodeId,
        pairs: &[(String, String)],
    ) -> Result<Edit, Refusal> {
        let node = &self.tree.nodes[mapping];
        let Value::Mapping { flow: true, .. } = node.value else {
            let (last, column) = self.block_place(mapping)?;
            let indent = " ".repeat(column);
            let lines: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{indent}{name}: {value}")).collect();
            return Ok(insert_lines(self.text, last, &lines));
        };
        let quoted = self.is_json();
        let written: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{}: {value}", yaml_scalar(name, quoted)))
            .collect();
        let written = written.join(", ");
        let Some((key, value)) = self.tree.pairs(mapping).last() else {
            return Ok(Edit::new(node.content + 1..node.content + 1, written));
        };
        let (key, value) = (&self.tree.nodes[key].span, &self.tree.nodes[value].span);
        let mut at = if value.is_empty() { key.end } else { value.end };
        if value.is_empty() {
            let colon = skip_blanks(self.text, at);
            if self.text[colon..].starts_with(':') {
                at = colon + 1;
            }
        }
        Ok(Edit::new(at..at, format!(", {written}")))
    }

    /// How lists are written here: as this service's first list is, or else as the file's.
    fn list_style(&self) -> Style {
        let services = self.tree.documents.iter().flat_map(|root| self.tree.entries(*root));
        let services = services.filter(|entry| entry.name == "services");
        let services = services
            .flat_map(|services| self.tree.pairs(services.value))
            .map(|(_, service)| service);
        let styles = std::iter::once(self.service).chain(services);
        styles
            .flat_map(|service| self.tree.pairs(service))
            .find_map(|pair| self.style_of(pair))
            .unwrap_or(Style::Block { offset: 2 })
    }

    fn style_of(&self, (key, value): (NodeId, NodeId)) -> Option<Style> {
        let key = self.tree.nodes[key].span.start;
        match &self.tree.nodes[value].value {
            Value::Sequence { flow: true, .. } => Some(Style::Flow),
            Value::Sequence { items, .. } => {
                let item = self.tree.nodes[*items.first()?].span.start;
                let dash = self.text[..item].rfind('-')?;
                let offset =
                    indent(self.text, dash)?.len().checked_sub(indent(self.text, key)?.len())?;
                Some(Style::Block { offset })
            }
            _ => None,
        }
    }
}
