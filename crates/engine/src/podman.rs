//! Podman 4.3 to 5.8: `pkg/specgen/generate/security_linux.go` and libpod's exec.

mod identity;

use crate::names::{self, Names, PODMAN_DEFAULTS};
use crate::runtime::{self, RuntimeError, Spec};
use crate::security_opt::{self, SecurityOptions};
use crate::start::{Start, Started, Steps};
use crate::users;
use crate::{AppArmor, Process, Refusal, Rule, Seccomp};
use dropcap_capability::{CapabilitySet, Credentials};
use dropcap_manifest::Spanned;
use std::collections::BTreeMap;

/// Podman with its default options.
pub(crate) struct Podman;

impl Steps for Podman {
    const ASSUMES: &'static str = "podman runs as root with its default containers.conf, \
        and the image has no io.containers.capabilities label";

    fn take(start: &mut Start<'_, Self>, process: Process<'_>) -> Result<Started, Refusal> {
        let word = users::word(start.settings.user.as_ref(), start.image);
        let (set, added) = start.capabilities(word)?;
        let options = start.security_options()?;
        let no_new_privs = options.no_new_privileges.is_some_and(|(value, _)| value);
        if options.no_new_privileges.is_some() {
            start.rules.push(Rule::PodmanNoNewPrivileges);
        }
        let first = start.first(word, set, added, no_new_privs)?;
        let (seccomp, seccomp_allows) = start.seccomp(&options);
        let apparmor = start.apparmor(&options);
        let sysctls = start.sysctls()?;
        let mut credentials = start.run(&first)?;
        if let Process::Exec { user, privileged } = process {
            let user = user.filter(|user| !user.is_empty());
            let spec = start.exec(&first, word, user, privileged)?;
            credentials = start.run(&spec)?;
        }
        Ok(Started { credentials, seccomp, seccomp_allows, apparmor, sysctls })
    }
}

impl Start<'_, Podman> {
    /// The container's set, and what is added by name (`capabilities.MergeCapabilities`).
    fn capabilities(
        &mut self,
        word: Option<&str>,
    ) -> Result<(CapabilitySet, CapabilitySet), Refusal> {
        let everything = self.host.bounding & CapabilitySet::KNOWN;
        if self.privileged() {
            self.rules.push(Rule::PodmanPrivileged);
            // Only what another user would be given is read.
            let add = match is_root(word) {
                true => Names::default(),
                false => self.names(&self.settings.cap_add)?,
            };
            return Ok((everything, if add.all { everything } else { add.set & everything }));
        }
        let add = self.names(&self.settings.cap_add)?;
        let drop = self.names(&self.settings.cap_drop)?;
        let added = if add.all { everything } else { add.set };
        let both = add.set & drop.set;
        if add.all && drop.all || !add.all && !drop.all && !both.is_empty() {
            let (reason, word) = match both.iter().next() {
                Some(name) => {
                    (format!("capability \"{name}\" cannot be dropped and added"), name.to_string())
                }
                None => (
                    "adding all caps and removing all caps not allowed".to_owned(),
                    "ALL".to_owned(),
                ),
            };
            return Err(Refusal::new(Rule::PodmanConflict, word, reason));
        }
        let set = if drop.all {
            self.rules.push(Rule::PodmanDropAll);
            add.set
        } else if add.all {
            self.rules.push(Rule::PodmanAddAll);
            everything - drop.set
        } else {
            self.rules.push(Rule::PodmanDefaults);
            if !add.set.is_empty() {
                self.rules.push(Rule::PodmanAdd);
            }
            if !drop.set.is_empty() {
                self.rules.push(Rule::PodmanDrop);
            }
            (PODMAN_DEFAULTS - drop.set) | add.set
        };
        if !set.is_subset(everything) {
            self.rules.push(Rule::PodmanDaemonLacks);
        }
        Ok((set & everything, added & everything))
    }

    fn names(&self, words: &[Spanned<String>]) -> Result<Names, Refusal> {
        names::read(words, CapabilitySet::KNOWN).map_err(|unknown| {
            let reason = format!("{:?}: unknown capability", unknown.normalized);
            Refusal::new(Rule::PodmanUnknownCapability, unknown.word, reason)
        })
    }

    /// The first process, as the runtime gets it (`securityConfigureGenerator`).
    fn first(
        &mut self,
        word: Option<&str>,
        set: CapabilitySet,
        added: CapabilitySet,
        no_new_privs: bool,
    ) -> Result<Spec, Refusal> {
        let root = is_root(word);
        self.rules.push(if root { Rule::PodmanRoot } else { Rule::PodmanNonRoot });
        let held = if root { set } else { added };
        let kept = if root { CapabilitySet::EMPTY } else { added };
        let mut spec = Spec {
            uid: 0,
            gid: 0,
            groups: Default::default(),
            effective: held,
            permitted: held,
            inheritable: kept,
            bounding: set,
            ambient: kept,
            no_new_privs,
        };
        self.set_user(&mut spec, word)?;
        Ok(spec)
    }

    /// A later process (`Container.setProcessCapabilitiesExec`).
    fn exec(
        &mut self,
        first: &Spec,
        container_user: Option<&str>,
        user: Option<&str>,
        privileged: bool,
    ) -> Result<Spec, Refusal> {
        self.rules.push(Rule::PodmanExec);
        let mut spec = first.clone();
        self.set_exec_user(&mut spec, container_user, user)?;
        if privileged {
            self.rules.push(Rule::PodmanExecPrivileged);
            spec.bounding = self.host.bounding & CapabilitySet::KNOWN;
        }
        // Nothing can be ambient that is not inheritable.
        (spec.inheritable, spec.ambient) = (CapabilitySet::EMPTY, CapabilitySet::EMPTY);
        if spec.uid == 0 {
            (spec.effective, spec.permitted) = (spec.bounding, spec.bounding);
        } else if user.is_none() || user == container_user {
            let held = first.effective;
            (spec.inheritable, spec.ambient) = (held, held);
            (spec.effective, spec.permitted) = (held, held);
        } else {
            self.rules.push(Rule::PodmanExecOther);
        }
        Ok(spec)
    }

    fn run(&self, spec: &Spec) -> Result<Credentials, Refusal> {
        runtime::start(spec, self.host).map_err(|error| {
            let rule = match error {
                RuntimeError::Lacks(_) => Rule::PodmanDaemonLacks,
                RuntimeError::Unbounded(_) => Rule::PodmanUnbounded,
                RuntimeError::Execve(_) => Rule::PodmanExec,
            };
            Refusal::new(rule, "", error.to_string())
        })
    }

    fn security_options(&self) -> Result<SecurityOptions, Refusal> {
        let keys = ["mask", "unmask", "proc-opts", "systempaths"];
        security_opt::read(&self.settings.security_opt, &[], &keys)
            .map_err(|refused| Refusal::of_security_opt(Rule::PodmanSecurityOptRefused, refused))
    }

    /// The profile, and whether it lets user namespaces through; the default one does.
    fn seccomp(&mut self, options: &SecurityOptions) -> (Seccomp, bool) {
        let (rule, seccomp) = match options.seccomp.as_deref() {
            Some("unconfined") => (Rule::PodmanSeccompUnconfined, Seccomp::Unconfined),
            None if self.privileged() || !self.host.seccomp => {
                (Rule::PodmanSeccompUnconfined, Seccomp::Unconfined)
            }
            None => (Rule::PodmanSeccompDefault, Seccomp::Default),
            Some(profile) => (Rule::PodmanSeccompCustom, self.custom_seccomp(profile)),
        };
        self.rules.push(rule);
        (seccomp, true)
    }

    fn apparmor(&mut self, options: &SecurityOptions) -> AppArmor {
        self.rules.push(Rule::PodmanAppArmor);
        match options.apparmor.as_deref() {
            Some("unconfined") => AppArmor::Unconfined,
            Some(profile) => AppArmor::Named(profile.to_owned()),
            None if self.privileged() => AppArmor::Unconfined,
            None => AppArmor::Default,
        }
    }

    fn sysctls(&mut self) -> Result<Vec<(String, String)>, Refusal> {
        self.rules.push(Rule::PodmanSysctls);
        let network = self.settings.network.as_ref().map_or("", |network| &network.value);
        let shared =
            network == "host" || network.starts_with("container:") || network.starts_with("ns:");
        let mut sysctls = BTreeMap::new();
        if !shared {
            sysctls.insert("net.ipv4.ping_group_range".to_owned(), "0 0".to_owned());
        }
        for (name, value) in &self.settings.sysctls {
            if network == "host" && name.starts_with("net.") {
                let why = "can't be set since Network Namespace set to host";
                let reason = format!("sysctl {name}={value} {why}");
                return Err(Refusal::new(Rule::PodmanSysctlRefused, name, reason));
            }
            sysctls.insert(name.clone(), value.clone());
        }
        Ok(sysctls.into_iter().collect())
    }
}

/// Whether Podman takes a user for root: it decides by the word, before anything is looked up.
fn is_root(word: Option<&str>) -> bool {
    let name = word.unwrap_or_default().split(':').next().unwrap_or_default();
    matches!(name, "" | "root" | "0")
}
