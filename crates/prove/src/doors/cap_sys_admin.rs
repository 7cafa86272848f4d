//! `CAP_SYS_ADMIN`: mounting, entering namespaces, and much else.
//!
//! # The attempt
//! `sethostname(NULL, -1)`. The call asks for CAP_SYS_ADMIN in the user namespace that owns the UTS
//! namespace first, and looks at the length only then: EPERM without, EINVAL with it.
//!
//! # Why it is safe
//! A length of -1 is never accepted, so that no name can be set.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_ADMIN",
    gain: Gain::Confinement,
    lets: "mount filesystems and enter namespaces",
    kind: Kind::Capability(Capability::SYS_ADMIN, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    Ok(Trial::new(
        "sethostname(NULL, -1)",
        (Answer::EPERM, Answer::EINVAL),
        Authority::Uts,
        crate::untouched::set_impossible_hostname,
    ))
}
