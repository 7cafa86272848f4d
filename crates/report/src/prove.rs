//! A proof as text: one line a door, grouped by what an attacker gains.

use anstyle::{AnsiColor, Style};
use dropcap_prove::{Attempt, DOORS, Door, Gain, Proof, State, Verdict};
use std::fmt::Write;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The last line alone.
    Quiet,
    /// One line a door.
    #[default]
    Normal,
    /// With the reason and the model's expectation under each.
    Verbose,
}

const BOLD: Style = Style::new().bold();
const DIMMED: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The proof, for a person. It carries styles, which whoever prints it strips where there is no
/// terminal.
pub fn text(proof: &Proof, detail: Detail) -> String {
    let mut out = String::new();
    if detail != Detail::Quiet {
        // Writing to a string cannot fail.
        let _ = table(&mut out, proof, detail);
    }
    out.push_str(&summary(proof));
    out.push('\n');
    out
}

fn table(out: &mut String, proof: &Proof, detail: Detail) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}: {}", proof.target, who(&proof.state))?;
    for note in &proof.notes {
        writeln!(out, "  note: {note}")?;
    }
    let names = proof.attempts.iter().map(|attempt| attempt.door.len()).max().unwrap_or(0);
    let verdicts =
        proof.attempts.iter().map(|attempt| attempt.verdict.name().len()).max().unwrap_or(0);
    for gain in Gain::ALL {
        let doors = || DOORS.iter().filter(move |door| door.gain == gain);
        let attempts: Vec<&Attempt> = doors()
            .filter_map(|door| proof.attempts.iter().find(|attempt| attempt.door == door.name))
            .collect();
        if attempts.is_empty() {
            continue;
        }
        writeln!(out, "\n{BOLD}{}{BOLD:#}{DIMMED}{}{DIMMED:#}", gain.heading(), count(&attempts))?;
        for attempt in attempts {
            let style = style(proof, attempt);
            let verdict = attempt.verdict;
            let said = evidence(attempt);
            let muted = muted(verdict);
            writeln!(
                out,
                "  {muted}{:names$}{muted:#}  {style}{verdict:verdicts$}{style:#}  \
                 {muted}{said}{muted:#}",
                attempt.door
            )?;
            below(out, attempt, detail, names + 4)?;
        }
    }
    out.push('\n');
    Ok(())
}

/// What the process is, in one line.
fn who(state: &State) -> String {
    let held = match state.permitted.len() {
        0 => "no capability".to_owned(),
        1 => state.permitted.join(""),
        count => format!("{count} capabilities"),
    };
    let nnp = if state.no_new_privs { "set" } else { "off" };
    format!("user {}, holds {held}, no_new_privs {nnp}", state.uid)
}

fn style(proof: &Proof, attempt: &Attempt) -> Style {
    match attempt.verdict {
        Verdict::Open if proof.open_beyond_allowed.contains(&attempt.door) => RED,
        Verdict::Open | Verdict::HeldButBlocked => YELLOW,
        Verdict::Closed => GREEN,
        Verdict::Ungated | Verdict::Inert | Verdict::NotTried => DIMMED,
    }
}

/// What is nothing to look at steps back, so that the open doors are seen among fifty.
fn muted(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Open | Verdict::HeldButBlocked => Style::new(),
        Verdict::Closed | Verdict::Ungated | Verdict::Inert | Verdict::NotTried => DIMMED,
    }
}

/// How many doors of a group are open, behind its heading.
fn count(attempts: &[&Attempt]) -> String {
    let open = attempts.iter().filter(|attempt| attempt.verdict == Verdict::Open).count();
    match open {
        0 => ": none open".to_owned(),
        open => format!(": {open} of {} open", attempts.len()),
    }
}

/// The call and its answer where one call is all; else what it means.
fn evidence(attempt: &Attempt) -> String {
    let one_call = Door::named(&attempt.door).is_some_and(|door| door.capability().is_some());
    match attempt.verdict {
        Verdict::Open | Verdict::Closed if one_call => {
            format!("{}: {}", attempt.attempt, attempt.result)
        }
        _ => attempt.because.clone(),
    }
}

/// The lines under a door.
fn below(out: &mut String, attempt: &Attempt, detail: Detail, indent: usize) -> std::fmt::Result {
    for (step, line) in attempt.witness.iter().enumerate() {
        let arrow = if step == 0 { " " } else { "→" };
        writeln!(out, "{:indent$}{arrow} {line}", "")?;
    }
    if !attempt.as_expected() {
        let expected = attempt.expected.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{:indent$}{YELLOW}the model expected {expected}, the kernel answered {}{YELLOW:#}",
            "", attempt.result
        )?;
    }
    if detail == Detail::Verbose {
        let expected = attempt.expected.as_deref().unwrap_or("unknown to the model");
        let result = if attempt.result.is_empty() { "not tried" } else { &attempt.result };
        writeln!(
            out,
            "{:indent$}{DIMMED}{}: {result} (expected: {expected}); {}{DIMMED:#}",
            "", attempt.attempt, attempt.because
        )?;
    }
    Ok(())
}

/// The last line: what an attacker could do, and how many doors are open.
fn summary(proof: &Proof) -> String {
    /// How many of the open doors are named; the rest are counted.
    const NAMED: usize = 3;
    let total = proof.attempts.len();
    let open: Vec<&str> = proof
        .open()
        .filter_map(|attempt| Door::named(&attempt.door))
        .map(|door| door.lets)
        .collect();
    let untried =
        proof.attempts.iter().filter(|attempt| attempt.verdict == Verdict::NotTried).count();
    let but = match untried {
        0 => String::new(),
        1 => " (1 could not be tried)".to_owned(),
        count => format!(" ({count} could not be tried)"),
    };
    if open.is_empty() {
        return format!("Every door that was tried is closed: 0 of {total} doors are open{but}.");
    }
    let (named, rest) = open.split_at(open.len().min(NAMED));
    let can = match (named, rest.len()) {
        ([one], _) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (some, 1) => format!("{}, and one thing more", some.join(", ")),
        (some, more) => format!("{}, and {more} things more", some.join(", ")),
    };
    let are = if open.len() == 1 { "doors is" } else { "doors are" };
    let allowed = match proof.open_beyond_allowed.len() {
        0 => "; all of that is allowed",
        beyond if beyond < open.len() => "; some of that is allowed",
        _ => "",
    };
    let here = place(&proof.target);
    format!("A process {here} can {can}: {} of {total} {are} open{but}{allowed}.", open.len())
}

/// Where the process is: `container:NAME` and `FILE#SUBJECT` are containers.
fn place(target: &str) -> &'static str {
    if target.starts_with("container:") || target.contains('#') {
        "in this container"
    } else {
        "here"
    }
}
