//! What a case's process tells its worker, through a pipe that survives execve.

use crate::bytes::{put_bytes, put_set, put_u32, take_bytes, take_set, take_u8, take_u32};
use dropcap_capability::{Credentials, Ids, Securebits};

/// One thing told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// The state could not be made: the step that failed, and the errno.
    Skipped { step: String, errno: i32 },
    /// The state that was made.
    Start { credentials: Credentials },
    /// What an operation made of it, and its errno if it failed.
    Outcome { errno: i32, credentials: Credentials },
}

const SKIPPED: u8 = b'K';
const START: u8 = b'S';
const OUTCOME: u8 = b'O';

impl Message {
    /// As bytes: a tag and the fields.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        match self {
            Self::Skipped { step, errno } => {
                bytes.push(SKIPPED);
                put_bytes(&mut bytes, step.as_bytes());
                put_u32(&mut bytes, *errno as u32);
            }
            Self::Start { credentials } => {
                bytes.push(START);
                put_credentials(&mut bytes, credentials);
            }
            Self::Outcome { errno, credentials } => {
                bytes.push(OUTCOME);
                put_u32(&mut bytes, *errno as u32);
                put_credentials(&mut bytes, credentials);
            }
        }
        bytes
    }

    /// Every message in `bytes`; `None` if they are not whole.
    pub(crate) fn decode_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut messages = Vec::new();
        while let Some(tag) = take_u8(&mut bytes) {
            messages.push(Self::decode(tag, &mut bytes)?);
        }
        Some(messages)
    }

    fn decode(tag: u8, bytes: &mut &[u8]) -> Option<Self> {
        match tag {
            SKIPPED => {
                let step = String::from_utf8(take_bytes(bytes)?.to_vec()).ok()?;
                Some(Self::Skipped { step, errno: take_u32(bytes)? as i32 })
            }
            START => Some(Self::Start { credentials: take_credentials(bytes)? }),
            OUTCOME => {
                let errno = take_u32(bytes)? as i32;
                Some(Self::Outcome { errno, credentials: take_credentials(bytes)? })
            }
            _ => None,
        }
    }
}

fn put_credentials(bytes: &mut Vec<u8>, credentials: &Credentials) {
    for ids in [credentials.uid, credentials.gid] {
        for id in [ids.real, ids.effective, ids.saved, ids.filesystem] {
            put_u32(bytes, id);
        }
    }
    for set in [
        credentials.effective,
        credentials.permitted,
        credentials.inheritable,
        credentials.bounding,
        credentials.ambient,
    ] {
        put_set(bytes, set);
    }
    put_u32(bytes, credentials.securebits.bits());
    bytes.push(u8::from(credentials.no_new_privs));
    put_u32(bytes, credentials.groups.len() as u32);
    for group in &credentials.groups {
        put_u32(bytes, *group);
    }
}

fn take_ids(bytes: &mut &[u8]) -> Option<Ids> {
    Some(Ids {
        real: take_u32(bytes)?,
        effective: take_u32(bytes)?,
        saved: take_u32(bytes)?,
        filesystem: take_u32(bytes)?,
    })
}

fn take_credentials(bytes: &mut &[u8]) -> Option<Credentials> {
    Some(Credentials {
        uid: take_ids(bytes)?,
        gid: take_ids(bytes)?,
        effective: take_set(bytes)?,
        permitted: take_set(bytes)?,
        inheritable: take_set(bytes)?,
        bounding: take_set(bytes)?,
        ambient: take_set(bytes)?,
        securebits: Securebits::from_bits(take_u32(bytes)?),
        no_new_privs: take_u8(bytes)? != 0,
        groups: (0..take_u32(bytes)?).map(|_| take_u32(bytes)).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use dropcap_capability::CapabilitySet;

    #[test]
    fn what_is_told_is_understood() {
        let credentials = Credentials {
            groups: vec![4, 24],
            uid: Ids { real: 1, effective: 2, saved: 3, filesystem: 4 },
            ambient: CapabilitySet::from_bits(1 << 40),
            ..Credentials::unprivileged(1000, CapabilitySet::KNOWN)
        };
        let told = vec![
            Message::Start { credentials: credentials.clone() },
            Message::Outcome { errno: 13, credentials },
            Message::Skipped { step: "capset".to_owned(), errno: 1 },
        ];
        let bytes: Vec<u8> = told.iter().flat_map(Message::encode).collect();
        assert_eq!(Message::decode_all(&bytes).unwrap(), told);
        assert_eq!(Message::decode_all(&bytes[..bytes.len() - 1]), None);
    }
}
