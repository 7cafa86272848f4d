//! What stands around the process before anything is tried.

use crate::doors::{Authority, Obstacle};
use crate::executables::{Search, SearchLimits, search};
use crate::state::{State, id_map};
use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Environment, Executable, IdMap, NamespaceGate,
};
use dropcap_confine::sys;
use rustix::fs::{MemfdFlags, fstat, memfd_create};
use std::cell::Cell;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// An id that no ordinary system gives to anybody, tried first as "another"; also what the kernel
/// shows for an owner that has no id in the user namespace (`overflowuid`).
const NOBODY: u32 = 65534;

/// What stands around the process before anything is tried.
pub struct Scene {
    /// What the process is.
    pub state: State,
    /// Its credentials.
    pub credentials: Credentials,
    /// The kernel, and the ids of the user namespace.
    pub environment: Environment,
    /// The privileged executables in reach.
    pub executables: Search,
    pub(crate) has_proc: bool,
    pub(crate) owns_network: bool,
    pub(crate) owns_uts: bool,
    pub(crate) namespace_gate: Option<NamespaceGate>,
    prepared_process: Option<i32>,
    cannot_show: Option<String>,
    counter: Cell<u32>,
}

impl Scene {
    /// Looks around, searching the whole filesystem from `/` for privileged executables.
    ///
    /// # Errors
    /// When the process cannot read its own credentials.
    pub fn here(limits: &SearchLimits) -> io::Result<Self> {
        let (state, credentials) = State::of_self()?;
        let mut executables = search(limits);
        if state.user_namespace.as_ref().is_some_and(|own| !own.initial) {
            for file in &mut executables.found {
                file.uid = file.uid.filter(|id| *id != NOBODY);
                file.gid = file.gid.filter(|id| *id != NOBODY);
            }
        }
        Ok(Self {
            environment: environment(&state, Path::new("/proc/self")),
            executables,
            has_proc: Path::new("/proc/self/status").exists(),
            owns_network: owns("net"),
            owns_uts: owns("uts"),
            namespace_gate: None,
            prepared_process: None,
            cannot_show: None,
            counter: Cell::new(0),
            state,
            credentials,
        })
    }

    /// With a process of another user that was made before privilege was dropped.
    #[must_use]
    pub fn with_foreign_process(mut self, pid: i32) -> Self {
        self.prepared_process = Some(pid);
        self
    }

    /// With what is known to stand between it and a user namespace, a seccomp filter included.
    #[must_use]
    pub fn with_namespace_gate(mut self, gate: NamespaceGate) -> Self {
        self.namespace_gate = Some(gate);
        self
    }

    /// With a file that dropcap made itself to give a privilege.
    #[must_use]
    pub fn with_helper(mut self, helper: Executable) -> Self {
        self.executables.found.insert(0, helper);
        self
    }

    /// With the reason why what the kernel asks for in the initial user namespace cannot be shown
    /// here, though it counts in what this scene stands for.
    #[must_use]
    pub fn that_cannot_show_the_initial_namespace(mut self, reason: impl Into<String>) -> Self {
        self.cannot_show = Some(reason.into());
        self
    }

    /// Whether a permitted capability counts where the kernel asks for it, as far as user
    /// namespaces go.
    pub(crate) fn has_authority(&self, authority: Authority) -> bool {
        let initial = self.state.user_namespace.as_ref().is_none_or(|own| own.initial);
        initial
            || match authority {
                Authority::Own => true,
                Authority::Network => self.owns_network,
                Authority::Uts => self.owns_uts,
                Authority::Initial => false,
            }
    }

    /// Why a door that asks in `authority` cannot be shown here, if so.
    pub(crate) fn cannot_show(&self, authority: Authority) -> Option<&str> {
        if self.has_authority(authority) { None } else { self.cannot_show.as_deref() }
    }

    /// A mapped user id that is none of the process's own.
    pub(crate) fn other_uid(&self) -> Option<u32> {
        let own = self.credentials.uid;
        another(&self.environment.uids, |id| own.has(id) || own.filesystem == id)
    }

    /// A mapped group id that is none of the process's own.
    pub(crate) fn other_gid(&self) -> Option<u32> {
        let own = self.credentials.gid;
        another(&self.environment.gids, |id| own.has(id) || own.filesystem == id)
    }

    /// A process with neither of whose user ids ours may signal it (`kill_ok_by_cred`).
    pub(crate) fn foreign_process(&self) -> Option<i32> {
        let ours = self.credentials.uid;
        let foreign = |pid: &i32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok();
            status.as_deref().and_then(crate::state::credentials).is_some_and(|them| {
                [ours.real, ours.effective]
                    .iter()
                    .all(|id| them.uid.real != *id && them.uid.saved != *id)
                    && self.environment.uids.maps(them.uid.real)
            })
        };
        let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        self.prepared_process.into_iter().chain(pids).find(foreign)
    }

    /// A number that this process has not used before.
    pub(crate) fn unique(&self) -> u32 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }
}

/// What the model asks about beside credentials, for the process with this directory in /proc.
pub(crate) fn environment(state: &State, process: &Path) -> Environment {
    let everything = || (IdMap::everything(), IdMap::everything());
    let (uids, gids) = state.user_namespace.as_ref().map_or_else(everything, |namespace| {
        (id_map(&namespace.uid_map), id_map(&namespace.gid_map))
    });
    let setgroups_allowed =
        fs::read_to_string(process.join("setgroups")).map_or(true, |text| text.trim() != "deny");
    Environment {
        kernel: sys::kernel(),
        capabilities: kernel_capabilities(),
        uids,
        gids,
        setgroups_allowed,
        outer_roots: Vec::new(),
    }
}

/// Every capability that the running kernel has.
fn kernel_capabilities() -> CapabilitySet {
    let last = sys::last_capability().number();
    (0..=last).filter_map(Capability::from_number).collect()
}

/// A mapped id for which `ours` does not hold.
fn another(map: &IdMap, ours: impl Fn(u32) -> bool) -> Option<u32> {
    [NOBODY, 1, 0, 2, 1000, 3, 4].into_iter().find(|id| map.maps(*id) && !ours(*id))
}

/// Whether our own user namespace owns our namespace of this kind. `NS_GET_USERNS` answers EPERM
/// where the owner is outside (`ns_get_owner`).
fn owns(kind: &str) -> bool {
    let owner = || -> io::Result<bool> {
        let namespace = fs::File::open(format!("/proc/self/ns/{kind}"))?;
        let owner = crate::untouched::owner_of(namespace.as_fd())?;
        Ok(fstat(&owner)?.st_ino == fs::metadata("/proc/self/ns/user")?.ino())
    };
    owner().unwrap_or(false)
}

/// Anonymous memory as a file of our own, so that an attempt needs no writable place.
pub(crate) fn memory_file(text: &'static str) -> Result<OwnedFd, Obstacle> {
    memfd_create("dropcap", MemfdFlags::CLOEXEC)
        .map_err(|error| Obstacle { text, reason: format!("memfd_create: {error}") })
}
