//! The flags of runc (1.0 to 1.5) and crun (1.8 to 1.24) by command: read in runc's `main.go`,
//! `create.go`, `run.go`, `restore.go`, `exec.go` and crun's `src/crun.c` and `src/*.c`.
//!
//! One table serves both: where one of them does not have a flag, it says so itself.

use super::Flavour;

/// Whether a flag has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// None; Go's grammar takes `=true` and `=false`.
    Switch,
    /// Always.
    Value,
    /// Only with `=`, or right behind its letter.
    MaybeValue,
}

#[derive(Debug)]
pub struct Flag {
    pub name: &'static str,
    pub letter: Option<char>,
    pub kind: Kind,
}

const fn switch(name: &'static str) -> Flag {
    Flag { name, letter: None, kind: Kind::Switch }
}

const fn value(name: &'static str) -> Flag {
    Flag { name, letter: None, kind: Kind::Value }
}

const fn lettered(letter: char, flag: Flag) -> Flag {
    Flag { letter: Some(letter), ..flag }
}

/// Everywhere.
pub const HELP: Flag = lettered('h', switch("help"));

/// Before the command.
pub const GLOBAL: &[Flag] = &[
    switch("debug"),
    value("log"),
    value("log-format"),
    value("log-level"),
    value("root"),
    value("criu"),
    value("rootless"),
    value("cgroup-manager"),
    switch("systemd-cgroup"),
    HELP,
    switch("usage"),
    lettered('v', switch("version")),
    lettered('V', switch("version")),
];

/// `create` and `run`.
pub const START: &[Flag] = &[
    HELP,
    lettered('b', value("bundle")),
    lettered('f', value("config")),
    value("console-socket"),
    value("pidfd-socket"),
    value("pid-file"),
    switch("no-pivot"),
    switch("no-new-keyring"),
    value("preserve-fds"),
    lettered('d', switch("detach")),
    switch("keep"),
    switch("no-subreaper"),
];

/// `restore`.
pub const RESTORE: &[Flag] = &[
    HELP,
    lettered('b', value("bundle")),
    value("console-socket"),
    value("image-path"),
    value("work-path"),
    value("parent-path"),
    switch("tcp-established"),
    switch("tcp-close"),
    switch("ext-unix-sk"),
    switch("shell-job"),
    switch("file-locks"),
    value("manage-cgroups-mode"),
    lettered('d', switch("detach")),
    value("pid-file"),
    switch("no-subreaper"),
    switch("no-pivot"),
    value("empty-ns"),
    switch("auto-dedup"),
    switch("lazy-pages"),
    value("lsm-profile"),
    value("lsm-mount-context"),
];

/// `exec`.
pub const EXEC: &[Flag] = &[
    HELP,
    value("console-socket"),
    value("pidfd-socket"),
    value("cwd"),
    lettered('e', value("env")),
    Flag { name: "tty", letter: Some('t'), kind: Kind::MaybeValue },
    lettered('u', value("user")),
    lettered('g', value("additional-gids")),
    lettered('p', value("process")),
    lettered('d', switch("detach")),
    value("pid-file"),
    value("process-label"),
    value("apparmor"),
    switch("no-new-privs"),
    lettered('c', value("cap")),
    value("preserve-fds"),
    value("cgroup"),
    switch("ignore-paused"),
];

/// The flag of this name. Go takes a letter as a name; getopt_long takes the beginning of a name, if
/// there is one such name only.
pub fn find<'a>(table: &'a [Flag], name: &str, flavour: Flavour) -> Option<&'a Flag> {
    let exact = table.iter().find(|flag| flag.name == name);
    match flavour {
        Flavour::Runc => exact.or_else(|| {
            table.iter().find(|flag| flag.letter.is_some_and(|letter| name == letter.to_string()))
        }),
        Flavour::Crun => exact.or_else(|| {
            let mut beginning = table.iter().filter(|flag| flag.name.starts_with(name));
            beginning.next().filter(|_| !name.is_empty() && beginning.next().is_none())
        }),
    }
}
