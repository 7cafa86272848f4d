//! Where cases happen: a mount namespace with files of its own, and user namespaces.

use crate::case::{Exec, File as CaseFile, Operation, View};
use crate::namespace::{Namespace, inheritable};
use crate::order::Order;
use crate::witness;
use dropcap_capability::{Capability, CapabilitySet, MOST_SCRIPTS};
use dropcap_confine::sys::comparison::map_mount_ids;
use dropcap_confine::sys::{Fork, Linux, System, exit_now, fork, read_credentials, wait};
use rustix::fd::{AsRawFd, IntoRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, XattrFlags, chmod};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount, mount_bind,
    mount_change, mount_remount, move_mount, open_tree,
};
use rustix::pipe::pipe;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::chown;

/// What the test has to hold: to make the place, and to bring threads into any state.
pub const NEEDED: &[Capability] = &[
    Capability::CHOWN,
    Capability::DAC_OVERRIDE,
    Capability::FOWNER,
    Capability::FSETID,
    Capability::SETGID,
    Capability::SETUID,
    Capability::SETPCAP,
    Capability::SYS_PTRACE,
    Capability::SYS_ADMIN,
    Capability::SETFCAP,
];

/// What its filesystems are called in /proc/mounts.
const NAME: &str = "dropcap-differential";

/// `CLONE_NEWNS` of unshare(2).
const CLONE_NEWNS: i32 = 0x0002_0000;
/// `AT_FDCWD`: all paths are relative to the working directory, so that no directory above it counts.
const WORKING_DIRECTORY: i32 = -100;
/// The attribute that holds file capabilities.
const ATTRIBUTE: &str = "security.capability";
/// Where a mount namespace of its own can have a file system; the first one that there is.
const MOUNT_POINTS: [&str; 4] = ["/tmp", "/mnt", "/run", "/dev"];

/// How many execve calls of one case can have files of their own.
pub const SLOTS: usize = 3;
/// The longest chain of scripts: one more than fails before the last one is looked at.
pub const SCRIPTS: usize = MOST_SCRIPTS + 2;

/// What one worker needs for its cases.
#[derive(Debug)]
pub struct Place {
    /// The user namespaces; the first one is that of the test.
    pub namespaces: Vec<Namespace>,
    /// The mounts that this kernel can have, and how often each is drawn.
    pub views: Vec<(usize, View)>,
    /// A mount that is in no mount namespace.
    elsewhere: OwnedFd,
}

/// Says what the test lacks, if it lacks something.
///
/// # Errors
/// A sentence for people.
pub fn check() -> Result<(), String> {
    let held = read_credentials().map_err(|error| format!("own credentials: {error}"))?;
    let needed: CapabilitySet = NEEDED.iter().copied().collect();
    let missing = needed - (held.effective & held.permitted & held.bounding);
    let restricted = held.no_new_privs || held.securebits.bits() != 0;
    match () {
        () if held.uid.effective != 0 => Err("it has to be started by root".to_owned()),
        () if !missing.is_empty() => Err(format!("root lacks {missing} here")),
        () if restricted => Err("it is started with no_new_privs or securebits".to_owned()),
        () => Ok(()),
    }
}

impl Place {
    /// Leaves the mount namespace of the caller and makes the place, with this very program as the
    /// one that cases execute. Nothing of it is left when the process ends.
    ///
    /// # Errors
    /// What the kernel answers, with what was tried.
    pub fn make() -> io::Result<Self> {
        let own_program = fs::read("/proc/self/exe").map_err(|e| said("own program", e))?;
        // Before the mounts: the maps are written through /proc.
        let mut namespaces = vec![Namespace::here()?];
        namespaces.extend(Namespace::others().map_err(|e| said("user namespaces", e))?);
        let mapped = &namespaces[Namespace::MAPPED];

        Linux.unshare(CLONE_NEWNS).map_err(|e| said("unshare(CLONE_NEWNS)", e))?;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).map_err(|e| said("mount / private", e.into()))?;
        enter_base().map_err(|e| said("mount tmpfs", e))?;
        foreign_mount(mapped).map_err(|e| said("a mount of another user namespace", e))?;
        fill(View::Plain, &own_program).map_err(|e| said("files", e))?;
        as_user(Namespace::MAPPED_ROOT, || fill(View::Foreign, &own_program))
            .map_err(|e| said("files of another namespace", e))?;
        let mut views = vec![
            (56, View::Plain),
            (11, View::Nosuid),
            (5, View::Noexec),
            (6, View::Elsewhere),
            (10, View::Foreign),
        ];
        bind(View::Nosuid, MountFlags::NOSUID).map_err(|e| said("mount nosuid", e))?;
        bind(View::Noexec, MountFlags::NOEXEC).map_err(|e| said("mount noexec", e))?;
        if id_mapped_mount(mapped).map_err(|e| said("a mount with an id map", e))? {
            views.push((12, View::IdMapped));
        }
        let elsewhere = inheritable(detached_copy()?)?;
        Ok(Self { namespaces, views, elsewhere })
    }

    /// Gives the files the owners, modes and capabilities of an execve.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn arrange(&self, exec: &Exec) -> io::Result<()> {
        let filesystem = match exec.view {
            View::Foreign => View::Foreign,
            _ => View::Plain,
        };
        let directory = format!("{}/{}", filesystem.name(), exec.slot);
        arrange(&format!("{directory}/program"), &exec.program)?;
        // Script 1 names the program, script 2 script 1, and so on.
        for (number, script) in (1..).zip(exec.scripts.iter().rev()) {
            arrange(&format!("{directory}/script{number}"), script)?;
        }
        arrange(&directory, &exec.directory)
    }

    /// What a process has to do for `operation`.
    pub(crate) fn order(&self, operation: &Operation) -> Order {
        match operation {
            Operation::Execve(exec) => {
                let file = match exec.scripts.len() {
                    0 => "program".to_owned(),
                    number => format!("script{number}"),
                };
                let (directory, path) = match exec.view {
                    View::Elsewhere => {
                        (self.elsewhere.as_raw_fd(), format!("{}/{file}", exec.slot))
                    }
                    view => (WORKING_DIRECTORY, format!("{}/{}/{file}", view.name(), exec.slot)),
                };
                // No part of it has a NUL byte.
                Order::Execve { directory, path: CString::new(path).unwrap_or_default() }
            }
            Operation::EnterUserNamespace(index) => {
                Order::EnterUserNamespace(self.namespaces[*index].descriptor())
            }
            other => Order::Operation(other.clone()),
        }
    }
}

/// A tmpfs with a directory for each mount, in a directory that hides nothing else. Ends in its root.
fn enter_base() -> io::Result<()> {
    let there = |path: &&&str| fs::metadata(path).is_ok_and(|it| it.is_dir());
    let base = MOUNT_POINTS.iter().find(there).ok_or(io::ErrorKind::NotFound)?;
    mount(NAME, *base, "tmpfs", MountFlags::NODEV, c"mode=0755")?;
    std::env::set_current_dir(base)?;
    let views = [View::Plain, View::Nosuid, View::Noexec, View::IdMapped, View::Foreign];
    views.iter().try_for_each(|view| fs::create_dir(view.name()))?;
    mount(NAME, View::Plain.name(), "tmpfs", MountFlags::NODEV, c"mode=0755")?;
    Ok(())
}

/// Does something with files as a user of whom their filesystem knows.
fn as_user<T>(id: u32, work: impl FnOnce() -> T) -> T {
    let before = (Linux.set_filesystem_user(id), Linux.set_filesystem_group(id));
    let done = work();
    Linux.set_filesystem_group(before.1);
    Linux.set_filesystem_user(before.0);
    done
}

/// The files of a filesystem. Scripts name their interpreters on the plain mount.
fn fill(view: View, program: &[u8]) -> io::Result<()> {
    for slot in 0..SLOTS {
        let directory = format!("{}/{slot}", view.name());
        fs::create_dir(&directory)?;
        fs::write(format!("{directory}/program"), program)?;
        for number in 1..=SCRIPTS {
            let interpreter = match number {
                1 => "program".to_owned(),
                _ => format!("script{}", number - 1),
            };
            let line = format!("#!plain/{slot}/{interpreter} {}\n", witness::ARGUMENT);
            fs::write(format!("{directory}/script{number}"), line)?;
        }
    }
    Ok(())
}

/// The plain files once more, with other flags.
fn bind(view: View, flags: MountFlags) -> io::Result<()> {
    mount_bind(View::Plain.name(), view.name())?;
    mount_remount(view.name(), MountFlags::BIND | MountFlags::NODEV | flags, "")?;
    Ok(())
}

/// The plain files once more, on a mount that is attached nowhere.
fn detached_copy() -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(CWD, View::Plain.name(), flags)?)
}

/// The plain files once more, with ids as `namespace` maps them; false where this kernel cannot do
/// that for a tmpfs (before 6.3).
fn id_mapped_mount(namespace: &Namespace) -> io::Result<bool> {
    let mount = detached_copy()?;
    match map_mount_ids(mount.as_raw_fd(), namespace.descriptor()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(false),
        Err(error) => return Err(error),
    }
    attach(&mount, View::IdMapped)?;
    Ok(true)
}

fn attach(mount: &OwnedFd, view: View) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(move_mount(mount, "", CWD, view.name(), flags)?)
}

/// A filesystem that belongs to `namespace`, mounted here. A process in there opens it, since only
/// who is in a namespace can give it one.
fn foreign_mount(namespace: &Namespace) -> io::Result<()> {
    let (answer, tell) = pipe()?;
    let (released, release) = pipe()?;
    let Fork::Parent(child) = fork()? else {
        drop(release);
        let descriptor = foreign_filesystem(namespace).map(|it| it.into_raw_fd()).unwrap_or(-1);
        let told = rustix::io::write(&tell, &descriptor.to_le_bytes());
        // Until the parent has taken it.
        let _ = told.and_then(|_| rustix::io::read(&released, &mut [0_u8; 1]));
        exit_now(0)
    };
    drop(tell);
    let mut number = [0_u8; 4];
    let mounted = rustix::io::read(&answer, &mut number).map_err(io::Error::from).and_then(|_| {
        let missing = || io::Error::other("it could not be made");
        let pid = Pid::from_raw(child).ok_or_else(missing)?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        let mount = pidfd_getfd(process, i32::from_le_bytes(number), PidfdGetfdFlags::empty())?;
        attach(&mount, View::Foreign)
    });
    drop(release);
    wait(child)?;
    mounted
}

fn foreign_filesystem(namespace: &Namespace) -> io::Result<OwnedFd> {
    namespace.enter()?;
    // Its root directory belongs to whom opens it.
    Linux.set_group_ids([Some(0); 3])?;
    Linux.set_user_ids([Some(0); 3])?;
    Linux.unshare(CLONE_NEWNS)?;
    let filesystem = fsopen("tmpfs", FsOpenFlags::empty())?;
    fsconfig_set_string(&filesystem, "mode", "0755")?;
    fsconfig_create(&filesystem)?;
    Ok(fsmount(&filesystem, FsMountFlags::empty(), MountAttrFlags::empty())?)
}

/// In this order: chown(2) takes the set-id bits and the attribute away.
fn arrange(path: &str, file: &CaseFile) -> io::Result<()> {
    chown(path, Some(file.uid), Some(file.gid))?;
    chmod(path, Mode::from_raw_mode(file.mode))?;
    let Some(capabilities) = &file.capabilities else { return Ok(()) };
    let value = capabilities.encode().map_err(io::Error::other)?;
    Ok(rustix::fs::setxattr(path, ATTRIBUTE, &value, XattrFlags::empty())?)
}

fn said(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
