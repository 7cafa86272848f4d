//! Every simple command of a script, with what stands around it.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::word::{Variables, Word};
use crate::path;

/// Programs that run the command behind them, and which of their flags take a value.
///
/// Source: sudo(8), env(1), exec in bash(1), time(1), nohup(1), nice(1), ionice(1), timeout(1),
/// stdbuf(1), doas(1), setsid(1).
const PREFIXES: &[(&str, &[&str])] = &[
    (
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group",
            "--host", "--prompt", "--chdir",
        ],
    ),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "-S", "--unset", "--chdir"]),
    ("exec", &["-a"]),
    ("time", &["-f", "-o"]),
    ("nohup", &[]),
    ("command", &[]),
    ("builtin", &[]),
    ("nice", &["-n"]),
    ("ionice", &["-c", "-n", "-p"]),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("setsid", &[]),
    ("winpty", &[]),
];

/// One simple command.
#[derive(Debug, Clone)]
pub(crate) struct Simple {
    /// From the program on: prefixes and assignments are taken off.
    pub words: Vec<Word>,
    /// All of it, as it is written, prefixes included.
    pub span: Range<usize>,
    /// Behind `exec`: it takes the shell's place.
    pub exec: bool,
    /// The script goes on when it fails.
    pub failure_ignored: bool,
    /// It runs only under a condition: within `if`, `case`, a loop, behind `&&` or `||`.
    pub conditional: bool,
}

impl Simple {
    /// The program's name, without its folder.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| path::name(&word.text))
    }
}

/// What surrounds a node.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    /// Its failure is looked at, and nothing comes of it.
    ignored: bool,
    /// Its failure is looked at, and the script ends.
    handled: bool,
    conditional: bool,
}

/// All simple commands, in the order in which they are written. `base` is added to every place.
pub(crate) fn simple_commands(tree: &Tree, source: &str, base: usize) -> Vec<Simple> {
    let mut variables = Variables::new(source, base);
    let mut errexit = first_line_has_errexit(source);
    each_node(tree, source, |node, parent, _| {
        variables.define(node, parent);
        errexit |= node.kind() == "command" && sets_errexit(text(node, source));
    });
    let last_byte = tree.root_node().named_child_count().checked_sub(1).and_then(|last| {
        let last = u32::try_from(last).ok()?;
        Some(tree.root_node().named_child(last)?.end_byte())
    });

    let mut commands = Vec::new();
    each_node(tree, source, |node, _, around| {
        if node.kind() != "command" {
            return;
        }
        let Some(name) = node.child_by_field_name("name") else { return };
        let mut words = match name.named_child(0) {
            Some(inner) if name.named_child_count() == 1 => variables.words(inner),
            _ => variables.words(name),
        };
        let mut cursor = node.walk();
        for argument in node.children_by_field_name("argument", &mut cursor) {
            words.extend(variables.words(argument));
        }
        let (prefixes, exec) = prefixes(&words);
        words.drain(..prefixes);
        let last = last_byte == Some(node.end_byte());
        let failure_ignored = !exec && (around.ignored || (!errexit && !around.handled && !last));
        let range = node.byte_range();
        commands.push(Simple {
            words,
            span: range.start + base..range.end + base,
            exec,
            failure_ignored,
            conditional: around.conditional,
        });
    });
    commands
}

/// Visits every node with its parent, parents first, without recursion.
///
/// The parents are kept here: to ask a node for its parent is to walk down from the root again.
fn each_node<'t>(
    tree: &'t Tree,
    source: &str,
    mut visit: impl FnMut(Node<'t>, Option<Node<'t>>, Around),
) {
    let mut cursor = tree.walk();
    // The nodes above the cursor, each with what surrounds its children's parent.
    let mut above: Vec<(Node<'t>, Around)> = Vec::new();
    let mut around = Around::default();
    loop {
        let node = cursor.node();
        visit(node, above.last().map(|(parent, _)| *parent), around);
        if cursor.goto_first_child() {
            above.push((node, around));
        } else {
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                above.pop();
            }
        }
        around = match above.last() {
            Some((parent, outer)) => around_child(*parent, cursor.node(), *outer, source),
            None => Around::default(),
        };
    }
}

/// What surrounds a child, given what surrounds its parent.
fn around_child(parent: Node<'_>, child: Node<'_>, outer: Around, source: &str) -> Around {
    match parent.kind() {
        "list" => {
            let operator = parent.child(1).map_or("", |operator| operator.kind());
            let is_left = parent.child(0).is_some_and(|left| left.id() == child.id());
            match (operator, is_left) {
                ("||", true) => match parent.child(2) {
                    Some(right) if leaves(right, source) => Around { handled: true, ..outer },
                    _ => Around { ignored: true, handled: false, ..outer },
                },
                (_, false) => Around { conditional: true, ..outer },
                _ => outer,
            }
        }
        "if_statement" | "elif_clause" | "while_statement" => {
            if parent.kind() != "elif_clause" && child.kind() == "elif_clause" {
                return Around { conditional: true, ..outer };
            }
            let is_condition = parent
                .child_by_field_name("condition")
                .is_some_and(|condition| condition.id() == child.id());
            if is_condition {
                if leaves(parent, source) {
                    Around { handled: true, ..outer }
                } else {
                    Around { ignored: true, ..outer }
                }
            } else {
                Around { conditional: true, ..outer }
            }
        }
        "case_item" | "else_clause" | "for_statement" | "c_style_for_statement" => {
            Around { conditional: true, ..outer }
        }
        "negated_command" if !outer.handled => Around { ignored: true, ..outer },
        _ => outer,
    }
}

/// Whether a node holds a command that ends the script or the function.
fn leaves(node: Node<'_>, source: &str) -> bool {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if node.kind() == "command_name"
            && matches!(
                text(node, source),
                "exit" | "return" | "exec" | "die" | "fail" | "fatal" | "abort" | "false"
            )
        {
            return true;
        }
        let mut cursor = node.walk();
        waiting.extend(node.named_children(&mut cursor));
    }
    false
}

fn text<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

fn first_line_has_errexit(source: &str) -> bool {
    let first = source.lines().next().unwrap_or_default();
    first.starts_with("#!") && first.split_ascii_whitespace().skip(1).any(is_errexit_flag)
}

fn sets_errexit(command: &str) -> bool {
    let mut words = command.split_ascii_whitespace();
    words.next() == Some("set")
        && words.clone().any(|word| is_errexit_flag(word) || word == "errexit")
}

fn is_errexit_flag(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains('e'))
}

/// How many words before the program itself belong to `sudo`, `env` and their kin; and whether one
/// of them is `exec`.
fn prefixes(words: &[Word]) -> (usize, bool) {
    let mut at = 0;
    let mut exec = false;
    while let Some(word) = words.get(at) {
        let program = path::name(&word.text);
        let Some((_, valued)) = PREFIXES.iter().find(|(name, _)| *name == program) else { break };
        exec |= program == "exec";
        let mut next = at + 1;
        while let Some(word) = words.get(next) {
            let text = word.text.as_str();
            if text == "--" {
                next += 1;
                break;
            }
            if text.starts_with('-') {
                next += if valued.contains(&text) { 2 } else { 1 };
            } else if matches!(program, "env" | "sudo" | "doas") && is_assignment(text) {
                next += 1;
            } else {
                break;
            }
        }
        if program == "timeout" {
            // The time itself.
            next += 1;
        }
        if next >= words.len() {
            break;
        }
        at = next;
    }
    (at, exec)
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}
