//! The walk over a root directory: each entry is looked at once, and no link is followed.

use super::{DIRECTORY, Mount, Ownership};
use crate::Image;
use crate::capabilities::{self, LONGEST};
use dropcap_capability::{Directory, Executable, FileCapabilities};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Statx, StatxFlags, fgetxattr, lgetxattr, openat,
    statx,
};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What is asked of each entry.
pub const WANTED: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::MODE)
    .union(StatxFlags::UID)
    .union(StatxFlags::GID)
    .union(StatxFlags::INO)
    .union(StatxFlags::MNT_ID);

/// setuid or setgid, inode(7).
const SET_ID: u32 = 0o6000;
/// What a directory must have for everybody to get through.
const SEARCH_BY_OTHERS: u32 = 0o001;
/// Each level holds one descriptor, of which a process usually has 1,024.
const DEEPEST: usize = 256;
/// An image that is broken all over is not listed file by file.
const MOST_WARNINGS: usize = 50;

/// A directory that is being read.
struct Level {
    entries: Dir,
    /// How long the path was before this directory's name was added.
    path_before: usize,
    mount: Mount,
    mode: u32,
    uid: u32,
    gid: u32,
}

/// A walk, and what it has found.
pub struct Walk<'a> {
    ownership: Ownership,
    image: &'a mut Image,
    levels: Vec<Level>,
    /// The path inside the image of the innermost directory: empty for the root.
    path: Vec<u8>,
    unlisted_warnings: usize,
    /// Whether `/proc/self/fd` leads to open files here.
    proc_works: bool,
}

impl<'a> Walk<'a> {
    /// A walk that adds what it finds to `image`.
    pub fn new(ownership: Ownership, image: &'a mut Image) -> Self {
        let path = Vec::new();
        let proc_works = statx(CWD, "/proc/self/fd", AtFlags::empty(), StatxFlags::TYPE).is_ok();
        Self { ownership, image, levels: Vec::new(), path, unlisted_warnings: 0, proc_works }
    }

    /// Walks over everything below `root`.
    pub fn run(mut self, root: OwnedFd, status: &Statx, mount: Mount) {
        self.enter(root, status, mount, c"");
        while let Some(level) = self.levels.last_mut() {
            match level.entries.read() {
                Some(Ok(entry)) => {
                    let name = entry.file_name().to_owned();
                    if name.as_bytes() != b"." && name.as_bytes() != b".." {
                        self.visit(&name, entry.file_type());
                    }
                }
                Some(Err(error)) => {
                    self.warn(c"", format_args!("cannot be listed: {error}"));
                    self.leave();
                }
                None => self.leave(),
            }
        }
        if self.unlisted_warnings > 0 {
            let more = format!("and {} more like these", self.unlisted_warnings);
            self.image.warnings.push(more);
        }
    }

    fn enter(&mut self, directory: OwnedFd, status: &Statx, mount: Mount, name: &CStr) {
        let path_before = self.path.len();
        if !name.is_empty() {
            self.path.push(b'/');
            self.path.extend(name.to_bytes());
        }
        match Dir::new(directory) {
            Ok(entries) => self.levels.push(Level {
                entries,
                path_before,
                mount,
                mode: u32::from(status.stx_mode) & 0o7777,
                uid: status.stx_uid,
                gid: status.stx_gid,
            }),
            Err(error) => {
                self.warn(c"", format_args!("cannot be listed: {error}"));
                self.path.truncate(path_before);
            }
        }
    }

    fn leave(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.path.truncate(level.path_before);
        }
    }

    fn visit(&mut self, name: &CStr, kind: FileType) {
        let outcome = match kind {
            FileType::Directory => self.visit_directory(name),
            FileType::RegularFile | FileType::Unknown => self.visit_file(name),
            _ => Ok(()),
        };
        match outcome {
            // It is gone, or something else has taken its place, since the directory was listed.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => self.warn(name, format_args!("cannot be read: {error}")),
        }
    }

    fn visit_directory(&mut self, name: &CStr) -> Result<(), Errno> {
        let Some((parent, mount)) = self.innermost()? else { return Ok(()) };
        if self.levels.len() > DEEPEST {
            self.warn(name, format_args!("is not read: it lies more than {DEEPEST} levels deep"));
            return Ok(());
        }
        let directory = openat(parent, name, DIRECTORY, Mode::empty())?;
        let status = statx(&directory, c"", AtFlags::EMPTY_PATH, WANTED)?;
        let mount = mount.or_crossed(&directory, &status)?;
        if !mount.pseudo {
            self.enter(directory, &status, mount, name);
        }
        Ok(())
    }

    fn visit_file(&mut self, name: &CStr) -> Result<(), Errno> {
        let Some((parent, mount)) = self.innermost()? else { return Ok(()) };
        let status = statx(parent, name, AtFlags::SYMLINK_NOFOLLOW, WANTED)?;
        match FileType::from_raw_mode(u32::from(status.stx_mode)) {
            FileType::RegularFile => {}
            FileType::Directory => return self.visit_directory(name),
            _ => return Ok(()),
        }
        let mode = u32::from(status.stx_mode) & 0o7777;
        let mut bytes = [0; LONGEST];
        let length = self.capabilities(parent, name, &mut bytes)?;
        if mode & SET_ID == 0 && length.is_none() {
            return Ok(());
        }
        // A single file can be a mount too.
        let nosuid = if status.stx_mnt_id == mount.id {
            mount.nosuid
        } else {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(parent, name, flags, Mode::empty())?;
            mount.or_crossed(&file, &status)?.nosuid
        };
        let file_capabilities = match length {
            Some(length) => self.decode(name, bytes.get(..length)),
            None => None,
        };
        if mode & SET_ID == 0 && file_capabilities.is_none() {
            return Ok(());
        }
        let executable = Executable {
            path: self.path_of(name),
            mode,
            uid: self.ownership.uid(status.stx_uid),
            gid: self.ownership.gid(status.stx_gid),
            file_capabilities,
            nosuid,
            // Whether the engine mounts it so is not the image's to say.
            noexec: false,
            restricted_directories: self.restricted_directories(),
        };
        self.image.executables.push(executable);
        Ok(())
    }

    /// The innermost directory, open, and its mount.
    fn innermost(&self) -> Result<Option<(BorrowedFd<'_>, Mount)>, Errno> {
        let Some(level) = self.levels.last() else { return Ok(None) };
        Ok(Some((level.entries.fd()?, level.mount)))
    }

    /// The bytes of `security.capability`, or how many there would be; `None` where there are none.
    fn capabilities(
        &self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        bytes: &mut [u8],
    ) -> Result<Option<usize>, Errno> {
        let outcome = if self.proc_works {
            // One call, by a path that leads to the open directory and then takes one step.
            let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
            path.extend(name.to_bytes());
            let path = CString::new(path).map_err(|_| Errno::INVAL)?;
            lgetxattr(&path, c"security.capability", bytes)
        } else {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = openat(parent, name, flags, Mode::empty())?;
            fgetxattr(file.as_fd(), c"security.capability", bytes)
        };
        match outcome {
            Ok(length) => Ok(Some(length)),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(Errno::RANGE) => Ok(Some(usize::MAX)),
            Err(error) => Err(error),
        }
    }

    fn decode(&mut self, name: &CStr, bytes: Option<&[u8]>) -> Option<FileCapabilities> {
        let (capabilities, wrong) = match bytes {
            Some(bytes) => capabilities::decode(bytes),
            None => (None, Some("it is too long".to_owned())),
        };
        if let Some(wrong) = wrong {
            self.warn(name, format_args!("has a security.capability that is wrong: {wrong}"));
        }
        capabilities
    }

    fn restricted_directories(&self) -> Vec<Directory> {
        let restricted = self.levels.iter().filter(|level| level.mode & SEARCH_BY_OTHERS == 0);
        let directories = restricted.map(|level| Directory {
            mode: level.mode,
            uid: self.ownership.uid(level.uid),
            gid: self.ownership.gid(level.gid),
        });
        directories.collect()
    }

    fn path_of(&self, name: &CStr) -> String {
        let mut path = self.path.clone();
        if !name.is_empty() || path.is_empty() {
            path.push(b'/');
            path.extend(name.to_bytes());
        }
        String::from_utf8_lossy(&path).into_owned()
    }

    fn warn(&mut self, name: &CStr, what: std::fmt::Arguments<'_>) {
        if self.image.warnings.len() < MOST_WARNINGS {
            let warning = format!("{} {what}", self.path_of(name));
            self.image.warnings.push(warning);
        } else {
            self.unlisted_warnings += 1;
        }
    }
}
