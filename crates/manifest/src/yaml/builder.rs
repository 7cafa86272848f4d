//! From the parser's events to the tree.

use std::{borrow::Cow, ops::Range};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{Node, NodeId, Tag, Tree, Value, relaxed};
use crate::{ReadError, line_column};

/// More levels than any Compose file has; a file with more is a mistake or an attack.
const MAX_DEPTH: usize = 200;

/// How many nodes aliases may stand for beyond those that are written. A few lines of aliases to
/// aliases ("billion laughs") stand for more than any machine can hold; go-yaml refuses them too.
const MAX_ALIASED_NODES: u64 = 1_000_000;

/// More values than any Compose file has: what a file of the greatest size can ask of memory.
const MAX_NODES: usize = 1_000_000;

/// How many bytes are parsed again for lines within brackets that are indented too little.
const MAX_REPAIRED_BYTES: usize = 20_000_000;

/// Builds the tree of a text; see [`Tree::parse`].
pub(super) fn parse(text: &str) -> (Tree<'_>, Option<ReadError>) {
    let mut builder = Builder::new(text);
    let Err(mut failure) = builder.run(text, |text| text) else { return (builder.tree, None) };
    let mut source = Cow::Borrowed(text);
    let mut budget = MAX_REPAIRED_BYTES;
    while builder.is_in_flow_collection(&failure) && budget >= text.len() {
        budget -= text.len();
        let Some(joined) = relaxed::join_with_line_before(&source, failure.at) else { break };
        source = Cow::Owned(joined);
        builder = Builder::new(text);
        match builder.run(&source, |text| Cow::Owned(text.into_owned())) {
            Ok(()) => return (builder.tree, None),
            Err(next) => failure = next,
        }
    }
    let (line, column) = line_column(text.as_bytes(), failure.at);
    (builder.tree, Some(ReadError { line, column, message: failure.message }))
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

/// Why the tree could not be built.
struct Failure {
    at: usize,
    message: String,
    /// The parser did not like how far a line is indented.
    indentation: bool,
}

impl Failure {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), indentation: false }
    }
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offsets: Offsets::Ascii,
            tree: Tree::default(),
            open: Vec::new(),
            anchors: Vec::new(),
            aliased: 0,
        }
    }

    /// Builds from `source`, each byte of which stands for the one in the text, and whose scalars
    /// `keep` makes ours.
    fn run<'s>(
        &mut self,
        source: &'s str,
        keep: impl Fn(Cow<'s, str>) -> Cow<'a, str>,
    ) -> Result<(), Failure> {
        self.offsets = Offsets::new(source);
        let mut parser = Parser::new_from_str(source);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Failure {
                at: self.offsets.of(*error.marker()),
                message: format!("not YAML: {}", error.info()),
                indentation: error.info().contains("indentation"),
            })?;
            self.event(event, span, &keep)?;
            if self.tree.nodes.len() > MAX_NODES {
                let at = self.offsets.of(span.start);
                return Err(Failure::new(at, format!("more than {MAX_NODES} values")));
            }
        }
        Ok(())
    }

    /// Whether a line within brackets is indented less than YAML 1.2 asks for.
    fn is_in_flow_collection(&self, failure: &Failure) -> bool {
        let is_flow = |open: &Open| {
            matches!(
                self.tree.nodes[open.id].value,
                Value::Sequence { flow: true, .. } | Value::Mapping { flow: true, .. }
            )
        };
        failure.indentation && self.open.last().is_some_and(is_flow)
    }

    fn event<'s>(
        &mut self,
        event: Event<'s>,
        span: Span,
        keep: &impl Fn(Cow<'s, str>) -> Cow<'a, str>,
    ) -> Result<(), Failure> {
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
                    Value::Scalar { text: keep(text), plain },
                    span,
                    content,
                    anchor,
                    tag(tag_.as_deref()),
                );
                self.attach(id);
            }
            Event::SequenceStart(anchor, tag_) => {
                self.start(at, anchor, tag(tag_.as_deref()), true)?;
            }
            Event::MappingStart(anchor, tag_) => {
                self.start(at, anchor, tag(tag_.as_deref()), false)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(anchor).copied().flatten() else {
                    return Err(Failure::new(
                        at,
                        "this alias stands for something that it lies in itself".to_owned(),
                    ));
                };
                self.aliased = self.aliased.saturating_add(self.tree.sizes[target]);
                if self.aliased > MAX_ALIASED_NODES {
                    return Err(Failure::new(
                        at,
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

    fn start(&mut self, at: usize, anchor: usize, tag: Tag, sequence: bool) -> Result<(), Failure> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Failure::new(at, format!("nested deeper than {MAX_DEPTH} levels")));
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
