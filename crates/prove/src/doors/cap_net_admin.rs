//! `CAP_NET_ADMIN`: changing interfaces, routes and the firewall.
//!
//! # The attempt
//! `ioctl(SIOCSIFMETRIC)` of the loopback interface. `dev_ioctl` asks for CAP_NET_ADMIN in the user
//! namespace that owns the network namespace first: EPERM without. With it, `dev_ifsioc` answers
//! EOPNOTSUPP: interfaces have no metric.
//!
//! (`SO_RCVBUFFORCE` asks in the initial user namespace alone, so it would call root of a rootless
//! container's own network blocked. `SO_MARK` is open to CAP_NET_RAW too.)
//!
//! # Why it is safe
//! Nothing was ever made of this request. The loopback interface exists in every network namespace, so
//! that no module is loaded in search of it. (An MTU of -1 is refused too, but newer kernels log it.)

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
        "ioctl(SIOCSIFMETRIC, lo)",
        (Answer::EPERM, Answer::Errno(libc::EOPNOTSUPP)),
        Authority::Network,
        crate::untouched::set_impossible_metric,
    ))
}
