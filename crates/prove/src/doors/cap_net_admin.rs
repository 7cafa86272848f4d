//! `CAP_NET_ADMIN`: changing interfaces, routes and the firewall.
//!
//! # The attempt
//! `ioctl(SIOCSIFMTU)` of the loopback interface with an MTU of -1. `dev_ioctl` asks for
//! CAP_NET_ADMIN in the user namespace that owns the network namespace first: EPERM without. With
//! it, `dev_validate_mtu` answers EINVAL to a number below zero.
//!
//! (`SO_RCVBUFFORCE` asks in the initial user namespace alone, so it would call root of a rootless
//! container's own network blocked. `SO_MARK` is open to CAP_NET_RAW too.)
//!
//! # Why it is safe
//! No interface has ever accepted a negative MTU. The loopback interface exists in every network
//! namespace, so that no module is loaded in search of it.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_NET_ADMIN",
    gain: Gain::Network,
    lets: "change routes and the firewall",
    kind: Kind::Capability(Capability::NET_ADMIN, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    Ok(Trial::new(
        "ioctl(SIOCSIFMTU, lo, -1)",
        (Answer::EPERM, Answer::EINVAL),
        Authority::Network,
        crate::untouched::set_impossible_mtu,
    ))
}
