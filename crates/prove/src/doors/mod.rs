//! The doors: one file each, and the table that lists them.

mod cap_audit_control;
mod cap_audit_read;
mod cap_audit_write;
mod cap_block_suspend;
mod cap_bpf;
mod cap_checkpoint_restore;
mod cap_chown;
mod cap_dac_override;
mod cap_dac_read_search;
mod cap_fowner;
mod cap_fsetid;
mod cap_ipc_lock;
mod cap_ipc_owner;
mod cap_kill;
mod cap_lease;
mod cap_linux_immutable;
mod cap_mac_admin;
mod cap_mac_override;
mod cap_mknod;
mod cap_net_admin;
mod cap_net_bind_service;
mod cap_net_broadcast;
mod cap_net_raw;
mod cap_perfmon;
mod cap_setfcap;
mod cap_setgid;
mod cap_setpcap;
mod cap_setuid;
mod cap_sys_admin;
mod cap_sys_boot;
mod cap_sys_chroot;
mod cap_sys_module;
mod cap_sys_nice;
mod cap_sys_pacct;
mod cap_sys_ptrace;
mod cap_sys_rawio;
mod cap_sys_resource;
mod cap_sys_time;
mod cap_sys_tty_config;
mod cap_syslog;
mod cap_wake_alarm;
mod devices;
mod engine_socket;
mod file_capability_exec;
mod inherited_descriptor;
mod ptrace_neighbour;
mod root_writes_kernel_files;
mod setuid_exec;
mod setuid_plant;
mod user_namespace;

use crate::trial::{Obstacle, Trial};
use crate::{Attempt, Scene};
use dropcap_capability::Capability;

/// What an open door is good for: the groups of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gain {
    /// Forging, reading and redirecting traffic.
    Network,
    /// Passing file permissions.
    Files,
    /// Leaving the root directory, the container, the kernel's confinement.
    Confinement,
    /// Acting on, or as, somebody else.
    Others,
    /// The machine as a whole: its clock, its logs, its limits.
    Machine,
    /// Coming back to what was dropped.
    WayBack,
}

impl Gain {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Network, Self::Files, Self::Confinement, Self::Others, Self::Machine, Self::WayBack];

    /// Its heading in the table.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Network => "the network",
            Self::Files => "files of others",
            Self::Confinement => "out of the container",
            Self::Others => "other processes and users",
            Self::Machine => "the machine and its logs",
            Self::WayBack => "ways back",
        }
    }
}

/// One way to a privilege.
pub struct Door {
    /// Its name: a capability's, or its own.
    pub name: &'static str,
    /// What it is good for.
    pub gain: Gain,
    /// What an open one lets a process do, as the end of "A process here can …".
    pub lets: &'static str,
    pub(crate) kind: Kind,
}

/// How a door is tried.
pub(crate) enum Kind {
    /// One call that the kernel answers by looking for one capability.
    Capability(Capability, fn(&Scene) -> Result<Trial, Obstacle>),
    /// Anything else; it judges itself.
    Own(fn(&Door, &Scene) -> Attempt),
}

/// Every door: the four that dropcap began with, the other capabilities by what they are worth to an
/// attacker, and then what is no capability, likewise.
pub const DOORS: &[Door] = &[
    cap_net_raw::DOOR,
    cap_dac_override::DOOR,
    cap_sys_chroot::DOOR,
    cap_kill::DOOR,
    cap_sys_admin::DOOR,
    cap_sys_module::DOOR,
    cap_sys_ptrace::DOOR,
    cap_sys_rawio::DOOR,
    cap_bpf::DOOR,
    cap_dac_read_search::DOOR,
    cap_setuid::DOOR,
    cap_setfcap::DOOR,
    cap_chown::DOOR,
    cap_fowner::DOOR,
    cap_fsetid::DOOR,
    cap_mknod::DOOR,
    cap_setgid::DOOR,
    cap_setpcap::DOOR,
    cap_net_admin::DOOR,
    cap_sys_boot::DOOR,
    cap_checkpoint_restore::DOOR,
    cap_perfmon::DOOR,
    cap_ipc_owner::DOOR,
    cap_mac_admin::DOOR,
    cap_mac_override::DOOR,
    cap_syslog::DOOR,
    cap_sys_time::DOOR,
    cap_audit_control::DOOR,
    cap_audit_read::DOOR,
    cap_audit_write::DOOR,
    cap_sys_resource::DOOR,
    cap_sys_nice::DOOR,
    cap_linux_immutable::DOOR,
    cap_lease::DOOR,
    cap_sys_pacct::DOOR,
    cap_sys_tty_config::DOOR,
    cap_ipc_lock::DOOR,
    cap_wake_alarm::DOOR,
    cap_block_suspend::DOOR,
    cap_net_bind_service::DOOR,
    cap_net_broadcast::DOOR,
    setuid_exec::DOOR,
    file_capability_exec::DOOR,
    user_namespace::DOOR,
    root_writes_kernel_files::DOOR,
    setuid_plant::DOOR,
    inherited_descriptor::DOOR,
    engine_socket::DOOR,
    ptrace_neighbour::DOOR,
    devices::DOOR,
];

impl Door {
    /// Tries it from where this process stands.
    pub fn attempt(&self, scene: &Scene) -> Attempt {
        match self.kind {
            Kind::Capability(capability, prepare) => {
                crate::judge::capability(self, capability, prepare(scene), scene)
            }
            Kind::Own(attempt) => attempt(self, scene),
        }
    }

    /// The capability that it is named after, if it is one.
    pub fn capability(&self) -> Option<Capability> {
        match self.kind {
            Kind::Capability(capability, _) => Some(capability),
            Kind::Own(_) => None,
        }
    }

    /// The door with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        DOORS.iter().find(|door| door.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_capability_has_its_door_and_every_door_its_name() {
        let of = |capability: &Capability| {
            DOORS.iter().any(|door| {
                door.capability() == Some(*capability) && Some(door.name) == capability.name()
            })
        };
        let without: Vec<&Capability> =
            Capability::KNOWN.iter().filter(|capability| !of(capability)).collect();
        assert!(without.is_empty(), "{without:?}");
        let names: HashSet<&str> = DOORS.iter().map(|door| door.name).collect();
        assert_eq!(names.len(), DOORS.len());
    }

    #[test]
    fn the_four_that_dropcap_began_with_come_first_in_their_groups() {
        let first = |gain: Gain| DOORS.iter().find(|door| door.gain == gain).map(|door| door.name);
        let firsts = Gain::ALL.map(first);
        let seed = ["CAP_NET_RAW", "CAP_DAC_OVERRIDE", "CAP_SYS_CHROOT", "CAP_KILL"];
        assert_eq!(firsts[..4], seed.map(Some));
    }
}
