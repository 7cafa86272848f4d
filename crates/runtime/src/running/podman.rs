//! Podman keeps name and image in the storage's `overlay-containers/containers.json`, or in `volatile-containers.json` for
//! what is to be removed when it ends (containers/storage `containers.go`), and mounts files of the container's own
//! folder there into it. Its labels lie in a database that is not read: they stay unknown. CRI-O uses the same storage.
//!
//! Up to 4.5 Podman gives a container the annotations of its image's manifest (`pkg/specgen/generate/container.go`,
//! `CompleteSpec`).

use super::{Brought, Mount, RunningError, Told};
use crate::document::Object;
use crate::file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where root's storage is unless it is told otherwise.
const STORAGE: &str = "/var/lib/containers/storage/overlay-containers";
/// Where its twin is.
const TWINS: [&str; 2] = ["/run", "/var/run"];
const FILES: [&str; 2] = ["containers.json", "volatile-containers.json"];

#[derive(Deserialize)]
struct Kept {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    /// The id of the image.
    #[serde(default)]
    image: String,
    #[serde(default)]
    metadata: String,
}

/// The text in `metadata`, which is JSON again.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Metadata {
    image_name: Option<String>,
    /// CRI-O's alone (`internal/storage/runtime.go`).
    pod_id: Option<String>,
}

/// What Podman says of the container `id`, if it is Podman's.
pub fn container(id: &str, mounts: &[Mount]) -> Result<Option<Told>, RunningError> {
    // STORAGE/ID/userdata/FILE, in STORAGE or in its twin below `/run`.
    let beside: Vec<PathBuf> = mounts
        .iter()
        .filter_map(|mount| {
            let directory = Path::new(&mount.source).parent()?;
            let container = directory.parent()?;
            let named = container.file_name()? == id && directory.file_name()? == "userdata";
            named.then(|| container.parent().map(Path::to_owned)).flatten()
        })
        .collect();
    // The twin need not say what is in it.
    let is_twin = |storage: &&PathBuf| TWINS.iter().any(|twin| storage.starts_with(twin));
    let own = beside.iter().find(|storage| !is_twin(storage)).cloned();
    for storage in beside.into_iter().chain([PathBuf::from(STORAGE)]) {
        for path in FILES.map(|name| storage.join(name)) {
            let Some(text) = file::read_if_there(&path)? else { continue };
            let failed = |source| RunningError::Kept { path: path.clone(), source };
            let kept: Vec<Kept> = serde_json::from_str(&text).map_err(failed)?;
            let Some(kept) = kept.into_iter().find(|one| one.id == id) else { continue };
            let metadata: Metadata = match kept.metadata.as_str() {
                "" => Metadata::default(),
                text => serde_json::from_str(text).map_err(failed)?,
            };
            let is_crios = metadata.pod_id.is_some_and(|id| !id.is_empty());
            return Ok(Some(Told {
                name: kept.names.into_iter().next(),
                image: metadata.image_name,
                // Without an image it was made from a folder.
                brought: match is_crios || kept.image.is_empty() {
                    true => Brought::Nothing,
                    false => Brought::Annotations(Image { storage, id: kept.image }),
                },
                is_crios,
                ..Told::default()
            }));
        }
    }
    match own {
        Some(path) => Err(RunningError::Missing { path }),
        None => Ok(None),
    }
}

/// Where the image of a container is.
#[derive(Debug)]
pub struct Image {
    storage: PathBuf,
    id: String,
}

impl Image {
    /// The annotations that it brings along.
    ///
    /// # Errors
    /// It is not where Podman keeps images, or cannot be read.
    pub fn annotations(&self) -> Result<BTreeMap<String, String>, RunningError> {
        // DRIVER-containers and DRIVER-images lie beside each other.
        let driver =
            self.storage.file_name().and_then(|name| name.to_str()?.strip_suffix("-containers"));
        let images = driver.map(|driver| self.storage.with_file_name(format!("{driver}-images")));
        let usable = !self.id.is_empty() && self.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let manifest = match images.filter(|_| usable) {
            Some(images) => file::read_if_there(&images.join(&self.id).join("manifest"))?,
            None => None,
        };
        let manifest = manifest.ok_or(RunningError::NoImage { what: "an annotation" })?;
        let manifest = Object::parse(&manifest, "the image's manifest")?;
        Ok(manifest.read("annotations")?.unwrap_or_default())
    }
}
