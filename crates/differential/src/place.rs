//! Where cases happen: a mount namespace with files of its own, and user namespaces.

use crate::case::{Exec, File as CaseFile};
use crate::namespace::Namespace;
use crate::witness;
use dropcap_capability::{Capability, CapabilitySet};
use dropcap_confine::sys::{ExecStrings, Linux, System, read_credentials};
use rustix::fs::{Mode, XattrFlags, chmod};
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount,
};
use std::ffi::CStr;
use std::fs::{self, File};
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
    Capability::SYS_ADMIN,
    Capability::SETFCAP,
];

/// `CLONE_NEWNS` of unshare(2).
const CLONE_NEWNS: i32 = 0x0002_0000;
/// The attribute that holds file capabilities.
const ATTRIBUTE: &str = "security.capability";
/// The longest value that the attribute can have: revision 3.
const ATTRIBUTE_SIZE: usize = 24;

/// The program and the scripts, by the mount that they are executed on. All paths are relative to
/// the working directory, so that no directory above it counts.
struct Paths {
    program: &'static CStr,
    script: &'static CStr,
}

const SUID: Paths = Paths { program: c"suid/directory/program", script: c"suid/directory/script" };
const NOSUID: Paths =
    Paths { program: c"nosuid/directory/program", script: c"nosuid/directory/script-nosuid" };

const DIRECTORY: &str = "suid/directory";
const PROGRAM: &str = "suid/directory/program";
/// Each script names the interpreter on its own mount.
const SCRIPTS: [(&str, &str); 2] =
    [("suid/directory/script", "suid"), ("suid/directory/script-nosuid", "nosuid")];

/// What one worker needs for its cases.
#[derive(Debug)]
pub struct Place {
    /// The user namespaces; the first one is that of the test.
    pub namespaces: Vec<Namespace>,
    /// The program, open for reading its attribute whatever the directory allows.
    program: File,
    /// What the program is executed with.
    arguments: ExecStrings,
    environment: ExecStrings,
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

        Linux.unshare(CLONE_NEWNS).map_err(|e| said("unshare(CLONE_NEWNS)", e))?;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).map_err(|e| said("mount / private", e.into()))?;
        mount_files().map_err(|e| said("mount tmpfs", e))?;

        fs::create_dir(DIRECTORY)?;
        fs::write(PROGRAM, own_program)?;
        for (path, gate) in SCRIPTS {
            let argument = witness::ARGUMENT;
            fs::write(path, format!("#!{gate}/directory/program {argument}\n"))?;
        }
        Ok(Self {
            namespaces,
            program: File::open(PROGRAM)?,
            arguments: ExecStrings::new(["program", witness::ARGUMENT])?,
            environment: ExecStrings::new::<&str>([])?,
        })
    }

    /// Gives the files the owners, modes and capabilities of a case.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn arrange(&self, exec: &Exec) -> io::Result<()> {
        arrange(PROGRAM, &exec.program)?;
        if let Some(script) = &exec.script {
            for (path, _) in SCRIPTS {
                arrange(path, script)?;
            }
        }
        arrange(DIRECTORY, &exec.directory)
    }

    /// The program's file capabilities as the calling process is shown them; `None` where there
    /// are none that mean anything in its user namespace.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn attribute(&self) -> io::Result<Option<Vec<u8>>> {
        let mut value = [0_u8; ATTRIBUTE_SIZE];
        match rustix::fs::fgetxattr(&self.program, ATTRIBUTE, &mut value) {
            Ok(size) => Ok(Some(value[..size].to_vec())),
            // There is none, or it belongs to a root that has no number here
            // (`cap_inode_getsecurity`; EOPNOTSUPP before Linux 5.14).
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::OVERFLOW) => Ok(None),
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Executes what `exec` says: returns only if it fails.
    pub fn execute(&self, exec: &Exec) -> io::Error {
        let paths = if exec.nosuid { NOSUID } else { SUID };
        let path = if exec.script.is_some() { paths.script } else { paths.program };
        Linux.execve(path, &self.arguments, &self.environment)
    }
}

/// Two views of one file system in a directory that hides nothing else: one as it is, one nosuid.
/// Ends in its root.
fn mount_files() -> io::Result<()> {
    let base = std::env::temp_dir();
    mount("dropcap-differential", &base, "tmpfs", MountFlags::NODEV, c"mode=0755")?;
    std::env::set_current_dir(&base)?;
    fs::create_dir("suid")?;
    fs::create_dir("nosuid")?;
    mount("dropcap-differential", "suid", "tmpfs", MountFlags::NODEV, c"mode=0755")?;
    mount_bind("suid", "nosuid")?;
    mount_remount("nosuid", MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV, "")?;
    Ok(())
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
