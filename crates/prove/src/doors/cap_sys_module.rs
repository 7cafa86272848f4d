//! `CAP_SYS_MODULE`: loading code into the kernel.
//!
//! # The attempt
//! `init_module` of an image of no bytes. `may_init_module` asks `capable(CAP_SYS_MODULE)` and
//! whether modules are switched off (the sysctl `kernel.modules_disabled`): EPERM without. Then
//! `copy_module_from_user` compares the length with that of an ELF header: ENOEXEC. A kernel built
//! without modules answers ENOSYS.
//!
//! # Why it is safe
//! No image of no bytes is a module; it is refused before anything is read.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial, number};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_MODULE",
    gain: Gain::Confinement,
    lets: "load code into the kernel",
    kind: Kind::Capability(Capability::SYS_MODULE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::Errno(libc::ENOEXEC));
    let disabled = number("/proc/sys/kernel/modules_disabled") == Some(1);
    let blocked = disabled.then(|| "the sysctl kernel.modules_disabled is 1 here".to_owned());
    let call = crate::untouched::load_nothing;
    let text = "init_module(NULL, 0, \"\")";
    Ok(Trial::new(text, answers, Authority::Initial, call).blocked(blocked))
}
