//! Capabilities that some of the kernel's checks accept in place of another.

use crate::{Capability, CapabilitySet, Kernel};
use std::cmp::Reverse;

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

    /// What some kernel's checks take this one for: with it, a process that needs one of those may work
    /// without.
    ///
    /// ```
    /// use dropcap_capability::{Capability, CapabilitySet};
    /// let lesser = Capability::DAC_OVERRIDE.stands_in_for();
    /// assert_eq!(lesser, CapabilitySet::from(Capability::DAC_READ_SEARCH));
    /// ```
    pub fn stands_in_for(self) -> CapabilitySet {
        TABLE.iter().filter(|row| row.accepted == self).map(|row| row.asked_for).collect()
    }
}

impl CapabilitySet {
    /// Its members from the riskiest to the least: by what they are worth to an attacker, and what
    /// can stand in for another before that other.
    ///
    /// ```
    /// use dropcap_capability::CapabilitySet;
    /// let set: CapabilitySet = "NET_BIND_SERVICE,DAC_READ_SEARCH,DAC_OVERRIDE".parse()?;
    /// let names: Vec<String> = set.riskiest_first().iter().map(ToString::to_string).collect();
    /// assert_eq!(names, ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_NET_BIND_SERVICE"]);
    /// # Ok::<(), dropcap_capability::CapabilityTextError>(())
    /// ```
    pub fn riskiest_first(self) -> Vec<Capability> {
        let mut members: Vec<Capability> = self.iter().collect();
        members.sort_by_key(|one| (Reverse(one.tier()), Reverse(one.stands_in_for().len())));
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_for_another_comes_before_it() {
        let order = CapabilitySet::KNOWN.riskiest_first();
        assert_eq!(order.len(), Capability::KNOWN.len());
        let place = |capability| order.iter().position(|one| *one == capability);
        for row in &TABLE {
            assert!(place(row.accepted) < place(row.asked_for), "{}", row.asked_for);
        }
    }

    #[test]
    fn sys_admin_stands_in_for_syslog_on_older_kernels_alone() {
        let stand_ins = |minor| -> Vec<Capability> {
            Capability::SYSLOG.stand_ins(Kernel::new(6, minor)).collect()
        };
        assert_eq!(stand_ins(1), [Capability::SYS_ADMIN]);
        assert_eq!(stand_ins(12), []);
    }
}
