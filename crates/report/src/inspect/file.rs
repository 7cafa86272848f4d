//! Executable files and roots.

use super::{BOLD, RED};
use crate::prove::Detail;
use crate::text::clean;
use anstyle::Style;
use dropcap_prove::{Execution, FileInspection, RootInspection};
use std::fmt::Write;

/// A file: what it is, and what executing it gives.
pub(super) fn file(out: &mut String, file: &FileInspection) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}", clean(&file.target))?;
    let mut line = |name: &str, value: &str| writeln!(out, "  {name:<16}{value}");
    if file.path != file.target {
        line("is", &clean(&file.path))?;
    }
    line("mode", &file.mode)?;
    line("owner", &format!("{} (group {})", id(file.uid), id(file.gid)))?;
    line("capabilities", file.file_capabilities.as_deref().unwrap_or("none"))?;
    if let Some(root) = file.root_id {
        line("count for", &format!("a user namespace whose root is {root} outside"))?;
    }
    line(
        "mount",
        match (file.nosuid, file.noexec) {
            (_, true) => "noexec: nothing there can be executed",
            (true, _) => "nosuid: nothing there gives a privilege",
            _ => "ordinary",
        },
    )?;
    writeln!(out, "  executed by")?;
    file.executed_by.iter().try_for_each(|one| {
        let style = if gives(one) { RED } else { Style::new() };
        writeln!(out, "    {:<24}{style}{}{style:#}", one.who, outcome(one))
    })
}

/// A root: its users, and its privileged files, each on one line.
pub(super) fn root(out: &mut String, root: &RootInspection, detail: Detail) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}", clean(&root.target))?;
    let users: Vec<String> =
        root.users.iter().map(|user| format!("{} ({})", clean(&user.name), user.uid)).collect();
    let users = match users.len() {
        0 => "none: it has no /etc/passwd".to_owned(),
        count if count > 8 && detail != Detail::Verbose => {
            format!("{}, and {} more", users[..8].join(", "), count - 8)
        }
        _ => users.join(", "),
    };
    writeln!(out, "  {:<16}{users}", "users")?;
    if root.files.is_empty() {
        writeln!(out, "  {:<16}none", "privileged files")?;
    } else {
        writeln!(out, "  privileged files, and what they make of another user")?;
    }
    for file in &root.files {
        let stranger = file.executed_by.first();
        let capabilities =
            file.file_capabilities.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
        let style = if stranger.is_some_and(gives) { RED } else { Style::new() };
        writeln!(
            out,
            "    {} ({} {}:{}{capabilities}): {style}{}{style:#}",
            clean(&file.path),
            file.mode,
            id(file.uid),
            id(file.gid),
            stranger.map(outcome).unwrap_or_default(),
        )?;
    }
    root.notes.iter().try_for_each(|note| writeln!(out, "  note: {}", clean(note)))
}

fn id(id: Option<u32>) -> String {
    id.map_or_else(|| "nobody here".to_owned(), |id| id.to_string())
}

/// Whether a user who holds nothing comes to something by it.
fn gives(one: &Execution) -> bool {
    let gains = |it: &dropcap_prove::Outcome| it.uid == 0 || !it.permitted.is_empty();
    one.who == dropcap_prove::STRANGER && one.outcome.as_ref().is_some_and(gains)
}

fn outcome(one: &Execution) -> String {
    let Some(outcome) = &one.outcome else {
        return format!("refused: {}", one.refused.as_deref().unwrap_or("it cannot be executed"));
    };
    let set = super::set(&outcome.permitted);
    let idle = if outcome.permitted.is_empty() || outcome.effective == outcome.permitted {
        String::new()
    } else {
        format!(", effective {}", super::set(&outcome.effective))
    };
    format!("user {}, group {}, permitted {set}{idle}", outcome.uid, outcome.gid)
}
