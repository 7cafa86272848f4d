//! `/proc/PID/status`, as far as it bears on privilege; proc_pid_status(5).

use crate::{CapabilitySet, Credentials, Ids, Securebits};
use thiserror::Error;

/// What `/proc/PID/status` tells of a process's privilege.
///
/// ```
/// use dropcap_capability::ProcStatus;
/// let text = "Name:\tcat\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nGroups:\t4 \n\
///     CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
///     CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";
/// let status = ProcStatus::parse(text).unwrap();
/// assert_eq!(status.credentials.bounding.len(), 14);
/// assert!(status.credentials.no_new_privs);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcStatus {
    /// `Name`: the first 15 bytes of the program's name, or what the process calls itself.
    pub name: String,
    /// `Kthread`, or what shows it on kernels before 6.10: no memory of its own, and no zombie.
    pub kernel_thread: bool,
    /// `VmSize` is there: it has memory of its own, so it is neither the kernel's nor has it ended.
    pub has_memory: bool,
    /// The ids, in the numbers of the reader's user namespace, and the five sets. The file does not
    /// tell the securebits, which are taken to be clear.
    pub credentials: Credentials,
    /// `Seccomp`: 0 none, 1 strict, 2 at least one filter; `None` on a kernel without.
    pub seccomp: Option<u8>,
}

/// Why a text is no `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StatusError {
    /// A line that every kernel since 4.10 writes is not there.
    #[error("there is no line {0}")]
    Missing(&'static str),
    /// A line says something else than it should.
    #[error("the line {0} is not understood")]
    Wrong(&'static str),
}

impl ProcStatus {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// [`StatusError`], also for a text that was cut short.
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let mut lines = Lines::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(":\t") else { continue };
            if let Some(at) = LINES.iter().position(|known| *known == name) {
                lines.0[at] = Some(value.trim());
            }
        }
        let credentials = Credentials {
            uid: lines.ids("Uid")?,
            gid: lines.ids("Gid")?,
            groups: lines.groups()?,
            effective: lines.set("CapEff")?,
            permitted: lines.set("CapPrm")?,
            inheritable: lines.set("CapInh")?,
            bounding: lines.set("CapBnd")?,
            ambient: lines.set("CapAmb")?,
            securebits: Securebits::EMPTY,
            no_new_privs: lines.get("NoNewPrivs")? == "1",
        };
        let zombie = lines.optional("State").is_some_and(|state| state.starts_with('Z'));
        let has_memory = lines.optional("VmSize").is_some();
        let kernel_thread = match lines.optional("Kthread") {
            Some(said) => said == "1",
            None => !has_memory && !zombie,
        };
        Ok(Self {
            name: lines.get("Name")?.to_owned(),
            kernel_thread,
            has_memory,
            credentials,
            seccomp: lines.optional("Seccomp").and_then(|mode| mode.parse().ok()),
        })
    }
}

/// The lines that count.
const LINES: [&str; 14] = [
    "Name",
    "State",
    "Uid",
    "Gid",
    "Groups",
    "Kthread",
    "VmSize",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
];

/// The values of the lines that count, in the order of [`LINES`].
#[derive(Default)]
struct Lines<'a>([Option<&'a str>; LINES.len()]);

impl<'a> Lines<'a> {
    fn optional(&self, name: &str) -> Option<&'a str> {
        self.0[LINES.iter().position(|known| *known == name)?]
    }

    fn get(&self, name: &'static str) -> Result<&'a str, StatusError> {
        self.optional(name).ok_or(StatusError::Missing(name))
    }

    fn set(&self, name: &'static str) -> Result<CapabilitySet, StatusError> {
        CapabilitySet::from_hex(self.get(name)?).map_err(|_| StatusError::Wrong(name))
    }

    fn ids(&self, name: &'static str) -> Result<Ids, StatusError> {
        let mut numbers = self.get(name)?.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).ok_or(StatusError::Wrong(name));
        Ok(Ids { real: next()?, effective: next()?, saved: next()?, filesystem: next()? })
    }

    /// Sorted, as [`Credentials`] has them.
    fn groups(&self) -> Result<Vec<u32>, StatusError> {
        let numbers = self.get("Groups")?.split_ascii_whitespace().map(str::parse);
        let mut groups: Vec<u32> =
            numbers.collect::<Result<_, _>>().map_err(|_| StatusError::Wrong("Groups"))?;
        groups.sort_unstable();
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tsu\nState:\tS (sleeping)\nUid:\t1000\t0\t0\t0\n\
        Gid:\t1000\t1000\t1000\t1000\nGroups:\t4 3 \nVmSize:\t    1000 kB\n\
        CapInh:\t0000000000000000\nCapPrm:\t00000000000000c0\nCapEff:\t0000000000000080\n\
        CapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n\
        Seccomp_filters:\t1\n";

    #[test]
    fn it_tells_credentials() {
        let read = ProcStatus::parse(STATUS).expect("complete");
        let credentials = read.credentials;
        assert_eq!(credentials.uid, Ids { real: 1000, effective: 0, saved: 0, filesystem: 0 });
        assert_eq!(credentials.groups, [3, 4]);
        assert_eq!(credentials.permitted.to_string(), "CAP_SETGID,CAP_SETUID");
        assert_eq!(credentials.effective.to_string(), "CAP_SETUID");
        assert_eq!(credentials.bounding.bits(), 0x1ff_feff_ffff);
        assert_eq!((read.name.as_str(), read.seccomp), ("su", Some(2)));
    }

    #[test]
    fn a_kernel_thread_says_so_or_has_no_memory() {
        let kernel_thread = |text: &str| ProcStatus::parse(text).expect("whole").kernel_thread;
        let memoryless = STATUS.replace("VmSize", "Nothing");
        assert!(!kernel_thread(STATUS));
        assert!(kernel_thread(&memoryless));
        assert!(!kernel_thread(&memoryless.replace("S (sleeping)", "Z (zombie)")));
        assert!(kernel_thread(&format!("{STATUS}Kthread:\t1\n")));
        assert!(!kernel_thread(&format!("{memoryless}Kthread:\t0\n")));
    }

    #[test]
    fn what_is_cut_or_wrong_is_an_error() {
        let cut = ProcStatus::parse(&STATUS[..STATUS.len() / 2]);
        assert_eq!(cut, Err(StatusError::Missing("CapEff")));
        let wrong = STATUS.replace("c0", "g0");
        assert_eq!(ProcStatus::parse(&wrong), Err(StatusError::Wrong("CapPrm")));
        let wrong = STATUS.replace("1000\t0\t0\t0", "1000\t0\t0");
        assert_eq!(ProcStatus::parse(&wrong), Err(StatusError::Wrong("Uid")));
    }
}
