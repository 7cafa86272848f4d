//! The bundles that containers are made from where something is changed: dropcap's own, so that the
//! engine's stays as it is, and nobody can change what was decided before the runtime reads it.
//!
//! They lie in `STATE/bundles/` in a copy of the path of the runtime's own root, since ids are unique only
//! there. A runtime names its bundle to hooks and takes it as the base of `exec`, so each stays as
//! long as its container, and goes when another one is made.

use crate::config::FILE_NAME;
use crate::file;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A runtime has made its own folder for a container long before this is over.
const SETTLED: Duration = Duration::from_secs(60);

/// Written when a folder was last looked through for what is left.
const SWEPT: &str = ".swept";

/// The folder of the bundles of the runtime whose own root is `root`.
pub(crate) fn folder(state: &Path, root: &Path) -> PathBuf {
    let inside = root.components().filter(|part| matches!(part, std::path::Component::Normal(_)));
    state.join("bundles").join(inside.collect::<PathBuf>())
}

/// Writes a bundle that only root can read, and gives its path.
///
/// # Errors
/// It cannot be written; then nothing of it is left.
pub(crate) fn write(folder: &Path, container: &str, config: &str) -> io::Result<PathBuf> {
    let metadata = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            fs::symlink_metadata(folder)?
        }
        there => there?,
    };
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("{} is not root's alone", folder.display())));
    }
    sweep(folder)?;
    // No container's name begins with a dot. It gets its name when it is whole.
    let unfinished = folder.join(format!(".{container}.{}", std::process::id()));
    let bundle = folder.join(container);
    remove(&unfinished)?;
    fs::DirBuilder::new().mode(0o700).create(&unfinished)?;
    let done = write_config(&unfinished, config).and_then(|()| put_in_place(&unfinished, &bundle));
    match done {
        Ok(()) => Ok(bundle),
        Err(error) => {
            let _ = remove(&unfinished);
            Err(error)
        }
    }
}

/// Gives a whole bundle its name; one that has it already is that of a container that is gone.
fn put_in_place(whole: &Path, bundle: &Path) -> io::Result<()> {
    let Err(error) = fs::rename(whole, bundle) else { return Ok(()) };
    if !matches!(error.raw_os_error(), Some(libc::ENOTEMPTY | libc::EEXIST)) {
        return Err(error);
    }
    let old = whole.with_extension("old");
    fs::rename(bundle, &old)?;
    fs::rename(whole, bundle)?;
    // What is left of it goes with the next sweep.
    let _ = remove(&old);
    Ok(())
}

fn write_config(bundle: &Path, config: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(bundle.join(FILE_NAME), flags, Mode::RUSR | Mode::WUSR)?;
    fs::File::from(file).write_all(config.as_bytes())
}

/// Removes a bundle; one that is not there is no error.
pub(crate) fn remove(bundle: &Path) -> io::Result<()> {
    let there = |done: rustix::io::Result<()>| match done {
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
        other => other.map_err(io::Error::from),
    };
    there(rustix::fs::unlink(bundle.join(FILE_NAME)))?;
    there(rustix::fs::rmdir(bundle))
}

/// Removes the bundles whose containers the runtime does not know any more: once in a while, since
/// each costs a start that many system calls.
fn sweep(folder: &Path) -> io::Result<()> {
    let Some(root) = root_of(folder) else { return Ok(()) };
    let done = folder.join(SWEPT);
    if !is_settled(&done) {
        return Ok(());
    }
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(&done, flags, Mode::RUSR | Mode::WUSR)?;
    for name in file::names(folder)? {
        let (bundle, container) = (folder.join(&name), root.join(&name));
        // Another root may lie below this one.
        let unfinished = name.as_encoded_bytes().starts_with(b".");
        let ours = unfinished || bundle.join(FILE_NAME).exists();
        if ours && name != SWEPT && is_settled(&bundle) && !container.exists() {
            remove(&bundle)?;
        }
    }
    Ok(())
}

/// Whether something was made a while ago; what is not there is as old as can be.
fn is_settled(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return true };
    metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > SETTLED))
}

/// Removes every bundle in `folder` and below whose container is gone, and folders that are empty.
pub(crate) fn forget(folder: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if !path.join(FILE_NAME).exists() {
            forget(&path)?;
        } else if root_of(&path).is_none_or(|container| !container.exists()) {
            remove(&path)?;
        }
    }
    let _ = fs::remove_file(folder.join(SWEPT));
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// The runtime's root that a folder is the copy of.
fn root_of(folder: &Path) -> Option<PathBuf> {
    let mut parts = folder.components();
    parts.by_ref().find(|part| part.as_os_str() == "bundles")?;
    Some(Path::new("/").join(parts.as_path()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn a_bundle_goes_when_its_container_has_gone_and_not_before() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("lives")).unwrap();
        let folder = folder(&base.path().join("state"), &root);
        let age = |name: &str| {
            let old = std::time::SystemTime::now() - 2 * SETTLED;
            fs::File::open(folder.join(name)).unwrap().set_modified(old).unwrap();
        };
        for container in ["lives", "gone", "new", ".killed.1"] {
            let bundle = write(&folder, container, "{}").unwrap();
            assert_eq!(fs::metadata(&bundle).unwrap().mode() & 0o7777, 0o700);
            if container != "new" {
                age(container);
            }
        }
        write(&folder, "soon", "{}").unwrap();
        assert!(folder.join("gone").exists(), "it was looked through a moment ago");
        age(SWEPT);
        write(&folder, "next", "{}").unwrap();
        assert!(!folder.join(".killed.1").exists());
        let there = |name: &str| folder.join(name).join(FILE_NAME).exists();
        assert!(there("lives") && there("new") && there("next") && !there("gone"));
        // The same id again is a new container.
        write(&folder, "next", "[]").unwrap();
        assert_eq!(fs::read_to_string(folder.join("next").join(FILE_NAME)).unwrap(), "[]");
        // At the end nothing is left of what has gone.
        fs::remove_dir(root.join("lives")).unwrap();
        forget(&base.path().join("state/bundles")).unwrap();
        assert!(!base.path().join("state/bundles").exists());
    }
}
