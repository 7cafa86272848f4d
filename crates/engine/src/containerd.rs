//! containerd's CRI plugin, as the kubelet asks it: `internal/cri/opts/spec_opts.go` (before 2.0
//! `pkg/cri/opts`), `pkg/oci`, and `pkg/kubelet/kuberuntime` of Kubernetes.

mod identity;

use crate::names::{DOCKER_DEFAULTS, upper};
use crate::runtime::{self, RuntimeError, Spec};
use crate::start::{Start, Started, Steps};
use crate::{AppArmor, Process, Refusal, Rule, Seccomp};
use dropcap_capability::{Capability, CapabilitySet, Credentials};
use dropcap_manifest::Spanned;
use std::collections::BTreeMap;

/// The CRI plugin with its default options.
pub(crate) struct Containerd;

impl Steps for Containerd {
    const ASSUMES: &'static str = "the kubelet and containerd run with their default \
        options and runc, and nothing in the cluster changes or refuses the pod when it is admitted";

    fn take(start: &mut Start<'_, Self>, process: Process<'_>) -> Result<Started, Refusal> {
        let no_new_privs = start.no_new_privileges()?;
        let set = start.capabilities();
        let first = start.spec(set, no_new_privs)?;
        let (seccomp, seccomp_allows) = start.seccomp(set)?;
        let apparmor = start.apparmor();
        let sysctls = start.sysctls()?;
        let credentials = start.run(&first)?;
        if let Process::Exec { user, privileged } = process {
            start.exec(user, privileged)?;
        }
        Ok(Started { credentials, seccomp, seccomp_allows, apparmor, sysctls })
    }
}

impl Start<'_, Containerd> {
    /// Whether the pod has a user namespace of its own.
    fn has_user_namespace(&self) -> bool {
        self.settings.host_users.as_ref().is_some_and(|host_users| !host_users.value)
    }

    /// no_new_privs (`AddNoNewPrivileges`), once the API server has let it pass
    /// (`ValidateSecurityContext`, which looks for one spelling alone).
    fn no_new_privileges(&mut self) -> Result<bool, Refusal> {
        let Some(allowed) = &self.settings.allow_privilege_escalation else { return Ok(false) };
        self.rules.push(Rule::ContainerdNoNewPrivileges);
        if allowed.value {
            return Ok(false);
        }
        let refused = |what: &str, word: &str| {
            let reason = format!("cannot set `allowPrivilegeEscalation` to false and {what}");
            Err(Refusal::new(Rule::ContainerdEscalationRefused, word, reason))
        };
        if self.privileged() {
            return refused("`privileged` to true", "privileged");
        }
        match self.settings.cap_add.iter().find(|word| word.value == "CAP_SYS_ADMIN") {
            Some(word) => refused("`capabilities.Add` CAP_SYS_ADMIN", &word.value),
            None => Ok(true),
        }
    }

    /// What containerd itself holds and knows by name (`cap.Current`).
    fn everything(&self) -> CapabilitySet {
        self.host.bounding & CapabilitySet::KNOWN
    }

    /// The container's set (`WithCapabilities` of the CRI plugin, then `WithPrivileged`).
    fn capabilities(&mut self) -> CapabilitySet {
        let add = self.names(&self.settings.cap_add);
        let drop = self.names(&self.settings.cap_drop);
        if self.privileged() {
            self.rules.push(Rule::ContainerdPrivileged);
            return self.everything();
        }
        if self.settings.cap_add.is_empty() && self.settings.cap_drop.is_empty() {
            self.rules.push(Rule::ContainerdDefaults);
            return DOCKER_DEFAULTS;
        }
        if add.prefixed || drop.prefixed {
            self.rules.push(Rule::ContainerdPrefix);
        }
        if add.unknown || drop.unknown {
            self.rules.push(Rule::ContainerdUnknownName);
        }
        if add.odd_case || drop.odd_case {
            self.rules.push(Rule::ContainerdSpelling);
        }
        let base = match (add.all, drop.all) {
            (true, true) => (Rule::ContainerdAddAllDropAll, CapabilitySet::EMPTY),
            (true, false) => (Rule::ContainerdAddAll, self.everything()),
            (false, true) => (Rule::ContainerdDropAll, CapabilitySet::EMPTY),
            (false, false) => (Rule::ContainerdDefaults, DOCKER_DEFAULTS),
        };
        self.rules.push(base.0);
        if !add.set.is_empty() {
            self.rules.push(Rule::ContainerdAdd);
        }
        if !drop.set.is_empty() {
            self.rules.push(Rule::ContainerdDrop);
        }
        if !(add.set & drop.set).is_empty() {
            self.rules.push(Rule::ContainerdDropWins);
        }
        (base.1 | add.set) - drop.set
    }

    /// Reads the words of a list: `CAP_` is put before each, whatever it says.
    fn names(&self, words: &[Spanned<String>]) -> Words {
        let mut names = Words::default();
        for word in words {
            let name = upper(&word.value);
            names.odd_case |= name != word.value;
            if name == "ALL" {
                names.all = true;
                continue;
            }
            let full = format!("CAP_{name}");
            let mut known = CapabilitySet::KNOWN.iter();
            match known.find(|capability| capability.name() == Some(full.as_str())) {
                Some(capability) => names.set = names.set.with(capability),
                None if name.starts_with("CAP_") => names.prefixed = true,
                None => names.unknown = true,
            }
        }
        names
    }

    /// The process, as the runtime gets it: the first one and each that comes later.
    fn spec(&mut self, set: CapabilitySet, no_new_privs: bool) -> Result<Spec, Refusal> {
        let (user, groups) = self.identity()?;
        self.rules.push(match user.uid {
            0 => Rule::ContainerdRoot,
            _ => Rule::ContainerdNonRoot,
        });
        let mut inheritable = CapabilitySet::EMPTY;
        if Rule::ContainerdInheritable.row().applies(self.version) {
            self.rules.push(Rule::ContainerdInheritable);
            inheritable = set;
        }
        Ok(Spec {
            uid: user.uid,
            gid: user.gid,
            groups,
            effective: set,
            permitted: set,
            inheritable,
            bounding: set,
            ambient: CapabilitySet::EMPTY,
            no_new_privs,
        })
    }

    fn run(&mut self, spec: &Spec) -> Result<Credentials, Refusal> {
        let mut host = self.host.clone();
        if self.has_user_namespace() {
            self.rules.push(Rule::ContainerdUserNamespace);
            self.assumptions.push(
                "the pod has a user namespace of its own (hostUsers: false): what is held there \
                 counts for nothing over the node"
                    .to_owned(),
            );
            // A new user namespace starts with everything, whatever its maker lacks.
            host.bounding = CapabilitySet::KNOWN;
        }
        if !spec.bounding.is_subset(host.bounding) {
            self.rules.push(Rule::ContainerdDaemonLacks);
        }
        runtime::start(spec, &host).map_err(|error| {
            let rule = match error {
                RuntimeError::Lacks(_) | RuntimeError::Unbounded(_) => Rule::ContainerdDaemonLacks,
                RuntimeError::Execve(_) => Rule::ContainerdExec,
            };
            Refusal::new(rule, "", error.to_string())
        })
    }

    /// A later process (`criService.execInternal`): that of the container with other words.
    fn exec(&mut self, user: Option<&str>, privileged: bool) -> Result<(), Refusal> {
        self.rules.push(Rule::ContainerdExec);
        if privileged {
            let reason = "the kubelet's exec cannot ask for privilege";
            return Err(Refusal::new(Rule::ContainerdExecUser, "", reason));
        }
        match user.filter(|user| !user.is_empty()) {
            Some(user) => {
                let reason = "the kubelet's exec takes no user: it is always that of the container";
                Err(Refusal::new(Rule::ContainerdExecUser, user, reason))
            }
            None => Ok(()),
        }
    }

    /// The profile, and whether it lets user namespaces through (`GenerateSeccompSpecOpts`).
    fn seccomp(&mut self, set: CapabilitySet) -> Result<(Seccomp, bool), Refusal> {
        let open = (Seccomp::Unconfined, true);
        let named = self.settings.seccomp.as_ref().map(|profile| profile.value.as_str());
        let (rule, answer) = match named {
            _ if self.privileged() => (Rule::ContainerdSeccompPrivileged, open),
            None => (Rule::ContainerdSeccompUnset, open),
            Some("Unconfined") => (Rule::ContainerdSeccompUnconfined, open),
            Some(_) if !self.host.seccomp => {
                let reason = "seccomp is not supported";
                return Err(Refusal::new(Rule::ContainerdSeccompDefault, "", reason));
            }
            Some("RuntimeDefault") if set.contains(Capability::SYS_ADMIN) => {
                (Rule::ContainerdSeccompSysAdmin, (Seccomp::Default, true))
            }
            Some("RuntimeDefault") => (Rule::ContainerdSeccompDefault, (Seccomp::Default, false)),
            Some(profile) => (Rule::ContainerdSeccompCustom, (self.custom_seccomp(profile), true)),
        };
        self.rules.push(rule);
        Ok(answer)
    }

    /// `GenerateApparmorSpecOpts`.
    fn apparmor(&mut self) -> AppArmor {
        self.rules.push(Rule::ContainerdAppArmor);
        let named = self.settings.apparmor.as_ref().map(|profile| profile.value.as_str());
        match named {
            Some("Unconfined") => AppArmor::Unconfined,
            None | Some("RuntimeDefault") if self.privileged() => AppArmor::Unconfined,
            None | Some("RuntimeDefault") => AppArmor::Default,
            Some(profile) => AppArmor::Named(profile.to_owned()),
        }
    }

    /// The sysctls of the pod (`sandboxContainerSpec`).
    fn sysctls(&mut self) -> Result<Vec<(String, String)>, Refusal> {
        let host_network =
            self.settings.network.as_ref().is_some_and(|network| network.value == "host");
        let mut sysctls = BTreeMap::new();
        if host_network {
            self.rules.push(Rule::ContainerdSysctlsHostNetwork);
        } else if !Rule::ContainerdSysctls.row().applies(self.version) {
            self.rules.push(Rule::ContainerdSysctlsLeft);
        } else {
            self.rules.push(Rule::ContainerdSysctls);
            let mut set =
                |name: &str, value: &str| sysctls.insert(name.to_owned(), value.to_owned());
            set("net.ipv4.ip_unprivileged_port_start", "0");
            if !self.has_user_namespace() {
                set("net.ipv4.ping_group_range", "0 2147483647");
            }
        }
        for (name, value) in &self.settings.sysctls {
            if host_network && name.starts_with("net.") {
                let reason =
                    format!("sysctl {name} may not be specified when the pod has hostNetwork");
                return Err(Refusal::new(Rule::ContainerdSysctlRefused, name, reason));
            }
            sysctls.insert(name.clone(), value.clone());
        }
        if !self.settings.sysctls.is_empty() {
            self.rules.push(Rule::ContainerdSysctlSet);
        }
        Ok(sysctls.into_iter().collect())
    }
}

/// `capabilities.add` or `capabilities.drop`, read.
#[derive(Debug, Clone, Copy, Default)]
struct Words {
    all: bool,
    set: CapabilitySet,
    /// Whether a word began with `CAP_`, and so means nothing.
    prefixed: bool,
    /// Whether another word means nothing.
    unknown: bool,
    odd_case: bool,
}
