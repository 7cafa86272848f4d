//! Steps of an entrypoint that change what the process may do.

use super::{command::Simple, word::Word};
use crate::{PrivilegeStep, Spanned, Tool};

/// The programs that are looked for.
pub(super) const PROGRAMS: [&str; 6] = ["capsh", "setpriv", "gosu", "su-exec", "chown", "dropcap"];

/// The step that a command is, if it is one.
pub(super) fn step(file: &str, simple: &Simple) -> Option<PrivilegeStep> {
    let tool = match simple.program() {
        "capsh" => Tool::Capsh,
        "setpriv" => Tool::Setpriv,
        "gosu" => Tool::Gosu,
        "su-exec" => Tool::SuExec,
        "chown" => Tool::Chown,
        "dropcap" if simple.words.get(1).is_some_and(|word| word.text == "run") => Tool::Dropcap,
        _ => return None,
    };
    let drops = match tool {
        Tool::Capsh => capsh_drops(&simple.words),
        Tool::Setpriv => setpriv_drops(&simple.words),
        Tool::Dropcap => vec![Spanned::new("all".to_owned(), simple.words[1].span.clone())],
        Tool::Gosu | Tool::SuExec | Tool::Chown => Vec::new(),
    };
    let no_new_privs = match tool {
        Tool::Setpriv => {
            own(&simple.words, tool).iter().any(|word| is_long(&word.text, "--no-new-privs", 4))
        }
        Tool::Capsh => own(&simple.words, tool).iter().any(|word| word.text == "--no-new-privs"),
        Tool::Dropcap => true,
        _ => false,
    };
    Some(PrivilegeStep {
        file: file.to_owned(),
        tool,
        arguments: simple.words.iter().map(|word| word.text.clone()).collect(),
        drops,
        no_new_privs,
        failure_ignored: simple.failure_ignored,
        conditional: simple.conditional,
        exec: simple.exec,
        span: simple.span.clone(),
    })
}

/// The words that the tool itself takes, without those of the command that it runs.
fn own(words: &[Word], tool: Tool) -> &[Word] {
    let end = words.iter().position(|word| {
        word.text == "--"
            || (tool == Tool::Capsh && matches!(word.text.as_str(), "==" | "=+" | "-+"))
    });
    &words[..end.unwrap_or(words.len())]
}

/// `--drop=A,B`: one after the other, from the left. Source: capsh(1), libcap progs/capsh.c.
fn capsh_drops(words: &[Word]) -> Vec<Spanned<String>> {
    own(words, Tool::Capsh)
        .iter()
        .filter_map(|word| Some((word, word.text.strip_prefix("--drop=")?)))
        .flat_map(|(word, list)| names(word, list))
        .collect()
}

/// `--bounding-set -all,-net_raw`, with a value behind `=` or a blank. Source: setpriv(1).
fn setpriv_drops(words: &[Word]) -> Vec<Spanned<String>> {
    let words = own(words, Tool::Setpriv);
    let mut drops = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let (flag, list, place) = match word.text.split_once('=') {
            Some((flag, list)) => (flag, list, word),
            None => match words.get(at + 1) {
                Some(next) => (word.text.as_str(), next.text.as_str(), next),
                None => continue,
            },
        };
        if is_long(flag, "--bounding-set", 3) {
            let dropped = names(place, list).into_iter().filter_map(|name| {
                let value = name.value.strip_prefix('-')?.to_owned();
                Some(Spanned::new(
                    value,
                    name.span.end - name.span.len().min(name.value.len() - 1)..name.span.end,
                ))
            });
            drops.extend(dropped);
        }
    }
    drops
}

/// Whether a word is a long flag or an abbreviation of it, which getopt takes from `least`
/// characters behind the dashes on.
fn is_long(word: &str, flag: &str, least: usize) -> bool {
    word.len() >= least + 2 && flag.starts_with(word)
}

/// The names of a comma list that ends a word, each with its place.
fn names(word: &Word, list: &str) -> Vec<Spanned<String>> {
    let place = word.tail(list.len());
    let plain = place.len() == list.len();
    let mut at = place.start;
    list.split(',')
        .filter_map(|name| {
            let span = if plain { at..at + name.len() } else { place.clone() };
            at += name.len() + 1;
            (!name.is_empty()).then(|| Spanned::new(name.to_owned(), span))
        })
        .collect()
}
