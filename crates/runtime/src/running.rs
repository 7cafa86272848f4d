//! What is known of a container when its runtime is called.
//!
//! The runtime is given a configuration and an id. Names, images and labels are the engine's, so
//! each engine is asked in its own way; what it does not say stays unknown, and matches nothing. What it
//! says and cannot be read is an error: it might have matched.
//!
//! Docker hands on the labels that an image brings along, Podman (up to 4.5) its annotations. Who built an image does not choose
//! its policy, so what the image says as well can only take away ([`crate::decide`]).

mod docker;
mod podman;

use crate::document::{DocumentError, Object};
use crate::file::FileError;
use dropcap_policy::{Policy, Running};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Labels that Compose puts on what it starts.
const COMPOSE: [&str; 2] = ["com.docker.compose.project", "com.docker.compose.service"];

/// What all of Compose's begin with.
const OF_COMPOSE: &str = "com.docker.compose.";

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

/// What the policy can go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What whoever started the container said of it.
    pub given: Running,
    /// That, and what its image says as well: somebody may have said so, or nobody but the image.
    pub all: Running,
}

/// What the policy can go by for the container `id` with this configuration.
///
/// # Errors
/// [`RunningError`].
pub fn known(id: &str, config: &Object, policy: &Policy) -> Result<Known, RunningError> {
    let annotations: BTreeMap<String, String> = config.read("annotations")?.unwrap_or_default();
    let mounts: Vec<Mount> = config.read("mounts")?.unwrap_or_default();
    let told = match docker::container(id, &mounts)? {
        None => podman::container(id, &mounts)?,
        told => told,
    };
    // Nobody gave it another name: a plain runtime, or `ctr`.
    let told = told.unwrap_or_else(|| Told { name: Some(id.to_owned()), ..Told::default() });
    let all = told.running(&told.labels, &annotations);
    let nothing = BTreeMap::new();
    let without = match &told.brought {
        Brought::Nothing => return Ok(Known { given: all.clone(), all }),
        Brought::Labels(_) => told.running(&nothing, &annotations),
        Brought::Annotations(_) => told.running(&told.labels, &nothing),
    };
    // Seldom does anything hang on it, and the image is read only where it does.
    if policy.telling_apart(&all, &without).next().is_none() {
        return Ok(Known { given: all.clone(), all });
    }
    let given = match &told.brought {
        Brought::Nothing => all.clone(),
        Brought::Labels(image) => {
            told.running(&given_labels(&told.labels, &image.labels()?), &annotations)
        }
        Brought::Annotations(image) => {
            told.running(&told.labels, &less(&annotations, &image.annotations()?))
        }
    };
    Ok(Known { given, all })
}

/// What is in `all` and not in `brought`, with the same value.
fn less(
    all: &BTreeMap<String, String>,
    brought: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let given = all.iter().filter(|(key, value)| brought.get(*key) != Some(*value));
    given.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The labels that are not the image's. Compose puts project and service on the images that it builds as well, and on
/// a container others that no image has, such as the image's own digest: then it has given all of them.
fn given_labels(
    all: &BTreeMap<String, String>,
    image: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut given = less(all, image);
    if given.keys().any(|key| key.starts_with(OF_COMPOSE)) {
        let composed = all.iter().filter(|(key, _)| COMPOSE.contains(&key.as_str()));
        given.extend(composed.map(|(key, value)| (key.clone(), value.clone())));
    }
    given
}

impl Told {
    /// What is known by these labels and annotations.
    fn running(
        &self,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
    ) -> Running {
        let annotation = |name: &str| annotations.get(name).cloned();
        let (mut pods, mut images) = (KUBERNETES, IMAGE);
        if self.is_crios {
            pods.reverse();
            images.reverse();
        }
        let named = || images.iter().find_map(|name| annotation(name));
        Running {
            name: self.name.clone(),
            image: match self.is_crios {
                // What its storage keeps is what the kubelet asked for: an id, mostly.
                true => named().or_else(|| self.image.clone()),
                false => self.image.clone().or_else(named),
            },
            compose: match COMPOSE.map(|name| labels.get(name)) {
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
    }
}

/// What an engine keeps of a container.
#[derive(Debug, Default)]
struct Told {
    name: Option<String>,
    image: Option<String>,
    labels: BTreeMap<String, String>,
    brought: Brought,
    /// Whether CRI-O has made it.
    is_crios: bool,
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
