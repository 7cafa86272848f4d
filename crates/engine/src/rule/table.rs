//! Every rule of every engine: its row, and its name here.

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

    ContainerdDefaults "containerd/defaults" Containerd Recorded
        "without ALL it begins with the 14 defaults, which are Docker's"
        ["oci.defaultUnixCaps"];
    ContainerdAdd "containerd/add" Containerd Recorded
        "a name in add joins what it begins with"
        ["oci.WithAddedCapabilities"];
    ContainerdDrop "containerd/drop" Containerd Recorded
        "a name in drop leaves, whatever put it there"
        ["oci.WithDroppedCapabilities"];
    ContainerdDropWins "containerd/drop-wins" Containerd Recorded
        "a name in add and drop is not held"
        ["customopts.WithCapabilities"];
    ContainerdDropAll "containerd/drop-all" Containerd Recorded
        "drop ALL: what add names, less what drop names"
        ["customopts.WithCapabilities"];
    ContainerdAddAll "containerd/add-all" Containerd Recorded
        "add ALL: what containerd itself holds, less what drop names"
        ["customopts.WithCapabilities, cap.Current"];
    ContainerdAddAllDropAll "containerd/add-all-drop-all" Containerd Recorded
        "ALL in both: as drop ALL alone"
        ["customopts.WithCapabilities"];
    ContainerdSpelling "containerd/spelling" Containerd Recorded
        "names and ALL in any case"
        ["customopts.WithCapabilities, util.InStringSlice"];
    ContainerdPrefix "containerd/prefix" Containerd Recorded
        "CAP_ is put before each name, whatever it says: CAP_KILL becomes CAP_CAP_KILL, which adds and \
         drops nothing; runc says so in its own log alone (crun refuses it)"
        ["customopts.WithCapabilities, capabilities.New in runc"];
    ContainerdUnknownName "containerd/unknown-name" Containerd Recorded
        "any other unknown name adds and drops nothing, and nobody says so"
        ["customopts.WithCapabilities, capabilities.New in runc"];
    ContainerdPrivileged "containerd/privileged" Containerd Recorded
        "privileged: what containerd itself holds; add and drop count for nothing"
        ["oci.WithPrivileged"];
    ContainerdRoot "containerd/root" Containerd Recorded
        "uid 0: the set is permitted, effective and bounding"
        ["oci.WithCapabilities"];
    ContainerdNonRoot "containerd/non-root" Containerd Recorded
        "any other uid: bounding alone once the program runs, whatever is added; ambient is cleared"
        ["customopts.WithoutAmbientCaps, cap_bprm_creds_from_file"];
    ContainerdInheritable "containerd/inheritable" Containerd Read until (1, 6, 2)
        "the set is inheritable too (CVE-2022-24769)"
        ["oci.populateDefaultUnixSpec, oci.WithCapabilities"];
    ContainerdDaemonLacks "containerd/daemon-lacks" Containerd Recorded
        "what containerd itself lacks cannot be added: the container does not start, root or not"
        ["ApplyCaps in runc, cap_capset"];
    ContainerdUserNamespace "containerd/user-namespace" Containerd Read
        "hostUsers: false: the same sets, held in a user namespace of the pod (Kubernetes makes one \
         with containerd from 2.0 on)"
        ["customopts.WithPodNamespaces"];
    ContainerdExec "containerd/exec" Containerd Recorded
        "exec: the container's process in everything but its words"
        ["criService.execInternal"];
    ContainerdExecUser "containerd/exec-user" Containerd Read
        "exec takes no user and cannot be privileged"
        ["ExecSyncRequest, ExecRequest of the CRI"];
    ContainerdNoNewPrivileges "containerd/no-new-privileges" Containerd Recorded
        "allowPrivilegeEscalation: false is no_new_privs; true, or nothing, is not"
        ["securitycontext.AddNoNewPrivileges in the kubelet"];
    ContainerdEscalationRefused "containerd/escalation-refused" Containerd Read
        "allowPrivilegeEscalation: false with privileged, or with CAP_SYS_ADMIN in add (not SYS_ADMIN), \
         is refused"
        ["ValidateSecurityContext in the API server"];
    ContainerdSeccompUnset "containerd/seccomp-unset" Containerd Recorded
        "no profile: no filter, and user namespaces are open (but where the kubelet has seccompDefault)"
        ["getSeccompProfile in the kubelet, GenerateSeccompSpecOpts"];
    ContainerdSeccompUnconfined "containerd/seccomp-unconfined" Containerd Recorded
        "Unconfined: no filter"
        ["GenerateSeccompSpecOpts"];
    ContainerdSeccompPrivileged "containerd/seccomp-privileged" Containerd Recorded
        "privileged: no filter, whatever profile is named"
        ["GenerateSeccompSpecOpts"];
    ContainerdSeccompDefault "containerd/seccomp-default" Containerd Recorded
        "RuntimeDefault: a filter that keeps user namespaces closed"
        ["seccomp.DefaultProfile"];
    ContainerdSeccompSysAdmin "containerd/seccomp-sys-admin" Containerd Recorded
        "RuntimeDefault with SYS_ADMIN in the container's set: user namespaces are open, for any uid"
        ["seccomp.DefaultProfile"];
    ContainerdSeccompCustom "containerd/seccomp-custom" Containerd Read
        "Localhost: a filter of its own; counts as letting user namespaces through, since it is not read"
        ["seccomp.WithProfile"];
    ContainerdUserAbsent "containerd/user-absent" Containerd Recorded
        "no runAsUser, and no USER in the image: uid 0 with its group of the image"
        ["getImageUser in the kubelet"];
    ContainerdUserNumber "containerd/user-number" Containerd Recorded
        "a uid with a passwd entry: its group, and the groups that list its name"
        ["oci.WithUserID, oci.WithAdditionalGIDs"];
    ContainerdUserUnlisted "containerd/user-unlisted" Containerd Recorded
        "a uid without a passwd entry: group 0"
        ["oci.WithUserID"];
    ContainerdUserName "containerd/user-name" Containerd Recorded
        "a name, which only the image's USER can be: as its passwd entry"
        ["oci.WithUsername"];
    ContainerdImageGroup "containerd/image-group" Containerd Recorded
        "the group of the image's USER counts for nothing"
        ["getUserFromImage"];
    ContainerdRunAsGroup "containerd/run-as-group" Containerd Recorded
        "runAsGroup: that group; the groups that list the user stay"
        ["generateUserString"];
    ContainerdUserRefused "containerd/user-refused" Containerd Recorded
        "a name that the image lacks, or an id beyond 2147483647 (before 1.6.38, 1.7.27 and 2.0.4 it \
         wraps around, CVE-2024-40635)"
        ["oci.WithUser"];
    ContainerdRunAsNonRoot "containerd/run-as-non-root" Containerd Read
        "runAsNonRoot: refused with uid 0, and without runAsUser too where the image's USER is a name"
        ["verifyRunAsNonRoot in the kubelet"];
    ContainerdPrimaryGroup "containerd/primary-group" Containerd Recorded since (1, 6, 18)
        "the group is a supplementary one too (CVE-2023-25173)"
        ["oci.ensureAdditionalGids"];
    ContainerdGroups "containerd/groups" Containerd Recorded
        "the image's groups that list the user's name, but for one of the same name"
        ["oci.WithAdditionalGIDs"];
    ContainerdSupplementalGroups "containerd/supplemental-groups" Containerd Recorded
        "supplementalGroups and fsGroup join them"
        ["customopts.WithSupplementalGroups"];
    ContainerdStrictGroups "containerd/strict-groups" Containerd Read since (2, 0, 0)
        "supplementalGroupsPolicy Strict: the image's groups do not count"
        ["criService.containerSpecOpts"];
    ContainerdSysctlsLeft "containerd/sysctls-left" Containerd Recorded until (2, 0, 0)
        "a network of its own: its sysctls are the kernel's, so low ports ask for NET_BIND_SERVICE and \
         ping for NET_RAW (enable_unprivileged_ports and _icmp are off)"
        ["sandboxContainerSpec, config.DefaultConfig"];
    ContainerdSysctls "containerd/sysctls" Containerd Read since (2, 0, 0)
        "a network of its own: ip_unprivileged_port_start is 0, and ping_group_range is everybody but \
         with a user namespace (enable_unprivileged_ports and _icmp are on)"
        ["sandboxContainerSpec, config.DefaultRuntimeConfig"];
    ContainerdSysctlsHostNetwork "containerd/sysctls-host-network" Containerd Recorded
        "hostNetwork: the node's sysctls are left alone"
        ["sandboxContainerSpec"];
    ContainerdSysctlSet "containerd/sysctl-set" Containerd Recorded
        "sysctls of the pod come last"
        ["sandboxContainerSpec"];
    ContainerdSysctlRefused "containerd/sysctl-refused" Containerd Read
        "a net. sysctl with hostNetwork is refused"
        ["validateSysctls in the API server, allowlist.Admit in the kubelet"];
    ContainerdAppArmor "containerd/apparmor" Containerd Read
        "cri-containerd.apparmor.d where the node has AppArmor; none for privileged; else as named"
        ["GenerateApparmorSpecOpts"];
}
