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
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// A runtime has made its own folder for a container long before this is over.
const SETTLED: Duration = Duration::from_secs(60);

/// Written when a folder was last looked through for what is left.
const SWEPT: &str = ".swept";

/// In place of `..` in the copy of a path.
const UP: &str = "...";

/// The folder of the bundles of a runtime.
pub(crate) struct Folder {
    /// The runtime's own root.
    root: PathBuf,
    path: PathBuf,
}

impl Folder {
    /// That of the runtime whose own root is `root`, an absolute path.
    pub(crate) fn new(state: &Path, root: &Path) -> Self {
        let inside = root.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::ParentDir => Some(UP.as_ref()),
            _ => None,
        });
        let path = bundles(state).join(inside.collect::<PathBuf>());
        Self { root: root.to_owned(), path }
    }

    /// The bundle of a container.
    pub(crate) fn bundle(&self, container: &str) -> PathBuf {
        self.path.join(container)
    }

    /// Writes a bundle that only root can read, and gives its path.
    ///
    /// # Errors
    /// It cannot be written; then nothing of it is left.
    pub(crate) fn write(&self, container: &str, config: &str) -> io::Result<PathBuf> {
        let Self { root, path: folder } = self;
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
        sweep(folder, root)?;
        // No container's name begins with a dot. It gets its name when it is whole.
        let unfinished = folder.join(format!(".{container}.{}", std::process::id()));
        let bundle = folder.join(container);
        remove(&unfinished)?;
        fs::DirBuilder::new().mode(0o700).create(&unfinished)?;
        let done =
            write_config(&unfinished, config).and_then(|()| put_in_place(&unfinished, &bundle));
        match done {
            Ok(()) => Ok(bundle),
            Err(error) => {
                let _ = remove(&unfinished);
                Err(error)
            }
        }
    }
}

/// Where all of them are.
fn bundles(state: &Path) -> PathBuf {
    state.join("bundles")
}

/// Gives a whole bundle its name; one that has it already is that of a container that is gone.
fn put_in_place(whole: &Path, bundle: &Path) -> io::Result<()> {
    let Err(error) = fs::rename(whole, bundle) else { return Ok(()) };
    if !matches!(error.raw_os_error(), Some(libc::ENOTEMPTY | libc::EEXIST)) {
        return Err(error);
    }
    // Another one may still be there, with what somebody else put into it.
    let mut old = whole.as_os_str().to_owned();
    old.push(".old");
    let old = PathBuf::from(old);
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
        // What somebody else put into it stays, and is nobody's configuration.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY) => Ok(()),
        other => other.map_err(io::Error::from),
    };
    there(rustix::fs::unlink(bundle.join(FILE_NAME)))?;
    there(rustix::fs::rmdir(bundle))
}

/// Removes the bundles whose containers the runtime does not know any more: once in a while, since
/// each costs a start that many system calls.
fn sweep(folder: &Path, root: &Path) -> io::Result<()> {
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

/// Removes every bundle whose container is gone, and folders that are empty.
pub(crate) fn forget(state: &Path) -> io::Result<()> {
    forget_below(&bundles(state), Path::new("/"))
}

/// In the folder that is the copy of `original`.
fn forget_below(folder: &Path, original: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let original = original.join(if name == UP { "..".as_ref() } else { name.as_os_str() });
        if !path.join(FILE_NAME).exists() {
            forget_below(&path, &original)?;
        } else if !original.exists() {
            remove(&path)?;
        }
    }
    let _ = fs::remove_file(folder.join(SWEPT));
    let _ = fs::remove_dir(folder);
    Ok(())
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
        let state = base.path().join("state");
        let Folder { path: folder, .. } = Folder::new(&state, &root);
        let write = |container: &str, config: &str| {
            Folder::new(&state, &root).write(container, config).unwrap()
        };
        let age = |name: &str| {
            let old = std::time::SystemTime::now() - 2 * SETTLED;
            fs::File::open(folder.join(name)).unwrap().set_modified(old).unwrap();
        };
        for container in ["lives", "gone", "new", ".killed.1"] {
            let bundle = write(container, "{}");
            assert_eq!(fs::metadata(&bundle).unwrap().mode() & 0o7777, 0o700);
            if container != "new" {
                age(container);
            }
        }
        write("soon", "{}");
        assert!(folder.join("gone").exists(), "it was looked through a moment ago");
        age(SWEPT);
        write("next", "{}");
        assert!(!folder.join(".killed.1").exists());
        let there = |name: &str| folder.join(name).join(FILE_NAME).exists();
        assert!(there("lives") && there("new") && there("next") && !there("gone"));
        // The same id again is a new container.
        write("next", "[]");
        assert_eq!(fs::read_to_string(folder.join("next").join(FILE_NAME)).unwrap(), "[]");
        // At the end nothing is left of what has gone.
        fs::remove_dir(root.join("lives")).unwrap();
        forget(&state).unwrap();
        assert!(!base.path().join("state/bundles").exists());
    }

    /// A root above the working directory, and a state in a folder called as ours.
    #[test]
    fn a_bundle_of_any_root_stays_with_its_container() {
        let base = tempfile::tempdir().unwrap();
        let state = base.path().join("bundles/state");
        fs::create_dir_all(base.path().join("here")).unwrap();
        let root = base.path().join("here/../root");
        fs::create_dir_all(root.join("lives")).unwrap();
        let folder = Folder::new(&state, &root);
        let (lives, gone) =
            (folder.write("lives", "{}").unwrap(), folder.write("gone", "{}").unwrap());
        // A hook may have left something in it.
        fs::write(gone.join("left"), "").unwrap();
        let old = std::time::SystemTime::now() - 2 * SETTLED;
        for path in [&lives, &gone, &folder.bundle(SWEPT)] {
            fs::File::open(path).unwrap().set_modified(old).unwrap();
        }
        for _ in 0..3 {
            let next = folder.write("next", "{}").unwrap();
            fs::write(next.join("left"), "").unwrap();
            // Each process has a number of its own.
            let old = folder.bundle(&format!(".next.{}.old", std::process::id()));
            let _ = fs::remove_dir_all(old);
        }
        fs::remove_file(folder.bundle("next").join("left")).unwrap();
        assert!(lives.join(FILE_NAME).exists() && !gone.join(FILE_NAME).exists());
        forget(&state).unwrap();
        assert!(lives.join(FILE_NAME).exists() && !folder.bundle("next").exists());
    }
}
