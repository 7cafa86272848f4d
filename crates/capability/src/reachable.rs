//! The reachable set: the least closure over everything that one thread can do alone.
//!
//! Nothing here is a rule of the kernel. The search walks over concrete credentials and asks the
//! model's own [`execve`], [`capset`], [`prctl`] and [`setuid`] functions for every step. Three
//! observations make it small:
//!
//! - **More is never less.** Between two execve calls a thread loses nothing that it could use later
//!   by raising all that it may: effective to permitted, inheritable to what permitted and bounding
//!   offer, ambient to both, securebits to the flags that keep most. So only the raised state is
//!   walked ([`raise`]). Bounding and no_new_privs never improve, and are left alone.
//! - **Identity matters where files ask for it.** Of all ids, only those that some executable's
//!   permissions tell apart can change what a thread may execute (besides 0, which is special).
//! - **A bound ends the search.** [`upper_bound`] ignores permissions and order; as soon as the walk
//!   has found as much, there is no more to find.
//!
//! Of the calls that change ids, setresuid(2), setresgid(2), setfsuid(2) and setgroups(2) are walked:
//! whatever setuid(2), setreuid(2) and their group kin make of a thread, the first two make of it as
//! well. Others who have a hand in the thread ([`Company`]) only take away, and are left out. All
//! ids have to be in the numbers of the thread's own user namespace.
//!
//! `tests/exhaustive.rs` compares it with a search that uses none of the three.

use crate::chain::Chain;
use crate::search::Search;
use crate::{Capability, CapabilitySet, Credentials, Environment, Executable};

#[cfg(doc)]
use crate::{Company, capset, execve, prctl, raise::raise, search::upper_bound, setuid};

/// What can come into a thread's permitted set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// Everything that can be held by code that starts there.
    pub set: CapabilitySet,
    /// Whether an effective uid 0 can be had, which owns root's files without any capability.
    pub root_user: bool,
    pub(crate) witnesses: Vec<(CapabilitySet, Chain)>,
}

impl Reachable {
    /// The shortest chain to `capability`, if it is reachable.
    pub fn witness(&self, capability: Capability) -> Option<&Chain> {
        self.witnesses.iter().find(|(set, _)| set.contains(capability)).map(|(_, chain)| chain)
    }
}

/// What a plain program that everybody may execute is called in a chain: there always is one.
pub const ANY_PROGRAM: &str = "any program";

/// The reachable set of a thread with `start` that may execute `executables`, and one plain
/// program.
///
/// ```
/// use dropcap_capability::*;
/// let docker_default: CapabilitySet = "CHOWN,NET_RAW".parse().unwrap();
/// let sandbox = Credentials::unprivileged(1000, docker_default);
/// let su = Executable::setuid_root("/usr/bin/su");
/// let environment = Environment::default();
///
/// assert!(reachable(&sandbox, &[], &environment).set.is_empty());
/// let with_su = reachable(&sandbox, &[su], &environment);
/// assert_eq!(with_su.set, docker_default);
/// let chain = with_su.witness(Capability::NET_RAW).unwrap();
/// assert_eq!(chain.to_string(), "execve(/usr/bin/su)");
/// ```
pub fn reachable(
    start: &Credentials,
    executables: &[Executable],
    environment: &Environment,
) -> Reachable {
    let plain = Executable::plain(ANY_PROGRAM);
    let all = std::iter::once(&plain).chain(executables);
    Search::new(start, all, environment).run()
}

/// What kind of file a door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorKind {
    /// A setuid-root file.
    SetuidRoot,
    /// A setuid file of somebody else, or a setgid file.
    SetId,
    /// A file with file capabilities.
    FileCapabilities,
}

impl DoorKind {
    /// Its name in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetuidRoot => "setuid-root",
            Self::SetId => "set-id",
            Self::FileCapabilities => "file-capabilities",
        }
    }
}

/// An executable by which a thread comes to more than it could without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Which kind.
    pub kind: DoorKind,
    /// The file.
    pub path: String,
    /// What can be held by it alone that could not be held with no privileged executable at all.
    pub gains: CapabilitySet,
    /// Whether uid 0 is gained by it.
    pub gains_root_user: bool,
}

/// The doors among `executables` for a thread with `start`, each taken alone.
pub fn doors(
    start: &Credentials,
    executables: &[Executable],
    environment: &Environment,
) -> Vec<Door> {
    let without = reachable(start, &[], environment);
    executables
        .iter()
        .filter_map(|executable| {
            let with = reachable(start, std::slice::from_ref(executable), environment);
            let gains = with.set - without.set;
            let gains_root_user = with.root_user && !without.root_user;
            let kind = if executable.file_capabilities.is_some() {
                DoorKind::FileCapabilities
            } else if executable.mode & 0o4000 != 0 && executable.uid == Some(0) {
                DoorKind::SetuidRoot
            } else {
                DoorKind::SetId
            };
            let opens = !gains.is_empty() || gains_root_user;
            opens.then(|| Door { kind, path: executable.path.clone(), gains, gains_root_user })
        })
        .collect()
}
