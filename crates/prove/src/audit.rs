//! Talking to the kernel's audit subsystem: one request, and its acknowledgement.

use crate::answer::before;
use crate::{Answer, Scene};
use rustix::net::netlink::{AUDIT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};
use std::os::fd::OwnedFd;

/// `AUDIT_GET` of `include/uapi/linux/audit.h`: the state of auditing.
pub(crate) const GET: u16 = 1000;
/// `AUDIT_USER`: a record from user space.
pub(crate) const USER: u16 = 1005;
/// The first multicast group, `AUDIT_NLGRP_READLOG`, as a bit.
pub(crate) const LOG_GROUP: u32 = 1;

/// `NLM_F_REQUEST | NLM_F_ACK`.
const REQUEST_WITH_ACKNOWLEDGEMENT: u16 = 1 | 4;
/// `NLMSG_ERROR`, which an acknowledgement is too, with an error of 0.
const ERROR: u16 = 2;
/// The length of a `struct nlmsghdr`.
const HEADER: usize = 16;

/// What a request is answered by to who lacks the capability.
pub(crate) fn denied(scene: &Scene) -> Answer {
    if scene.in_initial_namespace() { Answer::EPERM } else { Answer::ECONNREFUSED }
}

/// A socket to the audit subsystem. Nothing is asked for it.
pub(crate) fn socket() -> Result<OwnedFd, Answer> {
    before(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(AUDIT)))
}

/// Sends a request without content, and gives what the kernel says to it.
pub(crate) fn request(kind: u16) -> Result<Answer, Answer> {
    let socket = socket()?;
    let mut message = Vec::with_capacity(HEADER);
    message.extend((HEADER as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(REQUEST_WITH_ACKNOWLEDGEMENT.to_ne_bytes());
    // A sequence number and a port of 0: the kernel fills in what it needs.
    message.extend([0; 8]);
    let kernel = SocketAddrNetlink::new(0, 0);
    before(sendto(&socket, &message, SendFlags::empty(), &kernel))?;
    loop {
        let mut buffer = [0; 4096];
        let (_, length) = before(recv(&socket, &mut buffer[..], RecvFlags::empty()))?;
        if let Some(answer) = acknowledgement(&buffer[..length.min(4096)]) {
            return Ok(answer);
        }
    }
}

/// The answer in an acknowledgement; `None` for any other message, such as the state that was asked
/// for.
fn acknowledgement(message: &[u8]) -> Option<Answer> {
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    if kind != ERROR {
        return None;
    }
    let error = i32::from_ne_bytes(message.get(HEADER..HEADER + 4)?.try_into().ok()?);
    Some(if error == 0 { Answer::Success } else { Answer::Errno(-error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_told_from_other_messages() {
        let message = |kind: u16, error: i32| {
            let mut bytes = vec![0; HEADER + 4];
            bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
            bytes[HEADER..].copy_from_slice(&error.to_ne_bytes());
            bytes
        };
        assert_eq!(acknowledgement(&message(ERROR, 0)), Some(Answer::Success));
        assert_eq!(acknowledgement(&message(ERROR, -libc::EPERM)), Some(Answer::EPERM));
        assert_eq!(acknowledgement(&message(GET, 0)), None);
        assert_eq!(acknowledgement(&[]), None);
    }
}
