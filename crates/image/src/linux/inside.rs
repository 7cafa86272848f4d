//! Files of a root directory, opened from outside of it.

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// For a regular file it changes nothing; a FIFO in its place does not make the reader wait.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Opens a regular file as a process sees it whose root is `root`: a link means what it means inside. `None`
/// where there is nothing of this name.
pub fn open_in_root(root: BorrowedFd<'_>, name: &str) -> io::Result<Option<File>> {
    let file = match open(root, name) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(Some(File::from(file)))
}

fn open(root: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, name, FILE, Mode::empty(), inside) {
        // Linux before 5.6, or a seccomp profile that does not know the call: no link at all then.
        Err(Errno::NOSYS | Errno::PERM) => {}
        outcome => return outcome,
    }
    let mut directory = openat(root, ".", super::DIRECTORY, Mode::empty())?;
    let (folders, file) = name.rsplit_once('/').unwrap_or((".", name));
    for folder in folders.split('/') {
        directory = openat(directory, folder, super::DIRECTORY, Mode::empty())?;
    }
    openat(directory, file, FILE | OFlags::NOFOLLOW, Mode::empty())
}
