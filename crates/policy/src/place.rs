//! Where policies are found.

use crate::{Policy, PolicyError, Workload};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The name of a policy's file.
pub const FILE_NAME: &str = "dropcap.toml";

/// The policy that needs no `--policy`, even for verbs that take privilege away: only root can
/// write it.
pub const TRUSTED: &str = "/etc/dropcap/dropcap.toml";

/// A policy is short enough to review; a file beyond this many bytes is none.
const LARGEST: u64 = 4 << 20;
/// What most of them fit into, so that one read(2) is enough.
const USUAL: usize = 4096;

impl Policy {
    /// Reads the policy in the file `path`, which the user named.
    ///
    /// # Errors
    /// The file cannot be read, or is no policy.
    pub fn load(path: &Path) -> Result<Self, PolicyError> {
        let read = |source| PolicyError::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(read)?;
        Self::from_reader(path, file)
    }

    /// The policy in `dir` or the nearest folder above it that has one.
    ///
    /// For verbs that report and propose; never for one that executes something, since an agent can
    /// write such a file into its workspace.
    ///
    /// # Errors
    /// A file of that name cannot be read, or is no policy; none at all is `Ok(None)`.
    pub fn find_upwards(dir: &Path) -> Result<Option<Self>, PolicyError> {
        let start = dir
            .canonicalize()
            .map_err(|source| PolicyError::Read { path: dir.to_owned(), source })?;
        for folder in start.ancestors() {
            let file = folder.join(FILE_NAME);
            // A pipe of that name would be waited for.
            if file.is_file() {
                return Self::load(&file).map(Some);
            }
        }
        Ok(None)
    }

    /// The workload of this name, or an error that lists those that are there.
    ///
    /// # Errors
    /// No workload has this name.
    pub fn require(&self, name: &str) -> Result<&Workload, PolicyError> {
        self.workload(name).ok_or_else(|| {
            let names: Vec<&str> = self.workloads.iter().map(|one| one.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let path = self.path.clone().unwrap_or_else(|| FILE_NAME.into());
            PolicyError::NoWorkload { path, name: name.to_owned(), known }
        })
    }

    pub(crate) fn from_reader(path: &Path, reader: impl Read) -> Result<Self, PolicyError> {
        let parsed = Self::parse(&read(path, reader)?);
        let policy = parsed.map_err(|error| PolicyError::Parse { path: path.to_owned(), error })?;
        Ok(Self { path: Some(path.to_owned()), ..policy })
    }
}

/// What `reader` has, if it is a text that is no larger than a policy may be.
pub(crate) fn read(path: &Path, reader: impl Read) -> Result<String, PolicyError> {
    let mut bytes = Vec::with_capacity(USUAL);
    let read = |source| PolicyError::Read { path: path.to_owned(), source };
    reader.take(LARGEST + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("more than {LARGEST} bytes");
        return Err(read(std::io::Error::new(ErrorKind::FileTooLarge, what)));
    }
    String::from_utf8(bytes)
        .map_err(|error| read(std::io::Error::new(ErrorKind::InvalidData, error.utf8_error())))
}
