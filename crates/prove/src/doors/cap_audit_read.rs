//! `CAP_AUDIT_READ`: reading the audit log.
//!
//! # The attempt
//! `bind` of a netlink socket to the group that receives the audit log. `netlink_bind` asks
//! `audit_multicast_bind`, which asks `capable(CAP_AUDIT_READ)`: EPERM without.
//!
//! # Why it is safe
//! The socket is closed with the child, and nothing is read from it; other readers lose nothing,
//! since each has a copy. Where auditing is on, the kernel writes one record for the bind and one
//! for its end (`audit_log_multicast`).

use super::{Door, Gain, Kind};
use crate::audit;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::net::bind;
use rustix::net::netlink::SocketAddrNetlink;

pub(super) const DOOR: Door = Door {
    name: "CAP_AUDIT_READ",
    gain: Gain::Machine,
    lets: "read the audit log",
    kind: Kind::Capability(Capability::AUDIT_READ, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::Success);
    let text = "bind(a netlink socket, the audit log)";
    Ok(Trial::after_others(text, answers, Authority::Initial, || {
        let socket = audit::socket()?;
        Ok(Answer::from(bind(&socket, &SocketAddrNetlink::new(0, audit::LOG_GROUP))))
    }))
}
