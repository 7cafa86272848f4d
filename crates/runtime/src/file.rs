//! Reading a file that must not change while it is read.

use rustix::fs::{Mode, OFlags, RawDir};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// No configuration comes near it; Docker's are of 10 to 20 KiB.
const LARGEST: u64 = 16 << 20;

/// The write bits of group and others: inode(7), `S_IWGRP | S_IWOTH`.
const OTHERS_WRITE: u32 = 0o022;

const TOO_LARGE: &str = "is larger than any configuration";
const NOT_UTF8: &str = "is not UTF-8";

/// Why a file's text cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It can be read and is not to be used.
    #[error("{} {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
}

/// Whether the last part of a path may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Yes.
    Follow,
    /// No.
    Refuse,
}

/// A document that was named on the command line.
pub(crate) struct Given {
    /// What it says.
    pub text: String,
    /// Whether it came by a pipe, which nobody can read again.
    pub is_pipe: bool,
}

/// As [`read`], or what comes by a pipe until its end: whoever writes into it is who wants the process. With
/// `last` unset a pipe is an error, and stays as it is: this is tried again, and it can be read but once.
pub(crate) fn read_or_pipe(path: &Path, last: bool) -> Result<Given, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let unfit = |why| FileError::Unfit { path: path.to_owned(), why };
    let pipe = open(path, Links::Follow)?;
    let metadata = pipe.metadata().map_err(failed)?;
    if !metadata.file_type().is_fifo() {
        return Ok(Given { text: read(path, Links::Follow)?, is_pipe: false });
    }
    belongs(path, &metadata)?;
    if !last {
        return Err(unfit("is a pipe"));
    }
    // The same one, opened so that what is still to be written is waited for.
    let pipe = File::open(format!("/proc/self/fd/{}", pipe.as_raw_fd())).map_err(failed)?;
    let mut bytes = Vec::new();
    pipe.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(unfit(TOO_LARGE));
    }
    let text = String::from_utf8(bytes).map_err(|_| unfit(NOT_UTF8))?;
    Ok(Given { text, is_pipe: true })
}

fn open(path: &Path, links: Links) -> Result<File, FileError> {
    let no_follow = match links {
        Links::Follow => OFlags::empty(),
        Links::Refuse => OFlags::NOFOLLOW,
    };
    // A pipe of that name must not be waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | no_follow;
    let file = rustix::fs::open(path, flags, Mode::empty());
    let file =
        file.map_err(|errno| FileError::Read { path: path.to_owned(), source: errno.into() })?;
    Ok(File::from(file))
}

/// That it is root's or this user's, and that nobody else may write to it.
fn belongs(path: &Path, file: &Metadata) -> Result<(), FileError> {
    let unfit = |why| Err(FileError::Unfit { path: path.to_owned(), why });
    let own = rustix::process::geteuid().as_raw();
    if file.uid() != 0 && file.uid() != own {
        return unfit("belongs to another user");
    }
    if file.mode() & OTHERS_WRITE != 0 {
        return unfit("may be written by others");
    }
    Ok(())
}

/// The text of a regular file that root or this user owns, nobody else may write to, and that is
/// the same file with the same content after it was read as before.
pub(crate) fn read(path: &Path, links: Links) -> Result<String, FileError> {
    text(path, bytes(path, links)?)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    let unfit = |_| FileError::Unfit { path: path.to_owned(), why: NOT_UTF8 };
    String::from_utf8(bytes).map_err(unfit)
}

/// As [`read`], of a file that may be missing, and is no link.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, FileError> {
    match open(path, Links::Refuse) {
        Err(FileError::Read { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        file => text(path, content(file?, path, Links::Refuse)?).map(Some),
    }
}

/// As [`read`], whatever the content is.
pub(crate) fn bytes(path: &Path, links: Links) -> Result<Vec<u8>, FileError> {
    content(open(path, links)?, path, links)
}

/// What is in the file that was opened by this path.
fn content(mut file: File, path: &Path, links: Links) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let unfit = |why| FileError::Unfit { path: path.to_owned(), why };
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(unfit("is no regular file"));
    }
    belongs(path, &before)?;
    if before.len() > LARGEST {
        return Err(unfit(TOO_LARGE));
    }
    let mut bytes = Vec::with_capacity(before.len() as usize + 1);
    (&mut file).take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let named = match links {
        Links::Follow => std::fs::metadata(path),
        Links::Refuse => std::fs::symlink_metadata(path),
    };
    let same = |other: &Metadata| version(other) == version(&before);
    if bytes.len() as u64 != before.len() || !same(&after) || !named.is_ok_and(|now| same(&now)) {
        return Err(unfit("changed while it was read"));
    }
    Ok(bytes)
}

/// What is in a folder, read without the C library's memory: this may be before it has started.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

/// What is another after every change.
fn version(metadata: &Metadata) -> (u64, u64, u64, (i64, i64), (i64, i64)) {
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    (metadata.dev(), metadata.ino(), metadata.len(), changed, modified)
}
