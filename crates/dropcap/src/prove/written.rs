//! `FILE#SUBJECT`: a container as it is written, put into its initial state by dropcap itself.

use super::Arguments;
use crate::failure::Failure;
use crate::scan::images;
use crate::scan::project::Project;
use dropcap_capability::CapabilitySet;
use dropcap_confine::sys;
use dropcap_engine::{EngineVersion, Host, ImageKnowledge, Process, initial_state};
use dropcap_image::Image;
use dropcap_manifest::{Container, Starter};
use dropcap_prove::{Placement, Proof, SearchLimits, has_root, place, prove};
use std::path::PathBuf;

/// Proves the one container that the target names.
pub(super) fn proof(arguments: &Arguments) -> Result<Proof, Failure> {
    let targets = [arguments.target.clone()];
    let project = Project::read(&targets, "compose.yaml", &arguments.selection)?;
    let mut asked_for = project.input.containers.iter().filter(|one| project.is_asked_for(&one.id));
    let container = asked_for.next().ok_or_else(|| {
        Failure::new(format!("there is no container {}", arguments.target))
            .help("`dropcap scan` lists the containers of a file")
    })?;
    let image = project.input.image_of(container);
    let engine = arguments.engine.unwrap_or_else(|| EngineVersion::default_for(container.engine));
    let process = match &arguments.exec_user {
        None => Process::First,
        Some(user) => Process::Exec { user: Some(user), privileged: false },
    };
    let root = image.and_then(|_| root(&arguments.selection.images.rootfs, container));
    prove_container(container, image, root, &engine, process, arguments.allow)
}

/// Proves a container: `process` of it, as `engine` starts it, with its image and where that lies if it
/// was read.
pub(crate) fn prove_container(
    container: &Container,
    image: Option<&Image>,
    root: Option<PathBuf>,
    engine: &EngineVersion,
    process: Process<'_>,
    allowed: CapabilitySet,
) -> Result<Proof, Failure> {
    let knowledge = image.map_or(ImageKnowledge::Assumed, ImageKnowledge::Read);
    let state = initial_state(&container.settings, process, knowledge, engine, &host()).map_err(
        |refusal| {
            Failure::new(format!("{} would not start {}", engine.name(), container.id))
                .because(refusal)
        },
    )?;
    let placement = Placement {
        credentials: state.credentials,
        gate: state.gate,
        sysctls: state.sysctls,
        kernel_files_writable: container.settings.privileged.as_ref().is_some_and(|it| it.value),
        root,
        limits: SearchLimits::default(),
    };
    let notes = notes(container, &placement, engine, image.is_some(), state.assumptions);
    let target = container.id.clone();
    let answer = place(&placement, |scene, shortcomings| {
        let mut proof = prove(&target, allowed, &scene);
        proof.notes = notes;
        proof.notes.extend(shortcomings.0);
        // What cannot be written is not read either, and is an error there.
        serde_json::to_vec(&proof).unwrap_or_default()
    })
    .map_err(|error| {
        Failure::new(format!("{} cannot be put into its initial state", container.id))
            .because(error)
            .help("start it with its engine and use container:NAME instead")
    })?;
    serde_json::from_slice(&answer).map_err(|error| {
        Failure::new("the process in the initial state answered with something else").because(error)
    })
}

/// This machine, for an engine that runs as root here. Without root everything is held inside a user
/// namespace, and so nothing is missing.
pub(crate) fn host() -> Host {
    let bounding = match sys::read_credentials() {
        Ok(own) if has_root() => own.permitted & own.bounding,
        _ => CapabilitySet::from_bits((2_u64 << sys::last_capability().number()) - 1),
    };
    Host { bounding, kernel: sys::kernel(), ..Host::default() }
}

/// The directory of the `--rootfs` that is this container's: `IMAGE=DIR` with its image, else a `DIR`.
pub(crate) fn root(rootfs: &[String], container: &Container) -> Option<PathBuf> {
    let image = container.image.as_ref().map(|image| image.value.as_str());
    let split = |given: &String| {
        let (reference, directory) = images::split(given);
        (reference.map(str::to_owned), PathBuf::from(directory))
    };
    let given: Vec<(Option<String>, PathBuf)> = rootfs.iter().map(split).collect();
    let named =
        given.iter().find(|(reference, _)| image.is_some() && reference.as_deref() == image);
    let any = || given.iter().find(|(reference, _)| reference.is_none());
    named.or_else(any).map(|(_, directory)| directory.clone())
}

/// What the reader has to know.
fn notes(
    container: &Container,
    placement: &Placement,
    engine: &EngineVersion,
    image_read: bool,
    assumptions: Vec<String>,
) -> Vec<String> {
    let mut notes = vec![format!(
        "dropcap put a process into the state that {} gives it, without an engine",
        engine.name()
    )];
    if container.starter == Starter::Assumed {
        notes.push("how it is started is not written here: the engine's defaults".to_owned());
    }
    if placement.root.is_none() && image_read {
        notes.push(
            "the image was read for its users, but is no directory to stand in: these are this \
             machine's own files, read-only, and a setuid file of dropcap's; unpack it and name it \
             with --rootfs DIR"
                .to_owned(),
        );
    } else if placement.root.is_none() {
        notes.push(
            "the image is not known: these are this machine's own files, read-only, and a setuid \
             file of dropcap's, as most images have one; name the image's root with --rootfs DIR"
                .to_owned(),
        );
    }
    notes.extend(assumptions);
    notes
}
