//! What tells two apart.

use super::{BOLD, GREEN, RED};
use crate::text::clean;
use dropcap_prove::{Difference, DoorState};
use std::fmt::Write;

/// A difference, for a person: a line for each thing that is not the same, `+` for what the second has
/// and the first has not, `-` for the other way round.
pub fn difference(difference: &Difference) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, difference);
    out
}

fn write(out: &mut String, difference: &Difference) -> std::fmt::Result {
    let Difference { target, compare, .. } = difference;
    writeln!(out, "{BOLD}{} → {}{BOLD:#}", clean(target), clean(compare))?;
    if !difference.differs {
        writeln!(out, "  no difference")?;
    }
    for (name, change) in &difference.sets {
        let parts = [("+", RED, &change.gained), ("-", GREEN, &change.lost)];
        for (sign, style, names) in parts.into_iter().filter(|(.., names)| !names.is_empty()) {
            writeln!(out, "  {name:<16}{style}{sign}{}{style:#}", super::set(names))?;
        }
    }
    for (name, [from, to]) in &difference.changed {
        writeln!(out, "  {name:<16}{} → {}", value(from), value(to))?;
    }
    let mut door = |sign, style: anstyle::Style, door: &DoorState| {
        writeln!(out, "  {:<16}{style}{sign}{} ({}){style:#}", "door", clean(&door.path), door.kind)
    };
    difference.doors_gained.iter().try_for_each(|one| door("+", RED, one))?;
    difference.doors_lost.iter().try_for_each(|one| door("-", GREEN, one))?;
    difference.notes.iter().try_for_each(|note| writeln!(out, "  note: {}", clean(note)))
}

/// A value of JSON as a person writes it.
fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) if values.is_empty() => "none".to_owned(),
        serde_json::Value::Array(values) => {
            values.iter().map(self::value).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}
