//! What a run said, in few lines, and which of them tells why it failed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// So many lines are kept of a run.
const LINES: usize = 10;
/// Of each at most so many characters.
const WIDTH: usize = 300;
/// And nothing beyond so many bytes is read.
const LARGEST: u64 = 64 << 10;

/// The first lines of a file, without what a terminal would take for more than text.
pub(crate) fn first_lines(path: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // What could not be read was not said.
        let _ = file.take(LARGEST).read_to_end(&mut bytes);
    }
    lines(&bytes)
}

/// The first lines of a text, and instead of some of them those further down that speak of a refusal, and the last.
pub(crate) fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = |line: &str| {
        let kept = line.trim().chars().filter(|c| !c.is_control()).take(WIDTH);
        kept.collect::<String>()
    };
    let all: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    let telling = |at: &usize| all.get(*at).is_some_and(|line| Telling::of(line) > Telling::Other);
    let last = all.len().saturating_sub(1);
    let mut further: Vec<usize> = (LINES..last).filter(telling).take(LINES / 2).collect();
    further.extend((last >= LINES).then_some(last));
    let kept = (0..LINES - further.len()).chain(further);
    kept.filter_map(|at| all.get(at).cloned()).collect()
}

/// The line that says best why a run failed: the last one that speaks of a refusal, else of a failure, else
/// the last.
pub(crate) fn telling(lines: &[String]) -> Option<&String> {
    lines.iter().max_by_key(|line| Telling::of(line))
}

/// How much a line says of why a program gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Telling {
    Other,
    /// Something did not work.
    Failure,
    /// The kernel refused it: the words of strerror(3) for EPERM and EACCES, or their numbers.
    Refusal,
}

impl Telling {
    fn of(line: &str) -> Self {
        const REFUSAL: [&str; 4] =
            ["operation not permitted", "permission denied", "errno: 1)", "errno: 13)"];
        const FAILURE: [&str; 6] =
            ["cannot ", "can't ", "could not ", "unable to", "failed", "fatal"];
        let line = line.to_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| line.contains(word));
        match () {
            () if holds(&REFUSAL) => Self::Refusal,
            () if holds(&FAILURE) => Self::Failure,
            () => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_short_lines_without_control_characters_are_kept() {
        let text = format!("\x1b[31mred\n\n  \n{}\n{}", "x".repeat(1000), "line\n".repeat(50));
        let kept = lines(text.as_bytes());
        assert_eq!((kept.len(), kept[0].as_str(), kept[1].len()), (LINES, "[31mred", WIDTH));
    }

    #[test]
    fn a_refusal_far_down_and_the_last_line_are_kept_in_their_places() {
        let text = format!("{}open() failed (13: Permission denied)\nhm\nbye\n", "so\n".repeat(30));
        let kept = lines(text.as_bytes());
        assert_eq!(kept.len(), LINES);
        assert_eq!(kept[LINES - 2..], ["open() failed (13: Permission denied)", "bye"]);
        assert_eq!(kept[..LINES - 2], vec!["so"; LINES - 2]);
    }

    #[test]
    fn a_refusal_tells_more_than_a_failure_and_that_more_than_the_last_line() {
        // As dnsmasq, HAProxy, rsync and MariaDB say it.
        for (said, told) in [
            ("setting capabilities failed: Operation not permitted\nFAILED to start up", 0),
            ("forked\n[ALERT] Cannot set uid 100.\nExiting... (1)", 1),
            ("@ERROR: setgid failed\nrsync error: error starting protocol (code 5)", 0),
            ("Can't create x (Permission denied)\nCannot change uid/gid (errno: 1)\nAborting", 1),
            ("one\ntwo", 1),
        ] {
            let lines = lines(said.as_bytes());
            assert_eq!(telling(&lines), Some(&lines[told]), "{said}");
        }
        assert_eq!(telling(&[]), None);
    }
}
