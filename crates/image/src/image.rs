//! An image, as far as it bears on privilege.

use crate::{ImageError, Packages, Users};
use dropcap_capability::Executable;
use std::path::Path;

/// An image, as far as it bears on privilege.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    /// Its `/etc/passwd` and `/etc/group`.
    pub users: Users,
    /// Its privileged files: those with a setuid or setgid bit or with file capabilities, in the
    /// order of their paths. Paths begin with `/`, the image's root.
    pub executables: Vec<Executable>,
    /// Its Debian packages; none where it has no list of them that can be read.
    pub packages: Packages,
    /// What its configuration says; a root directory has none.
    pub configured: Option<Configured>,
    /// Its digest: of the manifest in an OCI layout, of the configuration (the image's id) in what
    /// `docker save` writes and in an engine; a root directory has none. Taken as it is written: no
    /// digest is computed.
    pub digest: Option<String>,
    /// What could not be read, or does not mean what it seems to: a proof of "nothing privileged is
    /// in there" does not hold where there is one.
    pub warnings: Vec<String>,
    /// What was taken for granted, to be said beside every result that rests on it.
    pub assumptions: Vec<String>,
}

/// How an image says that it is to be started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configured {
    /// `USER`, as written.
    pub user: Option<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
}

/// Reads the image whose root is the directory `root`.
///
/// No symbolic link is followed, memory does not grow with the number of files, and what other
/// processes take away meanwhile is left out. Below `root`, pseudo filesystems (proc, sysfs, cgroup
/// and their like) are skipped, other mounts are read with their own nosuid.
///
/// The mount that `root` itself lies on counts as it is when `root` is `/`. Otherwise its nosuid is
/// left out, and `assumptions` says so: an engine mounts an image anew, without it.
///
/// Whoever is not root cannot make files that are root's. So where `root` belongs to a caller that
/// is not root, the caller's files count as root's, as they do in a user namespace that maps the
/// caller to root; `assumptions` says so.
///
/// # Errors
/// [`ImageError::Unreadable`] when `root` is no directory that can be read, or its `/etc/passwd` or
/// `/etc/group` is there but cannot be read; [`ImageError::LinuxOnly`] elsewhere.
pub fn read_rootfs(root: &Path) -> Result<Image, ImageError> {
    #[cfg(target_os = "linux")]
    return crate::linux::read(root);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        Err(ImageError::LinuxOnly)
    }
}

/// Reads an image in a `docker save` or `podman save` archive, or in an OCI layout that was packed
/// with tar; the archive may be compressed with gzip or zstd, and so may its layers.
///
/// Nothing is unpacked onto the disk. What is kept in memory is the files and directories that bear on
/// privilege, symbolic links, and 18 bytes a name; at most 128 MiB of that. `reference` chooses among
/// several images, and is not looked at where there is only one.
///
/// # Errors
/// [`ImageError::Unreadable`], [`ImageError::Faulty`], [`ImageError::NotChosen`].
pub fn read_archive(path: &Path, reference: Option<&str>) -> Result<Image, ImageError> {
    crate::archive::read(path, reference)
}

/// Reads an image in an OCI layout: a directory with `oci-layout`, `index.json` and `blobs`. Among
/// several platforms this machine's is taken. Otherwise as [`read_archive`].
///
/// # Errors
/// [`ImageError::Unreadable`], [`ImageError::Faulty`], [`ImageError::NotChosen`].
pub fn read_layout(directory: &Path, reference: Option<&str>) -> Result<Image, ImageError> {
    crate::archive::read_layout(directory, reference)
}

/// Reads what lies at `path`: an OCI layout, a root directory, or an archive.
///
/// # Errors
/// As [`read_layout`], [`read_rootfs`], [`read_archive`].
pub fn read_path(path: &Path, reference: Option<&str>) -> Result<Image, ImageError> {
    if !path.is_dir() {
        return read_archive(path, reference);
    }
    if path.join("index.json").is_file() && path.join("blobs").is_dir() {
        return read_layout(path, reference);
    }
    read_rootfs(path)
}
