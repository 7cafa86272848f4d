//! `CAP_MAC_ADMIN`: changing the policy of mandatory access control.
//!
//! # The attempt
//! None: Smack, AppArmor, SELinux and IPE ask for it, to load or read policy (`smack_privileged`,
//! `aa_may_manage_policy`, `has_cap_mac_admin`, `ipe_new_policyfs_node`). Where none of them works,
//! the capability is inert; where one does, no attempt is known that would change nothing.
//!
//! # Why it is safe
//! Which security modules work is only read.

use super::{Door, Gain, Kind};
use crate::Scene;
use crate::security_module::{self, SecurityModule};
use crate::trial::{Obstacle, Trial};
use dropcap_capability::Capability;

const TEXT: &str = "none";

pub(super) const DOOR: Door = Door {
    name: "CAP_MAC_ADMIN",
    gain: Gain::Confinement,
    lets: "change the policy of the security modules",
    kind: Kind::Capability(Capability::MAC_ADMIN, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    const ASKING: [SecurityModule; 4] = [
        SecurityModule::Smack,
        SecurityModule::AppArmor,
        SecurityModule::Selinux,
        SecurityModule::Ipe,
    ];
    Err(security_module::obstacle(TEXT, &ASKING))
}
