//! prctl(2): the operations that bear on privilege.

use crate::{Capability, Credentials, Environment, Errno, Securebits};

/// `PR_CAPBSET_DROP` (`cap_prctl_drop`).
///
/// # Errors
/// `EPERM` without CAP_SETPCAP in the effective set; `EINVAL` for a capability that the kernel does
/// not have.
pub fn capbset_drop(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    let _ = (old, capability, environment);
    unimplemented!()
}

/// `PR_CAP_AMBIENT_RAISE`. # Errors: EPERM
pub fn ambient_raise(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    let _ = (old, capability, environment);
    unimplemented!()
}

/// `PR_SET_SECUREBITS`.
pub fn set_securebits(
    old: &Credentials,
    securebits: Securebits,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    let _ = (old, securebits, environment);
    unimplemented!()
}

/// `PR_SET_NO_NEW_PRIVS`: cannot fail, cannot be undone.
pub fn set_no_new_privs(old: &Credentials) -> Credentials {
    Credentials { no_new_privs: true, ..old.clone() }
}
