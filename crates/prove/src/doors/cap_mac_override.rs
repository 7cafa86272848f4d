//! `CAP_MAC_OVERRIDE`: passing mandatory access control.
//!
//! # The attempt
//! None: of the kernel's security modules Smack alone asks for it (`smack_privileged`). Where Smack
//! does not work, the capability is inert; where it does, no attempt is known that would change
//! nothing.
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
    name: "CAP_MAC_OVERRIDE",
    gain: Gain::Confinement,
    lets: "pass the rules of Smack",
    kind: Kind::Capability(Capability::MAC_OVERRIDE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    const ASKING: [SecurityModule; 1] = [SecurityModule::Smack];
    Err(security_module::obstacle(TEXT, &ASKING))
}
