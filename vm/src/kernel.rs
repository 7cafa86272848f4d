//! The kernels: stock ones of Debian's for clouds, downloaded once and kept.

mod apt;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a kernel cannot be had.
#[derive(Debug, Error)]
pub enum Error {
    /// None of apt's sources is Debian's archive.
    #[error("no source of apt's is Debian's archive: say where one is with {}=URL", apt::ARCHIVE)]
    NoArchive,
    /// A program failed: no network, or the archive has no such suite any more.
    #[error("`{command}` failed: {said}")]
    Program {
        /// The program and its first argument.
        command: String,
        /// Its last lines.
        said: String,
    },
    /// The packages are not made as they were.
    #[error("{0}")]
    Packages(String),
    /// The cache cannot be written or read.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Which kernel, and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called here.
    pub name: &'static str,
    /// The suite of Debian's archive.
    pub suite: &'static str,
    /// Whether a run fails where it cannot be had or something differs. The newest one may be broken
    /// itself, and what it changes has to become known first.
    pub required: bool,
}

/// The kernels that dropcap is compared with, from the oldest.
pub const SOURCES: [Source; 3] = [
    Source { name: "6.1", suite: "bookworm", required: true },
    Source { name: "6.12", suite: "bookworm-backports", required: true },
    Source { name: "newest", suite: "sid", required: false },
];

/// A kernel that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// What `uname -r` says in it.
    pub release: String,
    /// What QEMU boots.
    pub image: PathBuf,
    /// The directory of its modules.
    pub modules: PathBuf,
}

impl Source {
    /// The kernel of this name, or the first.
    pub fn named(name: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.name == name)
    }

    /// The kernel from the cache, or from Debian's archive into the cache.
    ///
    /// # Errors
    /// Where it is not in the cache and cannot be downloaded.
    pub fn fetch(&self, cache: &Path) -> Result<Kernel, Error> {
        let place = cache.join(self.suite);
        match Kernel::find(&place)? {
            Some(kernel) => Ok(kernel),
            None => self.update(cache),
        }
    }

    /// The kernel that Debian's archive has today, in place of that in the cache.
    ///
    /// # Errors
    /// Where it cannot be downloaded; what is in the cache stays then.
    pub fn update(&self, cache: &Path) -> Result<Kernel, Error> {
        let place = cache.join(self.suite);
        let making = cache.join(format!("{}.new", self.suite));
        remove(&making)?;
        apt::download(self.suite, &making)?;
        if Kernel::find(&making)?.is_none() {
            return Err(Error::Packages(format!("no kernel in the packages of {}", self.suite)));
        }
        remove(&place)?;
        at(&making, fs::rename(&making, &place))?;
        Kernel::find(&place)?.ok_or_else(|| Error::Packages("the kernel is gone".to_owned()))
    }
}

impl Kernel {
    /// The kernel whose packages were unpacked at `place`.
    fn find(place: &Path) -> Result<Option<Self>, Error> {
        // Which of the two depends on how Debian's /lib and /usr/lib are merged by then.
        for modules in ["lib/modules", "usr/lib/modules"] {
            let Ok(mut entries) = fs::read_dir(place.join(modules)) else { continue };
            let Some(entry) = entries.next() else { continue };
            let modules = at(place, entry)?.path();
            let release = modules.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let images = [place.join(format!("boot/vmlinuz-{release}")), modules.join("vmlinuz")];
            if let Some(image) = images.into_iter().find(|image| image.exists()) {
                return Ok(Some(Self { release, image, modules }));
            }
        }
        Ok(None)
    }

    /// The file of a module, as it is: a kernel whose modules are compressed can read them.
    ///
    /// # Errors
    /// Where it has no module of this name.
    pub fn module(&self, name: &str) -> Result<PathBuf, Error> {
        let mut directories = vec![self.modules.clone()];
        while let Some(directory) = directories.pop() {
            for entry in at(&directory, fs::read_dir(&directory))?.flatten() {
                let path = entry.path();
                let file = entry.file_name().to_string_lossy().into_owned();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    directories.push(path);
                } else if file.split_once(".ko").is_some_and(|(stem, _)| stem == name) {
                    return Ok(path);
                }
            }
        }
        Err(Error::Packages(format!("{} has no module `{name}`", self.release)))
    }
}

fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => at(directory, Err(error)),
        _ => Ok(()),
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|error| Error::Io { path: path.to_owned(), error })
}
