//! Docker: moby's `daemon/oci_linux.go`, `daemon/exec_linux.go` and `oci/caps`.

use crate::names::{self, DOCKER_DEFAULTS, Names};
use crate::runtime::{self, Spec};
use crate::security_opt::{self, SecurityOptions};
use crate::start::{Start, Started, Steps};
use crate::users::{self, Found, How};
use crate::{AppArmor, Process, Refusal, Rule, Seccomp, Version};
use dropcap_capability::{Capability, CapabilitySet, Credentials};
use dropcap_manifest::Spanned;
use std::collections::{BTreeMap, BTreeSet};

/// The release that learnt the capabilities of Linux 5.8 and 5.9, and asks its own environment.
const ASKS_ENVIRONMENT: Version = Version::new(23, 0, 0);

/// The daemon with its default options.
pub(crate) struct Docker;

impl Steps for Docker {
    const ASSUMES: &'static str = "the daemon runs with its default options (no \
        userns-remap, no rootless mode, no no-new-privileges or seccomp profile of its own)";

    fn take(start: &mut Start<'_, Self>, process: Process<'_>) -> Result<Started, Refusal> {
        let set = start.capabilities()?;
        let options = start.security_options()?;
        let no_new_privs = start.no_new_privileges(&options);
        let word = users::word(start.settings.user.as_ref(), start.image);
        let first = start.spec(word, set, no_new_privs)?;
        let (seccomp, seccomp_allows) = start.seccomp(&options, set)?;
        let apparmor = start.apparmor(&options);
        let sysctls = start.sysctls()?;

        // An exec goes into a container that runs, so the first process has to start as well.
        let mut credentials = start.run(&first)?;
        match process {
            Process::First => {}
            Process::Exec { user, privileged } => {
                start.rules.push(Rule::DockerExec);
                let mut spec = first;
                if let Some(user) = user.filter(|user| !user.is_empty()) {
                    start.rules.push(Rule::DockerExecUser);
                    start.set_user(&mut spec, Some(user))?;
                }
                if privileged {
                    start.rules.push(Rule::DockerExecPrivileged);
                    start.set_capabilities(&mut spec, start.everything(), true);
                }
                credentials = start.run(&spec)?;
            }
        }
        Ok(Started { credentials, seccomp, seccomp_allows, apparmor, sysctls })
    }
}

impl Start<'_, Docker> {
    /// The capabilities that this version knows by name.
    fn known(&self) -> CapabilitySet {
        let last = match self.version < ASKS_ENVIRONMENT {
            true => Capability::AUDIT_READ,
            false => Capability::CHECKPOINT_RESTORE,
        };
        CapabilitySet::KNOWN.iter().filter(|known| known.number() <= last.number()).collect()
    }

    /// What ALL and privileged mean (`caps.GetAllCapabilities`).
    fn everything(&self) -> CapabilitySet {
        match self.version < ASKS_ENVIRONMENT {
            true => self.known(),
            false => self.known() & self.host.bounding,
        }
    }

    /// The container's set (`validateCapabilities`, then `caps.TweakCapabilities`).
    fn capabilities(&mut self) -> Result<CapabilitySet, Refusal> {
        let add = self.names(&self.settings.cap_add, "CapAdd")?;
        let drop = self.names(&self.settings.cap_drop, "CapDrop")?;
        if self.privileged() {
            self.rules.push(Rule::DockerPrivileged);
            return Ok(self.everything());
        }
        if add == Names::default() && drop == Names::default() {
            self.rules.push(Rule::DockerDefaults);
            return Ok(DOCKER_DEFAULTS);
        }
        if add.odd_spelling || drop.odd_spelling {
            self.rules.push(Rule::DockerSpelling);
        }
        if add.all {
            self.rules.push(match drop.all {
                true => Rule::DockerAddAllDropAll,
                false => Rule::DockerAddAll,
            });
            return Ok(self.everything() - drop.set);
        }
        if drop.all {
            self.rules.push(Rule::DockerDropAll);
            return Ok(add.set);
        }
        if !add.set.is_empty() {
            self.rules.push(Rule::DockerAdd);
        }
        if !drop.set.is_empty() {
            self.rules.push(Rule::DockerDrop);
        }
        if !(add.set & drop.set).is_empty() {
            self.rules.push(Rule::DockerAddWins);
        }
        Ok((DOCKER_DEFAULTS - drop.set) | add.set)
    }

    fn names(&self, words: &[Spanned<String>], list: &str) -> Result<Names, Refusal> {
        let refuse =
            |rule, word, reason| Refusal::new(rule, word, format!("invalid {list}: {reason}"));
        let names = names::read(words, self.known()).map_err(|unknown| {
            let too_new = unknown.capability().is_some();
            let rule = match self.privileged() {
                _ if too_new => Rule::DockerTooNewCapability,
                true => Rule::DockerPrivilegedNames,
                false => Rule::DockerUnknownCapability,
            };
            let reason = format!("unknown capability: {:?}", unknown.normalized);
            refuse(rule, unknown.word, reason)
        })?;
        let lacking = names.set - self.host.bounding;
        if self.version >= ASKS_ENVIRONMENT
            && let Some(lacking) = lacking.iter().next()
        {
            let reason = format!(
                "capability not supported by your kernel or not available in the current \
                 environment: \"{lacking}\""
            );
            return Err(refuse(Rule::DockerUnavailableCapability, lacking.to_string(), reason));
        }
        Ok(names)
    }

    /// The first process, as the runtime gets it (`WithUser`, `oci.SetCapabilities`).
    fn spec(
        &mut self,
        user: Option<&str>,
        set: CapabilitySet,
        no_new_privs: bool,
    ) -> Result<Spec, Refusal> {
        let mut spec = Spec {
            uid: 0,
            gid: 0,
            groups: BTreeSet::new(),
            effective: CapabilitySet::EMPTY,
            permitted: CapabilitySet::EMPTY,
            inheritable: CapabilitySet::EMPTY,
            bounding: CapabilitySet::EMPTY,
            ambient: CapabilitySet::EMPTY,
            no_new_privs,
        };
        self.set_user(&mut spec, user)?;
        let permitted = spec.uid == 0 || self.permits_any_user();
        self.rules.push(if spec.uid == 0 { Rule::DockerRoot } else { Rule::DockerNonRoot });
        if spec.uid != 0 && permitted {
            self.rules.push(Rule::DockerNonRootKeepsPermitted);
        }
        self.set_capabilities(&mut spec, set, permitted);
        Ok(spec)
    }

    fn set_capabilities(&mut self, spec: &mut Spec, set: CapabilitySet, permitted: bool) {
        let held = if permitted { set } else { CapabilitySet::EMPTY };
        (spec.bounding, spec.permitted, spec.effective) = (set, held, held);
        spec.inheritable = CapabilitySet::EMPTY;
        if Rule::DockerInheritable.row().applies(self.version) {
            self.rules.push(Rule::DockerInheritable);
            spec.inheritable = set;
        }
    }

    /// The change came to two branches: 23.0.7 and 24.0.6.
    fn permits_any_user(&self) -> bool {
        let missed = (Version::new(24, 0, 0)..Version::new(24, 0, 6)).contains(&self.version);
        Rule::DockerNonRootKeepsPermitted.row().applies(self.version) && !missed
    }

    /// The user with its groups (`getUser`).
    fn set_user(&mut self, spec: &mut Spec, word: Option<&str>) -> Result<(), Refusal> {
        let Found { user, how, assumed } = users::find(word, self.image.users())
            .map_err(|error| Refusal::of_user(Rule::DockerUserRefused, error))?;
        self.rules.push(match how {
            How::Absent => Rule::DockerUserAbsent,
            How::Number => Rule::DockerUserNumber,
            How::Unlisted => Rule::DockerUserUnlisted,
            How::Name => Rule::DockerUserName,
            How::WithGroup => Rule::DockerUserGroup,
        });
        self.assumptions.extend(assumed);
        let added = users::added_groups(
            &self.settings.group_add,
            self.image.users(),
            &mut self.assumptions,
        )
        .map_err(|error| Refusal::of_user(Rule::DockerGroupAddRefused, error))?;
        if !added.is_empty() {
            self.rules.push(Rule::DockerGroupAdd);
        }
        (spec.uid, spec.gid) = (user.uid, user.gid);
        spec.groups = user.groups.into_iter().chain(added).collect();
        if Rule::DockerPrimaryGroup.row().applies(self.version) {
            self.rules.push(Rule::DockerPrimaryGroup);
            spec.groups.insert(user.gid);
        }
        Ok(())
    }

    fn run(&mut self, spec: &Spec) -> Result<Credentials, Refusal> {
        if !spec.bounding.is_subset(self.host.bounding) {
            self.rules.push(Rule::DockerDaemonLacks);
        }
        runtime::start(spec, self.host)
            .map_err(|error| Refusal::new(Rule::DockerCannotGive, "", error.to_string()))
    }

    fn security_options(&self) -> Result<SecurityOptions, Refusal> {
        let writable_cgroups = self.version >= Version::new(28, 0, 0);
        let (bare, keys): (&[_], &[_]) = match writable_cgroups {
            true => (&["disable", "writable-cgroups"], &["writable-cgroups"]),
            false => (&["disable"], &[]),
        };
        security_opt::read(&self.settings.security_opt, bare, keys)
            .map_err(|refused| Refusal::of_security_opt(Rule::DockerSecurityOptRefused, refused))
    }

    fn no_new_privileges(&mut self, options: &SecurityOptions) -> bool {
        let Some((value, written)) = options.no_new_privileges else { return false };
        self.rules.push(match written {
            true => Rule::DockerNoNewPrivilegesValue,
            false => Rule::DockerNoNewPrivileges,
        });
        value
    }

    /// The profile, and whether it lets user namespaces through (`WithSeccomp`).
    fn seccomp(
        &mut self,
        options: &SecurityOptions,
        set: CapabilitySet,
    ) -> Result<(Seccomp, bool), Refusal> {
        let privileged = self.privileged();
        let named = options.seccomp.as_deref().filter(|profile| !profile.is_empty());
        let builtin = named == Some("builtin") && self.version >= ASKS_ENVIRONMENT;
        let keeps_custom = Rule::DockerSeccompPrivilegedCustom.row().applies(self.version);
        let open = (Seccomp::Unconfined, true);
        let (rule, answer) = match named {
            Some("unconfined") => (Rule::DockerSeccompUnconfined, open),
            None if privileged => (Rule::DockerSeccompUnconfined, open),
            Some(_) if privileged && !keeps_custom => (Rule::DockerSeccompUnconfined, open),
            Some(profile) if !builtin => {
                if !self.host.seccomp {
                    let reason = "seccomp is not enabled in your kernel, cannot run a custom \
                                  seccomp profile";
                    return Err(Refusal::new(Rule::DockerSeccompCustom, profile, reason));
                }
                let rule = match privileged {
                    true => Rule::DockerSeccompPrivilegedCustom,
                    false => Rule::DockerSeccompCustom,
                };
                (rule, (self.custom_seccomp(profile), true))
            }
            _ if !self.host.seccomp => (Rule::DockerSeccompUnconfined, open),
            // The profile is computed from the bounding set that is asked for, before the runtime
            // finds that the daemon lacks some of it.
            _ if set.contains(Capability::SYS_ADMIN) => {
                (Rule::DockerSeccompSysAdmin, (Seccomp::Default, true))
            }
            _ => (Rule::DockerSeccompDefault, (Seccomp::Default, false)),
        };
        self.rules.push(rule);
        Ok(answer)
    }

    fn apparmor(&mut self, options: &SecurityOptions) -> AppArmor {
        self.rules.push(Rule::DockerAppArmor);
        match options.apparmor.as_deref().filter(|profile| !profile.is_empty()) {
            Some("unconfined") => AppArmor::Unconfined,
            Some(profile) => AppArmor::Named(profile.to_owned()),
            None if self.privileged() => AppArmor::Unconfined,
            None => AppArmor::Default,
        }
    }

    /// The sysctls that the container gets (`WithCommonOptions`, then `WithSysctls`).
    fn sysctls(&mut self) -> Result<Vec<(String, String)>, Refusal> {
        let network = self.settings.network.as_ref().map_or("", |network| &network.value);
        // `service:` is how Compose writes the network of another container.
        let shared = network == "host"
            || network.starts_with("container:")
            || network.starts_with("service:");
        let mut sysctls = BTreeMap::new();
        if shared {
            self.rules.push(Rule::DockerSysctlsHostNetwork);
        } else {
            self.rules.push(Rule::DockerSysctls);
            for (name, value) in [
                ("net.ipv4.ip_unprivileged_port_start", "0"),
                ("net.ipv4.ping_group_range", "0 2147483647"),
            ] {
                sysctls.insert(name.to_owned(), value.to_owned());
            }
        }
        let of_the_host = self
            .settings
            .sysctls
            .iter()
            .find(|(name, _)| name.starts_with("net.") && network == "host");
        if let Some((name, _)) = of_the_host {
            let reason = format!("sysctl \"{name}\" not allowed in host network namespace");
            return Err(Refusal::new(Rule::DockerSysctlRefused, name, reason));
        }
        if !self.settings.sysctls.is_empty() {
            self.rules.push(Rule::DockerSysctlSet);
            sysctls.extend(self.settings.sysctls.iter().cloned());
        }
        Ok(sysctls.into_iter().collect())
    }
}
