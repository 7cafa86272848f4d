//! The engines' rules as one table: what each says, since when, where it was read and how it was
//! checked.

use crate::Version;
use dropcap_manifest::Engine;

/// How a rule was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The random test compares it with the real engine.
    Measured,
    /// The random test compares it where the daemon lacks a capability, as in a virtual machine or
    /// a container.
    MeasuredOnLimitedHost,
    /// Only read in the engine's source.
    Read,
}

impl Evidence {
    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::MeasuredOnLimitedHost => "measured where the daemon lacks a capability",
            Self::Read => "read",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its name, `engine/rule`.
    pub id: &'static str,
    /// Whose rule it is.
    pub engine: Engine,
    /// The first version that has it; `None`: all that are known.
    pub since: Option<Version>,
    /// The first version that no longer has it.
    pub until: Option<Version>,
    /// What it says.
    pub says: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// How it was checked.
    pub evidence: Evidence,
}

impl Row {
    /// Whether this version of the engine has the rule.
    pub fn applies(&self, version: Version) -> bool {
        self.since.is_none_or(|since| version >= since)
            && self.until.is_none_or(|until| version < until)
    }
}

macro_rules! rules {
    ($($rule:ident $id:literal $engine:ident $evidence:ident
       $(since ($($since:literal),+))? $(until ($($until:literal),+))?
       $says:literal [$source:literal];)+) => {
        /// The name of a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each row says itself what it means")]
        pub enum Rule { $($rule),+ }

        impl Rule {
            /// Every row.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// What the table says of it.
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$rule => Row {
                        id: $id,
                        engine: Engine::$engine,
                        since: rules!(@version $($($since),+)?),
                        until: rules!(@version $($($until),+)?),
                        says: $says,
                        source: $source,
                        evidence: Evidence::$evidence,
                    }),+
                }
            }
        }
    };
    (@version) => { None };
    (@version $major:literal, $minor:literal, $patch:literal) => {
        Some(Version::new($major, $minor, $patch))
    };
}

rules! {
    DockerDefaults "docker/defaults" Docker Measured
        "nothing added, nothing dropped: the 14 defaults"
        ["caps.DefaultCapabilities"];
    DockerAdd "docker/add" Docker Measured
        "a name in cap_add joins what is left of the defaults"
        ["caps.TweakCapabilities"];
    DockerDrop "docker/drop" Docker Measured
        "a name in cap_drop leaves the defaults"
        ["caps.TweakCapabilities"];
    DockerAddWins "docker/add-wins" Docker Measured
        "a name in cap_add and cap_drop is held"
        ["caps.TweakCapabilities"];
    DockerDropAll "docker/drop-all" Docker Measured
        "cap_drop ALL: exactly what cap_add names"
        ["caps.TweakCapabilities"];
    DockerAddAll "docker/add-all" Docker Measured
        "cap_add ALL: everything that this version knows, less the names in cap_drop"
        ["caps.TweakCapabilities"];
    DockerAddAllDropAll "docker/add-all-drop-all" Docker Measured
        "ALL in both: everything"
        ["caps.TweakCapabilities"];
    DockerSpelling "docker/spelling" Docker Measured
        "names and ALL in any case, names with CAP_ or without"
        ["caps.NormalizeLegacyCapabilities"];
    DockerUnknownCapability "docker/unknown-capability" Docker Measured
        "any other word is refused: CAP_ALL, a number, a space at its end"
        ["caps.NormalizeLegacyCapabilities"];
    DockerTooNewCapability "docker/too-new-capability" Docker Measured until (23, 0, 0)
        "PERFMON, BPF and CHECKPOINT_RESTORE are unknown, and not part of ALL or privileged"
        ["caps.init in oci/caps/utils.go"];
    DockerUnavailableCapability "docker/unavailable-capability" Docker Read since (23, 0, 0)
        "a name that the daemon does not hold is refused; ALL and privileged are what it holds"
        ["caps.initCaps, caps.NormalizeLegacyCapabilities"];
    DockerPrivileged "docker/privileged" Docker Measured
        "privileged: everything that this version knows; cap_add and cap_drop count for nothing"
        ["caps.TweakCapabilities"];
    DockerPrivilegedNames "docker/privileged-names" Docker Measured
        "privileged: an unknown name in cap_add or cap_drop is refused all the same"
        ["validateCapabilities in daemon/container.go"];
    DockerRoot "docker/root" Docker Measured
        "uid 0: the set is permitted, effective and bounding"
        ["oci.SetCapabilities"];
    DockerNonRoot "docker/non-root" Docker Measured
        "any other uid: bounding alone; permitted and effective are empty once the program runs"
        ["oci.SetCapabilities, cap_bprm_creds_from_file"];
    DockerNonRootKeepsPermitted "docker/non-root-keeps-permitted" Docker Read since (23, 0, 7)
        "until the program runs, any uid has the set permitted (not 24.0.0 to 24.0.5); with \
         no-new-privileges an exec as root then keeps it, where it had nothing before"
        ["oci.SetCapabilities"];
    DockerInheritable "docker/inheritable" Docker Read until (20, 10, 14)
        "the set is inheritable too (CVE-2022-24769)"
        ["oci.SetCapabilities"];
    DockerDaemonLacks "docker/daemon-lacks" Docker MeasuredOnLimitedHost
        "bounding never has what the daemon itself lacks, and nothing says so"
        ["capset.ApplyBoundingSet in runc"];
    DockerCannotGive "docker/cannot-give" Docker MeasuredOnLimitedHost
        "permitting what the daemon lacks is refused when the process starts"
        ["ApplyCaps in runc, cap_capset"];
    DockerExec "docker/exec" Docker Measured
        "exec: the container's user, sets, no_new_privs and seccomp"
        ["Daemon.ContainerExecCreate"];
    DockerExecUser "docker/exec-user" Docker Measured
        "exec -u: that user, looked up in the image; the sets stay those of the container"
        ["Daemon.execSetPlatformOpt"];
    DockerExecPrivileged "docker/exec-privileged" Docker Measured
        "exec --privileged: everything that this version knows, whatever the container dropped; \
         seccomp and no_new_privs stay"
        ["Daemon.execSetPlatformOpt"];
    DockerNoNewPrivileges "docker/no-new-privileges" Docker Measured
        "no-new-privileges alone"
        ["parseSecurityOpt"];
    DockerNoNewPrivilegesValue "docker/no-new-privileges-value" Docker Measured
        "no-new-privileges with = or : and 1, t, T, TRUE, true, True, 0, f, F, FALSE, false or \
         False; the last one counts"
        ["parseSecurityOpt, strconv.ParseBool"];
    DockerSecurityOptRefused "docker/security-opt-refused" Docker Measured
        "any other key, a key without a value, another value of no-new-privileges"
        ["parseSecurityOpt"];
    DockerSeccompDefault "docker/seccomp-default" Docker Measured
        "the default profile: a filter that keeps user namespaces closed"
        ["seccomp.GetDefaultProfile"];
    DockerSeccompSysAdmin "docker/seccomp-sys-admin" Docker Measured
        "the default profile with SYS_ADMIN in the container's set: user namespaces are open, for \
         any uid"
        ["seccomp.DefaultProfile: unshare, clone, clone3 and setns include CAP_SYS_ADMIN"];
    DockerSeccompUnconfined "docker/seccomp-unconfined" Docker Measured
        "seccomp=unconfined or privileged: no filter"
        ["WithSeccomp"];
    DockerSeccompCustom "docker/seccomp-custom" Docker Read
        "a profile of its own: a filter; counts as letting user namespaces through, since it is \
         not read"
        ["WithSeccomp"];
    DockerSeccompPrivilegedCustom "docker/seccomp-privileged-custom" Docker Read since (27, 0, 0)
        "privileged with a profile of its own keeps that profile; before, there was no filter"
        ["WithSeccomp"];
    DockerUserAbsent "docker/user-absent" Docker Measured
        "no user: uid 0 with its groups of the image"
        ["user.GetExecUser"];
    DockerUserNumber "docker/user-number" Docker Measured
        "a uid with a passwd entry: its group and its groups"
        ["user.GetExecUser"];
    DockerUserUnlisted "docker/user-unlisted" Docker Measured
        "a uid without a passwd entry: group 0"
        ["user.GetExecUser"];
    DockerUserName "docker/user-name" Docker Measured
        "a name: as its passwd entry, with the groups that list it"
        ["user.GetExecUser"];
    DockerUserGroup "docker/user-group" Docker Measured
        "user:group: that group, and none of the user's other ones"
        ["user.GetExecUser"];
    DockerUserRefused "docker/user-refused" Docker Measured
        "a name that the image lacks, or an id beyond 2147483647"
        ["user.GetExecUser"];
    DockerPrimaryGroup "docker/primary-group" Docker Measured since (20, 10, 18)
        "the group is a supplementary one too (CVE-2022-36109)"
        ["getUser in daemon/oci_linux.go"];
    DockerGroupAdd "docker/group-add" Docker Measured
        "group_add by name or number, for exec -u too"
        ["getUser, user.GetAdditionalGroups"];
    DockerGroupAddRefused "docker/group-add-refused" Docker Measured
        "a name that the image lacks, the same name twice, or an id beyond 2147483647"
        ["user.GetAdditionalGroups"];
    DockerSysctls "docker/sysctls" Docker Measured
        "a network of its own: ip_unprivileged_port_start is 0 and ping_group_range is everybody"
        ["WithCommonOptions"];
    DockerSysctlsHostNetwork "docker/sysctls-host-network" Docker Measured
        "the host's or another container's network: its sysctls are left alone"
        ["WithCommonOptions"];
    DockerSysctlSet "docker/sysctl-set" Docker Measured
        "sysctls of the container come last"
        ["WithSysctls"];
    DockerSysctlRefused "docker/sysctl-refused" Docker Measured
        "a net. sysctl with the host's network is refused"
        ["validate.sysctl in runc"];
    DockerAppArmor "docker/apparmor" Docker Read
        "docker-default where the host has AppArmor; unconfined for privileged; else as named"
        ["WithApparmor"];

    OpenShellUser "openshell/user" OpenShell Read
        "the first process is uid 0, whatever USER and the command line say"
        ["build_container_create_body in openshell-driver-docker"];
    OpenShellCapabilities "openshell/capabilities" OpenShell Read
        "SYS_ADMIN, NET_ADMIN, SYS_PTRACE and SYSLOG are added to Docker's defaults"
        ["build_container_create_body in openshell-driver-docker"];
    OpenShellAppArmor "openshell/apparmor" OpenShell Read
        "AppArmor is unconfined; seccomp is Docker's default, opened by SYS_ADMIN"
        ["build_container_create_body in openshell-driver-docker"];
    OpenShellIgnoresSettings "openshell/ignores-settings" OpenShell Read
        "cap_drop, security_opt, group_add and privileged cannot be asked for"
        ["build_container_create_body in openshell-driver-docker"];

    PodmanDefaults "podman/defaults" Podman Measured
        "nothing added, nothing dropped: 11, Docker's less MKNOD, NET_RAW and AUDIT_WRITE"
        ["config.DefaultCapabilities in containers/common"];
    PodmanAdd "podman/add" Podman Measured
        "a name in cap_add joins what is left of the defaults"
        ["capabilities.MergeCapabilities"];
    PodmanDrop "podman/drop" Podman Measured
        "a name in cap_drop leaves the defaults"
        ["capabilities.MergeCapabilities"];
    PodmanConflict "podman/conflict" Podman Measured
        "a name in cap_add and cap_drop, or ALL in both, is refused"
        ["capabilities.MergeCapabilities"];
    PodmanDropAll "podman/drop-all" Podman Measured
        "cap_drop ALL: exactly what cap_add names"
        ["capabilities.MergeCapabilities"];
    PodmanAddAll "podman/add-all" Podman Measured
        "cap_add ALL: what podman itself has in its bounding set, less cap_drop"
        ["capabilities.MergeCapabilities, capabilities.BoundingSet"];
    PodmanUnknownCapability "podman/unknown-capability" Podman Measured
        "any case, CAP_ or not; an unknown name is refused"
        ["capabilities.NormalizeCapabilities"];
    PodmanPrivileged "podman/privileged" Podman Measured
        "privileged: what podman has in its bounding set; cap_drop is not even read, nor is cap_add \
         for root"
        ["securityConfigureGenerator"];
    PodmanDaemonLacks "podman/daemon-lacks" Podman MeasuredOnLimitedHost
        "what podman's own bounding set lacks is left out silently"
        ["securityConfigureGenerator"];
    PodmanRoot "podman/root" Podman Measured
        "no user, root or 0, as written: the set is permitted, effective and bounding"
        ["securityConfigureGenerator"];
    PodmanNonRoot "podman/non-root" Podman Measured
        "any other user: what cap_add names, and that alone, is permitted, effective, inheritable \
         and ambient"
        ["securityConfigureGenerator"];
    PodmanExec "podman/exec" Podman Measured
        "exec: the container's bounding set; root holds it; the container's own user holds what \
         the first process does, ambient too"
        ["Container.setProcessCapabilitiesExec"];
    PodmanExecOther "podman/exec-other" Podman Measured
        "exec -u of another ordinary user: its sets are those of the first process without the \
         inheritable one, so that nothing is held once the program runs"
        ["Container.setProcessCapabilitiesExec"];
    PodmanExecPrivileged "podman/exec-privileged" Podman Measured
        "exec --privileged: bounding is podman's own"
        ["Container.setProcessCapabilitiesExec"];
    PodmanNoNewPrivileges "podman/no-new-privileges" Podman Measured
        "security_opt no-new-privileges, alone or with a value as Docker takes it"
        ["specgenutil.FillOutSpecGen"];
    PodmanSecurityOptRefused "podman/security-opt-refused" Podman Measured
        "any other key, or a key that needs a value and has none"
        ["specgenutil.FillOutSpecGen"];
    PodmanSeccompDefault "podman/seccomp-default" Podman Measured
        "the default profile lets unshare and clone through: user namespaces are open"
        ["seccomp.DefaultProfile in containers/common"];
    PodmanSeccompUnconfined "podman/seccomp-unconfined" Podman Measured
        "seccomp=unconfined or privileged: no filter"
        ["securityConfigureGenerator"];
    PodmanSeccompCustom "podman/seccomp-custom" Podman Read
        "a profile of its own: a filter; counts as letting user namespaces through"
        ["securityConfigureGenerator"];
    PodmanUnbounded "podman/unbounded" Podman Measured
        "another user with cap_add ALL and a name in cap_drop: the runtime refuses, since what is \
         dropped would be inheritable"
        ["securityConfigureGenerator, cap_capset"];
    PodmanGroups "podman/groups" Podman Measured
        "the first process: the groups of group_add; its own where a user is named; those that \
         list the user, unless the word has a colon"
        ["Container.generateSpec"];
    PodmanEntries "podman/entries" Podman Measured
        "a user or group given by a number that the image does not list gets an entry there, the \
         group's with the user as a member: a later process of that user is in that group"
        ["Container.generatePasswdAndGroup"];
    PodmanExecGroups "podman/exec-groups" Podman Measured until (5, 5, 0)
        "exec: the groups that list the user, where one is named; without -u those of group_add; \
         never the user's own"
        ["Container.prepareProcessExec"];
    PodmanExecAllGroups "podman/exec-all-groups" Podman Read since (5, 5, 0)
        "exec: the user's own group, those that list the user, and those of group_add"
        ["Container.prepareProcessExec"];
    PodmanUserRefused "podman/user-refused" Podman Measured
        "a user or group that the image lacks"
        ["lookup.GetUserGroupInfo"];
    PodmanSysctls "podman/sysctls" Podman Measured
        "ping_group_range is `0 0`; low ports stay privileged"
        ["default_sysctls of the containers.conf that comes with containers/common"];
    PodmanSysctlRefused "podman/sysctl-refused" Podman Measured
        "a net. sysctl with the host's network is refused"
        ["securityConfigureGenerator"];
    PodmanAppArmor "podman/apparmor" Podman Read
        "containers-default where the host has AppArmor; unconfined for privileged"
        ["setupApparmor"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_row_has_a_name_of_its_own_that_starts_with_its_engine() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.row().id).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            let row = rule.row();
            let engine = crate::EngineVersion::default_for(row.engine);
            assert_eq!(row.id.split('/').next(), Some(engine.name()), "{}", row.id);
        }
    }

    #[test]
    fn a_row_applies_from_its_first_version_up_to_its_last() {
        let row = Rule::DockerTooNewCapability.row();
        assert!(row.applies(Version::new(20, 10, 24)));
        assert!(!row.applies(Version::new(23, 0, 0)));
        let row = Rule::DockerUnavailableCapability.row();
        assert!(!row.applies(Version::new(20, 10, 24)));
        assert!(row.applies(Version::new(28, 5, 2)));
    }
}
