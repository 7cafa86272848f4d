//! What stands around the process before anything is tried.

use crate::executables::{Search, SearchLimits, search};
use crate::state::{State, UserNamespace, id_map};
use crate::stranger::Stranger;
use crate::trial::{Authority, Obstacle, Part, missing};
use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Environment, Executable, IdMap, NamespaceGate,
};
use dropcap_confine::sys;
use rustix::fs::{MemfdFlags, fstat, memfd_create};
use std::cell::{Cell, OnceCell};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An id that no ordinary system gives to anybody, tried first as "another"; also what the kernel
/// shows for an owner that has no id in the user namespace (`overflowuid`).
const NOBODY: u32 = 65534;

/// Why a door that needs something of another user's is not tried.
pub(crate) const NOTHING_FOREIGN: &str =
    "there is nothing in /proc that belongs to another user, to try it on";
/// The inode of the initial pid namespace: `PROC_PID_INIT_INO` of `include/linux/proc_ns.h`.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

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
    pub(crate) namespace_gate: Option<NamespaceGate>,
    /// The namespaces that belong to our own user namespace.
    owned: Vec<Authority>,
    prepared_process: Option<i32>,
    stranger: OnceCell<Option<Stranger>>,
    pub(crate) missing: Vec<(Part, String)>,
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
            environment: environment(state.user_namespace.as_ref(), Path::new("/proc/self")),
            executables,
            has_proc: Path::new("/proc/self/status").exists(),
            owned: owned(),
            namespace_gate: None,
            prepared_process: None,
            stranger: OnceCell::new(),
            missing: Vec::new(),
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

    /// With the reason why a part of what this scene stands for cannot be shown here. What rests on
    /// it is not tried, and never called closed.
    #[must_use]
    pub fn without(mut self, part: Part, reason: impl Into<String>) -> Self {
        self.missing.push((part, reason.into()));
        self
    }

    /// Whether a permitted capability counts where the kernel asks for it, as far as user
    /// namespaces go.
    pub(crate) fn has_authority(&self, authority: Authority) -> bool {
        self.in_initial_namespace()
            || match authority {
                Authority::Own => true,
                // Whoever came here by execve has memory that was made here.
                Authority::Memory => missing(self, Part::InitialNamespace).is_none(),
                Authority::Initial => false,
                of_namespace => self.owned.contains(&of_namespace),
            }
    }

    /// Whether its user namespace is the machine's own.
    pub(crate) fn in_initial_namespace(&self) -> bool {
        self.state.user_namespace.as_ref().is_none_or(|own| own.initial)
    }

    /// Whether its pid namespace is the machine's own; true where that cannot be seen.
    pub(crate) fn in_initial_pid_namespace(&self) -> bool {
        fs::metadata("/proc/self/ns/pid").map_or(true, |it| it.ino() == INITIAL_PID_NAMESPACE)
    }

    /// Why a door that asks in `authority` cannot be shown here, if so.
    pub(crate) fn cannot_show(&self, authority: Authority) -> Option<&str> {
        if self.has_authority(authority) { None } else { missing(self, Part::InitialNamespace) }
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
        self.others().find(foreign)
    }

    /// Other processes: one that was made to try doors on, and then all that are in sight.
    fn others(&self) -> impl Iterator<Item = i32> {
        let made = || self.prepared_process.or_else(|| self.stranger());
        let in_sight = || {
            let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
            listed.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        };
        made().into_iter().chain(std::iter::once_with(in_sight).flatten())
    }

    /// A process of another user that is made where the process may become one.
    fn stranger(&self) -> Option<i32> {
        let may = self.credentials.permitted.contains(Capability::SETUID);
        let own = self.credentials.uid;
        // Not nobody, by whom owners without an id are shown.
        let taken = |id| own.has(id) || own.filesystem == id || id == NOBODY;
        let other = another(&self.environment.uids, taken).filter(|_| may);
        let make = || other.and_then(|uid| Stranger::make(uid).ok());
        self.stranger.get_or_init(make).as_ref().map(|stranger| stranger.pid)
    }

    /// A directory that belongs to another user, and may be read: of /proc, where every kernel has
    /// one. The first belongs to root, and a process's own to its user (`proc_pid_make_inode`).
    pub(crate) fn foreign_directory(&self) -> Option<PathBuf> {
        let own = self.credentials.uid.filesystem;
        let foreign = |directory: &PathBuf| {
            fs::metadata(directory).is_ok_and(|it| {
                // In a user namespace an owner without an id is shown as nobody.
                let is_known = self.in_initial_namespace() || it.uid() != NOBODY;
                it.uid() != own && is_known && self.environment.uids.maps(it.uid())
            })
        };
        let root = PathBuf::from("/proc");
        let mut directories = self.others().map(|pid| PathBuf::from(format!("/proc/{pid}")));
        if foreign(&root) { Some(root) } else { directories.find(foreign) }
    }

    /// A number that this process has not used before.
    pub(crate) fn unique(&self) -> u32 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }
}

/// What the model asks about beside credentials, for the process with this directory in /proc, which
/// lives in `namespace`.
pub(crate) fn environment(namespace: Option<&UserNamespace>, process: &Path) -> Environment {
    let everything = || (IdMap::everything(), IdMap::everything());
    let (uids, gids) = namespace.map_or_else(everything, |namespace| {
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

/// This kernel, and a user namespace in which every id exists.
pub(crate) fn initial_namespace() -> Environment {
    Environment { capabilities: kernel_capabilities(), ..Environment::of_kernel(sys::kernel()) }
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

/// Which namespaces of ours our own user namespace owns. `NS_GET_USERNS` answers EPERM where the
/// owner is outside (`ns_get_owner`).
fn owned() -> Vec<Authority> {
    let owns = |kind: &str| -> io::Result<bool> {
        let namespace = fs::File::open(format!("/proc/self/ns/{kind}"))?;
        let owner = crate::untouched::owner_of(namespace.as_fd())?;
        Ok(fstat(&owner)?.st_ino == fs::metadata("/proc/self/ns/user")?.ino())
    };
    let owned = |(_, kind): &&(Authority, &str)| owns(kind).unwrap_or(false);
    Authority::OF_NAMESPACES.iter().filter(owned).map(|(authority, _)| *authority).collect()
}

/// Anonymous memory as a file of our own, so that an attempt needs no writable place.
pub(crate) fn memory_file(text: &'static str) -> Result<OwnedFd, Obstacle> {
    memfd_create("dropcap", MemfdFlags::CLOEXEC).map_err(Obstacle::failed(text, "memfd_create"))
}
