//! What a case's process is told to do, one operation after the other, through its standard input: a
//! file whose position outlives execve, so that the program that is executed goes on.

use crate::bytes::{put_bytes, put_set, put_u32, take_bytes, take_set, take_u8, take_u32};
use crate::case::{Kind, Operation};
use dropcap_capability::setuid::{IdRequest, PairRequest};
use dropcap_capability::{Capability, CapsetHeader, CapsetRequest, Securebits};
use rustix::fd::AsFd;
use std::ffi::CString;
use std::io;

/// An operation with all that a process which knows nothing of the place needs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// execveat(2) of a path from a directory.
    Execve { directory: i32, path: CString },
    /// setns(2) with this descriptor.
    EnterUserNamespace(i32),
    /// Any other one.
    Operation(Operation),
}

/// setresuid(2)'s "leave it".
const UNCHANGED: u32 = u32::MAX;

impl Order {
    /// As bytes, behind their length.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(64);
        match self {
            Self::Execve { directory, path } => {
                put_kind(&mut body, Kind::Execve);
                put_u32(&mut body, *directory as u32);
                put_bytes(&mut body, path.as_bytes());
            }
            Self::EnterUserNamespace(descriptor) => {
                put_kind(&mut body, Kind::EnterUserNamespace);
                put_u32(&mut body, *descriptor as u32);
            }
            Self::Operation(operation) => put_operation(&mut body, operation),
        }
        let mut bytes = Vec::with_capacity(body.len() + 4);
        put_bytes(&mut bytes, &body);
        bytes
    }

    /// The next one in `input`; `None` at its end.
    pub(crate) fn next(input: impl AsFd) -> io::Result<Option<Self>> {
        let mut length = [0_u8; 4];
        match rustix::io::read(&input, &mut length)? {
            0 => return Ok(None),
            4 => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        let mut body = vec![0_u8; u32::from_le_bytes(length) as usize];
        let read = rustix::io::read(&input, &mut body[..])?;
        let malformed = || io::Error::from(io::ErrorKind::InvalidData);
        Self::decode(&body[..read]).map(Some).ok_or_else(malformed)
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let bytes = &mut body;
        let kind = usize::from(take_u8(bytes)?);
        let (_, kind) = *Kind::WEIGHTS.get(kind)?;
        let id =
            |bytes: &mut &[u8]| take_u32(bytes).map(|id| Some(id).filter(|id| *id != UNCHANGED));
        let capability = |bytes: &mut &[u8]| Capability::from_number(take_u8(bytes)?);
        let operation = match kind {
            Kind::Execve | Kind::ExecveScript => {
                let directory = take_u32(bytes)? as i32;
                let path = CString::new(take_bytes(bytes)?).ok()?;
                return Some(Self::Execve { directory, path });
            }
            Kind::EnterUserNamespace => {
                return Some(Self::EnterUserNamespace(take_u32(bytes)? as i32));
            }
            Kind::CapbsetDrop => Operation::CapbsetDrop(capability(bytes)?),
            Kind::AmbientRaise => Operation::AmbientRaise(capability(bytes)?),
            Kind::AmbientLower => Operation::AmbientLower(capability(bytes)?),
            Kind::AmbientClear => Operation::AmbientClear,
            Kind::SetSecurebits => {
                Operation::SetSecurebits(Securebits::from_bits(take_u32(bytes)?))
            }
            Kind::SetKeepCaps => Operation::SetKeepCaps(take_u8(bytes)? != 0),
            Kind::SetNoNewPrivs => Operation::SetNoNewPrivs,
            Kind::Setuid => Operation::Setuid(take_u32(bytes)?),
            Kind::Setfsuid => Operation::Setfsuid(take_u32(bytes)?),
            Kind::Setgid => Operation::Setgid(take_u32(bytes)?),
            Kind::Setfsgid => Operation::Setfsgid(take_u32(bytes)?),
            Kind::Setreuid | Kind::Setregid => {
                let pair = PairRequest { real: id(bytes)?, effective: id(bytes)? };
                let user = matches!(kind, Kind::Setreuid);
                if user { Operation::Setreuid(pair) } else { Operation::Setregid(pair) }
            }
            Kind::Setresuid | Kind::Setresgid => {
                let ids = IdRequest { real: id(bytes)?, effective: id(bytes)?, saved: id(bytes)? };
                let user = matches!(kind, Kind::Setresuid);
                if user { Operation::Setresuid(ids) } else { Operation::Setresgid(ids) }
            }
            Kind::Setgroups => Operation::Setgroups(
                (0..take_u32(bytes)?).map(|_| take_u32(bytes)).collect::<Option<_>>()?,
            ),
            Kind::Capset => {
                let header = CapsetHeader { version: take_u32(bytes)?, own: take_u8(bytes)? != 0 };
                let request = CapsetRequest {
                    effective: take_set(bytes)?,
                    permitted: take_set(bytes)?,
                    inheritable: take_set(bytes)?,
                };
                Operation::Capset(header, request)
            }
            Kind::UnshareUserNamespace => Operation::UnshareUserNamespace,
            Kind::WriteUidMap | Kind::WriteGidMap => {
                let extent = (take_u32(bytes)?, take_u32(bytes)?, take_u32(bytes)?);
                let user = matches!(kind, Kind::WriteUidMap);
                if user { Operation::WriteUidMap(extent) } else { Operation::WriteGidMap(extent) }
            }
            Kind::DenySetgroups => Operation::DenySetgroups,
            Kind::TraceMe => Operation::TraceMe,
        };
        Some(Self::Operation(operation))
    }
}

/// The place in the list of kinds is the tag.
fn put_kind(bytes: &mut Vec<u8>, kind: Kind) {
    let index = Kind::WEIGHTS.iter().position(|(_, it)| *it == kind);
    bytes.push(index.unwrap_or_default() as u8);
}

fn put_operation(bytes: &mut Vec<u8>, operation: &Operation) {
    put_kind(bytes, operation.kind());
    let put_ids = |bytes: &mut Vec<u8>, ids: &[Option<u32>]| {
        ids.iter().for_each(|id| put_u32(bytes, id.unwrap_or(UNCHANGED)));
    };
    match operation {
        Operation::CapbsetDrop(capability)
        | Operation::AmbientRaise(capability)
        | Operation::AmbientLower(capability) => bytes.push(capability.number()),
        Operation::SetSecurebits(securebits) => put_u32(bytes, securebits.bits()),
        Operation::SetKeepCaps(keep) => bytes.push(u8::from(*keep)),
        Operation::Setuid(id)
        | Operation::Setfsuid(id)
        | Operation::Setgid(id)
        | Operation::Setfsgid(id) => put_u32(bytes, *id),
        Operation::Setreuid(pair) | Operation::Setregid(pair) => {
            put_ids(bytes, &[pair.real, pair.effective]);
        }
        Operation::Setresuid(ids) | Operation::Setresgid(ids) => {
            put_ids(bytes, &[ids.real, ids.effective, ids.saved]);
        }
        Operation::Setgroups(groups) => {
            put_u32(bytes, groups.len() as u32);
            groups.iter().for_each(|group| put_u32(bytes, *group));
        }
        Operation::Capset(header, request) => {
            put_u32(bytes, header.version);
            bytes.push(u8::from(header.own));
            for set in [request.effective, request.permitted, request.inheritable] {
                put_set(bytes, set);
            }
        }
        Operation::WriteUidMap((inside, outer, count))
        | Operation::WriteGidMap((inside, outer, count)) => {
            [inside, outer, count].into_iter().for_each(|number| put_u32(bytes, *number));
        }
        Operation::AmbientClear
        | Operation::DenySetgroups
        | Operation::SetNoNewPrivs
        | Operation::UnshareUserNamespace
        | Operation::TraceMe
        // These two are orders of their own.
        | Operation::Execve(_)
        | Operation::EnterUserNamespace(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use dropcap_capability::CapabilitySet;

    fn orders() -> Vec<Order> {
        let request = CapsetRequest {
            effective: CapabilitySet::from_bits(1 << 40),
            permitted: CapabilitySet::from_bits(u64::MAX),
            inheritable: CapabilitySet::EMPTY,
        };
        let pair = PairRequest { real: Some(7), effective: None };
        let ids = IdRequest { real: None, effective: Some(0), saved: Some(1000) };
        let header = CapsetHeader { version: CapsetHeader::VERSION_1, own: false };
        let operations = [
            Operation::CapbsetDrop(Capability::SETPCAP),
            Operation::AmbientRaise(Capability::CHOWN),
            Operation::AmbientLower(Capability::BPF),
            Operation::AmbientClear,
            Operation::SetSecurebits(Securebits::from_bits(0x123)),
            Operation::SetKeepCaps(true),
            Operation::SetNoNewPrivs,
            Operation::Setuid(u32::MAX),
            Operation::Setreuid(pair),
            Operation::Setresuid(ids),
            Operation::Setfsuid(3),
            Operation::Setgid(4),
            Operation::Setregid(pair),
            Operation::Setresgid(ids),
            Operation::Setfsgid(5),
            Operation::Setgroups(vec![4, 24]),
            Operation::Capset(header, request),
            Operation::UnshareUserNamespace,
            Operation::WriteUidMap((0, 1000, 1)),
            Operation::WriteGidMap((0, u32::MAX, 2)),
            Operation::DenySetgroups,
            Operation::TraceMe,
        ];
        let path = c"plain/0/program".to_owned();
        let others = [Order::Execve { directory: -100, path }, Order::EnterUserNamespace(12)];
        operations.into_iter().map(Order::Operation).chain(others).collect()
    }

    #[test]
    fn every_order_is_understood() {
        let orders = orders();
        assert_eq!(orders.len(), Kind::WEIGHTS.len() - 1, "a script is executed like a program");
        for order in orders {
            let bytes = order.encode();
            assert_eq!(Order::decode(&bytes[4..]).as_ref(), Some(&order));
            assert_ne!(Order::decode(&bytes[4..bytes.len() - 1]).as_ref(), Some(&order));
        }
    }
}
