//! Docker: moby's `daemon/oci_linux.go`, `daemon/exec_linux.go` and `oci/caps`.

use crate::names::{self, DOCKER_DEFAULTS, Names};
use crate::runtime::{self, Spec};
use crate::security_opt::{self, SecurityOptions};
use crate::users::{self, Found, How};
use crate::{
    AppArmor, Host, ImageKnowledge, InitialState, Process, Refusal, Rule, Seccomp, Version,
};
use dropcap_capability::{Capability, CapabilitySet, NamespaceGate};
use dropcap_image::UserError;
use dropcap_manifest::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// The release that learnt the capabilities of Linux 5.8 and 5.9, and asks its own environment.
const ASKS_ENVIRONMENT: Version = Version::new(23, 0, 0);

/// One container on one daemon, and what was found out on the way.
struct Docker<'a> {
    settings: &'a Settings,
    image: ImageKnowledge<'a>,
    version: Version,
    host: &'a Host,
    rules: Vec<Rule>,
    assumptions: Vec<String>,
}

/// As [`crate::initial_state`].
pub(crate) fn initial_state(
    settings: &Settings,
    process: Process<'_>,
    image: ImageKnowledge<'_>,
    version: Version,
    host: &Host,
) -> Result<InitialState, Refusal> {
    let (rules, assumptions) = (Vec::new(), Vec::new());
    let mut docker = Docker { settings, image, version, host, rules, assumptions };
    docker.start(process).map_err(|refusal| Refusal { rules: docker.rules, ..refusal })
}

impl Docker<'_> {
    fn start(&mut self, process: Process<'_>) -> Result<InitialState, Refusal> {
        self.assumptions.push(
            "the daemon runs with its default options (no userns-remap, no rootless mode, no \
             no-new-privileges or seccomp profile of its own)"
                .to_owned(),
        );
        let set = self.capabilities()?;
        let options = self.security_options()?;
        let no_new_privs = self.no_new_privileges(&options);
        let word = users::word(self.settings.user.as_ref(), self.image);
        let first = self.spec(word, set, no_new_privs)?;
        let (seccomp, seccomp_allows) = self.seccomp(&options, set)?;
        let apparmor = self.apparmor(&options);
        let sysctls = self.sysctls()?;

        // An exec goes into a container that runs, so the first process has to start as well.
        let mut credentials = self.run(&first)?;
        match process {
            Process::First => {}
            Process::Exec { user, privileged } => {
                self.rules.push(Rule::DockerExec);
                let mut spec = first;
                if let Some(user) = user.filter(|user| !user.is_empty()) {
                    self.rules.push(Rule::DockerExecUser);
                    self.set_user(&mut spec, Some(user))?;
                }
                if privileged {
                    self.rules.push(Rule::DockerExecPrivileged);
                    self.set_capabilities(&mut spec, self.everything(), true);
                }
                credentials = self.run(&spec)?;
            }
        }
        let gate = NamespaceGate { seccomp_allows, chrooted: false, ..self.host.gate };
        Ok(InitialState {
            credentials,
            gate,
            seccomp,
            apparmor,
            sysctls,
            assumptions: std::mem::take(&mut self.assumptions),
            rules: std::mem::take(&mut self.rules),
        })
    }

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
        if self.settings.privileged.as_ref().is_some_and(|privileged| privileged.value) {
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

    fn names(
        &self,
        words: &[dropcap_manifest::Spanned<String>],
        list: &str,
    ) -> Result<Names, Refusal> {
        let refuse = |rule, word: String, reason: String| Refusal {
            reason: format!("invalid {list}: {reason}"),
            rule,
            word,
            rules: Vec::new(),
        };
        let names = names::read(words, self.known()).map_err(|unknown| {
            let too_new = unknown.capability().is_some();
            let rule = match self.settings.privileged.as_ref().is_some_and(|given| given.value) {
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
        let refuse = |rule, error: UserError| Refusal {
            word: match &error {
                UserError::NoSuchUser(word)
                | UserError::NoSuchGroup(word)
                | UserError::OutOfRange(word) => word.clone(),
            },
            reason: error.to_string(),
            rule,
            rules: Vec::new(),
        };
        let Found { user, how, assumed } = users::find(word, self.image.users())
            .map_err(|error| refuse(Rule::DockerUserRefused, error))?;
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
        .map_err(|error| refuse(Rule::DockerGroupAddRefused, error))?;
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

    fn run(&mut self, spec: &Spec) -> Result<dropcap_capability::Credentials, Refusal> {
        if !spec.bounding.is_subset(self.host.bounding) {
            self.rules.push(Rule::DockerDaemonLacks);
        }
        runtime::start(spec, self.host).map_err(|error| Refusal {
            reason: error.to_string(),
            rule: Rule::DockerCannotGive,
            word: String::new(),
            rules: Vec::new(),
        })
    }

    fn security_options(&self) -> Result<SecurityOptions, Refusal> {
        let writable_cgroups = self.version >= Version::new(28, 0, 0);
        let (bare, keys): (&[_], &[_]) = match writable_cgroups {
            true => (&["disable", "writable-cgroups"], &["writable-cgroups"]),
            false => (&["disable"], &[]),
        };
        security_opt::read(&self.settings.security_opt, bare, keys).map_err(|refused| Refusal {
            reason: format!("invalid --security-opt {}: {:?}", refused.step, refused.word),
            rule: Rule::DockerSecurityOptRefused,
            word: refused.word,
            rules: Vec::new(),
        })
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
        let privileged = self.settings.privileged.as_ref().is_some_and(|given| given.value);
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
                    return Err(Refusal {
                        reason: "seccomp is not enabled in your kernel, cannot run a custom \
                                 seccomp profile"
                            .to_owned(),
                        rule: Rule::DockerSeccompCustom,
                        word: profile.to_owned(),
                        rules: Vec::new(),
                    });
                }
                self.assumptions.push(format!(
                    "the seccomp profile `{profile}` was not read, so it counts as letting user \
                     namespaces through"
                ));
                let rule = match privileged {
                    true => Rule::DockerSeccompPrivilegedCustom,
                    false => Rule::DockerSeccompCustom,
                };
                (rule, (Seccomp::Custom(profile.to_owned()), true))
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
        let privileged = self.settings.privileged.as_ref().is_some_and(|given| given.value);
        match options.apparmor.as_deref().filter(|profile| !profile.is_empty()) {
            Some("unconfined") => AppArmor::Unconfined,
            Some(profile) => AppArmor::Named(profile.to_owned()),
            None if privileged => AppArmor::Unconfined,
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
            return Err(Refusal {
                reason: format!("sysctl \"{name}\" not allowed in host network namespace"),
                rule: Rule::DockerSysctlRefused,
                word: name.clone(),
                rules: Vec::new(),
            });
        }
        if !self.settings.sysctls.is_empty() {
            self.rules.push(Rule::DockerSysctlSet);
            sysctls.extend(self.settings.sysctls.iter().cloned());
        }
        Ok(sysctls.into_iter().collect())
    }
}
