//! Images and mounted folders that can be read from here.

use crate::failure::Failure;
use dropcap_audit::{Input, Mounted, ReadImage};
use dropcap_capability::Executable;
use dropcap_image::read_rootfs;
use dropcap_manifest::{Container, Kind, Mount};
use std::path::{Path, PathBuf};

/// Reads what `--rootfs DIR` and `--rootfs IMAGE=DIR` name.
pub(crate) fn read(arguments: &[String]) -> Result<Vec<ReadImage>, Failure> {
    arguments.iter().map(|argument| read_one(argument)).collect()
}

fn read_one(argument: &str) -> Result<ReadImage, Failure> {
    // A folder's own name may hold an equals sign.
    let (reference, dir) = match argument.split_once('=') {
        Some((reference, dir)) if !Path::new(argument).is_dir() => {
            (Some(reference.to_owned()), dir)
        }
        _ => (None, argument),
    };
    let image = read_rootfs(Path::new(dir)).map_err(|error| {
        Failure::new(format!("cannot read the root directory {dir}"))
            .because(error)
            .help("--rootfs takes DIR, or IMAGE=DIR")
    })?;
    Ok(ReadImage { reference, image })
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
