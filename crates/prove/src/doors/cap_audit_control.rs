//! `CAP_AUDIT_CONTROL`: switching auditing and its rules.
//!
//! # The attempt
//! A request `AUDIT_GET` to the audit subsystem. `audit_netlink_ok` answers ECONNREFUSED outside of
//! the initial user namespace, and EPERM in every pid namespace but the initial one; then it asks
//! `netlink_capable(CAP_AUDIT_CONTROL)`: EPERM without. With it, the state of auditing is told.
//!
//! # Why it is safe
//! It only asks.

use super::{Door, Gain, Kind};
use crate::audit;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_AUDIT_CONTROL",
    gain: Gain::Machine,
    lets: "switch auditing off",
    kind: Kind::Capability(Capability::AUDIT_CONTROL, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let answers = (audit::denied(scene), Answer::Success);
    let call = || audit::request(audit::GET);
    let blocked = (!scene.in_initial_pid_namespace())
        .then(|| "the audit subsystem listens to the machine's own pid namespace alone".to_owned());
    Ok(Trial::new("netlink(AUDIT_GET)", answers, Authority::Initial, call).blocked(blocked))
}
