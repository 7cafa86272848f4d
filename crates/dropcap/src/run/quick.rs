//! The common command lines of `run`, without clap: in a container `run` is on the way of every
//! start, and building the whole command line's grammar would be a good part of its time.
//!
//! Whatever is not exactly as expected is left to clap, which then parses it all, or says what is
//! wrong. Where this gives something, clap gives the same (the test below).

use super::Arguments;
use std::ffi::{OsStr, OsString};

/// The arguments of `run`, from what follows the verb; `None` leaves it to clap.
fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let mut arguments = Arguments::default();
    loop {
        let word = words.next()?;
        let flag = match word.to_str()? {
            "--" => break,
            "--allow" => {
                let value = value(words.next()?)?;
                once(arguments.allow.replace(value.parse().ok()?).is_none())?;
                continue;
            }
            "--user" => {
                let value = value(words.next()?)?;
                once(arguments.user.replace(value).is_none())?;
                continue;
            }
            "--init" => &mut arguments.init,
            "--init-groups" => &mut arguments.init_groups,
            "--strict" => &mut arguments.strict,
            "--allow-user-namespaces" => &mut arguments.allow_user_namespaces,
            "--quiet" | "-q" => &mut arguments.output.quiet,
            _ => return None,
        };
        once(!std::mem::replace(flag, true))?;
    }
    arguments.command = words.collect();
    let whole = !arguments.command.is_empty();
    let needs_user = arguments.init_groups && arguments.user.is_none();
    (whole && !needs_user).then_some(arguments)
}

/// A flag that comes twice is clap's to judge.
fn once(first: bool) -> Option<()> {
    first.then_some(())
}

/// A value that looks like a flag is clap's to judge.
fn value(word: OsString) -> Option<String> {
    let flag = word.to_str().is_none_or(|word| word.starts_with('-') || word.is_empty());
    if flag { None } else { word.into_string().ok() }
}

/// The arguments of a whole command line, the program's own name first, if its verb is `run`.
pub fn parse_line(line: impl IntoIterator<Item = OsString>) -> Option<Arguments> {
    let mut words = line.into_iter();
    let name = words.next()?;
    // An OCI runtime has a `run` too.
    #[cfg(target_os = "linux")]
    if dropcap_runtime::is_called(&name) {
        return None;
    }
    if words.next()? != OsStr::new("run") {
        return None;
    }
    parse(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandLine, Verb};
    use clap::Parser;

    const FRAGMENTS: [&str; 23] = [
        "--allow NET_RAW",
        "--allow none",
        "--allow cap_kill,10",
        "--allow NET_RAWW",
        "--allow",
        "--allow=KILL",
        "--user app",
        "--user 1000:1000",
        "--user -q",
        "--init",
        "--init-groups",
        "--strict",
        "-q",
        "--quiet",
        "--allow-user-namespaces",
        "--keep-fd 3",
        "--workload web",
        "-v",
        "--format json",
        "--color never",
        "--no-such-flag",
        "stray",
        "-- inner",
    ];

    #[test]
    fn where_it_answers_clap_answers_the_same() {
        let mut answered = 0;
        let all = || FRAGMENTS.iter().map(|fragment| Some(*fragment)).chain([None]);
        for one in all() {
            for two in all() {
                for end in ["-- cmd --allow KILL -- x", "--", ""] {
                    let flags = [one, two];
                    let line: Vec<&str> = flags.iter().flatten().copied().chain([end]).collect();
                    let line = line.join(" ");
                    let words = || line.split_whitespace().map(OsString::from);
                    let Some(quick) = parse(words()) else { continue };
                    let whole = ["dropcap", "run"].into_iter().map(OsString::from).chain(words());
                    let Ok(CommandLine { verb: Verb::Run(clap) }) =
                        CommandLine::try_parse_from(whole)
                    else {
                        panic!("clap refuses `{line}`")
                    };
                    assert_eq!(quick, clap, "{line}");
                    answered += 1;
                }
            }
        }
        assert!(answered > 100, "only {answered}");
        let usual = "--user app --allow NET_BIND_SERVICE --strict --init -- cmd".split(' ');
        assert!(parse(usual.map(OsString::from)).is_some());
    }
}
