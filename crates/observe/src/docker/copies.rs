//! What a life writes to on this machine: copies, so that the user's data is read and never written.

use crate::Session;
use crate::command::{During, TrialError};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What is copied is no larger: 256 MiB.
const LARGEST: u64 = 256 << 20;

/// The copies of one life, in a folder that is made when there is one.
pub(super) struct Copies {
    session: Session,
    folder: Option<TempDir>,
}

impl Copies {
    /// None yet.
    pub fn new(session: Session) -> Self {
        Self { session, folder: None }
    }

    /// A copy of a path of the host, made once a life: both starts see the same one.
    pub fn of(&mut self, source: &Path) -> Result<PathBuf, TrialError> {
        let to = self.place(&source.to_string_lossy())?;
        if to.exists() {
            return Ok(to);
        }
        if size(source).during("measuring what is mounted")? > LARGEST {
            return Err(TrialError::Engine(format!(
                "{} is mounted to be written to, and is too large to be copied for each trial",
                source.display()
            )));
        }
        let copied = Command::new("cp")
            .arg("--archive")
            .args([source, &to])
            .output()
            .during("copying what is mounted")?;
        if !copied.status.success() {
            let said = String::from_utf8_lossy(&copied.stderr).trim().to_owned();
            return Err(TrialError::Engine(format!("what is mounted cannot be copied: {said}")));
        }
        Ok(to)
    }

    /// Where something lies, on this machine, that goes with this life.
    pub fn place(&mut self, name: &str) -> Result<PathBuf, TrialError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => self.session.folder().during("making a folder for copies")?,
        };
        let plain = |c: char| if c == '/' { '_' } else { c };
        let place = folder.path().join(name.chars().map(plain).collect::<String>());
        self.folder = Some(folder);
        Ok(place)
    }

    /// Takes them away.
    pub fn remove(&mut self) {
        self.folder = None;
    }
}

/// The size of a tree, counted until it is too much.
fn size(path: &Path) -> std::io::Result<u64> {
    let metadata = path.symlink_metadata()?;
    let mut total = metadata.len();
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            total += size(&entry?.path())?;
            if total > LARGEST {
                break;
            }
        }
    }
    Ok(total)
}
