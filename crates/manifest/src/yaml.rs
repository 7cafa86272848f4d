//! A YAML document as a flat tree of nodes, each with the bytes that it was read from.
//!
//! The tree is built iteratively from the parser's events, so that no depth of nesting in a file
//! reaches our own stack, and aliases are kept as references, never copied.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::ReadError;

/// More levels than any Compose file has; a file with more is a mistake or an attack.
const MAX_DEPTH: usize = 200;

/// How many nodes aliases may stand for beyond those that are written. A few lines of aliases to
/// aliases ("billion laughs") stand for more than any machine can hold; go-yaml refuses them too.
const MAX_ALIASED_NODES: u64 = 1_000_000;

/// More values than any Compose file has: what a file of the greatest size can ask of memory.
const MAX_NODES: usize = 1_000_000;

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
        let mut builder = Builder {
            text,
            offsets: Offsets::new(text),
            tree: Tree::default(),
            open: Vec::new(),
            anchors: Vec::new(),
            aliased: 0,
        };
        let error = builder.run().err();
        (builder.tree, error)
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

/// From the parser's count of characters to bytes.
enum Offsets {
    Ascii,
    Table(Vec<usize>),
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            Self::Ascii
        } else {
            let mut table: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            table.push(text.len());
            Self::Table(table)
        }
    }

    fn of(&self, marker: Marker) -> usize {
        match self {
            Self::Ascii => marker.index(),
            Self::Table(table) => {
                table.get(marker.index()).or(table.last()).copied().unwrap_or_default()
            }
        }
    }
}

struct Open {
    id: NodeId,
    /// The parser's number of its anchor; 0 for none.
    anchor: usize,
    children: Vec<NodeId>,
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    tree: Tree<'a>,
    /// Collections that are not closed yet.
    open: Vec<Open>,
    /// By the parser's number of the anchor.
    anchors: Vec<Option<NodeId>>,
    /// How many nodes the aliases of this file stand for.
    aliased: u64,
}

impl<'a> Builder<'a> {
    fn run(&mut self) -> Result<(), ReadError> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                error_at(*error.marker(), format!("not YAML: {}", error.info()))
            })?;
            self.event(event, span)?;
            if self.tree.nodes.len() > MAX_NODES {
                return Err(error_at(span.start, format!("more than {MAX_NODES} values")));
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'a>, span: Span) -> Result<(), ReadError> {
        let at = self.offsets.of(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag_) => {
                let end = self.offsets.of(span.end);
                let plain = style == ScalarStyle::Plain;
                let has_properties = anchor != 0 || tag_.is_some();
                let content = if has_properties { self.skip_properties(at) } else { at };
                // The empty scalar's span is that of the token behind it, and the parser counts the
                // blanks and the comment behind a quoted one.
                let written = match style {
                    ScalarStyle::Plain if text.is_empty() && !has_properties => "",
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        &self.text[at..self.end_of_quoted(content, end)]
                    }
                    _ => self.text[at..end].trim_end(),
                };
                let span = at..at + written.len();
                let id = self.push(
                    Value::Scalar { text, plain },
                    span,
                    content,
                    anchor,
                    tag(tag_.as_deref()),
                );
                self.attach(id);
            }
            Event::SequenceStart(anchor, tag_) => {
                self.start(at, span, anchor, tag(tag_.as_deref()), true)?;
            }
            Event::MappingStart(anchor, tag_) => {
                self.start(at, span, anchor, tag(tag_.as_deref()), false)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(anchor).copied().flatten() else {
                    return Err(error_at(
                        span.start,
                        "this alias stands for something that it lies in itself".to_owned(),
                    ));
                };
                self.aliased = self.aliased.saturating_add(self.tree.sizes[target]);
                if self.aliased > MAX_ALIASED_NODES {
                    return Err(error_at(
                        span.start,
                        format!(
                            "the aliases up to here stand for more than {MAX_ALIASED_NODES} values"
                        ),
                    ));
                }
                self.tree.nodes[target].aliased = true;
                let size = self.tree.sizes[target];
                let end = at + self.text[at..self.offsets.of(span.end)].trim_end().len();
                let id = self.push(Value::Alias(target), at..end, at, 0, Tag::None);
                self.tree.sizes[id] = size;
                self.attach(id);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn push(
        &mut self,
        value: Value<'a>,
        span: Range<usize>,
        content: usize,
        anchor: usize,
        tag: Tag,
    ) -> NodeId {
        let id = self.tree.nodes.len();
        // A collection may be referred to when it is closed.
        let complete = matches!(value, Value::Scalar { .. });
        self.tree.nodes.push(Node {
            value,
            span,
            content,
            tag,
            anchored: anchor != 0,
            aliased: false,
        });
        self.tree.sizes.push(1);
        if anchor != 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            self.anchors[anchor] = complete.then_some(id);
        }
        id
    }

    fn start(
        &mut self,
        at: usize,
        span: Span,
        anchor: usize,
        tag: Tag,
        sequence: bool,
    ) -> Result<(), ReadError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(error_at(span.start, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let content = if anchor != 0 || tag != Tag::None { self.skip_properties(at) } else { at };
        let flow = matches!(
            (self.text.as_bytes().get(content), sequence),
            (Some(b'['), true) | (Some(b'{'), false)
        );
        let value = if sequence {
            Value::Sequence { items: Vec::new(), flow }
        } else {
            Value::Mapping { pairs: Vec::new(), flow }
        };
        let id = self.push(value, at..at, content, anchor, tag);
        self.open.push(Open { id, anchor, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, at: usize) {
        let Some(Open { id, anchor, children }) = self.open.pop() else { return };
        let last = children.last().map(|child| self.tree.nodes[*child].span.end);
        let sum = children.iter().map(|child| self.tree.sizes[*child]).fold(1, u64::saturating_add);
        self.tree.sizes[id] = sum;
        let closing = self.text.as_bytes().get(at).copied();
        let node = &mut self.tree.nodes[id];
        let closed_by_bracket = match &mut node.value {
            Value::Sequence { items, flow } => {
                *items = children;
                *flow && closing == Some(b']')
            }
            Value::Mapping { pairs, flow } => {
                *pairs = children;
                *flow && closing == Some(b'}')
            }
            _ => false,
        };
        node.span.end =
            if closed_by_bracket { at + 1 } else { last.unwrap_or(node.content).max(node.content) };
        if anchor != 0
            && let Some(slot) = self.anchors.get_mut(anchor)
        {
            *slot = Some(id);
        }
        self.attach(id);
    }

    /// Hands a complete node to the collection that it lies in.
    fn attach(&mut self, id: NodeId) {
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.tree.documents.push(id),
        }
    }

    /// Behind the quote that closes the one at `start`.
    fn end_of_quoted(&self, start: usize, limit: usize) -> usize {
        let bytes = &self.text.as_bytes()[..limit];
        let Some(quote) = bytes.get(start) else { return limit };
        let mut at = start + 1;
        while let Some(byte) = bytes.get(at) {
            at += match byte {
                b'\\' if *quote == b'"' => 2,
                b'\'' if *quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => 2,
                _ if byte == quote => return at + 1,
                _ => 1,
            };
        }
        limit
    }

    /// Where the content begins behind `&anchor` and `!tag`.
    fn skip_properties(&self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'&' | b'!') => {
                    while bytes
                        .get(at)
                        .is_some_and(|byte| !byte.is_ascii_whitespace() && !b"[]{}".contains(byte))
                    {
                        at += 1;
                    }
                }
                Some(b'#') => {
                    while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                        at += 1;
                    }
                }
                Some(byte) if byte.is_ascii_whitespace() => at += 1,
                _ => return at,
            }
        }
    }
}

fn tag(tag: Option<&saphyr_parser::Tag>) -> Tag {
    match tag {
        None => Tag::None,
        Some(tag) if tag.handle == "!" && tag.suffix == "reset" => Tag::Reset,
        Some(tag) if tag.handle == "!" && tag.suffix == "override" => Tag::Override,
        Some(_) => Tag::Other,
    }
}

fn error_at(marker: Marker, message: String) -> ReadError {
    ReadError { line: marker.line(), column: marker.col() + 1, message }
}
