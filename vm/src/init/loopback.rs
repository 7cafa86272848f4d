//! The loopback interface, up: a guest starts with it down, and then 127.0.0.1 is nobody's.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};
use std::io;

/// `RTM_SETLINK` and the flags of netlink(7).
const RTM_SETLINK: u16 = 19;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
/// `IFF_UP` of netdevice(7).
const IFF_UP: u32 = 1;
/// The loopback interface is each network namespace's first.
const LOOPBACK: u32 = 1;

/// Brings it up, by rtnetlink(7).
pub(super) fn up() -> io::Result<()> {
    // `NETLINK_ROUTE` is protocol 0.
    let family = AddressFamily::NETLINK;
    let kernel = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&kernel, &request(), SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    // `struct nlmsgerr` after the header: 0, or an error's number negated.
    let code = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// `struct nlmsghdr` with `struct ifinfomsg`.
fn request() -> Vec<u8> {
    let mut body = vec![0_u8; 4]; // family, padding, type
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes()); // which flags change
    let mut message = (16 + body.len() as u32).to_ne_bytes().to_vec();
    message.extend(RTM_SETLINK.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    message.extend([0; 8]); // sequence, port
    message.extend(body);
    message
}
