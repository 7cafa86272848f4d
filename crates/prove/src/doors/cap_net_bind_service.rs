//! `CAP_NET_BIND_SERVICE`: listening on a low port.
//!
//! # The attempt
//! `bind` of a TCP socket to a port below `net.ipv4.ip_unprivileged_port_start` on the loopback
//! address. `__inet_bind` asks `inet_port_requires_bind_service` and then for CAP_NET_BIND_SERVICE
//! in the user namespace that owns the network namespace: EACCES without. Whether the port is taken
//! comes after that. Where the sysctl is 0, as Docker sets it, no port asks: the door is ungated.
//!
//! # Why it is safe
//! The socket never listens, so that nobody can connect to it; it is gone with the child. A port
//! that is taken is passed over. `IP_FREEBIND` lets the bind succeed where the loopback interface is
//! down; it needs no privilege.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::io::Errno;
use rustix::net::sockopt::set_ip_freebind;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The first port that is free for everybody, unless the sysctl says otherwise (`PROT_SOCK`).
const FIRST_FREE: u16 = 1024;
/// How many ports to try where one is taken.
const TRIES: u16 = 16;

pub(super) const DOOR: Door = Door {
    name: "CAP_NET_BIND_SERVICE",
    gain: Gain::Network,
    lets: "listen on low ports",
    kind: Kind::Capability(Capability::NET_BIND_SERVICE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let first_free: u16 = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(FIRST_FREE);
    // Port 0 asks for any port; so a sysctl of 0 and one of 1 gate nothing.
    let gated = first_free > 1;
    let highest = if gated { first_free.min(FIRST_FREE) - 1 } else { FIRST_FREE - 1 };
    Ok(Trial::new(
        format!("bind(127.0.0.1:{highest})"),
        (Answer::EACCES, Answer::Success),
        Authority::Network,
        move || bind_one_of(highest),
    )
    .ungated(
        (!gated).then(|| {
            format!("the sysctl net.ipv4.ip_unprivileged_port_start is {first_free} here")
        }),
    ))
}

/// Binds the highest port that is not taken.
fn bind_one_of(highest: u16) -> io::Result<()> {
    let lowest = highest.saturating_sub(TRIES).max(1);
    for port in (lowest..=highest).rev() {
        let socket =
            socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        set_ip_freebind(&socket, true)?;
        match bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
            Err(Errno::ADDRINUSE) => {}
            answer => return Ok(answer?),
        }
    }
    // Each was past the check, or it would not have come to that.
    Ok(())
}
