//! A process that an engine would start: its initial state needs no process.

use super::{Inspection, Subject, inspect};
use crate::SeccompMode;
use crate::scene::initial_namespace;
use crate::state::State;
use dropcap_capability::{Credentials, Executable, NamespaceGate};

/// Inspects an initial state: these credentials in a user namespace where every id exists, behind
/// `gate`, with these privileged files, on this kernel.
pub fn inspect_initial(
    target: String,
    credentials: &Credentials,
    (seccomp, gate): (SeccompMode, NamespaceGate),
    files: &[Executable],
    notes: Vec<String>,
) -> Inspection {
    inspect(Subject {
        target,
        name: None,
        state: State::new(credentials, true, Some(seccomp), None),
        credentials,
        environment: &initial_namespace(),
        gate: Some(gate),
        files,
        notes,
    })
}
