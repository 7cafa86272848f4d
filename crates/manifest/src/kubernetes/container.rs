//! One container of a pod, key by key.

use super::{
    pod::{Pod, Role},
    reader::Reader,
};
use crate::{
    Container, Engine, Kind, Settings, Spanned, Starter,
    yaml::{Entry, NodeId},
};

/// Keys that a workload may need, and that are not carried.
const NOT_CARRIED: [&str; 3] = ["envFrom", "lifecycle", "volumeDevices"];

/// How the kubelet asks a container whether it works.
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// What begins a reference to a variable of the container, which the kubelet resolves.
const REFERENCE: &str = "$(";

impl<'t> Reader<'t> {
    /// Reads a container into the list. One without an image is no whole one: a patch for that of
    /// another file.
    pub(super) fn container(&mut self, item: NodeId, role: Role, pod: &mut Pod) {
        let fields = self.fields_of(item, "a container");
        let of = |name: &str| fields.iter().find(|field| field.name == name).copied();
        let Some(image) = of("image") else { return };
        let Some(name) = of("name") else {
            self.error(item, "a container without a name");
            return;
        };
        let Some(name) = self.text(name) else { return };
        let mut container = Container::new(
            self.path,
            &format!("{}/{}", pod.subject, name.value),
            name.span,
            Kind::Kubernetes,
            Engine::Containerd,
            Starter::Known,
        );
        container.image = self.text(image);
        container.settings = pod.settings.clone();
        container.unknowns.clone_from(&pod.unknowns);
        if let Some(profile) = pod.apparmor.get(&name.value) {
            container.settings.apparmor = Some(profile.clone());
        }
        if role != Role::Ephemeral {
            container.settings.start.runs_after.clone_from(&pod.done);
            container.settings.start.depends_on.clone_from(&pod.running);
        }
        let mut is_sidecar = false;
        for field in &fields {
            match field.name {
                "volumeMounts" => {
                    for item in self.items(*field) {
                        let mount = self.mount(&mut container, *item, &pod.volumes);
                        container.settings.mounts.extend(mount);
                    }
                }
                "restartPolicy" => {
                    is_sidecar = self.text(*field).is_some_and(|policy| policy.value == "Always");
                }
                _ => self.setting(*field, &mut container.settings),
            }
        }
        self.containers.push(container);
        match (role, is_sidecar) {
            (Role::Init, true) => pod.running.push(name.value),
            (Role::Init, false) => pod.done.push(name.value),
            _ => {}
        }
    }

    fn setting(&mut self, field: Entry<'t>, settings: &mut Settings) {
        match field.name {
            "securityContext" => {
                for inner in self.fields(field) {
                    self.container_security(inner, settings);
                }
            }
            "command" => settings.entrypoint = self.words(field, settings),
            "args" => settings.command = self.words(field, settings),
            "workingDir" => {
                settings.start.working_dir = self.text(field).map(|folder| folder.value);
            }
            "env" => {
                for item in self.items(field) {
                    self.variable(*item, settings);
                }
            }
            name if PROBES.contains(&name) => match self.executed(field) {
                Some(words) => settings.start.probes.push(words),
                None => settings.start.left_out.push(name.to_owned()),
            },
            name if NOT_CARRIED.contains(&name) => settings.start.left_out.push(name.to_owned()),
            _ => {}
        }
    }

    /// One key of a container's `securityContext`.
    fn container_security(&mut self, field: Entry<'t>, settings: &mut Settings) {
        match field.name {
            "privileged" => settings.privileged = self.boolean(field),
            "allowPrivilegeEscalation" => {
                settings.allow_privilege_escalation = self.boolean(field);
            }
            "readOnlyRootFilesystem" => {
                settings.read_only = self.boolean(field).is_some_and(|value| value.value);
            }
            "procMount" => settings.proc_mount = self.text(field),
            "capabilities" => {
                for inner in self.fields(field) {
                    match inner.name {
                        "add" => settings.cap_add = self.list(inner),
                        "drop" => settings.cap_drop = self.list(inner),
                        _ => {}
                    }
                }
            }
            _ => self.security(field, settings),
        }
    }

    /// The command of a probe that is executed in the container; others ask from outside.
    fn executed(&mut self, probe: Entry<'t>) -> Option<Vec<String>> {
        let exec = self.field(probe.value, "exec")?;
        let command = self.field(exec.value, "command")?;
        Some(self.list(command).into_iter().map(|word| word.value).collect())
    }

    /// The words of a command, as they are written: a `$(NAME)` in them is named as left out.
    fn words(&mut self, field: Entry<'t>, settings: &mut Settings) -> Option<Spanned<Vec<String>>> {
        let words: Vec<String> = self.list(field).into_iter().map(|word| word.value).collect();
        if words.iter().any(|word| has_reference(word)) {
            settings.start.left_out.push(format!("the variables in {}", field.name));
        }
        Some(Spanned::new(words, self.tree.nodes[field.value].span.clone()))
    }

    /// One of `env`. What comes from elsewhere is named as left out.
    fn variable(&mut self, item: NodeId, settings: &mut Settings) {
        let fields = self.fields_of(item, "a variable");
        let of = |name: &str| fields.iter().find(|field| field.name == name).copied();
        let Some(name) = of("name").and_then(|name| self.text(name)) else { return };
        if of("valueFrom").is_some() {
            settings.start.left_out.push(format!("the value of {}", name.value));
            return;
        }
        let value = of("value").and_then(|value| self.text(value));
        let value = value.map(|value| value.value).unwrap_or_default();
        if has_reference(&value) {
            settings.start.left_out.push(format!("the variables in {}", name.value));
        }
        settings.start.environment.push((name.value, Some(value)));
    }
}

/// Whether the kubelet may put a variable's value into a word: `$(NAME)`. What else stands in the brackets,
/// as a shell's command does, stays as it is (`expansion.Expand` of Kubernetes).
fn has_reference(word: &str) -> bool {
    word.split(REFERENCE).skip(1).any(|rest| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        rest.split_once(')').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_name))
    })
}
