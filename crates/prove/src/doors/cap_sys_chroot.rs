//! `CAP_SYS_CHROOT`: changing the root directory, the classic way out of one.
//!
//! # The attempt
//! `chroot("/")`. `ksys_chroot` looks the path up (the root directory may always be searched by
//! those who live in it), then asks for CAP_SYS_CHROOT in the process's own user namespace.
//!
//! # Why it is safe
//! It makes the root directory what it is already, and that in the child alone.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_CHROOT",
    gain: Gain::Confinement,
    lets: "leave a root directory by chroot",
    kind: Kind::Capability(Capability::SYS_CHROOT, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    Ok(Trial::new("chroot(\"/\")", (Answer::EPERM, Answer::Success), Authority::Own, || {
        rustix::process::chroot("/")
    }))
}
