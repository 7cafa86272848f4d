//! The command that is executed in the end.

use crate::sys::{ExecStrings, System};
use dropcap_capability::{CapabilitySet, FileCapabilities};
use std::ffi::{CString, NulError, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where a command is looked for when `PATH` is not set (`_PATH_DEFPATH` of paths.h).
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// A command with everything that execve(2) takes, prepared before any privilege is gone.
#[derive(Debug)]
pub struct Command {
    name: OsString,
    candidates: Vec<CString>,
    arguments: ExecStrings,
    environment: Vec<CString>,
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
#[error("cannot execute `{}`", self.path.display())]
pub struct ExecError {
    /// The file, or the name where none was found.
    pub path: OsString,
    /// Whether there is such a file at all.
    pub found: bool,
    /// What the file forces, where that is what the kernel refused (`cap_bprm_creds_from_file`:
    /// a file whose forced capabilities cannot all be had is not executed).
    pub forces: Option<CapabilitySet>,
    /// The kernel's answer.
    pub source: io::Error,
}

impl ExecError {
    /// 127 if it was not found, 126 if it cannot be executed; as a shell.
    pub fn exit_code(&self) -> u8 {
        if self.found { 126 } else { 127 }
    }
}

impl Command {
    /// The command `line`, its name first, looked for in `PATH` unless it has a slash
    /// (execvp(3)).
    ///
    /// # Errors
    /// A string with a NUL byte in it.
    pub fn new<S: AsRef<OsStr>>(
        line: &[OsString],
        environment: impl IntoIterator<Item = (S, S)>,
    ) -> Result<Self, NulError> {
        let name = line.first().cloned().unwrap_or_default();
        let mut path = OsString::from(DEFAULT_PATH);
        let mut strings = Vec::new();
        for (key, value) in environment {
            let (key, value) = (key.as_ref(), value.as_ref());
            if key == "PATH" {
                path = value.to_owned();
            }
            strings.push(assignment(key, value)?);
        }
        Ok(Self {
            candidates: candidates(&name, &path)?,
            name,
            arguments: ExecStrings::new(line)?,
            environment: strings,
        })
    }

    /// Sets a variable, whatever it was before.
    ///
    /// # Errors
    /// A NUL byte.
    pub fn set(&mut self, key: &str, value: &OsStr) -> Result<(), NulError> {
        let start = format!("{key}=");
        self.environment.retain(|string| !string.as_bytes().starts_with(start.as_bytes()));
        self.environment.push(assignment(OsStr::new(key), value)?);
        Ok(())
    }

    /// Executes it in place of this process: returns only if that fails.
    pub fn execute(self, system: &impl System) -> ExecError {
        let environment = ExecStrings::from(self.environment);
        let mut denied = None;
        for candidate in &self.candidates {
            let source = system.execve(candidate, &self.arguments, &environment);
            let path = OsStr::from_bytes(candidate.as_bytes());
            match source.raw_os_error() {
                // The file may be there and its interpreter not.
                Some(libc::ENOENT) if std::fs::metadata(path).is_err() => {}
                Some(libc::ENOTDIR) => {}
                Some(libc::EACCES) => {
                    denied.get_or_insert_with(|| ExecError::found(path, source));
                }
                _ => return ExecError::found(path, source),
            }
        }
        denied.unwrap_or_else(|| ExecError {
            path: self.name,
            found: false,
            forces: None,
            source: io::Error::from_raw_os_error(libc::ENOENT),
        })
    }
}

impl ExecError {
    fn found(path: &OsStr, source: io::Error) -> Self {
        let refused = source.raw_os_error() == Some(libc::EPERM);
        let forces = refused.then(|| forced(path)).flatten();
        Self { path: path.to_owned(), found: true, forces, source }
    }
}

/// What the file capabilities of `path` force, if it has any.
fn forced(path: &OsStr) -> Option<CapabilitySet> {
    // The largest revision has 24 bytes.
    let mut value = [0_u8; 64];
    let length = rustix::fs::getxattr(path, c"security.capability", &mut value).ok()?;
    FileCapabilities::decode(value.get(..length)?).ok().map(|found| found.permitted)
}

fn assignment(key: &OsStr, value: &OsStr) -> Result<CString, NulError> {
    CString::new([key.as_bytes(), b"=", value.as_bytes()].concat())
}

/// The paths to try. An empty part of `PATH` is the working directory, as in execvp(3).
fn candidates(name: &OsStr, path: &OsStr) -> Result<Vec<CString>, NulError> {
    if name.is_empty() {
        return Ok(Vec::new());
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(vec![CString::new(name.as_bytes())?]);
    }
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| {
            let mut candidate = directory.to_vec();
            if !candidate.is_empty() {
                candidate.push(b'/');
            }
            candidate.extend_from_slice(name.as_bytes());
            CString::new(OsString::from_vec(candidate).into_vec())
        })
        .collect()
}
