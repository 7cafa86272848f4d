//! The volumes of a pod, and where a container mounts them.

use std::collections::HashMap;

use super::reader::Reader;
use crate::{
    Container, Mount, Spanned,
    yaml::{Entry, NodeId},
};

/// Volumes that the kubelet fills with files of its own, without a setuid bit, and mounts read-only.
const FILLED: [&str; 4] = ["configMap", "secret", "projected", "downwardAPI"];

/// A volume of a pod.
pub(super) struct Volume {
    /// As [`Mount::source`].
    source: String,
    kind: Kind,
}

enum Kind {
    /// A path of the node.
    HostPath,
    /// Empty when the pod starts, in memory or not: the kubelet mounts neither nosuid.
    Empty,
    /// One of [`FILLED`].
    Filled(&'static str),
    /// Kept from one pod to the next, and empty at first.
    Claim,
    /// Another one, which may hold anything.
    Other(String),
}

impl<'t> Reader<'t> {
    /// The volumes of a pod by their names. `subject` is the pod's, within which such a name counts.
    pub(super) fn volumes(
        &mut self,
        entry: Entry<'t>,
        subject: &str,
        volumes: &mut HashMap<String, Volume>,
    ) {
        for item in self.items(entry) {
            let fields = self.fields_of(*item, "a volume");
            let Some(name) = fields.iter().find(|field| field.name == "name").copied() else {
                self.error(*item, "a volume without a name");
                continue;
            };
            let Some(name) = self.text(name) else { continue };
            let scoped = format!("{subject}/{}", name.value);
            let source = fields.into_iter().find(|field| field.name != "name");
            let volume = match source {
                // The default of the API.
                None => Volume { source: scoped, kind: Kind::Empty },
                Some(source) => self.volume(source, subject, scoped),
            };
            volumes.insert(name.value, volume);
        }
    }

    fn volume(&mut self, entry: Entry<'t>, subject: &str, scoped: String) -> Volume {
        let inner = |reader: &mut Self, name| {
            let field = reader.field(entry.value, name)?;
            Some(reader.text(field)?.value)
        };
        if let Some(kind) = FILLED.iter().find(|kind| **kind == entry.name) {
            return Volume { source: scoped, kind: Kind::Filled(kind) };
        }
        match entry.name {
            "hostPath" => {
                let source = inner(self, "path").unwrap_or_default();
                Volume { source, kind: Kind::HostPath }
            }
            "emptyDir" => Volume { source: scoped, kind: Kind::Empty },
            "persistentVolumeClaim" => {
                let namespace = subject.split('/').next().unwrap_or_default();
                let source = match inner(self, "claimName") {
                    Some(claim) => format!("{namespace}/PersistentVolumeClaim/{claim}"),
                    None => scoped,
                };
                Volume { source, kind: Kind::Claim }
            }
            "ephemeral" => Volume { source: scoped, kind: Kind::Claim },
            other => Volume { source: scoped, kind: Kind::Other(other.to_owned()) },
        }
    }

    /// The `volumeClaimTemplates` of a StatefulSet, which each of its pods has as volumes.
    pub(super) fn claim_templates(
        &mut self,
        object: NodeId,
        subject: &str,
        volumes: &mut HashMap<String, Volume>,
    ) {
        let spec = self.field(object, "spec").map(|spec| spec.value);
        let Some(templates) = spec.and_then(|spec| self.field(spec, "volumeClaimTemplates")) else {
            return;
        };
        for item in self.items(templates) {
            let metadata = self.field(*item, "metadata");
            let name = metadata.and_then(|metadata| self.field(metadata.value, "name"));
            let Some(name) = name.and_then(|name| self.text(name)) else { continue };
            let source = format!("{subject}/{}", name.value);
            volumes.insert(name.value, Volume { source, kind: Kind::Claim });
        }
    }

    /// One of `volumeMounts`.
    pub(super) fn mount(
        &mut self,
        container: &mut Container,
        item: NodeId,
        volumes: &HashMap<String, Volume>,
    ) -> Option<Mount> {
        let (mut name, mut target, mut inside, mut read_only) = (None, None, None, false);
        for field in self.fields_of(item, "a mount") {
            match field.name {
                "name" => name = self.text(field),
                "mountPath" => target = self.text(field),
                "subPath" => inside = self.text(field),
                "readOnly" => read_only = self.boolean(field).is_some_and(|value| value.value),
                "subPathExpr" => {
                    let path = self.text(field)?;
                    let what = format!("which path of the volume `{}` is", path.value);
                    container.unknowns.push(Spanned::new(what, path.span));
                }
                _ => {}
            }
        }
        let span = self.tree.nodes[item].span.clone();
        let Some((name, target)) = name.zip(target) else {
            self.error(item, "a mount without a name or a mountPath");
            return None;
        };
        let Some(volume) = volumes.get(&name.value) else {
            self.error(item, &format!("there is no volume {} in this pod", name.value));
            return None;
        };
        let mut mount = Mount {
            source: volume.source.clone(),
            target: target.value,
            bind: false,
            read_only,
            tmpfs: false,
            span,
        };
        let left_out = &mut container.settings.start.left_out;
        if let (Kind::Empty | Kind::Claim, Some(inside)) = (&volume.kind, &inside) {
            left_out
                .push(format!("that it sees {} of the volume {} alone", inside.value, name.value));
        }
        match &volume.kind {
            Kind::HostPath => {
                mount.bind = true;
                if let Some(inside) = inside {
                    mount.source = format!("{}/{}", volume.source, inside.value);
                }
            }
            Kind::Empty => {}
            Kind::Claim => container.settings.start.claims.push(volume.source.clone()),
            Kind::Filled(kind) => {
                mount.read_only = true;
                left_out.push(format!("what is in the volume {} ({kind})", name.value));
            }
            Kind::Other(kind) => {
                left_out.push(format!("what is in the volume {} ({kind})", name.value));
                let what = format!("what lies in the volume {} ({kind})", name.value);
                container.unknowns.push(Spanned::new(what, name.span));
            }
        }
        Some(mount)
    }
}
