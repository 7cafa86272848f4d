//! How a verb says what it found: the flags that every one of them has, and the printing.

use crate::failure::Failure;
use clap::{Args, ValueEnum};
use dropcap_report::prove::Detail;
use dropcap_report::text::Look;
use serde::Serialize;
use std::io::Write;

/// How to say it
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Only the summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Why, and what is left out otherwise
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Whether to colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Output {
    /// Settles whether what is printed is coloured.
    pub fn settle_color(&self) {
        let choice = match self.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }

    /// How findings are to look.
    pub fn look(&self) -> Look {
        Look { verbose: self.verbose, notes: self.verbose, styled: is_styled() }
    }

    /// How much of a proof or an inspection to print.
    pub fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }
}

/// Prints to standard output, with styles where they belong; a reader that has gone is no error.
pub fn print(text: &str) {
    if is_styled() {
        let _ = anstream::stdout().write_all(text.as_bytes());
    } else {
        print_plain(&anstream::adapter::strip_str(text).to_string());
    }
}

/// Prints what has no styles, at once: what strips them writes piece by piece.
pub fn print_plain(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints `value` as JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new("cannot write JSON").because(error))?;
    print_plain(&(text + "\n"));
    Ok(())
}

/// Writes a line to standard error. Where nobody can hear it, nothing else changes: the exit code
/// still has to be right.
pub fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// `1 container`, `2 containers`, `2 processes`.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is learned there"))]
pub fn number(many: usize, word: &str) -> String {
    let end = match many {
        1 => "",
        _ if word.ends_with('s') => "es",
        _ => "s",
    };
    format!("{many} {word}{end}")
}

/// Whether standard output shows styles.
fn is_styled() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
