//! The calls that the kernel refused, by strace(1) of one run.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;

/// What strace calls a refusal: the kernel's answers to who lacks a privilege.
const REFUSALS: [&str; 2] = ["EPERM", "EACCES"];
/// A trace beyond this says nothing more.
const LARGEST: usize = 16 << 20;

/// A call as strace writes it, without what differs from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Call {
    name: String,
    arguments: String,
}

/// The calls of one run from the moment when the command itself was executed.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    refused: Vec<(Call, String)>,
    allowed: HashSet<Call>,
}

/// How strace writes; the file's name follows.
const HOW: [&str; 7] = ["-f", "-qq", "-s", "64", "-e", "signal=none", "-o"];

/// The words that trace what follows them, into `file`; what is traced stays the child, so that signals
/// reach it.
pub fn strace(file: &Path) -> Vec<OsString> {
    let words = ["strace", "-D"].into_iter().chain(HOW);
    words.map(OsString::from).chain([file.into(), "--".into()]).collect()
}

/// The arguments that trace a process that runs, and what it forks, into `file`.
pub fn attach(file: &Path, process: &str) -> Vec<OsString> {
    let rest = [file.into(), "-p".into(), process.into()];
    HOW.into_iter().map(OsString::from).chain(rest).collect()
}

impl Trace {
    /// Reads what strace wrote of a launcher that executes the command in its own place. `own` is a
    /// how a path begins whose last name is another one in each run.
    pub fn read(text: &[u8], own: &str) -> Self {
        let mut trace = Self::default();
        // The launcher, then the command.
        trace.add(text, own, 2);
        trace
    }

    /// Adds what strace wrote of another start, from where the `first`-th program was executed.
    pub fn add(&mut self, text: &[u8], own: &str, first: usize) {
        let text = String::from_utf8_lossy(&text[..text.len().min(LARGEST)]);
        let mut executed = 0;
        // Processes that `dropcap run` is about to replace by its command.
        let mut confining: HashSet<String> = HashSet::new();
        let mut interrupted = Interrupted::default();
        for line in text.lines() {
            let Some(line) = interrupted.whole(line) else { continue };
            let line = without_names(&line, own);
            let (process, _) = of_process(&line);
            let Some((call, result)) = parse(&line) else { continue };
            let executes = call.name == "execve" && result.starts_with('0');
            if executes {
                executed += 1;
                if executed <= first {
                    continue;
                }
            }
            if executed < first {
                continue;
            }
            // What it is refused it answers for itself: it reads back what holds, and executes nothing
            // where that is more than is allowed.
            let is_confining = confining.contains(process);
            if executes {
                match runs_dropcap(&call) {
                    true => confining.insert(process.to_owned()),
                    false => confining.remove(process),
                };
            }
            if is_confining {
                continue;
            }
            let refusal = REFUSALS.iter().find(|errno| result.contains(*errno));
            match refusal {
                Some(errno) => {
                    let shown = format!("{}({}): {errno}", call.name, call.arguments);
                    self.refused.push((call, shown));
                }
                None if !result.starts_with('-') => drop(self.allowed.insert(call)),
                None => {}
            }
        }
    }

    /// The calls that were refused here and made in `other`, each once, in their order.
    pub fn refused_but_allowed_in(&self, other: &Self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let lost = self.refused.iter().filter(|(call, _)| {
            other.allowed.contains(call) && !self.allowed.contains(call) && seen.insert(call)
        });
        lost.map(|(_, shown)| shown.as_str()).collect()
    }
}

/// Calls whose end another process's call comes before: strace writes them in two parts.
#[derive(Default)]
struct Interrupted<'a>(HashMap<&'a str, &'a str>);

impl<'a> Interrupted<'a> {
    const FIRST: &'static str = "<unfinished ...>";
    const SECOND: &'static str = " resumed>";

    /// The line of a call, whole; `None` where its second part is still to come.
    fn whole(&mut self, line: &'a str) -> Option<Cow<'a, str>> {
        let (process, rest) = of_process(line);
        if let Some(first) = rest.strip_suffix(Self::FIRST) {
            self.0.insert(process, first.trim_end());
            return None;
        }
        let second = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(Self::SECOND));
        let Some((_, second)) = second else { return Some(Cow::Borrowed(line)) };
        let first = self.0.remove(process)?;
        Some(Cow::Owned(format!("{process} {first}{second}")))
    }
}

/// The process's number, empty where there is none, and the rest of its line.
fn of_process(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (&line[..digits], line[digits..].trim_start())
}

/// `PID NAME(ARGUMENTS) = RESULT`
fn parse(line: &str) -> Option<(Call, &str)> {
    let (_, line) = of_process(line);
    let (call, result) = line.rsplit_once(" = ")?;
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| {
        let arguments = without_processes(name, &without_addresses(arguments));
        (Call { name: name.to_owned(), arguments }, result.trim())
    })
}

/// Whether what is executed is `dropcap run`.
fn runs_dropcap(execve: &Call) -> bool {
    let mut words = execve.arguments.split("\", [");
    let (path, arguments) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    path.ends_with("/dropcap") && arguments.split(", ").nth(1) == Some("\"run\"")
}

/// Calls whose first argument is a process.
const OF_PROCESSES: [&str; 9] = [
    "kill",
    "tkill",
    "tgkill",
    "ptrace",
    "setpriority",
    "sched_setscheduler",
    "sched_setaffinity",
    "prlimit64",
    "pidfd_open",
];

/// Process ids differ too; 0 and 1 are always the same.
fn without_processes(name: &str, arguments: &str) -> String {
    if !OF_PROCESSES.contains(&name) {
        return arguments.to_owned();
    }
    let number = |word: &str| word.parse::<i64>().is_ok_and(|number| number.abs() > 1);
    let word = |word: &str| if number(word) { "PID".to_owned() } else { word.to_owned() };
    arguments.split(", ").map(word).collect::<Vec<_>>().join(", ")
}

/// Takes away what follows `own` in a name.
fn without_names(line: &str, own: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(own) {
        let end = at + own.len();
        out.push_str(&rest[..end]);
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    }
    out + rest
}

/// Addresses differ from run to run.
fn without_addresses(arguments: &str) -> String {
    let mut out = String::new();
    let mut rest = arguments;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        // A short one is a flag.
        let keep = if digits > 6 { 0 } else { digits + 2 };
        out.push_str(&rest[..at + keep]);
        if keep == 0 {
            out.push('…');
        }
        rest = &rest[at + 2 + digits..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "7 execve(\"/usr/bin/dropcap\", [..], 0x7ffc / 3 vars */) = 0\n\
        7 prctl(PR_CAPBSET_DROP, 9) = -1 EPERM (Operation not permitted)\n\
        7 execve(\"/bin/prog\", [\"prog\"], 0x7ffd00112233 /* 3 vars */) = 0\n";

    fn trace(lines: &str) -> Trace {
        Trace::read(format!("{BEFORE}{lines}").as_bytes(), "/tmp/x-")
    }

    #[test]
    fn what_was_refused_here_and_made_there_is_told() {
        let with = trace(
            "7 chown(\"/x\", 1, 1) = 0\n7 open(\"/y\", O_RDONLY) = -1 EACCES (Permission denied)\n\
             8 read(3, 0x55550000aaaa, 4) = 4\n8 kill(77, SIGTERM) = 0\n8 stat(\"/tmp/x-1a/s\") = 0\n",
        );
        let without = trace(
            "9 open(\"/y\", O_RDONLY) = -1 EACCES (Permission denied)\n\
             9 kill(78, SIGTERM) = -1 EPERM (x)\n9 stat(\"/tmp/x-22Z/s\") = -1 EACCES (x)\n\
             9 chown(\"/x\", 1, 1) = -1 EPERM (Operation not permitted)\n\
             9 chown(\"/x\", 1, 1) = -1 EPERM (Operation not permitted)\n\
             9 read(3, 0x55550000bbbb, 4) = -1 EPERM (x)\n",
        );
        assert_eq!(
            without.refused_but_allowed_in(&with),
            [
                "kill(PID, SIGTERM): EPERM",
                "stat(\"/tmp/x-/s\"): EACCES",
                "chown(\"/x\", 1, 1): EPERM",
                "read(3, …, 4): EPERM"
            ]
        );
        assert!(with.refused_but_allowed_in(&with).is_empty());
    }

    #[test]
    fn a_call_that_was_interrupted_is_put_together() {
        let parts = |result: &str| {
            format!(
                "7 setgid(33 <unfinished ...>\n8 setuid(33 <unfinished ...>\n\
                 7 <... setgid resumed>)   = {result}\n8 <... setuid resumed>)   = 0\n\
                 9 <... chown resumed>, 3) = -1 EPERM (x)\n9 pause( <unfinished ...>\n"
            )
        };
        let (with, without) = (trace(&parts("0")), trace(&parts("-1 EPERM (x)")));
        assert_eq!(without.refused_but_allowed_in(&with), ["setgid(33): EPERM"]);
    }

    #[test]
    fn what_the_launcher_does_is_not_the_commands() {
        let with = trace("7 prctl(PR_CAPBSET_DROP, 9) = 0\n");
        assert!(trace("").refused_but_allowed_in(&with).is_empty());
    }

    #[test]
    fn what_dropcap_run_is_refused_is_not_lost() {
        const RUN: &str = "7 execve(\"/usr/local/bin/dropcap\", [\"dropcap\", \"run\", \"--\", \"a\"], 0x7f /* 3 */) = 0\n";
        let of = |answer: &str, then: &str| {
            let chown = format!("chown(\"/x\", 1, 1) = {answer}\n");
            trace(&format!(
                "{RUN}7 prctl(PR_SET_SECUREBITS, 1) = {answer}\n8 {chown}{then}7 {chown}"
            ))
        };
        const EXECUTED: &str = "7 execve(\"/bin/a\", [\"a\"], 0x7f /* 3 vars */) = 0\n";
        const RESUMED: &str = "7 execve(\"/bin/a\", [\"a\"], 0x7f /* 3 vars */ <unfinished ...>\n\
            7 <... execve resumed>) = 0\n";
        for then in [EXECUTED, RESUMED, ""] {
            let (with, without) = (of("0", then), of("-1 EPERM (x)", then));
            assert_eq!(without.refused_but_allowed_in(&with), ["chown(\"/x\", 1, 1): EPERM"]);
        }
        let alone = |answer: &str, then: &str| {
            trace(&format!("{RUN}{then}7 chown(\"/x\", 1, 1) = {answer}\n"))
        };
        for (then, lost) in [(EXECUTED, 1), (RESUMED, 1), ("", 0)] {
            let (with, without) = (alone("0", then), alone("-1 EPERM (x)", then));
            assert_eq!(without.refused_but_allowed_in(&with).len(), lost, "{then}");
        }
    }

    #[test]
    fn any_text_is_read() {
        for line in [
            "",
            "= ",
            "1 x() = ",
            "1 <... read resumed>) = 0",
            "+++ exited with 0 +++",
            "0x",
            "1 f(0x) = 0",
        ] {
            Trace::read(line.as_bytes(), "x");
        }
    }
}
