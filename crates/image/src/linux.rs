//! Reading an image from a root directory, on Linux.

mod inside;
mod mount;
mod ownership;
mod users;
mod walk;

use crate::packages::STATUS;
use crate::{Image, ImageError, Packages};
use mount::Mount;
use ownership::Ownership;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use rustix::fs::{openat, statx};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How every directory is opened: for reading, and never through a link.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The packages of a root; none where their list cannot be read, which takes no more away than a way to
/// name what is in there.
fn packages(root: &OwnedFd) -> Packages {
    let file = inside::open_in_root(root.as_fd(), STATUS).ok().flatten();
    file.and_then(|file| Packages::read(file).ok().flatten()).unwrap_or_default()
}

/// See [`crate::read_rootfs`].
pub fn read(path: &Path) -> Result<Image, ImageError> {
    let unreadable = |source: rustix::io::Errno| ImageError::Unreadable {
        path: path.to_owned(),
        source: source.into(),
    };
    // The name itself may be a link: it is what the user wrote.
    let root = openat(CWD, path, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())
        .map_err(unreadable)?;
    let status = statx(&root, "", AtFlags::EMPTY_PATH, walk::WANTED).map_err(unreadable)?;
    let live = statx(CWD, "/", AtFlags::empty(), StatxFlags::INO | StatxFlags::MNT_ID)
        .map_err(unreadable)?;
    let is_live = (live.stx_ino, live.stx_mnt_id) == (status.stx_ino, status.stx_mnt_id);

    let mut image =
        Image { users: users::read(&root, path)?, packages: packages(&root), ..Image::default() };
    let ownership = Ownership::of_root(&status, is_live);
    image.assumptions.extend(ownership.assumption());
    let mut mount = Mount::of(&root, status.stx_mnt_id).map_err(unreadable)?;
    if mount.nosuid && !is_live {
        mount.nosuid = false;
        image.assumptions.push(format!(
            "{} lies on a nosuid mount: its files count as an engine mounts them, without it",
            path.display()
        ));
    }
    walk::Walk::new(ownership, &mut image).run(root, &status, mount);
    image.executables.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(image)
}
