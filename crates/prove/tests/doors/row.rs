//! One door, one way.

use crate::right;
use dropcap_capability::Kernel;
use dropcap_prove::{Attempt, Verdict};
use std::fmt;
use std::fs;

/// Whether the process has what the door asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    Held,
    Lacking,
}

/// What a door showed.
#[derive(Debug, Clone)]
pub struct Row {
    pub door: String,
    pub polarity: Polarity,
    pub verdict: Verdict,
    pub because: String,
    /// Whether the kernel answered what the model says.
    as_expected: bool,
}

impl Row {
    pub fn of(attempt: &Attempt, polarity: Polarity) -> Self {
        let answered = match attempt.as_expected() {
            true => attempt.because.clone(),
            false => format!(
                "{}; {} where the model says {:?}",
                attempt.because, attempt.result, attempt.expected
            ),
        };
        Self {
            door: attempt.door.clone(),
            polarity,
            verdict: attempt.verdict,
            because: answered,
            as_expected: attempt.as_expected(),
        }
    }

    /// What this machine cannot be brought to show.
    pub fn not_shown(door: &str, polarity: Polarity, because: &str) -> Self {
        let (verdict, because) = (Verdict::NotTried, because.to_owned());
        Self { door: door.to_owned(), polarity, verdict, because, as_expected: true }
    }

    /// Whether the kernel showed what is right.
    pub fn shows(&self) -> bool {
        self.verdict == right(self.polarity)
    }

    /// Whether it showed something else, and not only nothing.
    pub fn is_wrong(&self) -> bool {
        let nothing = matches!(self.verdict, Verdict::NotTried | Verdict::Inert);
        !self.as_expected || !nothing && !self.shows()
    }
}

/// What one kernel showed.
#[derive(Debug)]
pub struct Table {
    pub kernel: Kernel,
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads what `--table` printed; lines of any other form are passed over.
    pub fn read(path: &str) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let kernel = text.lines().find_map(|line| line.trim().strip_prefix("kernel "));
        let kernel = kernel.and_then(Kernel::from_release);
        let rows: Vec<Row> = text.lines().filter_map(row).collect();
        match kernel {
            Some(kernel) if !rows.is_empty() => Ok(Self { kernel, rows }),
            _ => Err(format!("{path}: not what --table prints")),
        }
    }

    /// The two verdicts on a door.
    pub fn cell(&self, door: &str) -> Option<String> {
        let verdict =
            |polarity| self.rows.iter().find(|row| row.door == door && row.polarity == polarity);
        let (held, lacking) = (verdict(Polarity::Held)?, verdict(Polarity::Lacking)?);
        Some(format!("{} / {}", held.verdict, lacking.verdict))
    }
}

fn row(line: &str) -> Option<Row> {
    let [door, polarity, verdict] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let polarity = match polarity {
        "held" => Polarity::Held,
        "lacking" => Polarity::Lacking,
        _ => return None,
    };
    let verdict: Verdict = serde_json::from_value(verdict.into()).ok()?;
    let because = String::new();
    Some(Row { door: door.to_owned(), polarity, verdict, because, as_expected: true })
}

impl fmt::Display for Polarity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::Lacking => "lacking",
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}", self.kernel)?;
        self.rows
            .iter()
            .try_for_each(|row| writeln!(f, "{} {} {}", row.door, row.polarity, row.verdict))
    }
}
