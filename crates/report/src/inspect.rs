//! What processes are and can reach, as text.

use crate::prove::Detail;
use anstyle::{AnsiColor, Style};
use dropcap_prove::{Inspection, SeccompMode, State};
use std::fmt::Write;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const DIMMED: Style = Style::new().dimmed();

/// Several inspections, for a person: one block each, or a table of one line each when there is
/// more than one and no detail is asked for. Styles are stripped by whoever prints it.
pub fn text(inspections: &[Inspection], detail: Detail) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match inspections {
        [] => Ok(()),
        [one] => block(&mut out, one, detail),
        many if detail == Detail::Verbose => many.iter().try_for_each(|one| {
            block(&mut out, one, detail)?;
            writeln!(out)
        }),
        many => table(&mut out, many),
    };
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
    writeln!(out, "{BOLD}{}{BOLD:#}", one.target)?;
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
    for door in &one.doors {
        writeln!(out, "    by {} ({}): {}", door.path, door.kind, show(&door.gains))?;
    }
    if full {
        for (capability, chain) in &one.witnesses {
            writeln!(out, "    {DIMMED}{capability}: {chain}{DIMMED:#}")?;
        }
    }
    for note in &one.notes {
        writeln!(out, "  note: {note}")?;
    }
    Ok(())
}

fn table(out: &mut String, many: &[Inspection]) -> std::fmt::Result {
    let rows: Vec<[String; 6]> = many
        .iter()
        .map(|one| {
            [
                one.target.clone(),
                one.state.uid.to_string(),
                set(&one.state.effective),
                set(&one.state.bounding),
                if one.state.no_new_privs { "set" } else { "off" }.to_owned(),
                set(&one.reachable),
            ]
        })
        .collect();
    let heads = ["TARGET", "USER", "EFFECTIVE", "BOUNDING", "NO_NEW_PRIVS", "REACHABLE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut row = |cells: &[&str]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    row(&heads)?;
    for cells in &rows {
        row(&cells.each_ref().map(String::as_str))?;
    }
    Ok(())
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
