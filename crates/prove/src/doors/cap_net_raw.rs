//! `CAP_NET_RAW`: a packet socket, with which ARP spoofing and sniffing begin.
//!
//! # The attempt
//! `socket(AF_PACKET, SOCK_RAW, 0)`. `packet_create` asks for CAP_NET_RAW in the user namespace that
//! owns the network namespace before it looks at anything else: EPERM without, a socket with it.
//!
//! # Why it is safe
//! Protocol 0 binds the socket to no protocol, so that it receives nothing, and nothing is sent. It
//! is gone with the child.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

pub(super) const DOOR: Door = Door {
    name: "CAP_NET_RAW",
    gain: Gain::Network,
    lets: "send forged packets",
    kind: Kind::Capability(Capability::NET_RAW, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    Ok(Trial::new(
        "socket(AF_PACKET, SOCK_RAW, 0)",
        (Answer::EPERM, Answer::Success),
        Authority::Network,
        || {
            let socket =
                socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None);
            socket.map(drop)
        },
    ))
}
