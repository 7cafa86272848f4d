//! What an engine makes of a container: its settings become an initial state.
//!
//! Each engine is one file with the steps that it takes (`start` has what all of them do alike); its
//! rules are rows of one table ([`Rule`]), with the versions that they hold for, where they were read
//! and how they were checked. `docs/engines.md` prints the table.
//!
//! # Limitations
//! A daemon counts as started with its default options, and the container's first program as an
//! ordinary file. A seccomp profile of one's own is not read. AppArmor and SELinux are named, not
//! modelled.
#![forbid(unsafe_code)]

mod containerd;
mod docker;
mod names;
mod openshell;
mod podman;
mod rule;
mod runtime;
mod security_opt;
mod start;
mod state;
mod users;
mod version;

pub use names::{DOCKER_DEFAULTS, capability_named};
pub use rule::{Evidence, Row, Rule};
pub use state::{AppArmor, Host, ImageKnowledge, InitialState, Process, Refusal, Seccomp};
pub use version::{EngineVersion, EngineVersionError, Version};

use containerd::Containerd;
use docker::Docker;
use dropcap_manifest::{Engine, Settings};
use podman::Podman;
use start::Given;

/// The state in which `engine` starts `process` of a container with `settings`.
///
/// ```
/// use dropcap_engine::{EngineVersion, Host, ImageKnowledge, Process, initial_state};
/// use dropcap_manifest::{Settings, Spanned};
/// let sandbox = Settings {
///     user: Some(Spanned { value: "1000".to_owned(), span: 0..0 }),
///     ..Settings::default()
/// };
/// let docker = "docker@20.10".parse().unwrap();
/// let start = |process| {
///     let image = ImageKnowledge::Assumed;
///     initial_state(&sandbox, process, image, &docker, &Host::default()).unwrap().credentials
/// };
/// // The process holds nothing, and the 14 defaults are still within its bounds ...
/// let first = start(Process::First);
/// assert!(first.permitted.is_empty());
/// assert_eq!(first.bounding.len(), 14);
/// // ... so that whoever comes in as root holds them all.
/// let shell = start(Process::Exec { user: Some("0"), privileged: false });
/// assert_eq!(shell.permitted, first.bounding);
/// ```
///
/// # Errors
/// [`Refusal`] where the engine would not start it, with the engine's reason.
pub fn initial_state(
    settings: &Settings,
    process: Process<'_>,
    image: ImageKnowledge<'_>,
    engine: &EngineVersion,
    host: &Host,
) -> Result<InitialState, Refusal> {
    let given = Given { settings, image, version: engine.version, host };
    match engine.engine {
        Engine::Containerd => start::initial_state::<Containerd>(given, process),
        Engine::Docker => start::initial_state::<Docker>(given, process),
        Engine::OpenShell => openshell::initial_state(given, process),
        Engine::Podman => start::initial_state::<Podman>(given, process),
    }
}
