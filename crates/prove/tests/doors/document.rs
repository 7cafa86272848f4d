//! `docs/doors-by-kernel.md`: what each kernel showed of each door.

use crate::row::Table;
use dropcap_capability::Kernel;
use dropcap_prove::DOORS;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doors-by-kernel.md");
/// What a door shows that is seen both ways.
const BOTH: &str = "open / closed";
const NOTHING: &str = "";

const ABOVE: &str = "\
# Doors by kernel

Each [door](doors.md) is tried twice on each kernel: by a process that holds exactly what it asks for, and by
one that holds everything but that and what stands in for it. `open / closed` is what is right. A capability
that no check of a kernel asks for is `inert`; what a machine cannot be brought to show is `not-tried`.

This page is written by the test run (`cargo test -p dropcap-prove --test doors -- --write`), and compared with
the kernel at hand by `make test`.
";

/// The page.
pub struct Document {
    /// For each kernel, what it shows of each door.
    columns: BTreeMap<Kernel, BTreeMap<String, String>>,
}

impl Document {
    /// Reads it; where there is none, it is empty.
    pub fn read() -> Result<Self, String> {
        let text = fs::read_to_string(PATH).unwrap_or_default();
        let mut rows = text.lines().filter_map(cells);
        let mut columns = BTreeMap::new();
        let Some((_, kernels)) = rows.next() else { return Ok(Self { columns }) };
        let kernels: Vec<Kernel> = kernels
            .iter()
            .map(|kernel| Kernel::from_release(kernel).ok_or_else(|| format!("{PATH}: {kernel}?")))
            .collect::<Result<_, _>>()?;
        for (door, shown) in rows {
            for (kernel, cell) in kernels.iter().zip(shown) {
                let column: &mut BTreeMap<String, String> = columns.entry(*kernel).or_default();
                column.insert(door.trim_matches('`').to_owned(), cell);
            }
        }
        Ok(Self { columns })
    }

    /// Takes a kernel's column in, in place of the one that it had.
    pub fn merge(&mut self, table: &Table) -> Result<(), String> {
        self.columns.insert(table.kernel, column(table));
        Ok(())
    }

    /// Compares with a kernel's column, if there is one.
    pub fn compare(&mut self, table: &Table) -> Result<(), String> {
        let Some(written) = self.columns.get(&table.kernel) else { return Ok(()) };
        let shown = column(table);
        let other: Vec<String> = DOORS
            .iter()
            .map(|door| (door.name, written.get(door.name), shown.get(door.name)))
            .filter(|(_, written, shown)| written != shown)
            .map(|(door, written, shown)| {
                format!(
                    "{door} is {} on {}, where docs/doors-by-kernel.md says {}",
                    shown.map_or("missing", String::as_str),
                    table.kernel,
                    written.map_or("nothing", String::as_str)
                )
            })
            .collect();
        match other.is_empty() {
            true => Ok(()),
            false => Err(format!("{}\n`--write` renews the page", other.join("\n"))),
        }
    }

    /// How many kernels have a column.
    pub fn kernels(&self) -> usize {
        self.columns.len()
    }

    /// The doors that no kernel shows both ways.
    pub fn unshown(&self) -> Vec<&'static str> {
        let shows = |door: &str| {
            self.columns.values().any(|column| column.get(door).is_some_and(|cell| cell == BOTH))
        };
        DOORS.iter().map(|door| door.name).filter(|door| !shows(door)).collect()
    }

    pub fn write(&self) -> Result<(), String> {
        fs::write(PATH, self.to_string()).map_err(|error| format!("{PATH}: {error}"))
    }
}

fn column(table: &Table) -> BTreeMap<String, String> {
    let cell = |name: &str| Some((name.to_owned(), table.cell(name)?));
    DOORS.iter().filter_map(|door| cell(door.name)).collect()
}

/// The first cell of a row of the table, and the others; `None` for other lines.
fn cells(line: &str) -> Option<(String, Vec<String>)> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = row.split('|').map(|cell| cell.trim().to_owned());
    let first = cells.next().filter(|first| !first.starts_with('-'))?;
    Some((first, cells.collect()))
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{ABOVE}")?;
        let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let kernels = self.columns.keys().map(Kernel::to_string);
        writeln!(f, "{}", row(std::iter::once("door".to_owned()).chain(kernels).collect()))?;
        writeln!(f, "|{}", "---|".repeat(self.columns.len() + 1))?;
        for door in DOORS {
            let shown = self
                .columns
                .values()
                .map(|column| column.get(door.name).map_or(NOTHING, String::as_str).to_owned());
            let first = std::iter::once(format!("`{}`", door.name));
            writeln!(f, "{}", row(first.chain(shown).collect()))?;
        }
        let unshown: Vec<String> =
            self.unshown().into_iter().map(|name| format!("`{name}`")).collect();
        match unshown.is_empty() {
            true => {
                writeln!(f, "\nEvery door is shown both ways by one of these kernels at least.")
            }
            false => {
                writeln!(f, "\nNone of these kernels shows both ways: {}.", unshown.join(", "))
            }
        }
    }
}
