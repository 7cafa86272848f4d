//! `CAP_SYS_PACCT`: switching process accounting on and off.
//!
//! # The attempt
//! `acct` of a path at address 1. The call asks `capable(CAP_SYS_PACCT)` first: EPERM without; then
//! `getname` reads the path from an address that is not mapped: EFAULT. A kernel without accounting
//! answers ENOSYS.
//!
//! # Why it is safe
//! With a path that cannot be read nothing is switched. NULL, which switches accounting off, is
//! never passed.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_PACCT",
    gain: Gain::Machine,
    lets: "switch process accounting off",
    kind: Kind::Capability(Capability::SYS_PACCT, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::EFAULT);
    let call = crate::untouched::account_to_nowhere;
    Ok(Trial::new("acct((char *) 1)", answers, Authority::Initial, call))
}
