//! What is known of a container when its runtime is called.
//!
//! The runtime is given a configuration and an id. Names, images and labels are the engine's, so
//! each engine is asked in its own way; what it does not say stays unknown, and matches nothing.

mod docker;
mod podman;

use crate::document::{DocumentError, Object};
use dropcap_policy::Running;
use std::collections::BTreeMap;

/// Labels that Compose puts on what it starts.
const COMPOSE: [&str; 2] = ["com.docker.compose.project", "com.docker.compose.service"];

/// Annotations of the namespace, the pod and the container, by who writes them.
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
const IMAGE: [&str; 3] = [
    "io.kubernetes.cri.image-name",
    "io.kubernetes.cri-o.ImageName",
    "org.opencontainers.image.ref.name",
];

/// What can be known of the container `id` with this configuration.
///
/// # Errors
/// A configuration that is none.
pub fn running(id: &str, config: &Object) -> Result<Running, DocumentError> {
    let annotations: BTreeMap<String, String> = config.read("annotations")?.unwrap_or_default();
    let annotation = |name: &str| annotations.get(name).cloned();
    let mut running = Running {
        image: IMAGE.iter().find_map(|name| annotation(name)),
        kubernetes: KUBERNETES.iter().find_map(|names| {
            let [namespace, pod, container] = names.map(annotation);
            Some(format!("{}/{}/{}", namespace?, pod?, container?))
        }),
        ..Running::default()
    };
    let mounts: Vec<Mount> = config.read("mounts")?.unwrap_or_default();
    if let Some(told) = docker::container(id, &mounts).or_else(|| podman::container(id, &mounts)) {
        running.name = told.name;
        running.image = running.image.or(told.image);
        running.labels = told.labels.into_iter().collect();
    } else {
        // Nobody gave it another name: a plain runtime, or `ctr`.
        running.name = Some(id.to_owned());
    }
    let label = |name: &str| {
        running.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    if let [Some(project), Some(service)] = COMPOSE.map(label) {
        running.compose = Some(format!("{project}/{service}"));
    }
    running.annotations = annotations.into_iter().collect();
    Ok(running)
}

/// What an engine keeps of a container.
#[derive(Debug, Default)]
struct Told {
    name: Option<String>,
    image: Option<String>,
    labels: BTreeMap<String, String>,
}

/// A mount of the configuration, as far as it leads to the engine's own files.
#[derive(Debug, serde::Deserialize)]
struct Mount {
    #[serde(default)]
    source: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn of(config: &serde_json::Value) -> Running {
        running("c1", &Object::parse(&config.to_string(), "a test").unwrap()).unwrap()
    }

    #[test]
    fn kubernetes_is_known_by_annotations() {
        let containerd = of(&serde_json::json!({"annotations": {
            "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.sandbox-name": "web-0",
            "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.image-name": "nginx:1"}}));
        assert_eq!(containerd.kubernetes.as_deref(), Some("prod/web-0/app"));
        assert_eq!(containerd.image.as_deref(), Some("nginx:1"));
        let crio = of(&serde_json::json!({"annotations": {
            "io.kubernetes.pod.namespace": "a", "io.kubernetes.pod.name": "b",
            "io.kubernetes.container.name": "c", "io.kubernetes.cri-o.ImageName": "i"}}));
        assert_eq!((crio.kubernetes.as_deref(), crio.image.as_deref()), (Some("a/b/c"), Some("i")));
        assert_eq!(of(&serde_json::json!({})).name.as_deref(), Some("c1"));
    }

    #[test]
    fn docker_is_known_by_its_own_file_and_only_by_that_of_this_container() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("containers/c1");
        std::fs::create_dir_all(&directory).unwrap();
        let config = serde_json::json!({"mounts": [
            {"source": "/elsewhere"}, {"source": directory.join("hostname")}]});
        let write = |id: &str| {
            let text = format!(
                r#"{{"ID":"{id}","Name":"/web","Config":{{"Image":"nginx","Labels":
                {{"com.docker.compose.project":"p","com.docker.compose.service":"s"}}}}}}"#
            );
            std::fs::write(directory.join("config.v2.json"), text).unwrap();
        };
        write("c1");
        let known = of(&config);
        assert_eq!(known.name.as_deref(), Some("web"));
        assert_eq!(known.image.as_deref(), Some("nginx"));
        assert_eq!(known.compose.as_deref(), Some("p/s"));
        write("c2");
        assert_eq!(of(&config).image, None);
    }
}
