//! What is known of a container when its runtime is called.
//!
//! The runtime is given a configuration and an id. Names, images and labels are the engine's, so
//! each engine is asked in its own way; what it does not say stays unknown, and matches nothing. What it
//! says and cannot be read is an error: it might have matched.
//!
//! Docker hands on the labels that an image brings along, Podman its annotations. Who built an image does not choose its
//! policy, so these count for nothing, unless whoever starts the container says something else by the same name.

mod docker;
mod podman;

use crate::document::{DocumentError, Object};
use crate::file::FileError;
use dropcap_policy::{Policy, Running};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Labels that Compose puts on what it starts.
const COMPOSE: [&str; 2] = ["com.docker.compose.project", "com.docker.compose.service"];

/// Annotations of the namespace, the pod and the container, by who writes them. CRI-O hands a pod's annotations on as well,
/// which may be called as containerd's.
const KUBERNETES: [[&str; 3]; 2] = [
    // containerd: `internal/cri/annotations/annotations.go`.
    [
        "io.kubernetes.cri.sandbox-namespace",
        "io.kubernetes.cri.sandbox-name",
        "io.kubernetes.cri.container-name",
    ],
    // CRI-O passes the kubelet's labels on: `internal/factory/container/container.go`.
    ["io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name"],
];

/// Annotations with the image's reference: of containerd, of CRI-O.
const IMAGE: [&str; 2] = ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"];

/// Why it is not known which container this is.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RunningError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("what the engine keeps of the container cannot be read")]
    File(#[from] FileError),
    #[error("{} says nothing of the container, which has files of that folder", path.display())]
    Missing { path: PathBuf },
    #[error("{} is not what the engine writes", path.display())]
    Kept { path: PathBuf, source: serde_json::Error },
    #[error(
        "the container matches by {what} that its image may have brought along, and what the image \
         says is not to be found: match it by name"
    )]
    NoImage { what: &'static str },
}

/// What the policy can go by for the container `id` with this configuration.
///
/// # Errors
/// [`RunningError`].
pub fn running(id: &str, config: &Object, policy: &Policy) -> Result<Running, RunningError> {
    let annotations: BTreeMap<String, String> = config.read("annotations")?.unwrap_or_default();
    let mounts: Vec<Mount> = config.read("mounts")?.unwrap_or_default();
    let told = match docker::container(id, &mounts)? {
        None => podman::container(id, &mounts, &annotations)?,
        told => told,
    };
    // Nobody gave it another name: a plain runtime, or `ctr`.
    let plain = || Told { name: Some(id.to_owned()), ..Told::default() };
    let (mut pods, mut images) = (KUBERNETES, IMAGE);
    if podman::is_crios(&annotations) {
        pods.reverse();
        images.reverse();
    }
    let Told { name, image, labels, brought } = told.unwrap_or_else(plain);
    let known = |labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>| {
        let annotation = |name: &str| annotations.get(name).cloned();
        let compose = COMPOSE.map(|name| labels.get(name));
        Running {
            name: name.clone(),
            image: image.clone().or_else(|| images.iter().find_map(|name| annotation(name))),
            compose: match compose {
                [Some(project), Some(service)] => Some(format!("{project}/{service}")),
                _ => None,
            },
            kubernetes: pods.iter().find_map(|names| {
                let [namespace, pod, container] = names.map(annotation);
                Some(format!("{}/{}/{}", namespace?, pod?, container?))
            }),
            labels: labels.clone().into_iter().collect(),
            annotations: annotations.clone().into_iter().collect(),
        }
    };
    let running = known(&labels, &annotations);
    let nothing = BTreeMap::new();
    let without = match &brought {
        Brought::Nothing => return Ok(running),
        Brought::Labels(_) => known(&nothing, &annotations),
        Brought::Annotations(_) => known(&labels, &nothing),
    };
    // Seldom does anything hang on it, and the image is read only where it does.
    if !policy.tells_apart(&running, &without) {
        return Ok(running);
    }
    let given = |all: &BTreeMap<String, String>, brought: &BTreeMap<String, String>| {
        let mut given = all.clone();
        given.retain(|key, value| brought.get(key) != Some(value));
        given
    };
    Ok(match &brought {
        Brought::Nothing => running,
        Brought::Labels(image) => known(&given(&labels, &image.labels()?), &annotations),
        Brought::Annotations(image) => known(&labels, &given(&annotations, &image.annotations()?)),
    })
}

/// What an engine keeps of a container.
#[derive(Debug, Default)]
struct Told {
    name: Option<String>,
    image: Option<String>,
    labels: BTreeMap<String, String>,
    brought: Brought,
}

/// What of it the image may have brought along.
#[derive(Debug, Default)]
enum Brought {
    #[default]
    Nothing,
    Labels(docker::Image),
    Annotations(podman::Image),
}

/// A mount of the configuration, as far as it leads to the engine's own files.
#[derive(Debug, serde::Deserialize)]
struct Mount {
    #[serde(default)]
    destination: String,
    #[serde(default)]
    source: String,
}

#[cfg(test)]
mod tests;
