//! A thread's credentials, read back from the kernel without /proc.
//!
//! A non-root process that is not dumpable cannot open its own files in /proc, and a minimal
//! container may have none; prctl(2), capget(2) and the getters of ids always answer.

use super::{Linux, System};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids};
use std::io;

/// The id that setfsuid(2) and setfsgid(2) never accept, so that they only answer.
const NO_ID: u32 = u32::MAX;

/// The calling thread's credentials.
///
/// # Errors
/// What the kernel answers; a seccomp filter may deny one of the calls.
pub fn read_credentials() -> io::Result<Credentials> {
    read_credentials_of(&Linux)
}

/// As [`read_credentials`], asking `system`.
///
/// # Errors
/// As [`read_credentials`].
pub fn read_credentials_of(system: &impl System) -> io::Result<Credentials> {
    let sets = system.capget()?;
    let mut groups = system.groups()?;
    groups.sort_unstable();
    Ok(Credentials {
        uid: ids(system.user_ids()?, system.set_filesystem_user(NO_ID)),
        gid: ids(system.group_ids()?, system.set_filesystem_group(NO_ID)),
        groups,
        effective: sets.effective,
        permitted: sets.permitted,
        inheritable: sets.inheritable,
        bounding: gather(|capability| system.bounding_has(capability))?,
        ambient: gather(|capability| system.ambient_has(capability))?,
        securebits: system.securebits()?,
        no_new_privs: system.no_new_privs()?,
    })
}

fn ids([real, effective, saved]: [u32; 3], filesystem: u32) -> Ids {
    Ids { real, effective, saved, filesystem }
}

/// The capabilities for which `has` says yes, up to the last one that the kernel has, where it
/// answers EINVAL (`cap_valid`).
fn gather(has: impl Fn(Capability) -> io::Result<bool>) -> io::Result<CapabilitySet> {
    let mut set = CapabilitySet::EMPTY;
    for capability in (0..Capability::MAX_BITS).filter_map(Capability::from_number) {
        match has(capability) {
            Ok(true) => set = set.with(capability),
            Ok(false) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && capability.number() > 0 => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(set)
}
