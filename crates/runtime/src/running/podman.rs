//! Podman keeps name and image in the storage's `overlay-containers/containers.json` (containers/storage
//! `containers.go`), and mounts files of the container's own folder there into it. Its labels lie in a
//! database that is not read: they stay unknown.

use super::{Mount, Told};
use crate::file::{self, Links};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where root's storage is unless it is told otherwise.
const STORAGE: &str = "/var/lib/containers/storage/overlay-containers";

#[derive(Deserialize)]
struct Kept {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    metadata: String,
}

/// The text in `metadata`, which is JSON again.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Metadata {
    image_name: Option<String>,
}

/// What Podman says of the container `id`, if it is Podman's.
pub fn container(id: &str, mounts: &[Mount]) -> Option<Told> {
    // STORAGE/ID/userdata/FILE, in STORAGE or in its twin below `/run`.
    let beside = mounts.iter().filter_map(|mount| {
        let directory = Path::new(&mount.source).parent()?;
        let container = directory.parent()?;
        let named = container.file_name()? == id && directory.file_name()? == "userdata";
        named.then(|| container.parent().map(Path::to_owned)).flatten()
    });
    beside.chain([PathBuf::from(STORAGE)]).find_map(|storage| {
        let text = file::read(&storage.join("containers.json"), Links::Refuse).ok()?;
        let kept: Vec<Kept> = serde_json::from_str(&text).ok()?;
        let kept = kept.into_iter().find(|one| one.id == id)?;
        let metadata: Metadata = serde_json::from_str(&kept.metadata).unwrap_or_default();
        Some(Told {
            name: kept.names.into_iter().next(),
            image: metadata.image_name,
            ..Told::default()
        })
    })
}
