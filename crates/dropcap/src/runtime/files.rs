//! Reading and replacing an engine's configuration.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What was there before an installation, and what it made of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Journal {
    schema: u32,
    /// The engine's configuration.
    pub file: PathBuf,
    /// Its text before; `None` where there was none.
    pub before: Option<String>,
    /// Its text after.
    pub after: String,
}

impl Journal {
    pub fn new(file: PathBuf, before: Option<String>, after: String) -> Self {
        Self { schema: 1, file, before, after }
    }

    /// Reads one, if there is one.
    pub fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = read(path)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::new(format!("cannot read {}", path.display())).because(error))
    }

    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::new("cannot write JSON").because(error))?;
        write(path, &(text + "\n"))
    }
}

/// The text of a file; `None` where there is none.
pub fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("cannot read {}", path.display())).because(error)),
    }
}

/// Replaces a file's text at once, with the mode that it has.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("cannot write {}", path.display())).because(error)
    };
    // A link is followed: what it leads to is the engine's.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = real.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(failed)?;
    let mode = fs::metadata(&real).map_or(0o644, |metadata| metadata.permissions().mode());
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&real).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Removes a file; one that is not there is no failure.
pub fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}", path.display())).because(error))
        }
        _ => Ok(()),
    }
}

/// What changes, as a diff.
pub fn diff(path: &Path, before: Option<&str>, after: Option<&str>) -> String {
    let name = path.display().to_string();
    let (from, to) = (before.map_or("/dev/null", |_| &name), after.map_or("/dev/null", |_| &name));
    similar::TextDiff::from_lines(before.unwrap_or(""), after.unwrap_or(""))
        .unified_diff()
        .header(from, to)
        .to_string()
}
