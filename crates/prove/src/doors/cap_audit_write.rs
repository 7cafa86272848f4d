//! `CAP_AUDIT_WRITE`: writing records into the audit log.
//!
//! # The attempt
//! A message `AUDIT_USER` without text to the audit subsystem. `audit_netlink_ok` answers
//! ECONNREFUSED outside of the initial user namespace, then asks `netlink_capable(CAP_AUDIT_WRITE)`:
//! EPERM without. With it the answer is 0 where auditing is off, and EINVAL where it is on, since
//! there is nothing to write.
//!
//! # Why it is safe
//! A message without text is written nowhere (`audit_receive_msg` wants two bytes).

use super::{Door, Gain, Kind};
use crate::audit;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_AUDIT_WRITE",
    gain: Gain::Machine,
    lets: "write false records into the audit log",
    kind: Kind::Capability(Capability::AUDIT_WRITE, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let answers = (audit::denied(scene), Answer::Success);
    let call = || audit::request(audit::USER);
    let trial = Trial::new("netlink(AUDIT_USER, no text)", answers, Authority::Initial, call);
    Ok(trial.or([Answer::EINVAL]))
}
