//! An executable file: what it is, and what executing it gives to whom.

use super::{InspectError, SCHEMA};
use crate::executables::executable;
use crate::scene::environment;
use crate::state::{UserNamespace, names};
use dropcap_capability::{
    CapabilitySet, CapabilityState, Credentials, Environment, Executable, FileCapabilities, Ids,
    Revision, execve,
};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// An executable file, and what executing it gives to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInspection {
    /// The version of this layout.
    pub schema: u32,
    /// What was looked at, as it was named.
    pub target: String,
    /// Where it is, past symbolic links.
    pub path: String,
    /// Permission bits with setuid, setgid and sticky, four octal digits.
    pub mode: String,
    /// Its owner; `None` for one who has no number in this user namespace.
    pub uid: Option<u32>,
    /// Its group, likewise.
    pub gid: Option<u32>,
    /// Its file capabilities, in libcap's text form as getcap(8) prints them.
    pub file_capabilities: Option<String>,
    /// The user who has to be root of the namespace for them to count, in a revision 3 attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_id: Option<u32>,
    /// Whether its mount lets it give no privilege.
    pub nosuid: bool,
    /// Whether nothing on its mount can be executed.
    pub noexec: bool,
    /// What executing it makes of whom.
    pub executed_by: Vec<Execution>,
}

/// One who executes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Who, in words.
    pub who: String,
    /// What becomes of them; `None` where the kernel refuses.
    pub outcome: Option<Outcome>,
    /// The error that execve(2) answers, where it refuses.
    pub refused: Option<String>,
}

/// What a process is after execve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The names of the capabilities in the effective set.
    pub effective: Vec<String>,
    /// The same of the permitted set.
    pub permitted: Vec<String>,
}

/// Inspects the file at `path`.
///
/// # Errors
/// [`InspectError::File`], [`InspectError::NoFile`].
pub fn inspect_file(path: &Path) -> Result<FileInspection, InspectError> {
    let failed = |error| InspectError::File(path.to_owned(), error);
    let real = fs::canonicalize(path).map_err(failed)?;
    if !fs::metadata(&real).map_err(failed)?.is_file() {
        return Err(InspectError::NoFile(path.to_owned()));
    }
    let file = executable(&real).map_err(failed)?;
    let namespace = UserNamespace::of(Path::new("/proc/self"));
    let environment = environment(namespace.as_ref(), Path::new("/proc/self"));
    Ok(FileInspection::new(path.display().to_string(), &file, &environment))
}

impl FileInspection {
    pub(super) fn new(target: String, file: &Executable, environment: &Environment) -> Self {
        let root_id = match file.file_capabilities.map(|file| file.revision) {
            Some(Revision::Three { root_id }) => Some(root_id),
            _ => None,
        };
        let executed_by = starters(file, environment.capabilities)
            .into_iter()
            .map(|(who, start)| Execution::of(who, &start, file, environment))
            .collect();
        Self {
            schema: SCHEMA,
            target,
            path: file.path.clone(),
            mode: format!("{:04o}", file.mode),
            uid: file.uid,
            gid: file.gid,
            file_capabilities: file
                .file_capabilities
                .map(|it| as_libcap_prints(it).to_text(environment.capabilities)),
            root_id,
            nosuid: file.nosuid,
            noexec: file.noexec,
            executed_by,
        }
    }
}

impl Execution {
    fn of(who: &str, start: &Credentials, file: &Executable, environment: &Environment) -> Self {
        let after = execve(start, file, environment);
        Self {
            who: who.to_owned(),
            refused: after.as_ref().err().map(ToString::to_string),
            outcome: after.ok().map(|after| Outcome {
                uid: after.uid.effective,
                gid: after.gid.effective,
                effective: names(after.effective),
                permitted: names(after.permitted),
            }),
        }
    }
}

/// Who is called so in [`Execution::who`]: a user who holds nothing, with everything within bounds.
pub const STRANGER: &str = "another user";

/// Those whose execve tells what a file is good for.
fn starters(file: &Executable, all: CapabilitySet) -> [(&'static str, Credentials); 4] {
    // One to whom the permissions for others apply.
    let stranger = [65534, 1000, 1001]
        .into_iter()
        .find(|id| file.uid != Some(*id) && file.gid != Some(*id))
        .unwrap_or_default();
    let user = Credentials::unprivileged(stranger, all);
    let root = Credentials {
        uid: Ids::all(0),
        gid: Ids::all(0),
        permitted: all,
        effective: all,
        ..user.clone()
    };
    let dropped = Credentials {
        permitted: CapabilitySet::EMPTY,
        effective: CapabilitySet::EMPTY,
        bounding: CapabilitySet::EMPTY,
        ..root.clone()
    };
    [
        (STRANGER, user.clone()),
        ("the same, no_new_privs", Credentials { no_new_privs: true, ..user }),
        ("root", root),
        ("root with ALL dropped", dropped),
    ]
}

/// The attribute as three sets (`cap_get_file`): the effective bit is one for all.
fn as_libcap_prints(file: FileCapabilities) -> CapabilityState {
    let FileCapabilities { permitted, inheritable, effective, .. } = file;
    let effective = if effective { permitted | inheritable } else { CapabilitySet::EMPTY };
    CapabilityState { effective, inheritable, permitted }
}
