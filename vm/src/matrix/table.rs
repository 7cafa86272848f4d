//! The results as a table, kernel by kernel, and its place in the docs.

use super::Row;
use std::fmt;
use std::io;

/// The page, seen from the repository's root.
const PAGE: &str = "docs/kernels.md";
/// What stands around the table on the page.
const BEGIN: &str = "<!-- written by scripts/vm -->\n";
const END: &str = "<!-- end -->\n";
/// The row that may differ from the page: Debian's kernels get updates.
const RELEASE: &str = "release";

/// Rows of cells, all of one length; the first row is the head, the first column the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One column a kernel.
    pub fn of(kernels: &[Row]) -> Self {
        let row = |name: &str, cell: &dyn Fn(&Row) -> String| -> Vec<String> {
            [name.to_owned()].into_iter().chain(kernels.iter().map(cell)).collect()
        };
        let mut rows = vec![
            row("kernel", &|kernel| kernel.source.name.to_owned()),
            row(RELEASE, &|kernel| match &kernel.tested {
                Ok(tested) => tested.release.clone(),
                Err(_) => "none".to_owned(),
            }),
        ];
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in kernels.iter().flat_map(Row::results) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            rows.push(row(name, &|kernel| {
                let result = kernel.results().find(|(other, _)| *other == name);
                result.map_or_else(|| "not tried".to_owned(), |(_, text)| text.to_owned())
            }));
        }
        Self { rows }
    }

    /// A table as [`fmt::Display`] writes it.
    fn parse(text: &str) -> Self {
        let cells = |line: &str| -> Vec<String> {
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let lines = text.lines().filter(|line| !line.starts_with("|-"));
        Self { rows: lines.map(cells).collect() }
    }

    /// Without the row and the columns that may differ, and without numbers: tests come and go.
    fn lasting(mut self, kernels: &[Row]) -> Self {
        self.rows.retain(|row| row[0] != RELEASE);
        let optional = |name: &String| {
            kernels.iter().any(|kernel| kernel.source.name == *name && !kernel.source.required)
        };
        let head = self.rows.first().cloned().unwrap_or_default();
        for row in &mut self.rows {
            let mut names = head.iter();
            row.retain(|_| names.next().is_none_or(|name| !optional(name)));
        }
        for cell in self.rows.iter_mut().skip(1).flatten() {
            cell.retain(|c| !c.is_ascii_digit());
        }
        self
    }

    /// Puts the table into the page.
    ///
    /// # Errors
    /// Where the page cannot be read or written, or has no place for it.
    pub fn write(&self) -> io::Result<()> {
        let page = std::fs::read_to_string(PAGE)?;
        let (before, _, after) = parts(&page)?;
        std::fs::write(PAGE, format!("{before}{self}{after}"))
    }

    /// What the page shows otherwise, but for releases, numbers and kernels that may fail.
    ///
    /// # Errors
    /// Where the page cannot be read.
    pub fn difference(&self, kernels: &[Row]) -> io::Result<Option<String>> {
        let page = std::fs::read_to_string(PAGE)?;
        let (_, shown, _) = parts(&page)?;
        let shown = Self::parse(shown).lasting(kernels);
        let now = self.clone().lasting(kernels);
        Ok((shown != now).then(|| {
            let added = now.rows.iter().filter(|row| !shown.rows.contains(row));
            let gone = shown.rows.iter().filter(|row| !now.rows.contains(row));
            let lines = gone.map(|row| format!("- {}\n", row.join(" | ")));
            let lines = lines.chain(added.map(|row| format!("+ {}\n", row.join(" | "))));
            let lines: String = lines.collect();
            format!("vm: {PAGE} shows another table: run scripts/vm --write\n{lines}")
        }))
    }
}

/// The page before the table, the table, and after it.
fn parts(page: &str) -> io::Result<(&str, &str, &str)> {
    let found = page.find(BEGIN).map(|at| at + BEGIN.len()).and_then(|begin| {
        let end = begin + page[begin..].find(END)?;
        Some((&page[..begin], &page[begin..end], &page[end..]))
    });
    found.ok_or_else(|| io::Error::other(format!("{PAGE} has no place for the table")))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        for (number, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                write!(f, "| {cell:width$} ", width = width(column))?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                let rule = (0..columns).map(|column| "-".repeat(width(column) + 2));
                writeln!(f, "|{}|", rule.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}
