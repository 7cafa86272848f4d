//! What processes, files and roots are and can reach, as text.

mod difference;
mod file;
mod table;

pub use difference::difference;

use crate::prove::Detail;
use crate::text::clean;
use anstyle::{AnsiColor, Style};
use dropcap_prove::{FileInspection, Inspection, RootInspection, SeccompMode, State};
use serde::Serialize;
use std::fmt::Write;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();

/// What was looked at, each in its own layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Inspected {
    /// A process, one that runs or one that would.
    Process(Box<Inspection>),
    /// An executable file.
    File(FileInspection),
    /// A root directory.
    Root(RootInspection),
}

/// What was looked at, for a person: one block each. Where there are several processes they are a
/// table of one line each, unless all detail is asked for. Styles are stripped by whoever prints it.
pub fn text(inspected: &[Inspected], detail: Detail) -> String {
    let processes: Vec<&Inspection> = inspected
        .iter()
        .filter_map(|one| match one {
            Inspected::Process(process) => Some(process.as_ref()),
            _ => None,
        })
        .collect();
    let as_table = processes.len() > 1 && detail != Detail::Verbose;
    let mut out = String::new();
    // Writing to a string cannot fail.
    if as_table {
        let _ = table::table(&mut out, &processes);
    }
    for one in inspected {
        if !(out.is_empty() || as_table && matches!(one, Inspected::Process(_))) {
            out.push('\n');
        }
        let _ = match one {
            Inspected::Process(_) if as_table => Ok(()),
            Inspected::Process(process) => block(&mut out, process, detail),
            Inspected::File(one) => file::file(&mut out, one),
            Inspected::Root(root) => file::root(&mut out, root, detail),
        };
    }
    out
}

/// A set, short: how many where it is everything that there is to name, else the names.
fn set(names: &[String]) -> String {
    /// More names than this are no longer read, but counted.
    const READABLE: usize = 16;
    match names.len() {
        0 => "none".to_owned(),
        count if count > READABLE => format!("{count} capabilities"),
        _ => names.join(","),
    }
}

fn block(out: &mut String, one: &Inspection, detail: Detail) -> std::fmt::Result {
    let state = &one.state;
    let name = one.name.as_ref().map(|name| format!(" ({})", clean(name)));
    writeln!(out, "{BOLD}{}{BOLD:#}{}", clean(&one.target), name.unwrap_or_default())?;
    let full = detail == Detail::Verbose;
    let show = |names: &[String]| match names {
        [] => "none".to_owned(),
        names if full => names.join(","),
        names => set(names),
    };
    let mut line = |name: &str, value: &str| writeln!(out, "  {name:<16}{value}");
    line("user", &format!("{} (group {}{})", state.uid, state.gid, groups(&state.groups)))?;
    line("effective", &show(&state.effective))?;
    line("permitted", &show(&state.permitted))?;
    line("inheritable", &show(&state.inheritable))?;
    line("bounding", &show(&state.bounding))?;
    line("ambient", &show(&state.ambient))?;
    line("securebits", &securebits(state))?;
    line("no_new_privs", if state.no_new_privs { "set" } else { "off" })?;
    line("seccomp", seccomp(state))?;
    line("user namespace", &user_namespace(state))?;
    line("may make one", one.nested.as_deref().unwrap_or("unknown: a filter is installed"))?;
    let style = if one.reachable.len() > state.permitted.len() { RED } else { Style::new() };
    writeln!(out, "  {:<16}{style}{}{style:#}", "reachable", show(&one.reachable))?;
    for (chain, gains) in chains(&one.witnesses) {
        writeln!(out, "    {}: {}", clean(chain), show(&gains))?;
    }
    if !one.doors.is_empty() && detail != Detail::Quiet {
        let doors = one.doors.iter().map(|door| (door, show(&door.gains)));
        writeln!(out, "  files that open it")?;
        for (door, gains) in doors {
            writeln!(out, "    {} ({}): {gains}", clean(&door.path), door.kind)?;
        }
    }
    for note in &one.notes {
        writeln!(out, "  note: {}", clean(note))?;
    }
    Ok(())
}

/// The witnesses by their chains, in the order of the capabilities: what each chain leads to.
fn chains(witnesses: &[(String, String)]) -> Vec<(&str, Vec<String>)> {
    let mut chains: Vec<(&str, Vec<String>)> = Vec::new();
    for (capability, chain) in witnesses {
        match chains.iter_mut().find(|(known, _)| known == chain) {
            Some((_, gains)) => gains.push(capability.clone()),
            None => chains.push((chain, vec![capability.clone()])),
        }
    }
    chains
}

fn groups(groups: &[u32]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let numbers: Vec<String> = groups.iter().map(u32::to_string).collect();
    format!(", also {}", numbers.join(","))
}

fn securebits(state: &State) -> String {
    match state.securebits.map(dropcap_prove::SecurebitsState::names) {
        None => "unknown".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => names.join(","),
    }
}

fn seccomp(state: &State) -> &'static str {
    match state.seccomp {
        Some(SeccompMode::Disabled) => "none",
        Some(SeccompMode::Strict) => "strict",
        Some(SeccompMode::Filter) => "filter",
        None => "unknown",
    }
}

fn user_namespace(state: &State) -> String {
    match &state.user_namespace {
        None => "unknown".to_owned(),
        Some(namespace) if namespace.initial => "the machine's own".to_owned(),
        Some(namespace) => {
            let ranges: Vec<String> = namespace
                .uid_map
                .iter()
                .map(|range| {
                    format!("{}+{} is {} outside", range.inside, range.count, range.outside)
                })
                .collect();
            format!("its own: user {}", ranges.join(", "))
        }
    }
}
