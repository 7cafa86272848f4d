//! `CAP_LEASE`: taking leases on the files of others.
//!
//! # The attempt
//! `fcntl(F_SETLEASE, F_RDLCK)` on a directory of /proc that belongs to another user. `vfs_setlease`
//! (6.1: `generic_setlease`) asks `capable(CAP_LEASE)` of everybody but the owner: EACCES without.
//! Then it refuses what is no regular file: EINVAL.
//!
//! Kernels after 6.18 (7.2 for one) refuse a directory of /proc before they ask, and ask for a file
//! of /proc before they refuse it, since /proc takes no part in leases any more. So there it is a file
//! of another user's; both answers are the same.
//!
//! # Why it is safe
//! Neither can have a lease, and so nobody is kept waiting by one. (A file of /proc could on an older
//! kernel; nobody writes to those that are taken.)

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::scene::NOTHING_FOREIGN;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::{Capability, Kernel};
use rustix::fs::{Mode, OFlags, open};
use std::os::fd::AsFd;
use std::path::Path;

const TEXT: &str = "fcntl(a file of another user, F_SETLEASE, F_RDLCK)";

pub(super) const DOOR: Door = Door {
    name: "CAP_LEASE",
    gain: Gain::Files,
    lets: "hold up whoever opens a file",
    kind: Kind::Capability(Capability::LEASE, prepare),
};

/// The last kernel that asks for a directory of /proc.
const ASKS_FOR_DIRECTORIES: Kernel = Kernel::new(6, 18);

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let directory =
        scene.foreign_directory().ok_or_else(|| Obstacle::new(TEXT, NOTHING_FOREIGN))?;
    let path = if scene.environment.kernel <= ASKS_FOR_DIRECTORIES {
        directory
    } else if directory == Path::new("/proc") {
        directory.join("version")
    } else {
        directory.join("stat")
    };
    let text = format!("fcntl({}, F_SETLEASE, F_RDLCK)", path.display());
    Ok(Trial::after_others(text, (Answer::EACCES, Answer::EINVAL), Authority::Initial, move || {
        let file = before(open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))?;
        Ok(Answer::from(crate::untouched::lease(file.as_fd())))
    }))
}
