//! Reading a file that must not change while it is read.

use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// No configuration comes near it; Docker's are of 10 to 20 KiB.
const LARGEST: u64 = 16 << 20;

/// The write bits of group and others: inode(7), `S_IWGRP | S_IWOTH`.
const OTHERS_WRITE: u32 = 0o022;

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

/// The text of a regular file that root or this user owns, nobody else may write to, and that is
/// the same file with the same content after it was read as before.
pub(crate) fn read(path: &Path, links: Links) -> Result<String, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let unfit = |why| FileError::Unfit { path: path.to_owned(), why };
    let no_follow = match links {
        Links::Follow => OFlags::empty(),
        Links::Refuse => OFlags::NOFOLLOW,
    };
    // A pipe of that name must not be waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | no_follow;
    let mut file = File::from(
        rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?,
    );
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(unfit("is no regular file"));
    }
    let own = rustix::process::geteuid().as_raw();
    if before.uid() != 0 && before.uid() != own {
        return Err(unfit("belongs to another user"));
    }
    if before.mode() & OTHERS_WRITE != 0 {
        return Err(unfit("may be written by others"));
    }
    if before.len() > LARGEST {
        return Err(unfit("is larger than any configuration"));
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
    String::from_utf8(bytes).map_err(|_| unfit("is not UTF-8"))
}

/// What is another after every change.
fn version(metadata: &Metadata) -> (u64, u64, u64, (i64, i64), (i64, i64)) {
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    (metadata.dev(), metadata.ino(), metadata.len(), changed, modified)
}
