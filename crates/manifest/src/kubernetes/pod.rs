//! What a pod says for all of its containers.

use std::collections::HashMap;

use super::{reader::Reader, volume::Volume};
use crate::{
    Settings, Spanned,
    yaml::{Entry, NodeId},
};

/// How many values containers may take over from their pods: a long pod of many containers must not
/// ask for more memory than the file itself.
const MAX_SHARED_VALUES: usize = 1_000_000;

/// The annotation that named a container's AppArmor profile before Kubernetes 1.30.
const APPARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Keys of a pod that a workload may need, and that are not carried.
const NOT_CARRIED: [&str; 4] = ["dnsConfig", "dnsPolicy", "resourceClaims", "subdomain"];

/// A pod, as far as its containers share it.
#[derive(Default)]
pub(super) struct Pod {
    /// `NAMESPACE/KIND/NAME`.
    pub subject: String,
    /// What holds where a container says nothing.
    pub settings: Settings,
    pub volumes: HashMap<String, Volume>,
    /// AppArmor profiles by the container's name, of annotations.
    pub apparmor: HashMap<String, Spanned<String>>,
    pub unknowns: Vec<Spanned<String>>,
    /// Init containers that have run to their end before what comes next.
    pub done: Vec<String>,
    /// Init containers that go on running (sidecars).
    pub running: Vec<String>,
}

/// Which list of a pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Init,
    Main,
    Ephemeral,
}

impl<'t> Reader<'t> {
    /// Reads the containers of a pod: of `template`, which has its `metadata` and its `spec`.
    pub(super) fn pod(&mut self, object: NodeId, template: NodeId, subject: &str) {
        let Some(spec) = self.field(template, "spec") else { return };
        let fields = self.fields(spec);
        if self.is_for_windows(&fields) {
            return;
        }
        let mut pod = Pod { subject: subject.to_owned(), ..Pod::default() };
        self.claim_templates(object, subject, &mut pod.volumes);
        self.annotations(template, &mut pod);
        for field in &fields {
            self.shared(*field, &mut pod);
        }
        // Init containers come first however the keys stand.
        for (name, role) in [
            ("initContainers", Role::Init),
            ("containers", Role::Main),
            ("ephemeralContainers", Role::Ephemeral),
        ] {
            let Some(list) = fields.iter().find(|field| field.name == name) else { continue };
            for item in self.items(*list) {
                self.shared += pod.size();
                if self.shared > MAX_SHARED_VALUES {
                    let message = format!(
                        "containers take over more than {MAX_SHARED_VALUES} values of pods"
                    );
                    self.error(*item, &message);
                    return;
                }
                self.container(*item, role, &mut pod);
            }
        }
    }

    /// Capabilities are Linux's.
    fn is_for_windows(&self, fields: &[Entry<'t>]) -> bool {
        let os = fields.iter().find(|field| field.name == "os");
        let name = os.and_then(|os| self.field(os.value, "name"));
        name.is_some_and(|name| self.tree.scalar(name.value) == Some("windows"))
    }

    fn annotations(&mut self, template: NodeId, pod: &mut Pod) {
        let metadata = self.field(template, "metadata").map(|metadata| metadata.value);
        let Some(entry) = metadata.and_then(|metadata| self.field(metadata, "annotations")) else {
            return;
        };
        for annotation in self.fields(entry) {
            let Some(name) = annotation.name.strip_prefix(APPARMOR_ANNOTATION) else { continue };
            let Some(mut profile) = self.text(annotation) else { continue };
            profile.value = match profile.value.as_str() {
                "runtime/default" => "RuntimeDefault".to_owned(),
                "unconfined" => "Unconfined".to_owned(),
                other => other.strip_prefix("localhost/").unwrap_or(other).to_owned(),
            };
            pod.apparmor.insert(name.to_owned(), profile);
        }
    }

    /// One key of a pod's `spec`.
    fn shared(&mut self, field: Entry<'t>, pod: &mut Pod) {
        let word = |asked: Option<Spanned<bool>>, word: &str| {
            let asked = asked.filter(|asked| asked.value)?;
            Some(Spanned::new(word.to_owned(), asked.span))
        };
        match field.name {
            "hostNetwork" => pod.settings.network = word(self.boolean(field), "host"),
            "hostIPC" => pod.settings.ipc = word(self.boolean(field), "host"),
            "hostPID" => {
                pod.settings.pid = word(self.boolean(field), "host").or(pod.settings.pid.take());
            }
            "shareProcessNamespace" => {
                pod.settings.pid = pod.settings.pid.take().or(word(self.boolean(field), "pod"));
            }
            "hostUsers" => pod.settings.host_users = self.boolean(field),
            "hostname" => pod.settings.start.hostname = self.text(field).map(|name| name.value),
            "hostAliases" => self.host_aliases(field, pod),
            "volumes" => {
                let subject = pod.subject.clone();
                self.volumes(field, &subject, &mut pod.volumes);
            }
            "runtimeClassName" => {
                let Some(class) = self.text(field) else { return };
                let what = format!("the runtime of its RuntimeClass {}", class.value);
                pod.unknowns.push(Spanned::new(what, class.span));
            }
            "securityContext" => {
                for inner in self.fields(field) {
                    self.pod_security(inner, pod);
                }
            }
            name if NOT_CARRIED.contains(&name) => {
                pod.settings.start.left_out.push(name.to_owned());
            }
            _ => {}
        }
    }

    /// One key of a pod's `securityContext`.
    fn pod_security(&mut self, field: Entry<'t>, pod: &mut Pod) {
        match field.name {
            "supplementalGroups" => {
                let items = self.items(field);
                let numbers =
                    items.iter().filter_map(|item| self.number(Entry { value: *item, ..field }));
                pod.settings.group_add.extend(numbers.collect::<Vec<_>>());
            }
            // The kubelet makes it a group of every process too (`convertToRuntimeSecurityContext`).
            "fsGroup" => {
                let group = self.number(field);
                let number = group.as_ref().and_then(|group| group.value.parse().ok());
                pod.settings.start.fs_group = number;
                pod.settings.group_add.extend(group);
            }
            "supplementalGroupsPolicy" => {
                pod.settings.supplemental_groups_policy = self.text(field);
            }
            "sysctls" => {
                for item in self.items(field) {
                    let mut word = |name| {
                        let entry = self.field(*item, name)?;
                        Some(self.text(entry)?.value)
                    };
                    if let Some(sysctl) = word("name").zip(word("value")) {
                        pod.settings.sysctls.push(sysctl);
                    }
                }
            }
            _ => self.security(field, &mut pod.settings),
        }
    }

    /// A key that the `securityContext` of a pod and that of a container have both.
    pub(super) fn security(&mut self, field: Entry<'t>, settings: &mut Settings) {
        match field.name {
            "runAsUser" => settings.user = self.number(field),
            "runAsGroup" => settings.run_as_group = self.number(field),
            "runAsNonRoot" => settings.run_as_non_root = self.boolean(field),
            "seccompProfile" => settings.seccomp = self.profile(field),
            "appArmorProfile" => settings.apparmor = self.profile(field),
            "seLinuxOptions" => settings.start.left_out.push(field.name.to_owned()),
            _ => {}
        }
    }

    /// `{type: RuntimeDefault}`, `{type: Localhost, localhostProfile: NAME}`.
    fn profile(&mut self, field: Entry<'t>) -> Option<Spanned<String>> {
        let fields = self.fields(field);
        let of = |name: &str| fields.iter().find(|inner| inner.name == name).copied();
        let kind = self.text(of("type")?)?;
        match (kind.value.as_str(), of("localhostProfile")) {
            ("Localhost", Some(profile)) => self.text(profile),
            _ => Some(kind),
        }
    }

    fn host_aliases(&mut self, field: Entry<'t>, pod: &mut Pod) {
        for item in self.items(field) {
            let fields = self.fields_of(*item, "a host alias");
            let of = |name: &str| fields.iter().find(|inner| inner.name == name).copied();
            let Some(address) = of("ip").and_then(|ip| self.text(ip)) else { continue };
            let names = of("hostnames").map(|names| self.list(names)).unwrap_or_default();
            let lines = names.iter().map(|name| format!("{}:{}", name.value, address.value));
            pod.settings.start.extra_hosts.extend(lines);
        }
    }
}

impl Pod {
    /// How many values each container takes over.
    fn size(&self) -> usize {
        let Settings { group_add, sysctls, start, .. } = &self.settings;
        let lists = group_add.len() + sysctls.len() + start.extra_hosts.len();
        1 + lists
            + start.left_out.len()
            + self.unknowns.len()
            + self.done.len()
            + self.running.len()
    }
}
