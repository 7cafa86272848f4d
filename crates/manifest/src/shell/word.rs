//! The words of a command, with variables resolved as far as the script itself tells.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use tree_sitter::Node;

use crate::interpolate::substitute;

/// Variables that stand for variables; more is refused by leaving the word as it is written.
const MAX_DEPTH: usize = 8;

/// The longest a list of words may become by variables that stand for many.
const MAX_WORDS: usize = 4096;

/// One word, as the shell would hand it to the program.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub text: String,
    /// Where it is written: in the command, or in the array that the command names.
    pub span: Range<usize>,
    /// Written in the command itself.
    pub here: bool,
    /// No variable is left in it.
    pub known: bool,
    /// Nothing but an unquoted variable, or an array: it may stand for no word, or for many.
    pub splice: bool,
}

impl Word {
    /// May stand for any number of words, and it is not known which.
    pub fn is_opaque(&self) -> bool {
        self.splice && !self.known
    }

    /// The place of the last bytes of the word, where it is written plainly; else all of it.
    pub fn tail(&self, length: usize) -> Range<usize> {
        if self.span.len() == self.text.len() && length <= self.text.len() {
            self.span.end - length..self.span.end
        } else {
            self.span.clone()
        }
    }
}

/// What a variable is set to.
#[derive(Debug, Clone, Copy)]
enum Definition<'t> {
    Once(Node<'t>),
    /// Set more than once, or by something that is not read.
    Unclear,
}

/// The variables of one script.
pub(crate) struct Variables<'t> {
    source: &'t str,
    /// What is added to every span.
    base: usize,
    definitions: HashMap<&'t str, Definition<'t>>,
    /// Names that are being resolved, against circles.
    active: RefCell<Vec<String>>,
}

impl<'t> Variables<'t> {
    pub fn new(source: &'t str, base: usize) -> Self {
        Self { source, base, definitions: HashMap::new(), active: RefCell::new(Vec::new()) }
    }

    fn text(&self, node: Node<'_>) -> &'t str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// Takes note of a node that sets a variable, if it is one.
    pub fn define(&mut self, node: Node<'t>, parent: Option<Node<'t>>) {
        match node.kind() {
            "variable_assignment" => {
                let Some(name) = node.child_by_field_name("name") else { return };
                let whole = self.text(node);
                let name_text = self.text(name);
                let adds = whole[name_text.len()..].starts_with("+=");
                // `X=1 command` sets it for that command alone.
                let for_one_command = parent.is_some_and(|parent| {
                    parent.kind() == "command" && parent.child_by_field_name("name").is_some()
                });
                if for_one_command {
                    return;
                }
                let definition = match node.child_by_field_name("value") {
                    Some(value) if !adds && name.kind() == "variable_name" => {
                        Definition::Once(value)
                    }
                    _ => Definition::Unclear,
                };
                let name = name_text.split('[').next().unwrap_or(name_text);
                self.definitions
                    .entry(name)
                    .and_modify(|earlier| *earlier = Definition::Unclear)
                    .or_insert(definition);
            }
            "for_statement" => {
                if let Some(name) = node.child_by_field_name("variable") {
                    self.definitions.insert(self.text(name), Definition::Unclear);
                }
            }
            // `read X`, `mapfile X`.
            "command" => {
                let words = self.text(node);
                let mut words = words.split_ascii_whitespace();
                if matches!(words.next(), Some("read" | "mapfile" | "readarray" | "getopts")) {
                    for name in words {
                        self.definitions.insert(name, Definition::Unclear);
                    }
                }
            }
            _ => {}
        }
    }

    /// The words that one argument of a command becomes.
    pub fn words(&self, node: Node<'_>) -> Vec<Word> {
        self.words_at(node, 0)
    }

    fn words_at(&self, node: Node<'_>, depth: usize) -> Vec<Word> {
        let range = node.byte_range();
        let span = range.start + self.base..range.end + self.base;
        if let Some((name, quoted)) = self.sole_expansion(node)
            && depth < MAX_DEPTH
            && let Some(words) = self.spliced(name, quoted, &span, depth)
        {
            return words;
        }
        let piece = self.piece(node, depth);
        let splice = match node.kind() {
            "simple_expansion" | "expansion" | "command_substitution" => true,
            "string" => self.sole_expansion(node).is_some_and(|(name, _)| is_many(name)),
            _ => false,
        };
        vec![Word { text: piece.text, span, here: true, known: piece.known, splice }]
    }

    /// The expression of a word that is one variable and nothing else, and whether it is quoted.
    fn sole_expansion(&self, node: Node<'_>) -> Option<(&'t str, bool)> {
        match node.kind() {
            "simple_expansion" | "expansion" => Some((self.text(node), false)),
            "string" if node.named_child_count() == 1 => {
                let inner = node.named_child(0)?;
                let whole = matches!(inner.kind(), "simple_expansion" | "expansion")
                    && inner.byte_range().len() + 2 == node.byte_range().len();
                whole.then(|| (self.text(inner), true))
            }
            _ => None,
        }
    }

    /// The words that a variable stands for, where it is an array, or unquoted.
    fn spliced(
        &self,
        expression: &str,
        quoted: bool,
        span: &Range<usize>,
        depth: usize,
    ) -> Option<Vec<Word>> {
        let many = is_many(expression);
        if quoted && !many {
            return None;
        }
        let name = plain_name(expression)?;
        let Some(Definition::Once(value)) = self.definitions.get(name) else { return None };
        let _active = self.enter(name)?;
        if value.kind() == "array" {
            if !many {
                return None;
            }
            let mut words = Vec::new();
            for index in 0..value.named_child_count() {
                let element = value.named_child(u32::try_from(index).ok()?)?;
                if element.kind() == "comment" {
                    continue;
                }
                words.extend(self.words_at(element, depth + 1));
                if words.len() > MAX_WORDS {
                    return None;
                }
            }
            words.iter_mut().for_each(|word| word.here = false);
            return Some(words);
        }
        let piece = self.piece(*value, depth + 1);
        if !piece.known {
            return None;
        }
        let place = value.byte_range().start + self.base..value.byte_range().end + self.base;
        let word = |text: &str| Word {
            text: text.to_owned(),
            span: place.clone(),
            here: false,
            known: true,
            splice: false,
        };
        let mut words: Vec<Word> = piece.text.split_ascii_whitespace().map(word).collect();
        // One word is as good as written here, and its place is what people look at.
        if let [word] = words.as_mut_slice() {
            word.span = span.clone();
        }
        Some(words)
    }

    /// What a node stands for within one word.
    fn piece(&self, node: Node<'_>, depth: usize) -> Piece {
        let text = self.text(node);
        match node.kind() {
            "word" | "number" | "extglob_pattern" | "variable_name" => Piece::known(unescape(text)),
            "raw_string" => Piece::known(text.trim_matches('\'').to_owned()),
            "ansi_c_string" => {
                let inner = text.strip_prefix("$'").and_then(|text| text.strip_suffix('\''));
                Piece::known(
                    inner
                        .unwrap_or(text)
                        .replace("\\'", "'")
                        .replace("\\n", "\n")
                        .replace("\\t", "\t"),
                )
            }
            "string" => {
                let inner = text.strip_prefix('"').unwrap_or(text);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                self.expanded(inner, true, depth)
            }
            "concatenation" | "command_name" => {
                let mut whole = Piece::known(String::new());
                for index in 0..node.named_child_count() {
                    let Some(child) =
                        u32::try_from(index).ok().and_then(|index| node.named_child(index))
                    else {
                        break;
                    };
                    let piece = if depth < MAX_DEPTH {
                        self.piece(child, depth + 1)
                    } else {
                        Piece { text: self.text(child).to_owned(), known: false }
                    };
                    whole.text.push_str(&piece.text);
                    whole.known &= piece.known;
                }
                // The grammar gives some words, such as `=` and `{`, no named node.
                if node.named_child_count() == 0 {
                    whole.text = unescape(text);
                }
                whole
            }
            "simple_expansion" | "expansion" => self.expanded(text, false, depth),
            _ => Piece { text: text.to_owned(), known: false },
        }
    }

    /// A text with its variables resolved.
    fn expanded(&self, text: &str, quoted: bool, depth: usize) -> Piece {
        // A command's output, and the parameters that the script is called with.
        let unknowable = text.match_indices('$').any(|(at, _)| {
            text[at + 1..]
                .starts_with(|next: char| next.is_ascii_digit() || "(@*#?!$-".contains(next))
        });
        if unknowable || text.contains('`') {
            return Piece { text: text.to_owned(), known: false };
        }
        let lookup = |name: &str| {
            let Some(Definition::Once(value)) = self.definitions.get(name) else { return None };
            if depth >= MAX_DEPTH || value.kind() == "array" {
                return None;
            }
            let _active = self.enter(name)?;
            let piece = self.piece(*value, depth + 1);
            piece.known.then_some(piece.text)
        };
        let substituted = substitute(text, &lookup);
        let known = substituted.unknown.is_none();
        let text =
            if quoted { unescape_quoted(&substituted.text) } else { substituted.text.into_owned() };
        let text = if known && !quoted { text.trim_matches('"').to_owned() } else { text };
        Piece { text, known }
    }

    /// Marks a name as being resolved; `None` where it is already.
    fn enter(&self, name: &str) -> Option<Active<'_>> {
        let mut active = self.active.borrow_mut();
        if active.iter().any(|earlier| earlier == name) {
            return None;
        }
        active.push(name.to_owned());
        Some(Active(&self.active))
    }
}

struct Active<'v>(&'v RefCell<Vec<String>>);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().pop();
    }
}

struct Piece {
    text: String,
    known: bool,
}

impl Piece {
    fn known(text: String) -> Self {
        Self { text, known: true }
    }
}

/// `$@`, `${ARRAY[@]}`: each element is a word, quoted or not.
fn is_many(expression: &str) -> bool {
    expression.contains("[@]")
        || expression.contains("[*]")
        || matches!(expression, "$@" | "${@}" | "$*" | "${*}")
}

/// The name in `$NAME`, `${NAME}`, `${NAME[@]}`; nothing where an operator stands behind it.
fn plain_name(expression: &str) -> Option<&str> {
    let inner = expression.strip_prefix('$')?;
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(inner);
    let inner = inner.strip_suffix("[@]").or_else(|| inner.strip_suffix("[*]")).unwrap_or(inner);
    let is_name =
        !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(inner)
}

/// Takes the backslashes out of an unquoted word.
fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => result.push(escaped),
            },
            other => result.push(other),
        }
    }
    result
}

/// Takes out the backslashes that count within double quotes.
fn unescape_quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('\n')) => {
                characters.next();
            }
            ('\\', Some(escaped @ ('"' | '\\' | '`' | '$'))) => {
                result.push(*escaped);
                characters.next();
            }
            (other, _) => result.push(other),
        }
    }
    result
}
