//! How a file writes its lists and mappings, told by those that are there.

use crate::{
    edit::text::{indent, line_start},
    yaml::{NodeId, Tree, Value},
};

/// What some mappings show; nothing where they show nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::edit) struct Style {
    lists: Option<Lists>,
    step: Option<usize>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lists {
    Flow,
    /// How far the dash stands behind the key.
    Block {
        offset: usize,
    },
}

/// How far they stand where the file shows nothing.
const STEP: usize = 2;

impl Style {
    /// What the first of the mappings that shows it shows.
    pub fn of(text: &str, tree: &Tree<'_>, mappings: &[NodeId]) -> Self {
        let pairs = || mappings.iter().flat_map(|mapping| tree.pairs(*mapping));
        let step = |pair| step(text, tree, pair).filter(|step| *step > 0);
        Self {
            lists: pairs().find_map(|pair| lists(text, tree, pair)),
            step: pairs().find_map(step),
        }
    }

    /// This, and where it shows nothing the other.
    pub fn or(self, other: Self) -> Self {
        Self { lists: self.lists.or(other.lists), step: self.step.or(other.step) }
    }

    pub(super) fn lists(self) -> Lists {
        self.lists.unwrap_or(Lists::Block { offset: STEP })
    }

    /// How far the keys of a mapping stand behind its own.
    pub(super) fn step(self) -> usize {
        self.step.unwrap_or(STEP)
    }
}

fn lists(text: &str, tree: &Tree<'_>, (key, value): (NodeId, NodeId)) -> Option<Lists> {
    let key = tree.nodes[key].span.start;
    match &tree.nodes[value].value {
        Value::Sequence { flow: true, .. } => Some(Lists::Flow),
        Value::Sequence { items, .. } => {
            let item = tree.nodes[*items.first()?].span.start;
            let dash = text[..item].rfind('-')?;
            let offset = indent(text, dash)?.len().checked_sub(indent(text, key)?.len())?;
            Some(Lists::Block { offset })
        }
        _ => None,
    }
}

fn step(text: &str, tree: &Tree<'_>, (key, value): (NodeId, NodeId)) -> Option<usize> {
    let Value::Mapping { pairs, flow: false } = &tree.nodes[value].value else { return None };
    let inner = column(text, tree.nodes[*pairs.first()?].span.start)?;
    inner.checked_sub(column(text, tree.nodes[key].span.start)?)
}

/// The column of a key that stands behind blanks, or behind the dash of a list, on its line.
pub(super) fn column(text: &str, key: usize) -> Option<usize> {
    let before = &text[line_start(text, key)..key];
    let is_list = before.trim_start().bytes().all(|byte| matches!(byte, b' ' | b'-'));
    (is_list && !before.contains("--")).then_some(before.len())
}
