//! What the OCI runtime below an engine does: it takes the credentials asked for, then executes.

use crate::Host;
use dropcap_capability::{
    CapabilitySet, Credentials, Environment, Errno, Executable, Ids, Securebits, execve,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuntimeError {
    /// What the daemon lacks was to be permitted.
    Lacks(CapabilitySet),
    /// The program itself was refused.
    Execve(Errno),
}

/// The credentials of the program that the runtime executes, an ordinary one.
///
/// The bounding set is made smaller before the user changes, with KEEP_CAPS over the change, and
/// the other sets are set last (`finalizeNamespace` of runc). A capability that the daemon lacks is
/// missing from the bounding set without a word, since only dropping is a system call; permitting
/// it is refused (`cap_capset`).
pub(crate) fn start(spec: &Spec, host: &Host) -> Result<Credentials, RuntimeError> {
    let wanted = spec.permitted | spec.effective | spec.inheritable | spec.ambient;
    let lacking = wanted - host.bounding;
    if !lacking.is_empty() {
        return Err(RuntimeError::Lacks(lacking));
    }
    let before = Credentials {
        uid: Ids::all(spec.uid),
        gid: Ids::all(spec.gid),
        groups: spec.groups.iter().copied().collect(),
        effective: spec.effective,
        permitted: spec.permitted,
        inheritable: spec.inheritable,
        bounding: spec.bounding & host.bounding,
        ambient: spec.ambient,
        securebits: Securebits::EMPTY,
        no_new_privs: spec.no_new_privs,
    };
    let environment = Environment { kernel: host.kernel, ..Environment::default() };
    execve(&before, &Executable::plain("the container's program"), &environment)
        .map_err(RuntimeError::Execve)
}
