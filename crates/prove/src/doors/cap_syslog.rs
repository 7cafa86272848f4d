//! `CAP_SYSLOG`: reading the kernel's log and addresses.
//!
//! # The attempt
//! `syslog(SYSLOG_ACTION_SIZE_UNREAD)`, which `syslog_action_restricted` restricts whatever the
//! sysctl `kernel.dmesg_restrict` says. `check_syslog_permissions` asks `capable(CAP_SYSLOG)`: EPERM
//! without. 6.1 falls back to CAP_SYS_ADMIN.
//!
//! # Why it is safe
//! It tells how many bytes are unread, and reads none. On a kernel that falls back to CAP_SYS_ADMIN,
//! the first call by that alone since the machine started leaves one line in the kernel's log
//! (`pr_warn_once`).

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYSLOG",
    gain: Gain::Machine,
    lets: "read the kernel's log and addresses",
    kind: Kind::Capability(Capability::SYSLOG, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::Success);
    let call = || crate::untouched::unread_log();
    Ok(Trial::new("syslog(SIZE_UNREAD)", answers, Authority::Initial, call))
}
