//! capset(2).

use crate::{CapabilitySet, Credentials, Errno};

/// Sets the three sets of a thread (`cap_capset`).
///
/// # Errors
/// `EPERM` where a set is more than may be.
pub fn capset(
    old: &Credentials,
    effective: CapabilitySet,
    permitted: CapabilitySet,
    inheritable: CapabilitySet,
) -> Result<Credentials, Errno> {
    let _ = (old, effective, permitted, inheritable);
    unimplemented!()
}
