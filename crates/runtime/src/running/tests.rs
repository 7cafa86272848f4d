#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use super::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const POLICY: &str = r#"
version = 1
[[workload]]
name = "labelled"
match = [{ label = "tier=trusted" }, { annotation = "tier=trusted" }]
[[workload]]
name = "composed"
match = [{ compose = "p/*" }, { kubernetes = "prod/*" }]
"#;

fn asked(config: &Value, policy: &str) -> Result<Running, RunningError> {
    let config = Object::parse(&config.to_string(), "a test").unwrap();
    known("c1", &config, &Policy::parse(policy).unwrap()).map(|known| known.given)
}

fn of(config: &Value) -> Running {
    asked(config, "version = 1\n").unwrap()
}

/// The workload that it is by what it was given.
fn workload(config: &Value) -> Result<Option<String>, RunningError> {
    let running = asked(config, POLICY)?;
    let policy = Policy::parse(POLICY).unwrap();
    Ok(policy.workload_of(&running).map(|workload| workload.name.clone()))
}

fn write(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn kubernetes_is_known_by_annotations() {
    let containerd = of(&json!({"annotations": {
        "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.image-name": "nginx:1"}}));
    assert_eq!(containerd.kubernetes.as_deref(), Some("prod/web-0/app"));
    assert_eq!(containerd.image.as_deref(), Some("nginx:1"));
    let crio = of(&json!({"annotations": {
        "io.kubernetes.pod.namespace": "a", "io.kubernetes.pod.name": "b",
        "io.kubernetes.container.name": "c", "io.kubernetes.cri-o.ImageName": "i"}}));
    assert_eq!((crio.kubernetes.as_deref(), crio.image.as_deref()), (Some("a/b/c"), Some("i")));
    // It hands a pod's annotations on, whatever they are called.
    let crios =
        Podman::new("containers.json", &json!(r#"{"pod-id": "p1", "image-name": "sha256:1"}"#));
    let pods = of(&crios.config(&json!({
        "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.image-name": "nginx:1",
        "io.kubernetes.pod.namespace": "a", "io.kubernetes.pod.name": "b",
        "io.kubernetes.container.name": "c", "io.kubernetes.cri-o.ImageName": "i"})));
    assert_eq!((pods.kubernetes.as_deref(), pods.image.as_deref()), (Some("a/b/c"), Some("i")));
    assert_eq!(of(&json!({})).name.as_deref(), Some("c1"));
}

/// Docker's data root, with one container.
struct Docker {
    root: tempfile::TempDir,
    kept: Value,
}

impl Docker {
    fn new(labels: &Value) -> Self {
        let kept = json!({"ID": "c1", "Name": "/web", "Driver": "overlay2", "Image": "sha256:a1",
            "Config": {"Image": "nginx", "Labels": labels}});
        let docker = Self { root: tempfile::tempdir().unwrap(), kept };
        docker.write();
        docker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self) {
        write(&self.path("containers/c1/config.v2.json"), &self.kept);
    }

    fn config(&self) -> Value {
        json!({"mounts": [{"source": "/elsewhere"},
            {"destination": "/etc/hosts", "source": self.path("containers/c1/hosts")}]})
    }
}

#[test]
fn docker_is_known_by_its_own_file_and_only_by_that_of_this_container() {
    let labels =
        json!({"com.docker.compose.project": "p", "com.docker.compose.service": "s", "a": "b"});
    let mut docker = Docker::new(&labels);
    let known = of(&docker.config());
    assert_eq!(known.name.as_deref(), Some("web"));
    assert_eq!(known.image.as_deref(), Some("nginx"));
    assert_eq!(known.compose.as_deref(), Some("p/s"));
    assert_eq!(known.labels.len(), 3);
    // In the network of another one its files are that one's.
    let hosts = docker.path("containers/c0/hosts");
    let other = json!({"mounts": [{"destination": "/etc/hosts", "source": hosts}]});
    assert_eq!(of(&other).name.as_deref(), Some("web"));
    let elsewhere = json!({"mounts": [{"destination": "/data", "source": hosts}]});
    assert_eq!(of(&elsewhere).name.as_deref(), Some("c1"));
    docker.kept["ID"] = "c2".into();
    docker.write();
    assert_eq!(of(&docker.config()).image, None);
}

#[test]
fn a_label_that_the_image_brought_along_chooses_nothing() {
    let compose = json!({"com.docker.compose.project": "p", "com.docker.compose.service": "s"});
    for (labels, expected) in
        [(json!({"tier": "trusted"}), "labelled"), (compose.clone(), "composed")]
    {
        let docker = Docker::new(&labels);
        let image = docker.path("image/overlay2/imagedb/content/sha256/a1");
        let has = |labels: &Value| write(&image, &json!({"config": {"Labels": labels}}));
        // The container was given them.
        has(&json!({"other": "label"}));
        assert_eq!(workload(&docker.config()).unwrap().as_deref(), Some(expected));
        // The image had another value, which the container was given instead.
        has(&json!({"tier": "open", "com.docker.compose.project": "q"}));
        assert_eq!(workload(&docker.config()).unwrap().as_deref(), Some(expected));
        // The image brought them.
        has(&labels);
        assert_eq!(workload(&docker.config()).unwrap(), None);
        // Docker reads them in any case.
        write(&image, &json!({"Config": {"labels": labels}}));
        let error = workload(&docker.config()).unwrap_err();
        assert!(matches!(error, RunningError::Document(_)), "{error}");
        fs::remove_file(&image).unwrap();
        let error = workload(&docker.config()).unwrap_err();
        assert!(matches!(error, RunningError::NoImage { .. }), "{error}");
    }
    // Compose puts them on the images that it builds as well, and more on what it starts.
    let mut composed = compose.clone();
    composed["com.docker.compose.config-hash"] = "1f".into();
    let docker = Docker::new(&composed);
    let image = docker.path("image/overlay2/imagedb/content/sha256/a1");
    write(&image, &json!({"config": {"Labels": compose}}));
    assert_eq!(workload(&docker.config()).unwrap().as_deref(), Some("composed"));
    write(&image, &json!({"config": {"Labels": composed}}));
    assert_eq!(workload(&docker.config()).unwrap(), None);
    // One policy speaks of the image, more closely by what it brought; another one by what the container was given.
    let policy = r#"
        version = 1
        [[workload]]
        name = "of the image"
        match = [{ compose = "p/*" }, { image = "nginx" }]
        [[workload]]
        name = "given"
        match = [{ label = "tier=given" }]"#;
    let mut labels = compose.clone();
    labels["tier"] = "given".into();
    let docker = Docker::new(&labels);
    let image = docker.path("image/overlay2/imagedb/content/sha256/a1");
    write(&image, &json!({"config": {"Labels": compose}}));
    let running = asked(&docker.config(), policy).unwrap();
    let policy = Policy::parse(policy).unwrap();
    assert_eq!(policy.workload_of(&running).unwrap().name, "given");
    // Where nothing hangs on them, nobody needs the image.
    assert_eq!(workload(&Docker::new(&json!({"a": "b"})).config()).unwrap(), None);
}

#[test]
fn an_image_is_found_where_containerd_keeps_it() {
    for manifest in [None, Some(json!({"digest": "sha256:b2"}))] {
        let mut docker = Docker::new(&json!({"tier": "trusted"}));
        docker.kept["Driver"] = "overlayfs".into();
        docker.kept["Image"] = if manifest.is_some() { "sha256:a1" } else { "sha256:b2" }.into();
        docker.kept["ImageManifest"] = manifest.unwrap_or_default();
        docker.write();
        let blobs =
            docker.path("containerd/daemon").join("io.containerd.content.v1.content/blobs/sha256");
        write(&blobs.join("b2"), &json!({"config": {"digest": "sha256:c3"}}));
        write(&blobs.join("c3"), &json!({"config": {"Labels": {"tier": "trusted"}}}));
        assert_eq!(workload(&docker.config()).unwrap(), None);
        write(&blobs.join("c3"), &json!({"config": {}}));
        assert_eq!(workload(&docker.config()).unwrap().as_deref(), Some("labelled"));
    }
}

/// What might have matched and cannot be read starts nothing: it would be taken for another.
#[test]
fn what_the_engine_keeps_and_cannot_be_read_is_an_error() {
    let docker = Docker::new(&json!({}));
    let kept = docker.path("containers/c1/config.v2.json");
    for bad in ["", "{", "[]", r#"{"ID": "c1"}"#] {
        fs::write(&kept, bad).unwrap();
        let error = asked(&docker.config(), "version = 1\n").unwrap_err();
        assert!(matches!(error, RunningError::Kept { .. }), "{bad}: {error}");
    }
    fs::remove_file(&kept).unwrap();
    fs::create_dir(&kept).unwrap();
    let error = asked(&docker.config(), "version = 1\n").unwrap_err();
    assert!(matches!(error, RunningError::File(_)), "{error}");

    // Of another one they say nothing.
    fs::remove_dir(&kept).unwrap();
    let error = asked(&docker.config(), "version = 1\n").unwrap_err();
    assert!(matches!(error, RunningError::Missing { .. }), "{error}");
    let podman = Podman::new("other.json", &json!("{}"));
    let error = asked(&podman.config(&json!({})), "version = 1\n").unwrap_err();
    assert!(matches!(error, RunningError::Missing { .. }), "{error}");
    let podman = Podman::new("containers.json", &json!("{"));
    let error = asked(&podman.config(&json!({})), "version = 1\n").unwrap_err();
    assert!(matches!(error, RunningError::Kept { .. }), "{error}");
}

/// Podman's storage, with one container.
struct Podman(tempfile::TempDir);

impl Podman {
    fn new(file: &str, metadata: &Value) -> Self {
        let root = tempfile::tempdir().unwrap();
        let kept = json!([{"id": "c0"}, {"id": "c1", "names": ["web"], "image": "a1", "metadata": metadata}]);
        write(&root.path().join("vfs-containers").join(file), &kept);
        Self(root)
    }

    fn config(&self, annotations: &Value) -> Value {
        let source = self.0.path().join("vfs-containers/c1/userdata/hosts");
        json!({"mounts": [{"source": source}], "annotations": annotations})
    }
}

#[test]
fn podman_is_known_by_its_storage() {
    for file in ["containers.json", "volatile-containers.json"] {
        let podman = Podman::new(file, &json!(r#"{"image-name": "quay.io/a:1"}"#));
        // The reference is the engine's, whatever an annotation says.
        let known = of(&podman.config(&json!({"io.kubernetes.cri.image-name": "trusted"})));
        assert_eq!(known.name.as_deref(), Some("web"), "{file}");
        assert_eq!(known.image.as_deref(), Some("quay.io/a:1"), "{file}");
    }
}

#[test]
fn an_annotation_that_the_image_brought_along_chooses_nothing() {
    let podman = Podman::new("containers.json", &json!("{}"));
    let manifest = podman.0.path().join("vfs-images/a1/manifest");
    let pod = json!({"io.kubernetes.pod.namespace": "prod", "io.kubernetes.pod.name": "b",
        "io.kubernetes.container.name": "c"});
    for (annotations, expected) in [(json!({"tier": "trusted"}), "labelled"), (pod, "composed")] {
        let config = podman.config(&annotations);
        write(&manifest, &json!({"annotations": {"other": "one"}}));
        assert_eq!(workload(&config).unwrap().as_deref(), Some(expected));
        write(&manifest, &json!({"annotations": annotations}));
        assert_eq!(workload(&config).unwrap(), None);
        // CRI-O keeps containers there too, and takes none from images; nobody is CRI-O because an image says so.
        let mut claims = annotations.clone();
        claims["io.container.manager"] = "cri-o".into();
        assert_eq!(workload(&podman.config(&claims)).unwrap(), None);
        let crios = Podman::new("containers.json", &json!(r#"{"pod-id": "p1"}"#));
        let config_of_crio = crios.config(&annotations);
        assert_eq!(workload(&config_of_crio).unwrap().as_deref(), Some(expected));
        fs::remove_file(&manifest).unwrap();
        assert!(matches!(workload(&config), Err(RunningError::NoImage { .. })));
    }
}
