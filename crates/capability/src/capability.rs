//! The table of capabilities: the one list of them in dropcap.

use crate::Kernel;
use std::fmt;

/// How much a capability is worth to somebody who should not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Bears on little outside the process itself, or is checked by no current kernel.
    Low,
    /// Bypasses one permission check inside the container, or disturbs its neighbours.
    Moderate,
    /// Crafts, reads or redirects what goes over the network.
    Network,
    /// Leads to every other capability, or to the host, in one or two known steps.
    RootEquivalent,
}

/// One capability, by its number; `CAP_CHOWN` is 0.
///
/// A kernel newer than this table may have more, up to bit 63: they are carried and shown as their
/// number. Source: `include/uapi/linux/capability.h`, capabilities(7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(u8);

/// A row of the table.
struct Row {
    name: &'static str,
    since: Kernel,
    tier: Tier,
    opens: &'static str,
}

macro_rules! capabilities {
    ($($number:literal $constant:ident $name:literal since ($major:literal, $minor:literal) $tier:ident $opens:literal;)*) => {
        impl Capability {
            $(#[doc = concat!("`", $name, "`: ", $opens)]
            pub const $constant: Self = Self($number);)*

            /// Every capability of the table, in the order of their numbers.
            pub const KNOWN: &'static [Self] = &[$(Self($number)),*];
        }

        /// Indexed by number; the test `numbers_are_positions` holds the two together.
        const TABLE: &[Row] = &[$(Row {
            name: $name,
            since: Kernel::new($major, $minor),
            tier: Tier::$tier,
            opens: $opens,
        }),*];
    };
}

capabilities! {
    0 CHOWN "CAP_CHOWN" since (2, 2) Moderate "give any file to any user or group";
    1 DAC_OVERRIDE "CAP_DAC_OVERRIDE" since (2, 2) RootEquivalent "read, write and execute any file whatever its permissions";
    2 DAC_READ_SEARCH "CAP_DAC_READ_SEARCH" since (2, 2) RootEquivalent "read any file, and open files by handle past a mount namespace";
    3 FOWNER "CAP_FOWNER" since (2, 2) Moderate "act as the owner of any file: change its mode, even to setuid";
    4 FSETID "CAP_FSETID" since (2, 2) Moderate "keep setuid and setgid bits on a file that is written to";
    5 KILL "CAP_KILL" since (2, 2) Moderate "signal any process in sight";
    6 SETGID "CAP_SETGID" since (2, 2) Moderate "become any group, and set any supplementary groups";
    7 SETUID "CAP_SETUID" since (2, 2) RootEquivalent "become any user, root included";
    8 SETPCAP "CAP_SETPCAP" since (2, 2) Moderate "pass on anything in the bounding set, and change the securebits";
    9 LINUX_IMMUTABLE "CAP_LINUX_IMMUTABLE" since (2, 2) Low "make files immutable or append-only, or undo it";
    10 NET_BIND_SERVICE "CAP_NET_BIND_SERVICE" since (2, 2) Low "listen on ports below 1024";
    11 NET_BROADCAST "CAP_NET_BROADCAST" since (2, 2) Low "receive the network events of other network namespaces by netlink";
    12 NET_ADMIN "CAP_NET_ADMIN" since (2, 2) Network "change interfaces, routes, firewall and traffic of the network namespace";
    13 NET_RAW "CAP_NET_RAW" since (2, 2) Network "send forged packets and read the traffic of others: ARP spoofing, sniffing";
    14 IPC_LOCK "CAP_IPC_LOCK" since (2, 2) Low "lock memory without limit";
    15 IPC_OWNER "CAP_IPC_OWNER" since (2, 2) Moderate "use any System V IPC object whatever its permissions";
    16 SYS_MODULE "CAP_SYS_MODULE" since (2, 2) RootEquivalent "load code into the kernel";
    17 SYS_RAWIO "CAP_SYS_RAWIO" since (2, 2) RootEquivalent "reach I/O ports and raw memory of the host";
    18 SYS_CHROOT "CAP_SYS_CHROOT" since (2, 2) Moderate "chroot and enter mount namespaces: the classic way out of a chroot";
    19 SYS_PTRACE "CAP_SYS_PTRACE" since (2, 2) RootEquivalent "read, change and steer any process in sight";
    20 SYS_PACCT "CAP_SYS_PACCT" since (2, 2) Low "switch process accounting on or off";
    21 SYS_ADMIN "CAP_SYS_ADMIN" since (2, 2) RootEquivalent "mount, enter namespaces, and much else: the new root";
    22 SYS_BOOT "CAP_SYS_BOOT" since (2, 2) RootEquivalent "reboot, or load another kernel";
    23 SYS_NICE "CAP_SYS_NICE" since (2, 2) Low "raise the priority of any process";
    24 SYS_RESOURCE "CAP_SYS_RESOURCE" since (2, 2) Moderate "pass resource limits and quotas";
    25 SYS_TIME "CAP_SYS_TIME" since (2, 2) Moderate "set the clock of the host";
    26 SYS_TTY_CONFIG "CAP_SYS_TTY_CONFIG" since (2, 2) Low "hang up and configure terminals";
    27 MKNOD "CAP_MKNOD" since (2, 4) Moderate "make device nodes";
    28 LEASE "CAP_LEASE" since (2, 4) Low "take a lease on any file";
    29 AUDIT_WRITE "CAP_AUDIT_WRITE" since (2, 6) Low "write records into the host's audit log";
    30 AUDIT_CONTROL "CAP_AUDIT_CONTROL" since (2, 6) Moderate "switch the audit subsystem and its rules";
    31 SETFCAP "CAP_SETFCAP" since (2, 6) RootEquivalent "put file capabilities on any file";
    32 MAC_OVERRIDE "CAP_MAC_OVERRIDE" since (2, 6) Moderate "pass mandatory access control (Smack)";
    33 MAC_ADMIN "CAP_MAC_ADMIN" since (2, 6) RootEquivalent "change the policy of mandatory access control";
    34 SYSLOG "CAP_SYSLOG" since (2, 6) Moderate "read the kernel's log and addresses";
    35 WAKE_ALARM "CAP_WAKE_ALARM" since (3, 0) Low "set timers that wake the machine";
    36 BLOCK_SUSPEND "CAP_BLOCK_SUSPEND" since (3, 5) Low "keep the machine from suspending";
    37 AUDIT_READ "CAP_AUDIT_READ" since (3, 16) Moderate "read the audit log";
    38 PERFMON "CAP_PERFMON" since (5, 8) Moderate "observe the kernel and every process by perf events";
    39 BPF "CAP_BPF" since (5, 8) RootEquivalent "load BPF programs and read kernel memory with them";
    40 CHECKPOINT_RESTORE "CAP_CHECKPOINT_RESTORE" since (5, 9) Moderate "choose process ids and read other processes' map files";
}

impl Capability {
    /// How many bits a capability set has room for; capget(2) carries two 32-bit words.
    pub const MAX_BITS: u8 = 64;

    /// The capability with this number, also where the table ends earlier; `None` from 64 on.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number < Self::MAX_BITS { Some(Self(number)) } else { None }
    }

    /// Its number: the bit in a set, and the argument of `PR_CAPBSET_DROP`.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its name, `CAP_…`; `None` beyond the table.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// The first kernel that had it; `None` beyond the table.
    pub fn since(self) -> Option<Kernel> {
        self.row().map(|row| row.since)
    }

    /// What it is worth to an attacker; one beyond the table counts as [`Tier::RootEquivalent`],
    /// since nothing is known of it.
    pub fn tier(self) -> Tier {
        self.row().map_or(Tier::RootEquivalent, |row| row.tier)
    }

    /// What it opens, as the end of the sentence "A process that holds it can …".
    pub fn opens(self) -> &'static str {
        self.row().map_or("do what a newer kernel than dropcap knows has it for", |row| row.opens)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(usize::from(self.0))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&self.0.to_string()),
        }
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        assert_eq!(Capability::KNOWN.len(), 41);
        for (position, capability) in Capability::KNOWN.iter().enumerate() {
            assert_eq!(usize::from(capability.number()), position, "{capability}");
        }
    }

    #[test]
    fn beyond_the_table_a_capability_is_its_number() {
        let future = Capability::from_number(41).expect("below 64");
        assert_eq!(future.to_string(), "41");
        assert_eq!(future.name(), None);
        assert_eq!(future.tier(), Tier::RootEquivalent);
        assert_eq!(Capability::from_number(64), None);
    }
}
