//! The doors: one file each, and the table that lists them.

mod cap_chown;
mod cap_dac_override;
mod cap_kill;
mod cap_mknod;
mod cap_net_admin;
mod cap_net_bind_service;
mod cap_net_raw;
mod cap_setgid;
mod cap_setpcap;
mod cap_setuid;
mod cap_sys_admin;
mod cap_sys_chroot;
mod file_capability_exec;
mod inherited_descriptor;
mod root_writes_kernel_files;
mod setuid_exec;
mod user_namespace;

use crate::{Answer, Attempt, Scene};
use dropcap_capability::Capability;
use std::io;

/// What an open door is good for: the groups of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gain {
    /// Forging, reading and redirecting traffic.
    Network,
    /// Passing file permissions.
    Files,
    /// Leaving the root directory and the container.
    Confinement,
    /// Acting on, or as, somebody else.
    Others,
    /// Coming back to what was dropped.
    WayBack,
}

impl Gain {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] =
        [Self::Network, Self::Files, Self::Confinement, Self::Others, Self::WayBack];

    /// Its heading in the table.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Network => "the network",
            Self::Files => "files of others",
            Self::Confinement => "out of the root directory",
            Self::Others => "other processes and users",
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

/// One call, ready to be made.
pub(crate) struct Trial {
    /// The call, for people.
    pub text: String,
    /// What the kernel answers to whoever lacks the capability.
    pub denied: Answer,
    /// What it answers to whoever holds it.
    pub allowed: Answer,
    /// In which user namespace it asks for the capability.
    pub authority: Authority,
    /// Why everybody is let through here, if that is so.
    pub ungated: Option<String>,
    /// The call; it is made in a child.
    pub call: Box<dyn FnOnce() -> io::Result<()>>,
    /// What the parent does afterwards, whatever became of the child.
    pub clean_up: Option<Box<dyn FnOnce()>>,
}

/// Why a call cannot be made here.
pub(crate) struct Obstacle {
    /// The call, for people.
    pub text: &'static str,
    /// The reason.
    pub reason: String,
}

/// The user namespace over which a capability has to be held for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The process's own (`ns_capable(current_user_ns())`, `capable_wrt_inode_uidgid`).
    Own,
    /// The one that owns its network namespace.
    Network,
    /// The one that owns its UTS namespace.
    Uts,
    /// The initial one (`capable`).
    Initial,
}

/// Every door, the four that dropcap began with first.
pub const DOORS: &[Door] = &[
    cap_net_raw::DOOR,
    cap_dac_override::DOOR,
    cap_sys_chroot::DOOR,
    cap_kill::DOOR,
    cap_setuid::DOOR,
    cap_setgid::DOOR,
    cap_setpcap::DOOR,
    cap_mknod::DOOR,
    cap_chown::DOOR,
    cap_net_bind_service::DOOR,
    cap_sys_admin::DOOR,
    cap_net_admin::DOOR,
    setuid_exec::DOOR,
    file_capability_exec::DOOR,
    user_namespace::DOOR,
    root_writes_kernel_files::DOOR,
    inherited_descriptor::DOOR,
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
