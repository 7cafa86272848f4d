//! What a process is, as the kernel shows it: `state` in JSON.

use dropcap_capability::{Capability, CapabilitySet, Credentials, IdMap, ProcStatus, Securebits};
use dropcap_confine::sys::read_credentials;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The inode of the initial user namespace: `PROC_USER_INIT_INO` of `include/linux/proc_ns.h`.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// What a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The names of the capabilities in the effective set; likewise the next four.
    pub effective: Vec<String>,
    /// The most that effective may be.
    pub permitted: Vec<String>,
    /// What passes through execve of a file whose inheritable set has it.
    pub inheritable: Vec<String>,
    /// The most that execve may add from a file, or for root.
    pub bounding: Vec<String>,
    /// What passes through execve of an ordinary file.
    pub ambient: Vec<String>,
    /// The securebits; `None` for another process, since the kernel tells only a thread its own.
    pub securebits: Option<SecurebitsState>,
    /// Whether execve can grant nothing.
    pub no_new_privs: bool,
    /// The effective user id, in the numbers of the process's own user namespace.
    pub uid: u32,
    /// The effective group id, likewise.
    pub gid: u32,
    /// The supplementary groups, likewise.
    pub groups: Vec<u32>,
    /// Whether a seccomp filter is installed; `None` where the kernel does not say.
    pub seccomp: Option<SeccompMode>,
    /// The user namespace that it lives in; `None` where it cannot be seen.
    pub user_namespace: Option<UserNamespace>,
}

/// The securebits that bear on capabilities, each with its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of capabilities(7)")]
pub struct SecurebitsState {
    pub noroot: bool,
    pub noroot_locked: bool,
    pub no_setuid_fixup: bool,
    pub no_setuid_fixup_locked: bool,
    pub keep_caps: bool,
    pub keep_caps_locked: bool,
    pub no_cap_ambient_raise: bool,
    pub no_cap_ambient_raise_locked: bool,
}

/// The `Seccomp` line of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeccompMode {
    /// No filter.
    Disabled,
    /// Four system calls are left.
    Strict,
    /// At least one filter.
    Filter,
}

impl SeccompMode {
    /// By its number in `/proc/PID/status`.
    pub(crate) fn of_number(number: Option<u8>) -> Option<Self> {
        match number? {
            0 => Some(Self::Disabled),
            1 => Some(Self::Strict),
            2 => Some(Self::Filter),
            _ => None,
        }
    }

    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Strict => "strict",
            Self::Filter => "filter",
        }
    }
}

impl SecurebitsState {
    /// The flags that are set, as capabilities(7) writes them in small letters.
    pub fn names(self) -> Vec<&'static str> {
        let flag = |flag: Securebits, set: bool, locked: bool| {
            let set = if set { flag } else { Securebits::EMPTY };
            set.union(if locked { flag.locks() } else { Securebits::EMPTY })
        };
        flag(Securebits::NOROOT, self.noroot, self.noroot_locked)
            .union(flag(
                Securebits::NO_SETUID_FIXUP,
                self.no_setuid_fixup,
                self.no_setuid_fixup_locked,
            ))
            .union(flag(Securebits::KEEP_CAPS, self.keep_caps, self.keep_caps_locked))
            .union(flag(
                Securebits::NO_CAP_AMBIENT_RAISE,
                self.no_cap_ambient_raise,
                self.no_cap_ambient_raise_locked,
            ))
            .names()
            .collect()
    }
}

/// The user namespace of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNamespace {
    /// Whether it is the machine's own.
    pub initial: bool,
    /// The user ids that it maps: `/proc/PID/uid_map`.
    pub uid_map: Vec<IdRange>,
    /// The group ids that it maps: `/proc/PID/gid_map`.
    pub gid_map: Vec<IdRange>,
}

/// One line of an id map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first id inside.
    pub inside: u32,
    /// The id that it is outside.
    pub outside: u32,
    /// How many there are.
    pub count: u32,
}

impl State {
    /// The calling thread's credentials, and what /proc tells beside them.
    ///
    /// # Errors
    /// What the kernel answers; a seccomp filter may deny one of the calls.
    pub fn of_self() -> io::Result<(Self, Credentials)> {
        let credentials = read_credentials()?;
        Ok((Self::of_this_thread(&credentials), credentials))
    }

    /// The calling thread's credentials, which somebody has just read, and what /proc tells beside
    /// them.
    pub fn of_this_thread(credentials: &Credentials) -> Self {
        let status = fs::read_to_string("/proc/self/status").ok();
        let status = status.as_deref().and_then(|status| ProcStatus::parse(status).ok());
        let seccomp = SeccompMode::of_number(status.and_then(|it| it.seccomp)).or_else(|| {
            use dropcap_confine::sys::{Linux, System};
            let mode = |filter| if filter { SeccompMode::Filter } else { SeccompMode::Disabled };
            Linux.has_filter().ok().map(mode)
        });
        Self::new(credentials, true, seccomp, UserNamespace::of(Path::new("/proc/self")))
    }

    /// What these credentials are, in JSON's words.
    pub fn new(
        credentials: &Credentials,
        securebits_known: bool,
        seccomp: Option<SeccompMode>,
        user_namespace: Option<UserNamespace>,
    ) -> Self {
        Self {
            effective: names(credentials.effective),
            permitted: names(credentials.permitted),
            inheritable: names(credentials.inheritable),
            bounding: names(credentials.bounding),
            ambient: names(credentials.ambient),
            securebits: securebits_known.then(|| SecurebitsState::from(credentials.securebits)),
            no_new_privs: credentials.no_new_privs,
            uid: credentials.uid.effective,
            gid: credentials.gid.effective,
            groups: credentials.groups.clone(),
            seccomp,
            user_namespace,
        }
    }
}

/// The names of a set's members, in the order of their numbers.
pub(crate) fn names(set: CapabilitySet) -> Vec<String> {
    set.iter().map(|capability: Capability| capability.to_string()).collect()
}

impl From<Securebits> for SecurebitsState {
    fn from(bits: Securebits) -> Self {
        let has = |flag: Securebits| (bits.contains(flag), bits.contains(flag.locks()));
        let (noroot, noroot_locked) = has(Securebits::NOROOT);
        let (no_setuid_fixup, no_setuid_fixup_locked) = has(Securebits::NO_SETUID_FIXUP);
        let (keep_caps, keep_caps_locked) = has(Securebits::KEEP_CAPS);
        let (no_cap_ambient_raise, no_cap_ambient_raise_locked) =
            has(Securebits::NO_CAP_AMBIENT_RAISE);
        Self {
            noroot,
            noroot_locked,
            no_setuid_fixup,
            no_setuid_fixup_locked,
            keep_caps,
            keep_caps_locked,
            no_cap_ambient_raise,
            no_cap_ambient_raise_locked,
        }
    }
}

impl UserNamespace {
    /// That of the process with this directory in /proc.
    pub(crate) fn of(process: &Path) -> Option<Self> {
        let map =
            |name: &str| fs::read_to_string(process.join(name)).ok().map(|text| id_ranges(&text));
        let (uid_map, gid_map) = (map("uid_map")?, map("gid_map")?);
        // Another's namespace is shown only to those who may trace it. Only the initial one maps
        // every id to itself, unless somebody with all of its capabilities made another such.
        let initial = fs::metadata(process.join("ns/user")).map_or_else(
            |_| uid_map == [IdRange { inside: 0, outside: 0, count: u32::MAX }],
            |namespace| namespace.ino() == INITIAL_USER_NAMESPACE,
        );
        Some(Self { initial, uid_map, gid_map })
    }
}

impl IdRange {
    /// The id inside that `outside` is, if it is in this range.
    pub(crate) fn inside_of(self, outside: u32) -> Option<u32> {
        let offset = outside.checked_sub(self.outside)?;
        (offset < self.count).then(|| self.inside + offset)
    }
}

/// The ids that exist in the namespace, as the model asks for them.
pub(crate) fn id_map(ranges: &[IdRange]) -> IdMap {
    IdMap::from_ranges(ranges.iter().map(|range| (range.inside, range.count)))
}

/// Reads `/proc/PID/uid_map` or `gid_map`.
fn id_ranges(text: &str) -> Vec<IdRange> {
    let range = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(IdRange { inside: next()?, outside: next()?, count: next()? })
    };
    text.lines().filter_map(range).collect()
}

/// The credentials in a `/proc/PID/status`, as the reader's user namespace shows them; it does not
/// tell the securebits, which are taken to be clear.
pub(crate) fn credentials(status: &str) -> Option<Credentials> {
    ProcStatus::parse(status).ok().map(|status| status.credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_the_outside_in() {
        let ranges = id_ranges("         0     100000      65536\n");
        assert_eq!(ranges, [IdRange { inside: 0, outside: 100_000, count: 65536 }]);
        assert_eq!(ranges[0].inside_of(101_000), Some(1000));
        assert_eq!(ranges[0].inside_of(99_999), None);
        assert_eq!(ranges[0].inside_of(165_536), None);
    }

    #[test]
    fn the_kernel_and_its_status_file_agree_on_us() {
        let asked = read_credentials().expect("the kernel answers");
        let status = fs::read_to_string("/proc/thread-self/status").expect("there is a /proc");
        let shown = credentials(&status).expect("complete");
        assert_eq!(Credentials { securebits: Securebits::EMPTY, ..asked }, shown);
    }
}
