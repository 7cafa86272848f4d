//! execve(2): what a thread's credentials become.

use crate::{Credentials, Environment, Errno, FileCapabilities};

/// A file that a thread may execute, with all that the kernel asks of it.
///
/// Ids are in the numbers of the thread's own user namespace; `None` where they have none there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// Where it is, for people.
    pub path: String,
    /// Permission bits, setuid, setgid and sticky: the low twelve bits of `st_mode`.
    pub mode: u32,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Its `security.capability`, as getxattr(2) gives it inside the thread's user namespace.
    pub file_capabilities: Option<FileCapabilities>,
    /// Whether its mount gives no privilege: mounted nosuid, or owned by a user namespace that is
    /// not the thread's or an ancestor of it (`mnt_may_suid`).
    pub nosuid: bool,
    /// The directories from the root to it that not everybody may search, outermost first.
    pub restricted_directories: Vec<Directory>,
}

/// A directory on the way to an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
}

impl Executable {
    /// An ordinary program that everybody may execute and that gives nothing: mode 0755, root's.
    pub fn plain(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            mode: 0o755,
            uid: Some(0),
            gid: Some(0),
            file_capabilities: None,
            nosuid: false,
            restricted_directories: Vec::new(),
        }
    }

    /// An ordinary setuid-root program, mode 04755.
    pub fn setuid_root(path: impl Into<String>) -> Self {
        Self { mode: 0o4755, ..Self::plain(path) }
    }
}

/// The credentials after execve(2) of `file` by a thread with `old`.
///
/// For a script, `file` is its interpreter: the script's own set-id bits and file capabilities
/// count for nothing (`bprm_creds_from_file` runs once, on the file that is loaded in the end).
///
/// # Errors
/// `EACCES` where the thread may not execute the file, `EPERM` where the file forces capabilities
/// that the thread cannot have.
pub fn execve(
    old: &Credentials,
    file: &Executable,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    let _ = (old, file, environment);
    unimplemented!()
}
