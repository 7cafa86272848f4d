//! Whether nobody but root can have written a file.

use crate::{Policy, PolicyError, TRUSTED};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// The write bits of group and others: inode(7), `S_IWGRP | S_IWOTH`.
const OTHERS_WRITE: u32 = 0o022;
/// inode(7), `S_ISVTX`.
const STICKY: u32 = 0o1000;
/// How many links a path may lead over: the kernel's `MAXSYMLINKS`.
const LINKS: usize = 40;

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

/// The real path of a folder, if nobody but root can have put anything into it, or it into another's place.
///
/// # Errors
/// Why not, or why that cannot be told.
pub fn trusted_folder(path: &Path) -> io::Result<PathBuf> {
    let real = real(path)?;
    for folder in real.ancestors() {
        let metadata = folder.symlink_metadata()?;
        if !metadata.is_dir() {
            return Err(io::Error::other(format!("{} is no folder", folder.display())));
        }
        // What is root's in there, nobody else can take away (unlink(2), rename(2)).
        let sticky = folder != real && metadata.uid() == 0 && metadata.mode() & STICKY != 0;
        if let (false, Some(why)) = (sticky, why_not(&metadata, folder)) {
            return Err(io::Error::other(why));
        }
    }
    Ok(real)
}

/// Opens a file that nobody but root can have written.
fn open_trusted(path: &Path) -> Result<File, PolicyError> {
    let read = |source| PolicyError::Read { path: path.to_owned(), source };
    let untrusted = |why| PolicyError::Untrusted { path: path.to_owned(), why };
    let real = real(path).map_err(read)?;
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

/// The path without links, from `/` on. realpath(3) gives the same, but cannot be called before the C
/// library has started, and the OCI runtime begins earlier.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::from("/");
    let mut left = PathBuf::from(path);
    if !path.is_absolute() {
        left = std::env::current_dir()?.join(path);
    }
    for _ in 0..=LINKS {
        let Some((link, rest)) = advance(&mut real, &left)? else { return Ok(real) };
        if link.is_absolute() {
            real = PathBuf::from("/");
        }
        left = link.join(rest);
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "too many links"))
}

/// Goes along `path` up to the first link: where that leads to, and what comes behind it.
fn advance(real: &mut PathBuf, path: &Path) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        match part {
            Component::ParentDir => _ = real.pop(),
            Component::Normal(name) => match fs::read_link(real.join(name)) {
                Ok(link) => return Ok(Some((link, parts.as_path().to_owned()))),
                // EINVAL: it is there, and no link.
                Err(error) if error.kind() == ErrorKind::InvalidInput => real.push(name),
                Err(error) => return Err(error),
            },
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Ok(None)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_real_path_is_the_c_librarys() {
        let directory = tempfile::tempdir().expect("a folder");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("a/b")).expect("folders");
        fs::write(at("a/b/file"), "").expect("a file");
        for (link, to) in [
            ("up", "a/.."),
            ("b", "a/./b"),
            ("loop", "loop"),
            ("out", "/proc/self/.."),
            ("gone", "x"),
        ] {
            symlink(to, at(link)).expect("a link");
        }
        symlink(at("b"), at("a/absolute")).expect("a link");
        for path in [
            "a/b/file",
            "b/file",
            "up/b/../b/file",
            "a/absolute/file",
            "./a//b/",
            "out",
            "",
            "b/../absolute",
        ] {
            let expected = at(path).canonicalize().expect(path);
            assert_eq!(real(&at(path)).expect(path), expected, "{path}");
        }
        for path in ["loop", "gone", "a/x/file", "a/b/file/x"] {
            assert!(at(path).canonicalize().is_err() && real(&at(path)).is_err(), "{path}");
        }
        assert_eq!(real(Path::new(".")).ok(), Path::new(".").canonicalize().ok());
    }
}
