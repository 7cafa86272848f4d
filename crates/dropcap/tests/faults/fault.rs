//! The points, and what is done at each.

use crate::scene::{Outcome, Scene};
use crate::table::Table;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

/// What is done to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It fails.
    Error(&'static str),
    /// It and every later one of its name fail.
    ErrorFromHere(&'static str),
    /// It says that it was done, and was not.
    Lie,
    /// It is the last one: SIGKILL as it begins.
    Kill,
}

impl Fault {
    fn injection(self, call: &str, number: usize) -> String {
        match self {
            Self::Error(errno) => format!("inject={call}:error={errno}:when={number}"),
            Self::ErrorFromHere(errno) => format!("inject={call}:error={errno}:when={number}+"),
            Self::Lie => format!("inject={call}:retval=0:when={number}"),
            Self::Kill => format!("inject={call}:signal=KILL:when={number}"),
        }
    }
}

/// The errors of a call that its manual page lists and that a kernel may give to a right call, or a
/// seccomp profile to any.
fn errors(call: &str) -> &'static [&'static str] {
    match call {
        "open" | "openat" => &["EACCES", "ENOENT", "EMFILE", "EIO", "EINTR"],
        "read" | "pread64" | "getdents64" => &["EIO", "EINTR"],
        "write" | "writev" => &["ENOSPC", "EIO", "EINTR"],
        "mmap" | "brk" | "mremap" => &["ENOMEM"],
        "prctl" => &["EPERM", "EINVAL"],
        "capset" | "capget" => &["EPERM", "EFAULT"],
        "seccomp" => &["EINVAL", "EACCES", "ENOMEM"],
        "setresuid" | "setresgid" | "setgroups" | "setuid" => &["EPERM", "EAGAIN"],
        "close_range" => &["ENOSYS", "EPERM", "EMFILE"],
        "execve" => &["EACCES", "ENOENT", "ENOMEM", "E2BIG"],
        "memfd_create" => &["EMFILE", "ENOMEM", "EPERM"],
        "fcntl" => &["EPERM", "EMFILE", "EBUSY"],
        "mkdir" | "rename" | "unlink" | "rmdir" | "unlinkat" => &["EACCES", "ENOSPC", "EROFS"],
        "stat" | "fstat" | "lstat" | "newfstatat" | "statx" | "readlink" | "access" => {
            &["EACCES", "ENOENT", "ENOMEM"]
        }
        "flock" => &["EINTR", "ENOLCK"],
        _ => &["EPERM", "EINVAL", "ENOMEM"],
    }
}

/// The calls that take privilege away: for these a single success that is none, and a failure that
/// stays, are tried too.
const ENFORCING: [&str; 7] =
    ["prctl", "capset", "seccomp", "setresuid", "setresgid", "setgroups", "close_range"];

/// Calls that make a process or a mount, of which something could be left.
const LEAVING: [&str; 8] =
    ["fork", "vfork", "clone", "clone3", "mount", "move_mount", "fsmount", "open_tree"];

/// Calls that are always successful by their manual pages, or without which the C library or the standard
/// one cannot begin. Where one fails all the same the program may end by a signal: nothing is executed
/// then either.
const FATAL: [&str; 5] = ["brk", "clock_gettime", "getrandom", "geteuid", "uname"];

fn faults(call: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = errors(call).iter().map(|errno| Fault::Error(errno)).collect();
    if ENFORCING.contains(&call) {
        faults.push(Fault::ErrorFromHere(errors(call)[0]));
        faults.push(Fault::Lie);
    }
    faults.push(Fault::Kill);
    faults
}

/// The variable that asks for every point: `make soak` sets it.
const EVERY: &str = "DROPCAP_EVERY_FAULT";
/// Of calls that do the same to one capability after the other, the first ones are disturbed, and
/// then one in so many.
const ALIKE: usize = 6;

/// Every fault at every point of a scene.
pub fn all(scene: &Scene) -> Table {
    let mut table = Table::new(scene.name);
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut alike: BTreeMap<&(String, String), usize> = BTreeMap::new();
    let every = std::env::var_os(EVERY).is_some();
    let calls = calls(scene);
    for point in &calls {
        let (call, _) = point;
        let number = met.entry(call).or_default();
        *number += 1;
        let alike = alike.entry(point).or_default();
        *alike += 1;
        if !every && *alike > ALIKE && !alike.is_multiple_of(ALIKE) {
            continue;
        }
        for fault in faults(call) {
            let injection = fault.injection(call, *number);
            let output = strace(
                &scene.trace(),
                &["-e", &format!("trace={call}"), "-e", &injection],
                &scene.line(),
            );
            let outcome = match scene.judge(&output) {
                Outcome::Crashed(_) if FATAL.contains(&call.as_str()) => Outcome::Nothing,
                outcome => outcome,
            };
            table.add(call, fault, &outcome, || format!("{injection}: {outcome:?}"));
        }
    }
    table
}

/// The calls of an undisturbed run with what tells them apart, in their order, up to the one that
/// executes something or, where nothing is to be executed, ends.
fn calls(scene: &Scene) -> Vec<(String, String)> {
    let output = strace(&scene.trace(), &[], &scene.line());
    let wanted = if scene.is_refused() { Outcome::Nothing } else { Outcome::Within };
    assert_eq!(scene.judge(&output), wanted, "{}: {output:?}", scene.name);
    let trace = fs::read_to_string(scene.trace()).unwrap();
    let named = trace.lines().filter_map(|line| line.split_once('('));
    // So none of them can be left over, wherever it ends.
    let leaves = |(name, _): &(&str, &str)| LEAVING.contains(name);
    assert_eq!(named.clone().find(leaves), None, "{} makes a process or a mount", scene.name);
    let points = named.map(|(name, arguments)| {
        // What a prctl does is its first argument.
        let what = arguments.split([',', ')']).next().unwrap_or_default();
        let what = if name == "prctl" { what } else { arguments };
        (name.to_owned(), what.to_owned())
    });
    // The first is strace's own start of it, which it neither counts nor disturbs.
    let points: Vec<_> = points.skip(1).collect();
    let end = if scene.is_refused() { "exit_group" } else { "execve" };
    let last = points.iter().position(|(name, _)| name == end);
    points[..=last.unwrap_or_else(|| panic!("{}: no {end}", scene.name))].to_vec()
}

fn strace(trace: &std::path::Path, options: &[&str], line: &[String]) -> std::process::Output {
    Command::new("strace")
        .args(["-q", "-o"])
        .arg(trace)
        .args(options)
        .args(line)
        .stdin(Stdio::null())
        .output()
        .expect("needs strace: run `make setup`")
}
