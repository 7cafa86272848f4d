//! What the OCI runtime below an engine does: it takes the credentials asked for, then executes.

use crate::Host;
use dropcap_capability::{
    CapabilitySet, CapsetRequest, Credentials, Environment, Errno, Executable, Ids, Securebits,
    capset, execve,
};
use std::collections::BTreeSet;

/// A process as an engine hands it to the runtime: `process` of the OCI runtime specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub uid: u32,
    pub gid: u32,
    pub groups: BTreeSet<u32>,
    pub effective: CapabilitySet,
    pub permitted: CapabilitySet,
    pub inheritable: CapabilitySet,
    pub bounding: CapabilitySet,
    pub ambient: CapabilitySet,
    pub no_new_privs: bool,
}

/// Why a runtime cannot start a process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// What the engine lacks was to be permitted.
    #[error(
        "OCI runtime: unable to apply caps: operation not permitted (the engine itself lacks {0})"
    )]
    Lacks(CapabilitySet),
    /// Capabilities were to be inheritable that the bounding set lacks.
    #[error(
        "OCI runtime: unable to apply caps: operation not permitted ({0} would be inheritable, and \
         not in the bounding set)"
    )]
    Unbounded(CapabilitySet),
    /// The program itself was refused.
    #[error("OCI runtime: exec: {0:?}")]
    Execve(Errno),
}

/// The credentials of the program that the runtime executes, an ordinary one.
///
/// The bounding set is made smaller before the user changes, with KEEP_CAPS over the change, and
/// the other sets are set last (`finalizeNamespace` of runc). A capability that the daemon lacks is
/// missing from the bounding set without a word, since only dropping is a system call; permitting
/// it is refused, and so is what is inheritable beyond the bounding set (`cap_capset`).
pub(crate) fn start(spec: &Spec, host: &Host) -> Result<Credentials, RuntimeError> {
    let wanted = spec.permitted | spec.effective | spec.inheritable | spec.ambient;
    let lacking = wanted - host.bounding;
    if !lacking.is_empty() {
        return Err(RuntimeError::Lacks(lacking));
    }
    // Another user keeps what is permitted over the change, by KEEP_CAPS, and nothing effective.
    let root = Credentials {
        uid: Ids::all(spec.uid),
        gid: Ids::all(spec.gid),
        groups: spec.groups.iter().copied().collect(),
        effective: if spec.uid == 0 { host.bounding } else { CapabilitySet::EMPTY },
        permitted: host.bounding,
        inheritable: CapabilitySet::EMPTY,
        bounding: spec.bounding & host.bounding,
        ambient: CapabilitySet::EMPTY,
        securebits: Securebits::EMPTY,
        no_new_privs: spec.no_new_privs,
    };
    let environment = Environment { kernel: host.kernel, ..Environment::default() };
    let request = CapsetRequest {
        effective: spec.effective,
        permitted: spec.permitted,
        inheritable: spec.inheritable,
    };
    let set = capset(&root, request, &environment)
        .map_err(|_| RuntimeError::Unbounded(spec.inheritable - root.bounding))?;
    // What cannot be raised is left out without a word.
    let before = Credentials { ambient: spec.ambient & set.permitted & set.inheritable, ..set };
    execve(&before, &Executable::plain("the container's program"), &environment)
        .map_err(RuntimeError::Execve)
}
