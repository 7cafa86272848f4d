//! Several processes, one line each.

use crate::text::clean;
use dropcap_prove::Inspection;
use std::fmt::Write;

/// Names of capabilities that a cell shows; more are counted.
const READABLE: usize = 3;

pub(super) fn table(out: &mut String, many: &[&Inspection]) -> std::fmt::Result {
    let at_most = many.iter().any(|one| one.reachable_at_most);
    let named = many.iter().any(|one| one.name.is_some());
    let mut heads = vec!["TARGET"];
    heads.extend(named.then_some("PROGRAM"));
    heads.extend(["USER", "EFFECTIVE", "BOUNDING", "NO_NEW_PRIVS"]);
    heads.push(if at_most { "REACHABLE AT MOST" } else { "REACHABLE" });
    let row = |one: &&Inspection| {
        let mut cells = vec![clean(&one.target).into_owned()];
        if named {
            cells.push(one.name.as_deref().map(clean).unwrap_or_default().into_owned());
        }
        cells.push(one.state.uid.to_string());
        cells.push(set(&one.state.effective));
        cells.push(set(&one.state.bounding));
        cells.push(if one.state.no_new_privs { "set" } else { "off" }.to_owned());
        cells.push(set(&one.reachable));
        cells
    };
    let rows: Vec<Vec<String>> = many.iter().map(row).collect();
    let width = |(column, head): (usize, &&str)| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = heads.iter().enumerate().map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let start = out.len();
        for (cell, width) in cells.zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        out.truncate(start + out[start..].trim_end().len());
        writeln!(out)
    };
    line(&mut heads.iter().copied())?;
    rows.iter().try_for_each(|cells| line(&mut cells.iter().map(String::as_str)))
}

/// A set, in a few words.
fn set(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count > READABLE => format!("{count} capabilities"),
        _ => names.join(","),
    }
}
