//! Docker keeps name, image and labels in `DATA-ROOT/containers/ID/config.v2.json`, written when
//! the container is made (moby `container/container.go`, `toDisk`), and mounts three files that
//! lie beside it into every container. The labels are the image's and, over them, those that the container was
//! given (`daemon/commit.go`, `merge`).

use super::{Brought, Mount, RunningError, Told};
use crate::document::Object;
use crate::file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where Docker keeps its data unless it is told otherwise.
const DATA_ROOT: &str = "/var/lib/docker";

/// What Docker mounts into a container from its folder.
const FILES: [&str; 3] = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"];

/// Where images are by the digest of each part, if containerd keeps them: one that dockerd started, and the system's.
const CONTENT: &str = "io.containerd.content.v1.content/blobs/sha256";
const SYSTEM_CONTAINERD: &str = "/var/lib/containerd";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    config: Config,
    /// The storage driver.
    #[serde(default)]
    driver: String,
    /// The image's id: the digest of its configuration, or where containerd keeps images of its manifest.
    #[serde(default)]
    image: String,
    /// There, the manifest for this platform.
    image_manifest: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

/// What Docker says of the container `id`, if it is Docker's.
pub fn container(id: &str, mounts: &[Mount]) -> Result<Option<Told>, RunningError> {
    // Of a container in the network of another they are that one's, beside which this one's lie.
    let beside = mounts.iter().filter(|mount| FILES.contains(&mount.destination.as_str()));
    let beside = beside.filter_map(|mount| {
        let kept = Path::new(&mount.source).parent()?.parent()?;
        let own = Path::new(&mount.source).parent()? == kept.join(id);
        (kept.file_name()? == "containers").then(|| (kept.join(id), own))
    });
    let usual = Path::new(DATA_ROOT).join("containers").join(id);
    for (directory, own) in beside.chain([(usual, false)]) {
        let path = directory.join("config.v2.json");
        let Some(text) = file::read_if_there(&path)? else {
            // What it is then nobody knows.
            if own {
                return Err(RunningError::Missing { path });
            }
            continue;
        };
        let kept: Kept =
            serde_json::from_str(&text).map_err(|source| RunningError::Kept { path, source })?;
        // A mount of another container's files says nothing of this one.
        if kept.id != id {
            continue;
        }
        let root = directory.ancestors().nth(2).unwrap_or(Path::new(DATA_ROOT)).to_owned();
        return Ok(Some(Told {
            name: Some(kept.name.trim_start_matches('/').to_owned()),
            image: Some(kept.config.image),
            labels: kept.config.labels.unwrap_or_default(),
            brought: Brought::Labels(Image {
                root,
                driver: kept.driver,
                id: kept.image,
                manifest: kept.image_manifest.map(|manifest| manifest.digest),
            }),
            is_crios: false,
        }));
    }
    Ok(None)
}

/// Where the image of a container is.
#[derive(Debug)]
pub struct Image {
    root: PathBuf,
    driver: String,
    id: String,
    manifest: Option<String>,
}

impl Image {
    /// The labels that it brings along.
    ///
    /// # Errors
    /// It is not where Docker keeps images, or cannot be read.
    pub fn labels(&self) -> Result<BTreeMap<String, String>, RunningError> {
        let unknown = || RunningError::NoImage { what: "a label" };
        let configuration = match self.of_driver()? {
            Some(configuration) => configuration,
            None => self.of_containerd()?.ok_or_else(unknown)?,
        };
        // Whoever built the image wrote it, and Docker reads it in Go's way.
        let config = configuration.read::<Object>("config")?.unwrap_or_default();
        Ok(config.read("Labels")?.unwrap_or_default())
    }

    /// Where a storage driver of Docker's own keeps it (`image/fs.go`).
    fn of_driver(&self) -> Result<Option<Object>, RunningError> {
        // It becomes a part of a path.
        if self.driver.is_empty() || self.driver.contains(['/', '.']) {
            return Ok(None);
        }
        let folder = self.root.join("image").join(&self.driver).join("imagedb/content/sha256");
        blob(&folder, &self.id)
    }

    fn of_containerd(&self) -> Result<Option<Object>, RunningError> {
        let digest = self.manifest.as_ref().unwrap_or(&self.id);
        for content in [self.root.join("containerd/daemon"), SYSTEM_CONTAINERD.into()] {
            let folder = content.join(CONTENT);
            let Some(manifest) = blob(&folder, digest)? else { continue };
            let Some(config) = manifest.read::<Object>("config")? else { continue };
            let digest: String = config.read("digest")?.unwrap_or_default();
            if let Some(configuration) = blob(&folder, &digest)? {
                return Ok(Some(configuration));
            }
        }
        Ok(None)
    }
}

/// The document with this digest, if it is there.
fn blob(folder: &Path, digest: &str) -> Result<Option<Object>, RunningError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.is_empty() || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let text = file::read_if_there(&folder.join(hex))?;
    Ok(text.map(|text| Object::parse(&text, "the image's document")).transpose()?)
}
