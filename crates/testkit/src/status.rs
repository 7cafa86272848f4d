//! `/proc/PID/status`, as far as privilege goes.

use std::collections::HashMap;

/// The credentials of a process, as the kernel prints them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Real, effective, saved and filesystem user id.
    pub uid: [u32; 4],
    /// Real, effective, saved and filesystem group id.
    pub gid: [u32; 4],
    /// Supplementary groups, in the kernel's order.
    pub groups: Vec<u32>,
    /// `CapInh`.
    pub inheritable: u64,
    /// `CapPrm`.
    pub permitted: u64,
    /// `CapEff`.
    pub effective: u64,
    /// `CapBnd`.
    pub bounding: u64,
    /// `CapAmb`.
    pub ambient: u64,
    /// `NoNewPrivs`.
    pub no_new_privs: bool,
    /// `Seccomp`: 0 none, 2 a filter.
    pub seccomp: u8,
}

impl Status {
    /// Reads what `/proc/PID/status` holds.
    ///
    /// # Panics
    /// Where a line is missing: the kernel is not Linux as this knows it.
    pub fn parse(text: &str) -> Self {
        let lines: HashMap<&str, &str> =
            text.lines().filter_map(|line| line.split_once(':')).collect();
        let line = |name: &str| lines.get(name).unwrap_or_else(|| panic!("no {name} in:\n{text}"));
        let numbers = |name: &str| -> Vec<u32> {
            line(name).split_whitespace().map(|word| word.parse().expect("an id")).collect()
        };
        let ids = |name: &str| numbers(name).try_into().expect("four ids");
        let set = |name: &str| u64::from_str_radix(line(name).trim(), 16).expect("a set");
        Self {
            uid: ids("Uid"),
            gid: ids("Gid"),
            groups: numbers("Groups"),
            inheritable: set("CapInh"),
            permitted: set("CapPrm"),
            effective: set("CapEff"),
            bounding: set("CapBnd"),
            ambient: set("CapAmb"),
            no_new_privs: line("NoNewPrivs").trim() == "1",
            seccomp: line("Seccomp").trim().parse().expect("a mode"),
        }
    }

    /// That of a process.
    ///
    /// # Panics
    /// Where there is no such process.
    pub fn of(pid: u32) -> Self {
        let path = format!("/proc/{pid}/status");
        Self::parse(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}")))
    }
}
