//! Keys that a mapping does not have yet, in the style of their neighbours.

use super::{
    Mapping,
    style::{Lists, column},
};
use crate::{
    edit::{
        Edit, Refusal,
        list::insert_lines,
        text::{indent, line_end, past_inner_comments, skip_blanks, yaml_scalar},
    },
    yaml::{NodeId, Value},
};

/// A key that is to be added, in the two styles.
pub(in crate::edit) struct NewKey {
    pub name: &'static str,
    pub value: NewValue,
}

pub(in crate::edit) enum NewValue {
    /// As it is to be written.
    Scalar(String),
    List(Vec<String>),
    /// A small map, written as lists are.
    Map(Vec<(String, String)>),
    /// A mapping with lines of its own where its parent has them.
    Tree(Vec<NewKey>),
}

impl Mapping<'_> {
    /// Adds the keys that the mapping does not have.
    pub(in crate::edit) fn add_keys(&mut self) -> Result<(), Refusal> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let keys = std::mem::take(&mut self.keys);
        let Value::Mapping { flow, .. } = &self.tree.nodes[self.node].value else { return Ok(()) };
        if *flow {
            let pairs: Vec<(String, String)> =
                keys.iter().map(|key| (key.name.to_owned(), self.in_flow(&key.value))).collect();
            let edit = self.insert_into(self.node, &pairs)?;
            self.edits.push(edit);
            return Ok(());
        }
        let (last, column) = self.block_place(self.node)?;
        let mut lines = Vec::new();
        keys.iter().for_each(|key| self.in_block(key, column, &mut lines));
        self.edits.push(insert_lines(self.text, last, &lines));
        Ok(())
    }

    /// A value on one line.
    pub(in crate::edit) fn in_flow(&self, value: &NewValue) -> String {
        match value {
            NewValue::Scalar(scalar) => scalar.clone(),
            NewValue::List(list) => self.flow_list(list),
            NewValue::Map(map) => self.flow_map(map),
            NewValue::Tree(keys) => {
                let pair = |key: &NewKey| {
                    format!("{}: {}", yaml_scalar(key.name, self.json), self.in_flow(&key.value))
                };
                format!("{{{}}}", keys.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// A key on lines of its own.
    fn in_block(&self, key: &NewKey, column: usize, lines: &mut Vec<String>) {
        let (indent, name) = (" ".repeat(column), key.name);
        match (&key.value, self.style.lists()) {
            (NewValue::Tree(keys), _) => {
                lines.push(format!("{indent}{name}:"));
                let inner = column + self.style.step();
                keys.iter().for_each(|key| self.in_block(key, inner, lines));
            }
            (NewValue::List(list), Lists::Block { offset }) if !list.is_empty() => {
                lines.push(format!("{indent}{name}:"));
                let inner = " ".repeat(column + offset);
                let line = |value: &String| format!("{inner}- {}", yaml_scalar(value, false));
                lines.extend(list.iter().map(line));
            }
            (NewValue::Map(map), Lists::Block { offset }) => {
                lines.push(format!("{indent}{name}:"));
                let inner = " ".repeat(column + offset.max(2));
                let line = |(name, value): &(String, String)| {
                    format!("{inner}{name}: {}", yaml_scalar(value, false))
                };
                lines.extend(map.iter().map(line));
            }
            (value, _) => lines.push(format!("{indent}{name}: {}", self.in_flow(value))),
        }
    }

    fn flow_map(&self, map: &[(String, String)]) -> String {
        let quoted = self.json;
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
        let column = column(self.text, key).ok_or_else(|| {
            Refusal::new(key, "the first key does not stand alone behind blanks on its line")
        })?;
        // A key without a value ends behind its colon.
        let last = self.tree.pairs(mapping).last().map_or(span.end, |(key, value)| {
            let (key, value) = (&self.tree.nodes[key].span, &self.tree.nodes[value].span);
            key.end.max(value.end)
        });
        Ok((past_inner_comments(self.text, last, column), column))
    }

    /// Adds pairs to a mapping, in its own style.
    pub(in crate::edit) fn insert_into(
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
        let quoted = self.json;
        let written: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{}: {value}", yaml_scalar(name, quoted)))
            .collect();
        let Some((key, value)) = self.tree.pairs(mapping).last() else {
            return Ok(Edit::new(node.content + 1..node.content + 1, written.join(", ")));
        };
        let (key, value) = (&self.tree.nodes[key].span, &self.tree.nodes[value].span);
        let mut at = if value.is_empty() { key.end } else { value.end };
        if value.is_empty() {
            let colon = skip_blanks(self.text, at);
            if self.text[colon..].starts_with(':') {
                at = colon + 1;
            }
        }
        // JSON with a line for each key gets one more.
        let own_line = indent(self.text, key.start).filter(|_| self.json);
        let separator = own_line.map_or_else(
            || ", ".to_owned(),
            |indent| format!(",{}{indent}", line_end(self.text, key.start)),
        );
        Ok(Edit::new(at..at, format!("{separator}{}", written.join(&separator))))
    }
}
