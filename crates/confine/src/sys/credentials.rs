//! A thread's credentials, read back from the kernel without /proc.
//!
//! A non-root process that is not dumpable cannot open its own files in /proc, and a minimal
//! container may have none; prctl(2), capget(2) and the getters of ids always answer.

use super::{Linux, System};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids, Kernel};
use std::io;

/// The id that setfsuid(2) and setfsgid(2) never accept, so that they only answer.
const NO_ID: u32 = u32::MAX;

/// What the kernel says of a thread, and of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The thread's credentials.
    pub credentials: Credentials,
    /// The capabilities that the kernel has.
    pub capabilities: CapabilitySet,
    /// The kernel's version.
    pub kernel: Kernel,
}

/// The calling thread's credentials.
///
/// # Errors
/// What the kernel answers; a seccomp filter may deny one of the calls.
pub fn read_credentials() -> io::Result<Credentials> {
    Linux.read().map(|reading| reading.credentials)
}

/// Asks `system` for everything; the body of [`System::read`].
pub(super) fn read(system: &(impl System + ?Sized)) -> io::Result<Reading> {
    let reading = read_quickly(system)?;
    let (ambient, capabilities) = gather(|capability| system.ambient_has(capability))?;
    if capabilities != reading.capabilities {
        let message = "the kernel has two last capabilities";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Reading { credentials: Credentials { ambient, ..reading.credentials }, ..reading })
}

/// The body of [`System::read_quickly`].
pub(super) fn read_quickly(system: &(impl System + ?Sized)) -> io::Result<Reading> {
    let sets = system.capget()?;
    let mut ambient = CapabilitySet::EMPTY;
    for capability in (sets.permitted & sets.inheritable).iter() {
        if system.ambient_has(capability)? {
            ambient = ambient.with(capability);
        }
    }
    let mut groups = system.groups()?;
    groups.sort_unstable();
    let (bounding, capabilities) = gather(|capability| system.bounding_has(capability))?;
    let credentials = Credentials {
        uid: ids(system.user_ids()?, system.set_filesystem_user(NO_ID)),
        gid: ids(system.group_ids()?, system.set_filesystem_group(NO_ID)),
        groups,
        effective: sets.effective,
        permitted: sets.permitted,
        inheritable: sets.inheritable,
        bounding,
        ambient,
        securebits: system.securebits()?,
        no_new_privs: system.no_new_privs()?,
    };
    Ok(Reading { credentials, capabilities, kernel: system.kernel() })
}

fn ids([real, effective, saved]: [u32; 3], filesystem: u32) -> Ids {
    Ids { real, effective, saved, filesystem }
}

/// The capabilities for which `has` says yes, and all that it knows: it answers EINVAL after the
/// last one that the kernel has (`cap_valid`).
fn gather(
    has: impl Fn(Capability) -> io::Result<bool>,
) -> io::Result<(CapabilitySet, CapabilitySet)> {
    let (mut set, mut known) = (CapabilitySet::EMPTY, CapabilitySet::EMPTY);
    for capability in (0..Capability::MAX_BITS).filter_map(Capability::from_number) {
        match has(capability) {
            Ok(yes) => {
                known = known.with(capability);
                set = if yes { set.with(capability) } else { set };
            }
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && !known.is_empty() => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((set, known))
}
