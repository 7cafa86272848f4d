//! `FILE#SUBJECT`: a container as it is written, in the state that its engine would start it in.

use super::Arguments;
use crate::failure::Failure;
use crate::prove::written::host;
use crate::scan::project::Project;
use dropcap_audit::ASSUMED_EXECUTABLE;
use dropcap_capability::Executable;
use dropcap_engine::{EngineVersion, ImageKnowledge, Process, Seccomp, initial_state};
use dropcap_image::Image;
use dropcap_manifest::{Settings, Starter};
use dropcap_prove::{Inspection, SeccompMode, inspect_initial};

/// Inspects the one container that the target names.
pub(super) fn inspect(target: &str, arguments: &Arguments) -> Result<Inspection, Failure> {
    let project = Project::read(&[target.to_owned()], "compose.yaml", &arguments.selection)?;
    let mut asked_for = project.input.containers.iter().filter(|one| project.is_asked_for(&one.id));
    let container = asked_for.next().ok_or_else(|| {
        Failure::new(format!("there is no container {target}"))
            .help("`dropcap scan` lists the containers of a file")
    })?;
    let engine = arguments.engine.unwrap_or_else(|| EngineVersion::default_for(container.engine));
    let mut notes =
        vec![format!("the state in which {} would start it: nothing was started", engine.name())];
    if container.starter == Starter::Assumed {
        notes.push("how it is started is not written here: the engine's defaults".to_owned());
    }
    let image = project.input.image_of(container);
    started(&container.id, &container.settings, image, &engine, notes)
}

/// What `engine` would start with these settings from `image`.
pub(super) fn started(
    target: &str,
    settings: &Settings,
    image: Option<&Image>,
    engine: &EngineVersion,
    mut notes: Vec<String>,
) -> Result<Inspection, Failure> {
    let knowledge = image.map_or(ImageKnowledge::Assumed, ImageKnowledge::Read);
    let state =
        initial_state(settings, Process::First, knowledge, engine, &host()).map_err(|refusal| {
            Failure::new(format!("{} would not start {target}", engine.name())).because(refusal)
        })?;
    let files = match image {
        Some(image) => image.executables.clone(),
        None => vec![Executable::setuid_root(ASSUMED_EXECUTABLE)],
    };
    notes.extend(state.assumptions);
    if image.is_none() {
        notes.push(
            "the image is not known: a setuid-root file is taken to be in it, as in most; name the \
             image's root with --rootfs DIR"
                .to_owned(),
        );
    }
    let seccomp = match state.seccomp {
        Seccomp::Unconfined => SeccompMode::Disabled,
        Seccomp::Default | Seccomp::Custom(_) => SeccompMode::Filter,
    };
    let credentials = &state.credentials;
    Ok(inspect_initial(target.to_owned(), credentials, (seccomp, state.gate), &files, notes))
}
