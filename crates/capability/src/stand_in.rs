//! Capabilities that some of the kernel's checks accept in place of another.

use crate::{Capability, Kernel};

/// A row of the table.
struct StandIn {
    /// What the check is named after.
    asked_for: Capability,
    /// What it accepts too.
    accepted: Capability,
    /// The first kernel that accepts it no more, if there is one.
    gone_in: Option<Kernel>,
}

/// Where a check asks for one capability and takes another as well.
///
/// Sources: `perfmon_capable`, `bpf_capable` and `checkpoint_restore_ns_capable` of
/// `include/linux/capability.h`; `generic_permission` of `fs/namei.c`, which asks for
/// CAP_DAC_READ_SEARCH before CAP_DAC_OVERRIDE where something is read; `check_syslog_permissions` of
/// `kernel/printk/printk.c`, which fell back to CAP_SYS_ADMIN in 6.1 and does not in 6.12 (the kernels
/// between were not looked at, and count as the older ones).
const TABLE: [StandIn; 5] = [
    StandIn {
        asked_for: Capability::DAC_READ_SEARCH,
        accepted: Capability::DAC_OVERRIDE,
        gone_in: None,
    },
    StandIn {
        asked_for: Capability::SYSLOG,
        accepted: Capability::SYS_ADMIN,
        gone_in: Some(Kernel::new(6, 12)),
    },
    StandIn { asked_for: Capability::PERFMON, accepted: Capability::SYS_ADMIN, gone_in: None },
    StandIn { asked_for: Capability::BPF, accepted: Capability::SYS_ADMIN, gone_in: None },
    StandIn {
        asked_for: Capability::CHECKPOINT_RESTORE,
        accepted: Capability::SYS_ADMIN,
        gone_in: None,
    },
];

impl Capability {
    /// The capabilities that this kernel's checks for this one accept too.
    pub fn stand_ins(self, kernel: Kernel) -> impl Iterator<Item = Self> {
        TABLE
            .iter()
            .filter(move |row| {
                row.asked_for == self && row.gone_in.is_none_or(|gone_in| kernel < gone_in)
            })
            .map(|row| row.accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sys_admin_stands_in_for_syslog_on_older_kernels_alone() {
        let stand_ins = |minor| -> Vec<Capability> {
            Capability::SYSLOG.stand_ins(Kernel::new(6, minor)).collect()
        };
        assert_eq!(stand_ins(1), [Capability::SYS_ADMIN]);
        assert_eq!(stand_ins(12), []);
    }
}
