//! A command's words, told apart by the grammar of its flags.

use std::ops::Range;

use super::{
    flags::{self, Flag},
    word::Word,
};
use crate::Spanned;

/// A flag with its value.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    /// The long name, without dashes.
    pub name: String,
    /// The value's text and place; for a switch without a value, `true` at the flag itself.
    pub value: Spanned<String>,
    /// From the flag's first byte to the value's last.
    pub span: Range<usize>,
    /// Behind a `=`, or in the same word.
    pub joined: bool,
    /// Written where the command stands, and not in a variable.
    pub here: bool,
    /// No variable is left in the value.
    pub known: bool,
}

/// A command's flags and what follows them.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub flags: Vec<Argument>,
    /// From the first word that is no flag on.
    pub positional: Vec<Word>,
    /// Words among the flags that may stand for any number of flags.
    pub opaque: Vec<Word>,
}

impl Arguments {
    /// Reads words as pflag does: flags end at the first other word, or behind `--`. With
    /// `interspersed`, flags may follow other words too.
    pub fn read(words: &[Word], table: &[Flag], interspersed: bool) -> Self {
        let mut read = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            if text == "--" {
                read.positional.extend(words.cloned());
                break;
            }
            if word.is_opaque() && !stands_for_an_image(word, words.peek().is_none()) {
                read.opaque.push(word.clone());
                continue;
            }
            if !text.starts_with('-') || text == "-" {
                read.positional.push(word.clone());
                if !interspersed {
                    read.positional.extend(words.cloned());
                    break;
                }
                continue;
            }
            let (name, value) = match text.strip_prefix("--") {
                Some(rest) => match rest.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (rest.to_owned(), None),
                },
                None => match read.cluster(&text[1..], word, table) {
                    Some(value) => value,
                    None => continue,
                },
            };
            let flag = flags::long(table, &name);
            let joined = value.is_some();
            let takes_value = flag.is_some_and(|flag| flag.takes_value);
            let argument = if let Some(value) = value {
                let span = word.tail(value.len());
                Argument {
                    name,
                    value: Spanned::new(value, span),
                    span: word.span.clone(),
                    joined,
                    here: word.here,
                    known: word.known,
                }
            } else if takes_value {
                let Some(next) = words.next() else { break };
                Argument {
                    name,
                    value: Spanned::new(next.text.clone(), next.span.clone()),
                    span: word.span.start..next.span.end.max(word.span.end),
                    joined,
                    here: word.here && next.here,
                    known: next.known,
                }
            } else {
                Argument {
                    name,
                    value: Spanned::new("true".to_owned(), word.span.clone()),
                    span: word.span.clone(),
                    joined,
                    here: word.here,
                    known: word.known,
                }
            };
            read.flags.push(argument);
        }
        read
    }

    /// `-it`, `-uroot`, `-itu root`: switches up to a flag that takes what is left. Gives that flag,
    /// and what is left for it.
    fn cluster(
        &mut self,
        letters: &str,
        word: &Word,
        table: &[Flag],
    ) -> Option<(String, Option<String>)> {
        for (at, letter) in letters.char_indices() {
            let flag = flags::short(table, letter);
            let name = flag.map_or_else(|| letter.to_string(), |flag| flag.long.to_owned());
            if flag.is_some_and(|flag| flag.takes_value) {
                let rest = &letters[at + letter.len_utf8()..];
                let rest = rest.strip_prefix('=').unwrap_or(rest);
                return Some((name, (!rest.is_empty()).then(|| rest.to_owned())));
            }
            self.flags.push(Argument {
                name,
                value: Spanned::new("true".to_owned(), word.span.clone()),
                span: word.span.clone(),
                joined: true,
                here: word.here,
                known: word.known,
            });
        }
        None
    }

    /// The last value of a flag, which is the one that counts.
    pub fn last(&self, name: &str) -> Option<&Argument> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Argument> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }
}

/// Whether a word that is all variable is the image: it is the last word, or its name says so.
fn stands_for_an_image(word: &Word, last: bool) -> bool {
    let name = word.text.to_ascii_uppercase();
    let says_so = ["IMAGE", "IMG", "TAG", "REPO"].iter().any(|part| name.contains(part));
    let many = name.contains("[@]") || name.contains("[*]") || name == "$@" || name == "$*";
    says_so || (last && !many)
}
