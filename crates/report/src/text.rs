//! Findings for a person: a snippet of the source under each, and a line of help.

use crate::FileError;
use annotate_snippets::{
    AnnotationKind, Level as Title, Renderer, Snippet, normalize_untrusted_str,
};
use anstyle::{AnsiColor, Style};
use dropcap_audit::{Audited, Because, Finding, Fix, FixTier, Level};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
use std::thread;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// A place is shown with at most so many lines: the beginning tells what it is.
const LINES: usize = 6;

/// Text from a file that somebody else wrote, on one line and without what a terminal obeys. Most of
/// it is so already.
pub fn clean(text: &str) -> Cow<'_, str> {
    let harmless = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(harmless) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(normalize_untrusted_str(text).replace('\n', " "))
    }
}

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// With references and waived findings.
    pub verbose: bool,
    /// With what else a fix changes, and what would make it safe.
    pub notes: bool,
    /// With colours and other styles.
    pub styled: bool,
}

impl Look {
    /// `style`, or none.
    const fn paint(self, style: Style) -> Style {
        if self.styled { style } else { Style::new() }
    }
}

/// One finding with its source.
pub fn finding(finding: &Finding, source: &[u8], look: Look) -> String {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Note => Title::NOTE,
    };
    let (shown, span) = window(source, &finding.span);
    let lines = shown.lines().count().max(1);
    let group = level.primary_title(clean(&finding.message)).id(finding.rule).element(
        Snippet::source(shown)
            .path(clean(&finding.file))
            .line_start(finding.line)
            .annotation(AnnotationKind::Primary.span(span)),
    );
    let renderer = if look.styled { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&[group]);
    text.push('\n');
    below(&mut text, finding, finding.line + lines - 1, look);
    text
}

/// The lines below a snippet whose last line is `last`: help, fix, notes, references.
///
/// In the form that the renderer gives them, which lays out every character by itself: for lines
/// with nothing to lay out that takes as long as all the rest of a scan.
fn below(text: &mut String, finding: &Finding, last: usize, look: Look) {
    let (bold, blue) = (look.paint(BOLD), look.paint(BLUE));
    let indent = " ".repeat(last.to_string().len() + 1);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{indent}{blue}|{blue:#}");
    let mut line = |label: &str, said: &str| {
        let _ = writeln!(text, "{indent}{blue}={blue:#} {bold}{label}{bold:#}: {}", clean(said));
    };
    line("help", &finding.help);
    if let Some(fix) = &finding.fix {
        line("fix", &fix_line(fix));
        if look.notes {
            fix.notes.iter().for_each(|note| line("note", note));
        }
    }
    if look.verbose {
        finding.references.iter().for_each(|reference| line("see", reference));
    }
}

/// What a fix does, and how far it can be trusted.
pub fn fix_line(fix: &Fix) -> String {
    let why = match (&fix.tier, &fix.because) {
        (_, Because::Proof) => "safe, by proof".to_owned(),
        (_, Because::Evidence) => "safe, by evidence".to_owned(),
        (FixTier::Safe, Because::Unproved(reason)) => format!("safe: {reason}"),
        (FixTier::Unsafe, Because::Unproved(reason)) => format!("unsafe: {reason}"),
    };
    format!("{} ({why})", fix.does)
}

/// Fixes for a person, each container's together: what each does, and what else there is to say.
/// What several of them say is said once.
pub fn fixes<'a>(fixes: impl Iterator<Item = (&'a str, &'a Fix)>) -> String {
    let mut of_containers: Vec<(&str, Vec<String>)> = Vec::new();
    for (container, fix) in fixes {
        let known = of_containers.iter().position(|(name, _)| *name == container);
        let at = known.unwrap_or_else(|| {
            of_containers.push((container, Vec::new()));
            of_containers.len() - 1
        });
        let lines = &mut of_containers[at].1;
        let notes = fix.notes.iter().map(|note| format!("  {note}"));
        for line in std::iter::once(fix_line(fix)).chain(notes) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let mut out = String::new();
    for (container, lines) in of_containers {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {}", clean(container));
        for line in lines {
            let _ = writeln!(out, "    {}", clean(&line));
        }
    }
    out
}

/// The lines that `span` lies in, and where in them it lies.
fn window(source: &[u8], span: &Range<usize>) -> (String, Range<usize>) {
    let begin = span.start.min(source.len());
    let end = span.end.clamp(begin, source.len());
    let start = source[..begin].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let ends = source[begin..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let ends: Vec<usize> = ends.map(|(at, _)| begin + at).take(LINES).collect();
    // Up to the end of the line that holds the last byte, or of the last line that is shown.
    let stop = ends
        .iter()
        .copied()
        .find(|at| *at >= end)
        .or_else(|| (ends.len() == LINES).then(|| ends[LINES - 1]))
        .unwrap_or(source.len());
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let before = lossy(&source[start..begin]);
    let within = lossy(&source[begin..end.min(stop)]);
    let after = lossy(&source[end.min(stop)..stop]);
    let span = before.len()..before.len() + within.len();
    (format!("{before}{within}{after}"), span)
}

/// One error.
pub fn error(error: &FileError, look: Look) -> String {
    let FileError { file, line, column, message } = error;
    let (red, bold) = (look.paint(RED), look.paint(BOLD));
    format!(
        "{red}error{red:#}{bold}: {}{bold:#}\n {}:{line}:{column}\n",
        clean(message),
        clean(file)
    )
}

/// Every finding and every error, then the summary.
pub fn scan(
    audited: &Audited,
    errors: &[FileError],
    sources: &HashMap<String, Vec<u8>>,
    look: Look,
) -> String {
    let mut out = findings(&audited.findings, sources, look);
    if look.verbose {
        for (one, reason) in &audited.waived {
            let (rule, id) = (one.rule, &one.container);
            // Writing to a string cannot fail.
            let _ = writeln!(out, "waived[{rule}]: {id}: {}", clean(reason));
        }
    }
    for one in errors {
        out.push_str(&error(one, look));
        out.push('\n');
    }
    out.push_str(&summary(audited, errors, look));
    out
}

/// The findings in their order; to lay out a snippet takes longer than to find what it shows, so
/// many of them are shared out among the processors.
fn findings(findings: &[Finding], sources: &HashMap<String, Vec<u8>>, look: Look) -> String {
    /// Fewer are not worth a thread.
    const MANY: usize = 64;
    let lay_out = |findings: &[Finding]| {
        let mut out = String::new();
        for one in findings {
            let source = sources.get(&one.file).map(Vec::as_slice).unwrap_or_default();
            out.push_str(&finding(one, source, look));
            out.push('\n');
        }
        out
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = findings.len().div_ceil(threads).max(MANY);
    thread::scope(|scope| {
        let parts: Vec<_> =
            findings.chunks(share).map(|part| scope.spawn(move || lay_out(part))).collect();
        let texts = parts.into_iter().map(|part| match part.join() {
            Ok(text) => text,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        texts.collect()
    })
}

/// The last line: how many of what.
pub fn summary(audited: &Audited, errors: &[FileError], look: Look) -> String {
    let of = |level| audited.findings.iter().filter(|finding| finding.level == level).count();
    let (bad, warnings, notes) = (of(Level::Error), of(Level::Warning), of(Level::Note));
    let safe = fixable(audited, FixTier::Safe);
    let unsafe_ones = fixable(audited, FixTier::Unsafe);
    let style = look.paint(match (bad, warnings) {
        (0, 0) => GREEN,
        (0, _) => YELLOW,
        _ => RED,
    });
    let mut line = format!(
        "{}: {style}{}, {}, {}{style:#}",
        count(audited.containers.len(), "container"),
        count(bad, "error"),
        count(warnings, "warning"),
        count(notes, "note")
    );
    if !audited.waived.is_empty() {
        line.push_str(&format!("; {} waived", audited.waived.len()));
    }
    if !errors.is_empty() {
        line.push_str(&format!("; {} could not be read", count(errors.len(), "place")));
    }
    line.push('\n');
    if safe + unsafe_ones > 0 {
        let others = if unsafe_ones > 0 { ", and what would make them safe" } else { "" };
        line.push_str(&format!(
            "{safe} can be fixed safely (`--fix`), {unsafe_ones} more with `--unsafe-fixes`; `--diff` \
             shows the changes{others}\n"
        ));
    }
    line
}

fn fixable(audited: &Audited, tier: FixTier) -> usize {
    let fixes = audited.findings.iter().filter_map(|finding| finding.fix.as_ref());
    fixes.filter(|fix| fix.tier == tier).count()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_whole_lines() {
        let source = b"one\ntwo three\nfour\n";
        assert_eq!(window(source, &(8..13)), ("two three".to_owned(), 4..9));
        assert_eq!(window(source, &(4..16)), ("two three\nfour".to_owned(), 0..12));
        assert_eq!(window(source, &(19..19)), (String::new(), 0..0));
        assert_eq!(window(source, &(90..95)), (String::new(), 0..0));
        assert_eq!(window(b"", &(0..0)), (String::new(), 0..0));
        assert_eq!(window(b"a\xffb", &(2..3)), ("a\u{fffd}b".to_owned(), 4..5));
    }

    #[test]
    fn a_long_place_is_cut() {
        let source = "line\n".repeat(20);
        let (shown, span) = window(source.as_bytes(), &(0..100));
        assert_eq!(shown.lines().count(), LINES);
        assert_eq!(span, 0..shown.len());
    }
}
