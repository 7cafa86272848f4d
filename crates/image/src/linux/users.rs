//! `/etc/passwd` and `/etc/group` of a root directory.

use crate::{ImageError, Users};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// What the largest of them are far from: so that no image can make its reader eat all memory.
const LARGEST: u64 = 16 << 20;

/// For a regular file it changes nothing; a FIFO in its place does not make the reader wait.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Reads both; one that is not there is empty.
pub fn read(root: &OwnedFd, path: &Path) -> Result<Users, ImageError> {
    let root = std::os::fd::AsFd::as_fd(root);
    let text = |name: &str| {
        read_file(root, name)
            .map_err(|source| ImageError::Unreadable { path: path.join(name), source })
    };
    Ok(Users::parse(&text("etc/passwd")?, &text("etc/group")?))
}

fn read_file(root: BorrowedFd<'_>, name: &str) -> io::Result<String> {
    let file = match open_in_root(root, name) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(String::new()),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::from(file).take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("larger than 16 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a file as a process sees it whose root is `root`: a link means what it means inside.
fn open_in_root(root: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, name, FILE, Mode::empty(), inside) {
        // Linux before 5.6, or a seccomp profile that does not know the call: no link at all then.
        Err(Errno::NOSYS | Errno::PERM) => {}
        outcome => return outcome,
    }
    let (directory, file) = name.split_once('/').unwrap_or((".", name));
    let directory = openat(root, directory, super::DIRECTORY, Mode::empty())?;
    openat(directory, file, FILE | OFlags::NOFOLLOW, Mode::empty())
}
