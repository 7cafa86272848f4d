//! A step of an entrypoint as `dropcap run` makes it.

use super::FileEdit;
use super::candidates::needs;
use crate::sets::as_written;
use dropcap_capability::CapabilitySet;
use dropcap_manifest::{PrivilegeStep, Tool};
use std::ops::Range;

/// A step in the words of `dropcap run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The bytes that change.
    pub edit: FileEdit,
    /// What that is, in words.
    pub does: String,
}

/// Whether a step takes something away.
fn takes(step: &PrivilegeStep) -> bool {
    !step.drops.is_empty() || step.no_new_privs || step.tool == Tool::Dropcap
}

/// Whether the script goes on with everything where the step fails: `drop-not-verified`.
pub(crate) fn is_unverified(step: &PrivilegeStep) -> bool {
    takes(step) && step.failure_ignored
}

/// Whether it is a step that a rule about drops finds fault with.
pub(super) fn is_mended(step: &PrivilegeStep) -> bool {
    is_unverified(step) || !step.drops.is_empty()
}

/// The step at `position` as `dropcap run` does it, where its words can be carried over. What the steps
/// after it need stays allowed. One whose failure nobody would see takes the place of the shell.
pub(crate) fn replace_step(
    steps: &[PrivilegeStep],
    position: usize,
    source: &[u8],
) -> Option<Replaced> {
    let step = steps.get(position)?;
    let keep =
        steps[position + 1..].iter().fold(CapabilitySet::EMPTY, |all, later| all | needs(later));
    let keep = as_written(keep);
    let text = std::str::from_utf8(source.get(step.span.clone())?).ok()?;
    let (range, mut replacement) = rewrite(step.tool, text, &keep)?;
    if is_unverified(step) && !step.exec {
        // Where it fails there is nothing left that could go on.
        replacement.insert_str(0, "exec ");
    }
    let does = format!("`{}` becomes `{replacement}`", &text[range.clone()]);
    let edit = FileEdit {
        file: step.file.clone(),
        start: step.span.start + range.start,
        end: step.span.start + range.end,
        text: replacement,
    };
    Some(Replaced { edit, does })
}

/// The bytes of `text` that name the old tool with its options, and what takes their place.
fn rewrite(tool: Tool, text: &str, keep: &[String]) -> Option<(Range<usize>, String)> {
    let words = words(text)?;
    let raw = |range: &Range<usize>| &text[range.clone()];
    let name = |range: &Range<usize>| raw(range).rsplit('/').next().unwrap_or_default();
    let program = match tool {
        Tool::Gosu => "gosu",
        Tool::SuExec => "su-exec",
        Tool::Setpriv => "setpriv",
        Tool::Capsh => "capsh",
        Tool::Chown | Tool::Dropcap => return None,
    };
    let at = words.iter().position(|word| name(word) == program)?;
    let arguments = &words[at + 1..];
    let (user, used, shell) = match tool {
        Tool::Gosu | Tool::SuExec => (Some(raw(arguments.first()?).to_owned()), 1, false),
        Tool::Setpriv => setpriv(arguments, &raw)?,
        _ => capsh(arguments, &raw)?,
    };
    if arguments.len() == used && !shell {
        return None;
    }
    let last = if used == 0 { &words[at] } else { &arguments[used - 1] };
    let mut line = "dropcap run".to_owned();
    if let Some(user) = user {
        line.push_str(&format!(" --user {user}"));
    }
    if !keep.is_empty() {
        line.push_str(&format!(" --allow {}", keep.join(",")));
    }
    line.push_str(if shell { " -- /bin/bash" } else { " --" });
    Some((words[at].start..last.end, line))
}

type Options = (Option<String>, usize, bool);

/// setpriv(1): the user and group, and how many words are options.
fn setpriv<'a>(
    arguments: &[Range<usize>],
    raw: &impl Fn(&Range<usize>) -> &'a str,
) -> Option<Options> {
    let (mut user, mut group) = (None, None);
    let mut used = 0;
    while let Some(word) = arguments.get(used).map(raw) {
        if word == "--" {
            used += 1;
            break;
        }
        let Some(option) = word.strip_prefix("--") else { break };
        used += 1;
        let (option, value) = match option.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (option, None),
        };
        let mut value = || {
            value.map(str::to_owned).or_else(|| {
                let next = arguments.get(used).map(raw)?;
                used += 1;
                Some(next.to_owned())
            })
        };
        match option {
            "reuid" => user = Some(value()?),
            "regid" => group = Some(value()?),
            "groups" | "inh-caps" | "ambient-caps" | "bounding-set" | "securebits" => {
                value()?;
            }
            "clear-groups" | "init-groups" | "keep-groups" | "no-new-privs" => {}
            // What else there is has no counterpart.
            _ => return None,
        }
    }
    let user = match (user, group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user),
        (None, None) => None,
        (None, Some(_)) => return None,
    };
    Some((user, used, false))
}

/// capsh(1): `--drop=…` and `--user=…` up to `--`, which starts a shell.
fn capsh<'a>(
    arguments: &[Range<usize>],
    raw: &impl Fn(&Range<usize>) -> &'a str,
) -> Option<Options> {
    let mut user = None;
    for (position, word) in arguments.iter().map(raw).enumerate() {
        match word.split_once('=') {
            _ if word == "--" => return Some((user, position + 1, true)),
            Some(("--drop" | "--inh" | "--caps" | "--secbits", _)) => {}
            Some(("--user", name)) => user = Some(name.to_owned()),
            _ if matches!(word, "--noamb" | "--no-new-privs" | "--print") => {}
            _ => return None,
        }
    }
    None
}

/// The words of a simple command, in bytes; `None` for what is more than that.
fn words(text: &str) -> Option<Vec<Range<usize>>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                // A backslash before a newline joins two lines; elsewhere it is part of a word.
                match characters.next() {
                    Some((_, '\n')) if quote.is_none() => {
                        words.extend(start.take().map(|start| start..at));
                    }
                    _ => {
                        start.get_or_insert(at);
                    }
                }
            }
            (_, '`') => return None,
            (_, '$') if matches!(characters.peek(), Some((_, '('))) => return None,
            (Some(_), _) => {}
            (None, '\'' | '"') => {
                quote = Some(character);
                start.get_or_insert(at);
            }
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')') => {
                break_here(&mut words, &mut start, at)
            }
            (None, _) if character.is_whitespace() => break_here(&mut words, &mut start, at),
            (None, _) => {
                start.get_or_insert(at);
            }
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(start.map(|start| start..text.len()));
    Some(words)
}

fn break_here(words: &mut Vec<Range<usize>>, start: &mut Option<usize>, at: usize) {
    words.extend(start.take().map(|start| start..at));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(tool: Tool, text: &str, keep: &[&str]) -> Option<String> {
        let keep: Vec<String> = keep.iter().map(|word| (*word).to_owned()).collect();
        let (range, replacement) = rewrite(tool, text, &keep)?;
        Some(format!("{}{replacement}{}", &text[..range.start], &text[range.end..]))
    }

    #[test]
    fn the_command_behind_the_step_stays_as_it_is() {
        for (tool, before, after) in [
            (
                Tool::Gosu,
                r#"exec gosu "$APP_USER" "$@""#,
                r#"exec dropcap run --user "$APP_USER" -- "$@""#,
            ),
            (
                Tool::SuExec,
                "su-exec app:app sh -c 'x y'",
                "dropcap run --user app:app -- sh -c 'x y'",
            ),
            (
                Tool::Setpriv,
                "exec setpriv --reuid=app --regid app --clear-groups --bounding-set=-all \\\n  --no-new-privs -- nginx -g 'daemon off;'",
                "exec dropcap run --user app:app -- nginx -g 'daemon off;'",
            ),
            (
                Tool::Capsh,
                "exec capsh --drop=cap_setpcap,cap_net_raw -- -c 'exec \"$0\"'",
                "exec dropcap run -- /bin/bash -c 'exec \"$0\"'",
            ),
            (
                Tool::Capsh,
                "/usr/sbin/capsh --drop=all --user=app --",
                "dropcap run --user app -- /bin/bash",
            ),
        ] {
            assert_eq!(rewritten(tool, before, &[]).as_deref(), Some(after));
        }
    }

    #[test]
    fn what_later_steps_need_stays_allowed() {
        assert_eq!(
            rewritten(Tool::Capsh, "capsh --drop=cap_net_raw -- -c ./b.sh", &["SETGID", "SETUID"])
                .as_deref(),
            Some("dropcap run --allow SETGID,SETUID -- /bin/bash -c ./b.sh")
        );
    }

    #[test]
    fn what_cannot_be_carried_over_is_left_alone() {
        for (tool, text) in [
            (Tool::Gosu, "gosu $(id -un) app"),
            (Tool::Gosu, "gosu app"),
            (Tool::Setpriv, "setpriv --reuid=app --apparmor-profile=x app"),
            (Tool::Setpriv, "setpriv --regid=app app"),
            (Tool::Capsh, "capsh --drop=all --chroot=/x -- -c a"),
            (Tool::Capsh, "capsh --drop=all"),
            (Tool::Chown, "chown app /data"),
        ] {
            assert_eq!(rewritten(tool, text, &[]), None, "{text}");
        }
    }
}
