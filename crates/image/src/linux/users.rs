//! `/etc/passwd` and `/etc/group` of a root directory.

use super::inside::open_in_root;
use crate::{ImageError, Users};
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// What the largest of them are far from: so that no image can make its reader eat all memory.
const LARGEST: u64 = 16 << 20;

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
    let Some(file) = open_in_root(root, name)? else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("larger than 16 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
