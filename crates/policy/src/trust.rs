//! Whether nobody but root can have written a file.

use crate::{Policy, PolicyError, TRUSTED};
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The write bits of group and others: inode(7), `S_IWGRP | S_IWOTH`.
const OTHERS_WRITE: u32 = 0o022;

impl Policy {
    /// The policy at [`TRUSTED`], or `None` where there is no such file.
    ///
    /// # Errors
    /// As [`Policy::load_trusted`].
    pub fn trusted() -> Result<Option<Self>, PolicyError> {
        match Self::load_trusted(Path::new(TRUSTED)) {
            Err(PolicyError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Reads the policy in the file `path`, if only root can have written it.
    ///
    /// The file and every folder on its real path have to belong to root and be writable by nobody
    /// else; then nobody else can put another file there while it is read either.
    ///
    /// # Errors
    /// As [`Policy::load`], and [`PolicyError::Untrusted`] where somebody else may write.
    pub fn load_trusted(path: &Path) -> Result<Self, PolicyError> {
        Self::from_reader(path, open_trusted(path)?)
    }
}

/// Reads a text beside a policy, if only root can have written it.
///
/// # Errors
/// As [`Policy::load_trusted`].
pub fn read_trusted(path: &Path) -> Result<String, PolicyError> {
    crate::place::read(path, open_trusted(path)?)
}

/// Opens a file that nobody but root can have written.
fn open_trusted(path: &Path) -> Result<File, PolicyError> {
    let read = |source| PolicyError::Read { path: path.to_owned(), source };
    let untrusted = |why| PolicyError::Untrusted { path: path.to_owned(), why };
    let real = path.canonicalize().map_err(read)?;
    for folder in real.ancestors().skip(1) {
        let metadata = folder.symlink_metadata().map_err(read)?;
        why_not(&metadata, folder).map_or(Ok(()), |why| Err(untrusted(why)))?;
    }
    let file = File::open(&real).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if !metadata.is_file() {
        return Err(untrusted(format!("{} is no regular file", real.display())));
    }
    why_not(&metadata, &real).map_or(Ok(()), |why| Err(untrusted(why)))?;
    Ok(file)
}

/// Who else may write to what `metadata` describes.
fn why_not(metadata: &Metadata, path: &Path) -> Option<String> {
    let path = path.display();
    if metadata.uid() != 0 {
        return Some(format!("{path} belongs to uid {}, not to root", metadata.uid()));
    }
    let others = metadata.mode() & OTHERS_WRITE;
    (others != 0).then(|| {
        format!("{path} is writable by others than root (mode {:o})", metadata.mode() & 0o7777)
    })
}
