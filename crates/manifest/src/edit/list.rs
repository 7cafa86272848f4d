//! Changes to one YAML sequence, byte by byte.

use std::ops::Range;

use super::{
    Edit, Refusal,
    text::{indent, line_end, line_start, next_line, whole_lines, yaml_scalar},
};
use crate::yaml::{NodeId, Tree, Value};

/// A sequence that is written where it is used, and what is to become of it.
pub(super) struct List<'t> {
    pub text: &'t str,
    pub tree: &'t Tree<'t>,
    /// The sequence itself.
    pub node: NodeId,
    /// Whether every word is in quotes, as JSON asks for.
    pub json: bool,
}

impl List<'_> {
    /// Takes out the items at `remove` and adds values. An item that goes lends its place to one
    /// that comes, so that little moves.
    pub fn change(&self, remove: &[usize], add: &[String]) -> Result<Vec<Edit>, Refusal> {
        let Value::Sequence { items, flow } = &self.tree.nodes[self.node].value else {
            return Err(Refusal::new(self.tree.nodes[self.node].span.start, "this is no list"));
        };
        let mut edits = Vec::new();
        let lent = remove.len().min(add.len());
        for (index, value) in remove.iter().zip(add) {
            let item = &self.tree.nodes[items[*index]];
            if item.aliased {
                return Err(Refusal::new(
                    item.span.start,
                    "other places share this value by its anchor",
                ));
            }
            let quoted = *flow && self.text[item.content..].starts_with('"') || self.json;
            edits.push(Edit::new(item.span.clone(), yaml_scalar(value, quoted)));
        }
        let removed: Vec<usize> = remove[lent..].to_vec();
        for index in &removed {
            let item = &self.tree.nodes[items[*index]];
            if item.aliased {
                return Err(Refusal::new(
                    item.span.start,
                    "other places share this value by its anchor",
                ));
            }
        }
        let added = &add[lent..];
        if *flow {
            self.change_flow(items, &removed, added, &mut edits);
        } else {
            self.change_block(items, &removed, added, &mut edits)?;
        }
        Ok(edits)
    }

    fn span(&self, node: NodeId) -> Range<usize> {
        self.tree.nodes[node].span.clone()
    }

    fn change_flow(
        &self,
        items: &[NodeId],
        removed: &[usize],
        added: &[String],
        edits: &mut Vec<Edit>,
    ) {
        for index in removed {
            edits.push(Edit::new(self.flow_item(items, *index, removed), ""));
        }
        if added.is_empty() {
            return;
        }
        let quoted = items
            .first()
            .is_some_and(|item| self.text[self.tree.nodes[*item].content..].starts_with('"'))
            || self.json;
        let values: Vec<String> = added.iter().map(|value| yaml_scalar(value, quoted)).collect();
        let values = values.join(", ");
        // Values are added only where none is taken away, so the last item stays.
        match items.last() {
            Some(last) => {
                let at = self.span(*last).end;
                edits.push(Edit::new(at..at, format!(", {values}")));
            }
            None => {
                let at = self.tree.nodes[self.node].content + 1;
                edits.push(Edit::new(at..at, values));
            }
        }
    }

    /// The bytes of an item of a flow sequence, with the comma that parts it from its neighbour.
    fn flow_item(&self, items: &[NodeId], index: usize, removed: &[usize]) -> Range<usize> {
        let item = self.span(items[index]);
        let bytes = self.text.as_bytes();
        let end = self.span(self.node).end;
        let after = (item.end..end).find(|at| !bytes[*at].is_ascii_whitespace()).unwrap_or(end);
        let is_followed = bytes.get(after) == Some(&b',');
        if self.has_line_of_its_own(&item, if is_followed { after + 1 } else { item.end }) {
            return whole_lines(self.text, &item);
        }
        let stays_behind = (index + 1..items.len()).any(|later| !removed.contains(&later));
        if is_followed && (stays_behind || index == 0) {
            let next = (after + 1..end).find(|at| !matches!(bytes[*at], b' ' | b'\t'));
            return item.start..next.unwrap_or(after + 1);
        }
        // The last ones go with the comma before them, where no comment stands between.
        let before = (0..item.start).rev().find(|at| !bytes[*at].is_ascii_whitespace());
        match before {
            Some(comma) if bytes[comma] == b',' => comma..item.end,
            _ => item,
        }
    }

    /// Whether nothing but blanks and a comment, which is about the item, shares its line.
    fn has_line_of_its_own(&self, item: &Range<usize>, end: usize) -> bool {
        let rest = self.text[end..next_line(self.text, end)].trim();
        indent(self.text, item.start).is_some()
            && line_start(self.text, item.start) > self.span(self.node).start
            && self.span(self.node).end >= next_line(self.text, end)
            && (rest.is_empty() || rest.starts_with('#'))
    }

    fn change_block(
        &self,
        items: &[NodeId],
        removed: &[usize],
        added: &[String],
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        for index in removed {
            let item = self.span(items[*index]);
            self.dash(&item)?;
            edits.push(Edit::new(whole_lines(self.text, &item), ""));
        }
        if added.is_empty() {
            return Ok(());
        }
        let Some(last) = items.last() else {
            return Err(Refusal::new(
                self.span(self.node).start,
                "this list is empty and has no brackets",
            ));
        };
        let last = self.span(*last);
        let dash = self.dash(&last)?;
        let Some(indent) = indent(self.text, dash) else {
            return Err(Refusal::new(dash, "this list does not begin on a line of its own"));
        };
        let lines: Vec<String> =
            added.iter().map(|value| format!("{indent}- {}", yaml_scalar(value, false))).collect();
        edits.push(insert_lines(self.text, last.end, &lines));
        Ok(())
    }

    /// Where the dash of a block sequence's item stands.
    fn dash(&self, item: &Range<usize>) -> Result<usize, Refusal> {
        let start = line_start(self.text, item.start);
        let before = self.text[start..item.start].trim_end_matches(' ');
        if before.trim_start_matches(' ') == "-" {
            Ok(start + before.len() - 1)
        } else {
            Err(Refusal::new(item.start, "this list item does not stand alone on its line"))
        }
    }
}

/// Lines behind the one that holds `at`.
pub(super) fn insert_lines(text: &str, at: usize, lines: &[String]) -> Edit {
    let end = line_end(text, at);
    let next = next_line(text, at);
    let whole = lines.join(end);
    if text[..next].ends_with('\n') {
        Edit::new(next..next, format!("{whole}{end}"))
    } else {
        Edit::new(next..next, format!("{end}{whole}"))
    }
}
