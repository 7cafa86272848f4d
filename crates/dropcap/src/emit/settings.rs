//! The settings, and how each kind writes them.

use super::Kind;
use dropcap_audit::Plan;
use dropcap_capability::{Capability, CapabilitySet};
use serde::Serialize;
use std::collections::BTreeMap;

/// What to tell the engine.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Settings {
    schema: u8,
    #[serde(rename = "as")]
    kind: Kind,
    cap_drop: Vec<String>,
    cap_add: Vec<String>,
    no_new_privileges: bool,
    /// The words by which Docker is told; the other kinds have a key for each.
    security_opt: Vec<String>,
    /// The type of Kubernetes' `seccompProfile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    seccomp_profile: Option<&'static str>,
    sysctls: BTreeMap<String, String>,
    pub(super) notes: Vec<String>,
}

impl Settings {
    /// Everything but `keep` is dropped.
    pub(super) fn new(
        kind: Kind,
        keep: CapabilitySet,
        no_new_privileges: bool,
        user_namespaces: bool,
    ) -> Self {
        let name = |one: Capability| {
            let name = one.to_string();
            name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
        };
        let is_dockers = matches!(kind, Kind::DockerRun | Kind::Compose);
        let option = (is_dockers && no_new_privileges).then(|| "no-new-privileges:true".to_owned());
        let mut settings = Self {
            schema: dropcap_report::json::SCHEMA,
            kind,
            cap_drop: vec!["ALL".to_owned()],
            cap_add: keep.iter().map(name).collect(),
            no_new_privileges,
            security_opt: option.into_iter().collect(),
            seccomp_profile: None,
            sysctls: BTreeMap::new(),
            notes: Vec::new(),
        };
        settings.settle_user_namespaces(keep, user_namespaces);
        settings
    }

    pub(super) fn of_plan(kind: Kind, plan: &Plan, user_namespaces: bool) -> Self {
        let mut settings = Self::new(kind, plan.keep, plan.no_new_privileges, user_namespaces);
        settings.sysctls = plan.sysctls.iter().cloned().collect();
        settings.notes.extend(plan.notes.iter().cloned());
        settings
    }

    /// Docker's own profile closes them; a pod has none unless it names one, and that of Podman lets
    /// them through.
    fn settle_user_namespaces(&mut self, keep: CapabilitySet, open: bool) {
        let note = match (self.kind, open) {
            (Kind::Kubernetes, true) => {
                "the policy lets it make user namespaces: `seccompProfile` is left as the pod has it"
            }
            (Kind::Kubernetes, false) => {
                self.seccomp_profile = Some("RuntimeDefault");
                if !keep.contains(Capability::SYS_ADMIN) {
                    return;
                }
                "where SYS_ADMIN is added, RuntimeDefault lets user namespaces through"
            }
            (Kind::PodmanQuadlet, false) => {
                "Podman's default seccomp profile lets user namespaces through: a profile of your own \
                 (`SeccompProfile=`) or `dropcap run` closes them"
            }
            _ => return,
        };
        self.notes.push(note.to_owned());
    }

    /// A profile that somebody wrote for a pod may close more than RuntimeDefault, so it is not replaced.
    pub(super) fn keep_profile(&mut self, written: &str) {
        if self.seccomp_profile.is_none() || ["RuntimeDefault", "Unconfined"].contains(&written) {
            return;
        }
        self.seccomp_profile = None;
        self.notes.push(format!(
            "the seccomp profile `{written}` stays; it is not read, so it counts as letting user \
             namespaces through"
        ));
    }

    /// As the kind writes them.
    pub(super) fn text(&self) -> String {
        match self.kind {
            Kind::DockerRun => self.docker_run(),
            Kind::Compose => self.compose(),
            Kind::Kubernetes => self.kubernetes(),
            Kind::PodmanQuadlet => self.podman_quadlet(),
        }
    }

    /// One line of flags.
    fn docker_run(&self) -> String {
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: &str| flags.push(format!("{name} {value}"));
        self.cap_drop.iter().for_each(|one| flag("--cap-drop", one));
        self.cap_add.iter().for_each(|one| flag("--cap-add", one));
        self.security_opt.iter().for_each(|one| flag("--security-opt", one));
        self.sysctls.iter().for_each(|(name, value)| flag("--sysctl", &format!("{name}={value}")));
        format!("{}\n", flags.join(" "))
    }

    /// Keys of a service.
    fn compose(&self) -> String {
        let mut text = String::new();
        let lists = [
            ("cap_drop", &self.cap_drop),
            ("cap_add", &self.cap_add),
            ("security_opt", &self.security_opt),
        ];
        for (key, values) in lists {
            if !values.is_empty() {
                text.push_str(&format!("{key}:\n"));
                values.iter().for_each(|value| text.push_str(&format!("  - {value}\n")));
            }
        }
        if !self.sysctls.is_empty() {
            text.push_str("sysctls:\n");
            for (name, value) in &self.sysctls {
                text.push_str(&format!("  {name}: \"{value}\"\n"));
            }
        }
        text
    }

    /// A container's `securityContext`. Sysctls are the pod's, so a note has them.
    fn kubernetes(&self) -> String {
        let mut text = "securityContext:\n".to_owned();
        if self.no_new_privileges {
            text.push_str("  allowPrivilegeEscalation: false\n");
        }
        text.push_str("  capabilities:\n");
        text.push_str(&format!("    drop: [{}]\n", self.cap_drop.join(", ")));
        if !self.cap_add.is_empty() {
            text.push_str(&format!("    add: [{}]\n", self.cap_add.join(", ")));
        }
        if let Some(profile) = self.seccomp_profile {
            text.push_str(&format!("  seccompProfile:\n    type: {profile}\n"));
        }
        text
    }

    /// Keys of a `.container` file; podman-systemd.unit(5).
    fn podman_quadlet(&self) -> String {
        let mut text = "[Container]\n".to_owned();
        text.push_str(&format!("DropCapability={}\n", self.cap_drop.join(" ").to_lowercase()));
        if !self.cap_add.is_empty() {
            text.push_str(&format!("AddCapability={}\n", self.cap_add.join(" ")));
        }
        if self.no_new_privileges {
            text.push_str("NoNewPrivileges=true\n");
        }
        for (name, value) in &self.sysctls {
            text.push_str(&format!("Sysctl={name}={value}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadlet_has_a_line_for_each_sysctl() {
        let mut settings = Settings::new(Kind::PodmanQuadlet, CapabilitySet::EMPTY, false, true);
        settings.sysctls.insert("net.a".to_owned(), "0".to_owned());
        settings.sysctls.insert("net.b".to_owned(), "1".to_owned());
        assert_eq!(
            settings.text(),
            "[Container]\nDropCapability=all\nSysctl=net.a=0\nSysctl=net.b=1\n"
        );
    }
}
