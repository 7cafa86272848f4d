//! `CAP_SYS_BOOT`: rebooting, and loading another kernel.
//!
//! # The attempt
//! `reboot(0, 0, 0, 0)`. The call asks for CAP_SYS_BOOT in the user namespace that owns the pid
//! namespace first: EPERM without; then for its magic numbers, which these are not: EINVAL.
//!
//! # Why it is safe
//! Without both magic numbers no command is looked at.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_BOOT",
    gain: Gain::Machine,
    lets: "reboot the machine",
    kind: Kind::Capability(Capability::SYS_BOOT, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::EINVAL);
    let call = crate::untouched::reboot_without_magic;
    Ok(Trial::new("reboot(0, 0, 0)", answers, Authority::Pid, call))
}
