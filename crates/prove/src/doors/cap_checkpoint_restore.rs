//! `CAP_CHECKPOINT_RESTORE`: choosing process ids, and reading what others have mapped.
//!
//! # The attempt
//! `open(O_PATH)` of an entry of its own in `/proc/self/map_files`, a mapped memfd. Looking the
//! entry up passes for one's own process; following it, `proc_map_files_get_link` asks
//! `checkpoint_restore_ns_capable` in the initial user namespace, which takes CAP_SYS_ADMIN too:
//! EPERM without.
//!
//! # Why it is safe
//! What is found is its own anonymous memory, and `O_PATH` does not open even that.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::untouched::Page;
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, OFlags, open};
use std::os::fd::AsFd;

const TEXT: &str = "open(/proc/self/map_files/…, O_PATH)";

pub(super) const DOOR: Door = Door {
    name: "CAP_CHECKPOINT_RESTORE",
    gain: Gain::Others,
    lets: "choose process ids and read what others have mapped",
    kind: Kind::Capability(Capability::CHECKPOINT_RESTORE, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    if !scene.has_proc {
        return Err(Obstacle::new(TEXT, "/proc is not mounted"));
    }
    let file = memory_file(TEXT)?;
    Ok(Trial::after_others(TEXT, (Answer::EPERM, Answer::Success), Authority::Initial, move || {
        let page = before(Page::map(file.as_fd()))?;
        let path = format!("/proc/self/map_files/{}", page.name());
        Ok(Answer::from(open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map(drop)))
    }))
}
