//! Images and mounted folders that can be read from here.

use super::walk::file_error;
use crate::failure::Failure;
use clap::Args;
use dropcap_audit::{Input, Mounted, ReadImage};
use dropcap_capability::Executable;
use dropcap_image::{ImageError, LocalEngine, read_local, read_path, read_rootfs};
use dropcap_manifest::{Container, Kind, Mount};
use dropcap_report::FileError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What of the command line says where images are read.
#[derive(Args, Default)]
pub(crate) struct Sources {
    /// Read the image's root directory instead of assuming what it holds
    #[arg(long, value_name = "[IMAGE=]DIR")]
    pub rootfs: Vec<String>,
    /// Read the image: an OCI layout, a `docker save` archive, or image:REF of a local engine
    #[arg(long, value_name = "[IMAGE=]PATH")]
    image: Vec<String>,
    /// Do not ask Docker and Podman on this machine for the images that are named
    #[arg(long)]
    no_local_images: bool,
}

/// Reads what `--rootfs` and `--image` name.
pub(crate) fn read(sources: &Sources) -> Result<Vec<ReadImage>, Failure> {
    let rootfs = sources.rootfs.iter().map(|argument| {
        let (reference, directory) = split(argument);
        let image = read_rootfs(Path::new(directory)).map_err(|error| {
            Failure::new(format!("cannot read the root directory {directory}"))
                .because(error)
                .help("--rootfs takes DIR, or IMAGE=DIR")
        })?;
        Ok(ReadImage { reference: reference.map(str::to_owned), image })
    });
    let images = sources.image.iter().map(|argument| {
        let (reference, place) = split(argument);
        let image = match place.strip_prefix("image:") {
            Some(name) => read_local(name),
            None => read_path(Path::new(place), reference),
        };
        let image = image.map_err(|error| {
            Failure::new(format!("cannot read the image {place}"))
                .because(error)
                .help("--image takes PATH, image:REF, or either behind IMAGE=")
        })?;
        Ok(ReadImage { reference: reference.map(str::to_owned), image })
    });
    rootfs.chain(images).collect()
}

/// `IMAGE=PLACE`, or a place alone: its own name may hold an equals sign.
pub(crate) fn split(argument: &str) -> (Option<&str>, &str) {
    match argument.split_once('=') {
        Some((reference, place)) if !Path::new(argument).exists() => (Some(reference), place),
        _ => (None, argument),
    }
}

/// Reads the images of containers that a local engine has; what it has and cannot be read is an error
/// beside the others. An engine that does not answer is none.
pub(crate) fn read_from_engines(
    input: &Input,
    sources: &Sources,
) -> (Vec<ReadImage>, Vec<FileError>) {
    let (mut images, mut errors) = (Vec::new(), Vec::new());
    let engines = if sources.no_local_images { Vec::new() } else { LocalEngine::all() };
    if engines.is_empty() {
        return (images, errors);
    }
    // What is built anew is not what the engine has under that name.
    let named = |one: &&Container| one.build.is_none() && one.kind != Kind::Dockerfile;
    let unread = input.containers.iter().filter(named).filter(|one| input.image_of(one).is_none());
    let references: BTreeSet<&str> =
        unread.filter_map(|one| Some(one.image.as_ref()?.value.as_str())).collect();
    for reference in references {
        for engine in &engines {
            match engine.read(reference) {
                Ok(Some(image)) => {
                    images.push(ReadImage { reference: Some(reference.to_owned()), image });
                    break;
                }
                Ok(None) | Err(ImageError::NoEngine(_)) => {}
                Err(error) => {
                    errors.push(file_error(&format!("image:{reference}"), &error.to_string()));
                }
            }
        }
    }
    (images, errors)
}

/// Looks into the folders of this tree that containers mount, as far as a proof needs them: only
/// where the image was read too.
pub(crate) fn mounted(input: &Input) -> Vec<Mounted> {
    let mut all = Vec::new();
    for container in input.containers.iter().filter(|one| input.image_of(one).is_some()) {
        for mount in container.settings.mounts.iter().filter(|mount| mount.bind) {
            let executables = host_path(container, mount).and_then(|path| privileged(&path, mount));
            all.extend(executables.map(|executables| Mounted {
                container: container.id.clone(),
                target: mount.target.clone(),
                executables,
            }));
        }
    }
    all
}

/// Where a mount's source lies on this machine, if it belongs to the tree: an absolute path is one of
/// the machine that the container will run on.
fn host_path(container: &Container, mount: &Mount) -> Option<PathBuf> {
    let source = Path::new(&mount.source);
    let relative = source.is_relative() && !mount.source.contains(['$', '~']);
    let folder = Path::new(&container.file).parent()?;
    (relative && container.kind == Kind::Compose).then(|| folder.join(source))
}

/// The privileged executables at `path`, under the names that they have in the container.
fn privileged(path: &Path, mount: &Mount) -> Option<Vec<Executable>> {
    let Ok(metadata) = path.metadata() else {
        // The engine makes an empty folder there.
        return Some(Vec::new());
    };
    let (folder, only) = if metadata.is_dir() {
        (path, None)
    } else {
        (path.parent()?, Some(format!("/{}", path.file_name()?.to_str()?)))
    };
    let image = read_rootfs(folder).ok()?;
    // A folder that is not the root of a filesystem is mounted as it is: only what could not be
    // read stands in the way, and then nothing is known.
    if !image.warnings.is_empty() {
        return None;
    }
    let target = mount.target.trim_end_matches('/');
    let here = image.executables.into_iter().filter_map(|file| match &only {
        None => Some(Executable { path: format!("{target}{}", file.path), ..file }),
        Some(name) if file.path == *name => Some(Executable { path: target.to_owned(), ..file }),
        Some(_) => None,
    });
    Some(here.collect())
}
