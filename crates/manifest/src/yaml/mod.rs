//! A YAML document as a flat tree of nodes, each with the bytes that it was read from.
//!
//! The tree is built iteratively from the parser's events, so that no depth of nesting in a file
//! reaches our own stack, and aliases are kept as references, never copied.

mod builder;
mod relaxed;

use std::{borrow::Cow, collections::HashSet, ops::Range};

use crate::ReadError;

/// Beyond this many keys a set is quicker than a look through all of them.
const FEW_KEYS: usize = 24;

/// Where a node lies in [`Tree::nodes`].
pub(crate) type NodeId = usize;

/// A tag that Compose gives a meaning to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    /// `!reset`: the key is taken away from the file that is overridden.
    Reset,
    /// `!override`: the value replaces that of the file that is overridden.
    Override,
    Other,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Scalar {
        text: Cow<'a, str>,
        plain: bool,
    },
    Sequence {
        items: Vec<NodeId>,
        flow: bool,
    },
    /// Keys and values in turn.
    Mapping {
        pairs: Vec<NodeId>,
        flow: bool,
    },
    Alias(NodeId),
}

#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub value: Value<'a>,
    /// From the anchor or tag, if any, to the last byte of the content. Without the comments and
    /// blanks that follow.
    pub span: Range<usize>,
    /// Where the content begins, behind the anchor and the tag.
    pub content: usize,
    pub tag: Tag,
    pub anchored: bool,
    /// Some alias stands for this node.
    pub aliased: bool,
}

/// The documents of one file.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    pub nodes: Vec<Node<'a>>,
    /// The root of each document.
    pub documents: Vec<NodeId>,
    /// For each node, how many it stands for with its aliases expanded.
    sizes: Vec<u64>,
}

impl<'a> Tree<'a> {
    /// Builds the tree. On an error the documents before it are there.
    pub fn parse(text: &'a str) -> (Self, Option<ReadError>) {
        #[cfg(test)]
        crate::parses::count();
        builder::parse(text)
    }

    /// The node that an alias stands for; the node itself where it is none.
    pub fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id].value {
            // Targets are complete nodes that come earlier, and never aliases themselves.
            Value::Alias(target) => target,
            _ => id,
        }
    }

    /// How many values a node stands for, aliases expanded.
    pub fn size(&self, id: NodeId) -> u64 {
        self.sizes[id]
    }

    /// A scalar's text, aliases followed.
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[self.resolve(id)].value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Nothing, `~` or `null`.
    pub fn is_null(&self, id: NodeId) -> bool {
        matches!(&self.nodes[self.resolve(id)].value, Value::Scalar { text, plain: true }
            if matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A sequence's items, aliases followed.
    pub fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match &self.nodes[self.resolve(id)].value {
            Value::Sequence { items, .. } => Some(items),
            _ => None,
        }
    }

    pub fn is_mapping(&self, id: NodeId) -> bool {
        matches!(self.nodes[self.resolve(id)].value, Value::Mapping { .. })
    }

    /// The keys and values that are written in a mapping itself, merge keys included.
    pub fn pairs(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> {
        let pairs = match &self.nodes[self.resolve(id)].value {
            Value::Mapping { pairs, .. } => pairs.as_slice(),
            _ => &[],
        };
        pairs.chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }

    /// The nodes that are written in one.
    fn children(&self, id: NodeId) -> &[NodeId] {
        match &self.nodes[id].value {
            Value::Sequence { items: children, .. } | Value::Mapping { pairs: children, .. } => {
                children
            }
            Value::Scalar { .. } | Value::Alias(_) => &[],
        }
    }

    /// For each node whether an alias stands for it, for what it lies in or for something that lies in it.
    pub fn shared(&self) -> Vec<bool> {
        let mut within: Vec<bool> = self.nodes.iter().map(|node| node.aliased).collect();
        let mut around = within.clone();
        // A node comes before those that lie in it.
        for id in 0..self.nodes.len() {
            self.children(id).iter().for_each(|child| within[*child] |= within[id]);
        }
        for id in (0..self.nodes.len()).rev() {
            around[id] |= self.children(id).iter().any(|child| around[*child]);
        }
        within.into_iter().zip(around).map(|(within, around)| within || around).collect()
    }

    /// Whether a key is the merge key.
    pub fn is_merge_key(&self, key: NodeId) -> bool {
        matches!(&self.nodes[key].value, Value::Scalar { text, plain: true } if text == "<<")
    }

    /// What a mapping says with its merge keys resolved. A key of its own hides a merged one, an
    /// earlier merged mapping hides a later one.
    pub fn entries(&self, id: NodeId) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = Vec::new();
        let mut names = HashSet::new();
        // Merged mappings lie behind the own keys, in order; their own merges come before the next.
        let mut waiting = vec![(self.resolve(id), true)];
        while let Some((mapping, own)) = waiting.pop() {
            let mut merged = Vec::new();
            for (key, value) in self.pairs(mapping) {
                if self.is_merge_key(key) {
                    match self.items(value) {
                        Some(items) => merged.extend(items.iter().map(|item| self.resolve(*item))),
                        None => merged.push(self.resolve(value)),
                    }
                    continue;
                }
                let Some(name) = self.scalar(key) else { continue };
                let known = if entries.len() < FEW_KEYS {
                    entries.iter().any(|entry| entry.name == name)
                } else {
                    if names.is_empty() {
                        names.extend(entries.iter().map(|entry| entry.name));
                    }
                    !names.insert(name)
                };
                if !known {
                    entries.push(Entry { name, key, value, own });
                }
            }
            waiting.extend(merged.into_iter().rev().map(|mapping| (mapping, false)));
        }
        entries
    }

    /// The first key that a mapping has twice, which YAML forbids and Compose refuses.
    pub fn repeated_key(&self, id: NodeId) -> Option<NodeId> {
        let mut names = HashSet::new();
        self.pairs(id).map(|(key, _)| key).find(|key| {
            !self.is_merge_key(*key) && self.scalar(*key).is_some_and(|name| !names.insert(name))
        })
    }
}

/// A key of a mapping, its own or merged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'t> {
    pub name: &'t str,
    pub key: NodeId,
    pub value: NodeId,
    /// Written in the mapping itself, not merged into it.
    pub own: bool,
}
