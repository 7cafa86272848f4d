//! `CAP_SETFCAP`: putting capabilities on files.
//!
//! # The attempt
//! `fsetxattr` of an empty `security.capability` of revision 2 on a memfd of its own.
//! `cap_convert_nscap` asks `capable_wrt_inode_uidgid(CAP_SETFCAP)`: EPERM without. Only then come
//! the security modules and the filesystem, which may lack such attributes (EOPNOTSUPP), or a user
//! namespace without a root (EINVAL). (`removexattr` is answered otherwise by each set of security
//! modules.)
//!
//! # Why it is safe
//! The file is anonymous memory that nobody else can name or execute, and an empty attribute gives
//! nothing.

use super::{Door, Gain, Kind};
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::{Capability, CapabilitySet, FileCapabilities, Revision};
use rustix::fs::{XattrFlags, fsetxattr};

const TEXT: &str = "fsetxattr(its own file, security.capability, none)";

pub(super) const DOOR: Door = Door {
    name: "CAP_SETFCAP",
    gain: Gain::Files,
    lets: "put any capability on a file",
    kind: Kind::Capability(Capability::SETFCAP, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let file = memory_file(TEXT)?;
    let nothing = FileCapabilities {
        permitted: CapabilitySet::EMPTY,
        inheritable: CapabilitySet::EMPTY,
        effective: false,
        revision: Revision::Two,
    };
    let bytes = nothing.encode().map_err(|error| Obstacle::new(TEXT, error.to_string()))?;
    let answers = (Answer::EPERM, Answer::Success);
    let trial = Trial::new(TEXT, answers, Authority::Own, move || {
        fsetxattr(&file, "security.capability", &bytes, XattrFlags::empty())
    });
    Ok(trial.or([Answer::EINVAL, Answer::Errno(libc::EOPNOTSUPP)]))
}
