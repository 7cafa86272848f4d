//! The executables that give a privilege, as the process itself finds them: setuid, setgid, file
//! capabilities.
//!
//! `dropcap_image` reads an image from outside, and warns of every directory that it cannot read.
//! Here a directory that the process may not search is none of its doors, and time is short.

use dropcap_capability::{Directory, Executable, FileCapabilities};
use rustix::fs::{Access, StatVfsMountFlags, access, getxattr, statvfs};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o010;
/// Large enough for every revision of the attribute.
const ATTRIBUTE_SIZE: usize = 64;

/// How much to search.
#[derive(Debug, Clone)]
pub struct SearchLimits {
    /// How many directory entries to look at.
    pub entries: usize,
    /// How long to look.
    pub time: Duration,
}

impl Default for SearchLimits {
    /// Enough for every image that we know; a host with millions of files is cut short.
    fn default() -> Self {
        Self { entries: 1_000_000, time: Duration::from_secs(4) }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The privileged executables, those in the standard places first.
    pub found: Vec<Executable>,
    /// How many directory entries were looked at.
    pub entries: usize,
    /// Whether everything was looked at.
    pub complete: bool,
}

/// Where programs usually are: looked at first, so that a limit cuts elsewhere.
const USUAL: &[&str] =
    &["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local", "/usr/lib", "/usr", "/opt", "/"];
/// The kernel's own windows, and devices: no programs in them.
const WITHOUT_FILES: &[&str] = &["/proc", "/sys", "/dev"];

/// Searches everything below `/` that this process can read. Mounts are entered, but not those that
/// hold no files of users: /proc, /sys and /dev.
pub(crate) fn search(limits: &SearchLimits) -> Search {
    let mut walk = Walk {
        deadline: Instant::now() + limits.time,
        entries_left: limits.entries,
        seen: HashSet::new(),
        mounts: HashMap::new(),
        search: Search { complete: true, ..Search::default() },
    };
    for place in USUAL.iter().map(Path::new) {
        if fs::symlink_metadata(place).is_ok_and(|place| place.is_dir()) {
            walk.directory(place);
        }
    }
    walk.search
}

struct Walk {
    deadline: Instant,
    entries_left: usize,
    /// Directories that were walked, by device and inode.
    seen: HashSet<(u64, u64)>,
    /// Whether a directory's mount is nosuid, and noexec.
    mounts: HashMap<PathBuf, (bool, bool)>,
    search: Search,
}

impl Walk {
    fn directory(&mut self, first: &Path) {
        let mut open = vec![first.to_owned()];
        while let Some(directory) = open.pop() {
            let Ok(own) = fs::symlink_metadata(&directory) else { continue };
            let known = !self.seen.insert((own.dev(), own.ino()));
            if known || WITHOUT_FILES.iter().map(Path::new).any(|skipped| directory == skipped) {
                continue;
            }
            let Ok(entries) = fs::read_dir(&directory) else {
                // Where it may not be searched either, nothing in it can be executed.
                self.search.complete &= access(&directory, Access::EXEC_OK).is_err();
                continue;
            };
            for entry in entries.flatten() {
                if self.entries_left == 0 || Instant::now() > self.deadline {
                    self.search.complete = false;
                    return;
                }
                self.entries_left -= 1;
                self.search.entries += 1;
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    // A link's target is found itself.
                    Ok(kind) if kind.is_file() => self.file(&entry.path()),
                    _ => {}
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let Ok(status) = fs::symlink_metadata(path) else { return };
        let mode = status.mode() & 0o7777;
        if mode & 0o111 == 0 {
            return;
        }
        let file_capabilities = file_capabilities(path);
        // Setgid without the group's execute bit is no privilege (`bprm_fill_uid`).
        let set_id = mode & SETUID != 0 || mode & SETGID != 0 && mode & GROUP_EXECUTE != 0;
        if !set_id && file_capabilities.is_none() {
            return;
        }
        let (nosuid, noexec) = self.mount_flags(path);
        self.search.found.push(Executable {
            path: path.display().to_string(),
            mode,
            uid: Some(status.uid()),
            gid: Some(status.gid()),
            file_capabilities,
            nosuid,
            noexec,
            restricted_directories: restricted(path),
        });
    }

    /// Whether the mount that a file lies on is nosuid, and noexec.
    fn mount_flags(&mut self, path: &Path) -> (bool, bool) {
        let directory = path.parent().unwrap_or(path).to_owned();
        *self.mounts.entry(directory).or_insert_with_key(|directory| mount_flags(directory))
    }
}

/// The file at `path`, whether it gives a privilege or not.
pub(crate) fn executable(path: &Path) -> io::Result<Executable> {
    let status = fs::metadata(path)?;
    let (nosuid, noexec) = mount_flags(path);
    Ok(Executable {
        path: path.display().to_string(),
        mode: status.mode() & 0o7777,
        uid: Some(status.uid()),
        gid: Some(status.gid()),
        file_capabilities: file_capabilities(path),
        nosuid,
        noexec,
        restricted_directories: restricted(path),
    })
}

/// Whether the mount that something lies on is nosuid, and noexec.
fn mount_flags(path: &Path) -> (bool, bool) {
    let flags = statvfs(path).map_or(StatVfsMountFlags::empty(), |it| it.f_flag);
    let has = |flag| flags.contains(flag);
    (has(StatVfsMountFlags::NOSUID), has(StatVfsMountFlags::NOEXEC))
}

/// The directories on the way to a file that not everybody may search.
fn restricted(path: &Path) -> Vec<Directory> {
    let mut directories: Vec<Directory> = path
        .ancestors()
        .skip(1)
        .filter_map(|directory| fs::metadata(directory).ok())
        .filter(|directory| directory.mode() & 0o001 == 0)
        .map(|directory| Directory {
            mode: directory.mode() & 0o7777,
            uid: Some(directory.uid()),
            gid: Some(directory.gid()),
        })
        .collect();
    directories.reverse();
    directories
}

/// A file's capabilities; what the kernel would refuse counts as none, since such a file cannot be
/// executed with them.
fn file_capabilities(path: &Path) -> Option<FileCapabilities> {
    let mut bytes = [0_u8; ATTRIBUTE_SIZE];
    let length = getxattr(path, "security.capability", &mut bytes).ok()?;
    FileCapabilities::decode(bytes.get(..length)?).ok()
}
