//! `CAP_LEASE`: taking leases on the files of others.
//!
//! # The attempt
//! `fcntl(F_SETLEASE, F_RDLCK)` on a directory of /proc that belongs to another user. `vfs_setlease`
//! (6.1: `generic_setlease`) asks `capable(CAP_LEASE)` of everybody but the owner: EACCES without.
//! Then it refuses what is no regular file: EINVAL.
//!
//! Newer kernels than 6.18 (7.2 for one) give leases only where a filesystem asks for it, and /proc
//! does not: there everybody gets EINVAL before the capability is asked for, and the door is not
//! tried. Such a kernel is known by its answer for a file of /proc that is the process's own.
//!
//! # Why it is safe
//! A directory of /proc can have no lease, and so nobody is kept waiting by one. The lease on the
//! file of its own, which nobody writes, is gone with its descriptor at once.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::scene::NOTHING_FOREIGN;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, OFlags, open};
use std::os::fd::AsFd;

const TEXT: &str = "fcntl(a directory of another user, F_SETLEASE, F_RDLCK)";

pub(super) const DOOR: Door = Door {
    name: "CAP_LEASE",
    gain: Gain::Files,
    lets: "hold up whoever opens a file",
    kind: Kind::Capability(Capability::LEASE, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let directory =
        scene.foreign_directory().ok_or_else(|| Obstacle::new(TEXT, NOTHING_FOREIGN))?;
    if !proc_has_leases() {
        return Err(Obstacle::new(TEXT, "this kernel gives no leases on files of /proc"));
    }
    let text = format!("fcntl({}, F_SETLEASE, F_RDLCK)", directory.display());
    Ok(Trial::after_others(text, (Answer::EACCES, Answer::EINVAL), Authority::Initial, move || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = before(open(&directory, flags, Mode::empty()))?;
        Ok(Answer::from(crate::untouched::lease(directory.as_fd())))
    }))
}

/// Whether /proc takes part in leases at all; where that cannot be asked, the attempt tells.
fn proc_has_leases() -> bool {
    let Ok(own) = open("/proc/thread-self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    else {
        return true;
    };
    let refused = crate::untouched::lease(own.as_fd()).err();
    refused.and_then(|error| error.raw_os_error()) != Some(libc::EINVAL)
}
