//! `CAP_BPF`: loading programs into the kernel.
//!
//! # The attempt
//! `bpf(BPF_BTF_LOAD)` of types of no bytes. `bpf_btf_load` asks `bpf_capable`, which takes
//! CAP_SYS_ADMIN too, whatever the sysctl `kernel.unprivileged_bpf_disabled` says: EPERM without.
//! Then `btf_parse` finds no header: EINVAL.
//!
//! # Why it is safe
//! Types of no bytes are never accepted, and types are no program.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_BPF",
    gain: Gain::Confinement,
    lets: "load BPF programs into the kernel",
    kind: Kind::Capability(Capability::BPF, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::EINVAL);
    let call = crate::untouched::load_no_types;
    Ok(Trial::new("bpf(BPF_BTF_LOAD, 0 bytes)", answers, Authority::Initial, call))
}
