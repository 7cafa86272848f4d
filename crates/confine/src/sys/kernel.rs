//! Which kernel this is.

use super::{Linux, System};
use dropcap_capability::{Capability, Kernel};

/// The running kernel's version; the newest known one where its release starts with no number.
pub fn kernel() -> Kernel {
    let name = rustix::system::uname();
    name.release().to_str().ok().and_then(Kernel::from_release).unwrap_or(Kernel::NEWEST)
}

/// The highest capability that the running kernel has: the last one that `PR_CAPBSET_READ` knows.
///
/// `/proc/sys/kernel/cap_last_cap` says the same, where there is a /proc.
pub fn last_capability() -> Capability {
    (0..Capability::MAX_BITS)
        .rev()
        .filter_map(Capability::from_number)
        .find(|capability| Linux.bounding_has(*capability).is_ok())
        .unwrap_or(Capability::CHOWN)
}
