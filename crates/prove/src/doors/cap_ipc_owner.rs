//! `CAP_IPC_OWNER`: using any System V IPC object.
//!
//! # The attempt
//! A message queue with mode 0 is made, and `msgctl(IPC_STAT)` asks to read it. Its maker has no
//! bits either, so `ipcperms` comes to CAP_IPC_OWNER in the user namespace that owns the IPC
//! namespace: EACCES without.
//!
//! # Why it is safe
//! The queue has no key and no permissions, so that nobody else uses it. dropcap makes it before the
//! child and removes it after, which its maker may always do (`ipcctl_obtain_check`).

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::untouched::MessageQueue;
use crate::{Answer, Scene};
use dropcap_capability::Capability;

const TEXT: &str = "msgctl(its own queue of mode 0, IPC_STAT)";

pub(super) const DOOR: Door = Door {
    name: "CAP_IPC_OWNER",
    gain: Gain::Others,
    lets: "read and change any System V shared memory",
    kind: Kind::Capability(Capability::IPC_OWNER, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let queue = MessageQueue::make().map_err(Obstacle::failed(TEXT, "msgget"))?;
    let answers = (Answer::EACCES, Answer::Success);
    Ok(Trial::new(TEXT, answers, Authority::Ipc, move || queue.look()).cleaned_by(move || {
        // Its maker may always do that; there is nobody to tell should it be gone.
        let _ = queue.remove();
    }))
}
