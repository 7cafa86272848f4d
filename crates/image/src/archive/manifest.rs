//! Which image an archive holds: `manifest.json` of `docker save`, `index.json` of an OCI layout, and
//! the image's configuration (OCI image specification).

use super::Parts;
use crate::error::shown;
use crate::image::Configured;
use crate::{Fault, ImageError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// An index may name indexes.
const DEEPEST_INDEX: usize = 4;
/// What containerd and buildkit write an image's whole name as.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// What everybody writes its tag, or its whole name, as.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An image that was chosen.
pub struct Chosen {
    /// Of the manifest in a layout, of the configuration in what `docker save` writes.
    pub digest: Option<String>,
    pub configured: Configured,
    /// The names of the layers, the lowest first.
    pub layers: Vec<String>,
}

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Clone)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// The configuration, as far as it bears on privilege.
#[derive(Deserialize)]
struct Document {
    config: Option<Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    user: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
}

/// Chooses the image that `reference` names: the only one where there is only one.
///
/// # Errors
/// [`ImageError::NotChosen`], [`ImageError::Faulty`].
pub fn choose(parts: &mut dyn Parts, reference: Option<&str>) -> Result<Chosen, ImageError> {
    if let Some(saved) = document::<Vec<Saved>>(parts, "manifest.json")? {
        return choose_saved(parts, saved, reference);
    }
    let Some(index) = document::<Index>(parts, "index.json")? else {
        return Err(Fault::NoManifest.at(parts.place()));
    };
    choose_indexed(parts, index, reference)
}

fn choose_saved(
    parts: &mut dyn Parts,
    mut saved: Vec<Saved>,
    reference: Option<&str>,
) -> Result<Chosen, ImageError> {
    let tags = |saved: &Saved| saved.repo_tags.clone().unwrap_or_default();
    let is_wanted = |saved: &Saved| {
        reference.is_some_and(|wanted| tags(saved).iter().any(|tag| same(tag, wanted)))
    };
    let position = match saved.iter().position(is_wanted) {
        None if saved.len() == 1 => Some(0),
        found => found,
    };
    let Some(position) = position else {
        let names = saved.iter().flat_map(|one| match tags(one) {
            tags if tags.is_empty() => vec![one.config.clone()],
            tags => tags,
        });
        return Err(not_chosen(parts, reference, names.collect()));
    };
    let Saved { config, layers, .. } = saved.swap_remove(position);
    let hex = config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
    let digest = is_hex(hex).then(|| format!("sha256:{hex}"));
    Ok(Chosen { digest, configured: configured(parts, &config)?, layers })
}

fn choose_indexed(
    parts: &mut dyn Parts,
    mut index: Index,
    reference: Option<&str>,
) -> Result<Chosen, ImageError> {
    for _ in 0..DEEPEST_INDEX {
        let descriptor = choose_descriptor(parts, &index.manifests, reference)?;
        let name = blob(parts, &descriptor.digest)?;
        if descriptor.media_type.contains("index")
            || descriptor.media_type.contains("manifest.list")
        {
            index = required(parts, &name)?;
            continue;
        }
        let manifest: Manifest = required(parts, &name)?;
        let layers = manifest.layers.iter().map(|layer| blob(parts, &layer.digest));
        let layers = layers.collect::<Result<_, _>>()?;
        let config = blob(parts, &manifest.config.digest)?;
        let configured = configured(parts, &config)?;
        return Ok(Chosen { digest: Some(descriptor.digest), configured, layers });
    }
    Err(Fault::NoManifest.at(parts.place()))
}

/// By name, where one is asked for; then by platform: this machine's.
fn choose_descriptor(
    parts: &dyn Parts,
    all: &[Descriptor],
    reference: Option<&str>,
) -> Result<Descriptor, ImageError> {
    let named: Vec<&Descriptor> =
        all.iter().filter(|one| reference.is_some_and(|wanted| one.is_called(wanted))).collect();
    // What buildkit signs and attests with is no image.
    let images = || {
        let is_image = |one: &&Descriptor| {
            one.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
        };
        all.iter().filter(is_image).collect::<Vec<_>>()
    };
    let candidates = if named.is_empty() { images() } else { named };
    let ours = |one: &&Descriptor| {
        let Some(platform) = &one.platform else { return false };
        platform.os == "linux" && platform.architecture == architecture()
    };
    let chosen = match candidates.as_slice() {
        [one] => Some(*one),
        many => many.iter().copied().find(ours),
    };
    chosen.cloned().ok_or_else(|| {
        not_chosen(parts, reference, candidates.into_iter().map(Descriptor::name).collect())
    })
}

impl Descriptor {
    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    fn is_called(&self, wanted: &str) -> bool {
        let tag =
            wanted.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        let whole = self.annotation(CONTAINERD_NAME);
        whole.is_some_and(|name| same(name, wanted))
            || self
                .annotation(REF_NAME)
                .is_some_and(|name| same(name, wanted) || whole.is_none() && Some(name) == tag)
            || self.digest == wanted
            || wanted.rsplit_once('@').is_some_and(|(_, digest)| digest == self.digest)
    }

    fn name(&self) -> String {
        let named = self.annotation(CONTAINERD_NAME).or_else(|| self.annotation(REF_NAME));
        let platform = self.platform.as_ref();
        match (named, platform) {
            (Some(name), _) => name.to_owned(),
            (None, Some(platform)) => format!("{}/{}", platform.os, platform.architecture),
            (None, None) => self.digest.clone(),
        }
    }
}

fn configured(parts: &mut dyn Parts, name: &str) -> Result<Configured, ImageError> {
    let config = required::<Document>(parts, name)?.config;
    let Some(Config { user, entrypoint, cmd }) = config else { return Ok(Configured::default()) };
    Ok(Configured {
        user: user.filter(|user| !user.is_empty()),
        entrypoint: entrypoint.unwrap_or_default(),
        command: cmd.unwrap_or_default(),
    })
}

fn document<T: DeserializeOwned>(
    parts: &mut dyn Parts,
    name: &str,
) -> Result<Option<T>, ImageError> {
    let Some(bytes) = parts.json(name)? else { return Ok(None) };
    let wrong =
        |error| Fault::Json(error).at(format!("{}: {}", parts.place(), shown(name.as_bytes())));
    serde_json::from_slice(&bytes).map(Some).map_err(wrong)
}

fn required<T: DeserializeOwned>(parts: &mut dyn Parts, name: &str) -> Result<T, ImageError> {
    let missing = Fault::Missing(shown(name.as_bytes()));
    document(parts, name)?.ok_or_else(|| missing.at(parts.place()))
}

/// The name of the blob with a digest, which is `ALGORITHM:HEX` and nothing else: a path is made of
/// it.
fn blob(parts: &dyn Parts, digest: &str) -> Result<String, ImageError> {
    let wrong = || Fault::Digest(shown(digest.as_bytes())).at(parts.place());
    let (algorithm, hex) = digest.split_once(':').ok_or_else(wrong)?;
    let is_plain = matches!(algorithm, "sha256" | "sha384" | "sha512");
    let is_hex = hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_plain && is_hex { Ok(format!("blobs/{algorithm}/{hex}")) } else { Err(wrong()) }
}

fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn not_chosen(parts: &dyn Parts, reference: Option<&str>, names: Vec<String>) -> ImageError {
    ImageError::NotChosen {
        place: parts.place().to_owned(),
        reference: reference.map(str::to_owned),
        names: names.iter().map(|name| shown(name.as_bytes())).collect(),
    }
}

/// Whether two references mean the same image: the registry, the library and the tag that go without
/// saying are left out.
fn same(one: &str, other: &str) -> bool {
    fn bare(reference: &str) -> (&str, &str) {
        let mut name = reference;
        for prefix in ["docker.io/", "localhost/", "library/"] {
            name = name.strip_prefix(prefix).unwrap_or(name);
        }
        match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (name, "latest"),
        }
    }
    bare(one) == bare(other)
}

/// This machine's architecture as images have it (GOARCH).
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn what_goes_without_saying_makes_no_difference() {
        assert!(same("nginx", "docker.io/library/nginx:latest"));
        assert!(same("localhost:5000/a", "localhost:5000/a:latest"));
        assert!(same("localhost/agent:1", "agent:1"));
        assert!(!same("nginx:1", "nginx"));
        assert!(!same("a/nginx", "nginx"));
    }
}
