//! `CAP_NET_BROADCAST`: hearing the network events of other namespaces.
//!
//! # The attempt
//! `setsockopt(NETLINK_LISTEN_ALL_NSID)` of a netlink socket that listens to no group.
//! `netlink_setsockopt` asks for CAP_NET_BROADCAST in the user namespace that owns the network
//! namespace: EPERM without. capabilities(7) calls this capability unused; this option, and the
//! delivery to such sockets (`do_one_broadcast`), do ask for it.
//!
//! # Why it is safe
//! The socket is in no multicast group, so that nothing is received; it is gone with the child.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::os::fd::AsFd;

pub(super) const DOOR: Door = Door {
    name: "CAP_NET_BROADCAST",
    gain: Gain::Network,
    lets: "hear the network events of other namespaces",
    kind: Kind::Capability(Capability::NET_BROADCAST, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let text = "setsockopt(a netlink socket, NETLINK_LISTEN_ALL_NSID)";
    Ok(Trial::after_others(text, (Answer::EPERM, Answer::Success), Authority::Network, || {
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None);
        let listened = crate::untouched::listen_to_all_networks(before(socket)?.as_fd());
        Ok(Answer::from(listened))
    }))
}
