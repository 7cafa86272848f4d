//! What a process is, and what it can reach: the answer of `inspect`.

use crate::executables::{Search, SearchLimits, search};
use crate::scene::environment;
use crate::state::{IdRange, State, UserNamespace, credentials, names, seccomp_mode};
use crate::{SeccompMode, SecurebitsState};
use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Directory, Environment, Evidence, Executable, Ids,
    NamespaceGate, doors, nested, reachable,
};
use dropcap_image::read_rootfs;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The version of the JSON.
const SCHEMA: u32 = 1;

/// What a process is, and what it can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The version of this layout.
    pub schema: u32,
    /// What was looked at, as it was named.
    pub target: String,
    /// What it is.
    pub state: State,
    /// The names of the capabilities that code which starts there can come to hold.
    pub reachable: Vec<String>,
    /// Whether it can make a user namespace of its own: `open`, `closed`, or `None` where a seccomp
    /// filter is installed, which only an attempt can see through.
    pub nested: Option<String>,
    /// The files by which it comes to more than it could without.
    pub doors: Vec<DoorState>,
    /// The shortest chain to each reachable capability that is not held, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<(String, String)>,
    /// What the reader has to know beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A file by which a process comes to more than it could without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorState {
    /// `setuid-root`, `set-id` or `file-capabilities`.
    pub kind: String,
    /// The file, as the process names it.
    pub path: String,
    /// The names of the capabilities that it adds.
    pub gains: Vec<String>,
}

/// Why a process cannot be inspected.
#[derive(Debug, Error)]
pub enum InspectError {
    /// There is none with this id, or /proc hides it.
    #[error("process {0}: there is none in sight")]
    NoProcess(i32),
    /// Its status file is not what this kernel should give.
    #[error("process {0}: its status in /proc is not understood")]
    Status(i32),
    /// The kernel does not tell us our own.
    #[error("the kernel does not tell what this process holds")]
    Own(#[source] io::Error),
}

/// Inspects the calling thread.
///
/// # Errors
/// [`InspectError::Own`].
pub fn inspect_self(limits: &SearchLimits) -> Result<Inspection, InspectError> {
    let (state, own) = State::of_self().map_err(InspectError::Own)?;
    let found = search(limits);
    let environment = environment(&state, Path::new("/proc/self"));
    Ok(inspect("self".to_owned(), state, &own, &environment, &found))
}

/// Inspects another process from outside, as far as it may be seen.
///
/// # Errors
/// [`InspectError::NoProcess`], [`InspectError::Status`].
pub fn inspect_pid(pid: i32) -> Result<Inspection, InspectError> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let status =
        fs::read_to_string(process.join("status")).map_err(|_| InspectError::NoProcess(pid))?;
    let shown = credentials(&status).ok_or(InspectError::Status(pid))?;
    let user_namespace = UserNamespace::of(&process);
    let inside = Inside::of(&process, user_namespace.as_ref());
    let theirs = inside.credentials(shown);
    let mut notes = vec![
        "the kernel tells a thread's securebits to itself alone: they are taken to be clear"
            .to_owned(),
    ];
    let found = match read_rootfs(&process.join("root")) {
        Ok(image) => {
            notes.extend(image.warnings);
            let found = image.executables.into_iter().map(|file| inside.executable(file)).collect();
            Search { found, entries: 0, complete: true }
        }
        Err(_) => {
            notes.push(format!(
                "its root directory cannot be read by this user: files that give privileges are \
                 unknown, so it may reach more. Run as root: dropcap inspect pid:{pid}"
            ));
            Search::default()
        }
    };
    let state = State::new(&theirs, false, seccomp_mode(&status), user_namespace);
    let environment = environment(&state, &process);
    let mut inspection = inspect(format!("pid:{pid}"), state, &theirs, &environment, &found);
    inspection.notes.splice(0..0, notes);
    Ok(inspection)
}

fn inspect(
    target: String,
    state: State,
    credentials: &Credentials,
    environment: &Environment,
    found: &Search,
) -> Inspection {
    let reach = reachable(credentials, &found.found, environment);
    let beyond = reach.set - credentials.permitted;
    let witness = |capability: Capability| {
        reach.witness(capability).map(|chain| (capability.to_string(), chain.to_string()))
    };
    let rules = environment.kernel.rules();
    let mut notes = Vec::new();
    if rules.evidence != Evidence::Compared {
        notes.push(rules.to_string());
    }
    if !found.complete && found.entries > 0 {
        notes.push(format!(
            "the search for files that give privileges was cut short after {} entries",
            found.entries
        ));
    }
    Inspection {
        schema: SCHEMA,
        target,
        nested: nested_here(&state, reach.set),
        state,
        reachable: names(reach.set),
        doors: doors(credentials, &found.found, environment)
            .into_iter()
            .map(|door| DoorState {
                kind: door.kind.name().to_owned(),
                path: door.path,
                gains: names(door.gains),
            })
            .collect(),
        witnesses: beyond.iter().filter_map(witness).collect(),
        notes,
    }
}

/// Whether a user namespace is open, where there is no filter to hide the answer.
fn nested_here(state: &State, reachable: CapabilitySet) -> Option<String> {
    if state.seccomp != Some(SeccompMode::Disabled) {
        return None;
    }
    Some(nested(namespace_gate(true), reachable).to_string())
}

/// What the sysctls of this machine put before user namespaces.
pub(crate) fn namespace_gate(seccomp_allows: bool) -> NamespaceGate {
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    NamespaceGate {
        seccomp_allows,
        limit_is_zero: number("/proc/sys/user/max_user_namespaces") == Some(0),
        needs_sys_admin: number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0),
        lsm_denies_inside: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
            == Some(1),
        chrooted: false,
    }
}

/// How ids as we see them are called in the process's own user namespace.
struct Inside {
    /// `None` where it is the same namespace as ours.
    uids: Option<Vec<IdRange>>,
    gids: Option<Vec<IdRange>>,
}

impl Inside {
    fn of(process: &Path, namespace: Option<&UserNamespace>) -> Self {
        let id = |process: &Path| fs::metadata(process.join("ns/user")).ok().map(|it| it.ino());
        let (theirs, ours) = (id(process), id(Path::new("/proc/self")));
        // Where it is hidden, an identity map says as much.
        let same = match theirs {
            Some(_) => theirs == ours,
            None => namespace.is_none_or(|theirs| {
                Some(&theirs.uid_map)
                    == UserNamespace::of(Path::new("/proc/self")).map(|ours| ours.uid_map).as_ref()
            }),
        };
        match namespace {
            Some(namespace) if !same => Self {
                uids: Some(namespace.uid_map.clone()),
                gids: Some(namespace.gid_map.clone()),
            },
            _ => Self { uids: None, gids: None },
        }
    }

    fn user(&self, outside: u32) -> Option<u32> {
        inside(self.uids.as_deref(), outside)
    }

    fn group(&self, outside: u32) -> Option<u32> {
        inside(self.gids.as_deref(), outside)
    }

    fn executable(&self, file: Executable) -> Executable {
        let restricted_directories = file
            .restricted_directories
            .into_iter()
            .map(|directory| Directory {
                uid: directory.uid.and_then(|id| self.user(id)),
                gid: directory.gid.and_then(|id| self.group(id)),
                ..directory
            })
            .collect();
        Executable {
            uid: file.uid.and_then(|id| self.user(id)),
            gid: file.gid.and_then(|id| self.group(id)),
            restricted_directories,
            ..file
        }
    }

    fn credentials(&self, shown: Credentials) -> Credentials {
        /// What the kernel shows for an id that has no name inside (`overflowuid`).
        const OVERFLOW: u32 = 65534;
        let user = |id| self.user(id).unwrap_or(OVERFLOW);
        let group = |id| self.group(id).unwrap_or(OVERFLOW);
        let ids = |ids: Ids, name: &dyn Fn(u32) -> u32| Ids {
            real: name(ids.real),
            effective: name(ids.effective),
            saved: name(ids.saved),
            filesystem: name(ids.filesystem),
        };
        let mut groups: Vec<u32> = shown.groups.iter().map(|id| group(*id)).collect();
        groups.sort_unstable();
        Credentials { uid: ids(shown.uid, &user), gid: ids(shown.gid, &group), groups, ..shown }
    }
}

fn inside(map: Option<&[IdRange]>, outside: u32) -> Option<u32> {
    match map {
        None => Some(outside),
        Some(ranges) => ranges.iter().find_map(|range| range.inside_of(outside)),
    }
}

impl SecurebitsState {
    /// The flags that are set, as capabilities(7) writes them in small letters.
    pub fn names(self) -> Vec<&'static str> {
        let flags = [
            (self.noroot, "noroot"),
            (self.noroot_locked, "noroot_locked"),
            (self.no_setuid_fixup, "no_setuid_fixup"),
            (self.no_setuid_fixup_locked, "no_setuid_fixup_locked"),
            (self.keep_caps, "keep_caps"),
            (self.keep_caps_locked, "keep_caps_locked"),
            (self.no_cap_ambient_raise, "no_cap_ambient_raise"),
            (self.no_cap_ambient_raise_locked, "no_cap_ambient_raise_locked"),
        ];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
    }
}
