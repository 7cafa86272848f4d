//! Docker keeps name, image and labels in `DATA-ROOT/containers/ID/config.v2.json`, written when
//! the container is made (moby `container/container.go`, `toDisk`), and mounts three files that
//! lie beside it into every container.

use super::{Mount, Told};
use crate::file::{self, Links};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where Docker keeps its data unless it is told otherwise.
const DATA_ROOT: &str = "/var/lib/docker";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

/// What Docker says of the container `id`, if it is Docker's.
pub fn container(id: &str, mounts: &[Mount]) -> Option<Told> {
    let beside = mounts.iter().filter_map(|mount| {
        let directory = Path::new(&mount.source).parent()?;
        let named = directory.file_name()? == id;
        let kept = directory.parent()?.file_name()? == "containers";
        (named && kept).then(|| directory.to_owned())
    });
    let usual = Path::new(DATA_ROOT).join("containers").join(id);
    beside.chain([usual]).find_map(|directory: PathBuf| {
        let text = file::read(&directory.join("config.v2.json"), Links::Refuse).ok()?;
        let kept: Kept = serde_json::from_str(&text).ok()?;
        // A mount of another container's files says nothing of this one.
        (kept.id == id).then(|| Told {
            name: Some(kept.name.trim_start_matches('/').to_owned()),
            image: Some(kept.config.image),
            labels: kept.config.labels.unwrap_or_default(),
        })
    })
}
