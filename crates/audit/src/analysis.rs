//! What a container is when it starts, and what can come of it.

use crate::Input;
use dropcap_capability::{
    CapabilitySet, Door, ENGINE_SOCKET_FOLDERS, ENGINE_SOCKETS, Environment, Escalation,
    Executable, Nested, Reachable, Surroundings, doors, escalations, nested, reachable,
};
use dropcap_engine::{
    EngineVersion, Host, ImageKnowledge, InitialState, Process, Refusal, initial_state,
};
use dropcap_image::Image;
use dropcap_manifest::{Container, Mount, Settings};

/// The path that the setuid-root executable of an assumed image is shown with.
pub const ASSUMED_EXECUTABLE: &str = "(assumed) a setuid-root executable";

/// What the engine makes of a container.
#[derive(Debug)]
pub enum Analysis {
    /// It starts.
    Starts(Box<States>),
    /// The engine does not start it as written.
    Refused(Refusal),
}

impl Analysis {
    /// The states, if it starts.
    pub fn states(&self) -> Option<&States> {
        match self {
            Self::Starts(states) => Some(states),
            Self::Refused(_) => None,
        }
    }
}

/// The states of a container's processes and what they lead to.
#[derive(Debug)]
pub struct States {
    /// The first process.
    pub first: InitialState,
    /// What the engine gives without any setting: the defaults, in the same place.
    pub defaults: CapabilitySet,
    /// What can come into the first process's permitted set.
    pub reachable: Reachable,
    /// By which executables.
    pub doors: Vec<Door>,
    /// Whether it can make a user namespace.
    pub nested: Nested,
    /// What leads out of the model.
    pub escalations: Vec<Escalation>,
    /// The privileged executables that count: those of the image and of what is mounted.
    pub executables: Vec<Executable>,
}

impl States {
    /// Whether the first process runs as root.
    pub fn is_root(&self) -> bool {
        self.first.credentials.uid.effective == 0
    }

    /// The bounding set of the first process.
    pub fn bounding(&self) -> CapabilitySet {
        self.first.credentials.bounding
    }
}

/// Works out the states of `container`.
pub(crate) fn analyse(container: &Container, input: &Input, engine: &EngineVersion) -> Analysis {
    let image = input.image_of(container);
    let first = match first_process(&container.settings, image, engine) {
        Ok(first) => first,
        Err(refusal) => return Analysis::Refused(refusal),
    };
    let defaults = first_process(&Settings::default(), image, engine)
        .map_or(CapabilitySet::EMPTY, |state| state.credentials.bounding);
    let mut executables = match image {
        Some(image) => image.executables.clone(),
        None => vec![Executable::setuid_root(ASSUMED_EXECUTABLE)],
    };
    executables.extend(mounted(container, input).flat_map(|(_, found)| found).cloned());

    let environment = Environment::default();
    let reachable = reachable(&first.credentials, &executables, &environment);
    let doors = doors(&first.credentials, &executables, &environment);
    let nested = nested(first.gate, reachable.set);
    let surroundings = surroundings(container, &first, &reachable);
    let escalations = escalations(reachable.set, &surroundings);
    Analysis::Starts(Box::new(States {
        first,
        defaults,
        reachable,
        doors,
        nested,
        escalations,
        executables,
    }))
}

/// The state of the first process with these settings.
pub(crate) fn first_process(
    settings: &Settings,
    image: Option<&Image>,
    engine: &EngineVersion,
) -> Result<InitialState, Refusal> {
    let knowledge = image.map_or(ImageKnowledge::Assumed, ImageKnowledge::Read);
    initial_state(settings, Process::First, knowledge, engine, &Host::default())
}

/// The host paths of `container` that were looked into, with what was found there.
pub(crate) fn mounted<'a>(
    container: &'a Container,
    input: &'a Input,
) -> impl Iterator<Item = (&'a Mount, &'a Vec<Executable>)> {
    let known = |mount: &Mount| {
        input
            .mounted
            .iter()
            .find(|one| one.container == container.id && one.target == mount.target)
            .map(|one| &one.executables)
    };
    container.settings.mounts.iter().filter_map(move |mount| Some((mount, known(mount)?)))
}

/// What stands around the first process.
fn surroundings(
    container: &Container,
    first: &InitialState,
    reachable: &Reachable,
) -> Surroundings {
    let settings = &container.settings;
    let is = |setting: &Option<dropcap_manifest::Spanned<String>>, value: &str| {
        setting.as_ref().is_some_and(|setting| setting.value == value)
    };
    // An engine mounts what it is asked to without nosuid, save for a tmpfs.
    let plant = |mount: &&Mount| mount.bind && !mount.read_only && !is_engine_socket(&mount.source);
    Surroundings {
        root_user: reachable.root_user,
        may_gain: !first.credentials.no_new_privs,
        bounding: first.credentials.bounding,
        writable_suid_place: true,
        host_mounts: settings.mounts.iter().filter(plant).map(|one| one.source.clone()).collect(),
        engine_sockets: settings
            .mounts
            .iter()
            .filter(|mount| mount.bind && holds_engine_socket(&mount.source))
            .map(|mount| mount.source.clone())
            .collect(),
        host_pid: is(&settings.pid, "host"),
    }
}

/// Whether a host path is an engine's socket.
pub(crate) fn is_engine_socket(source: &str) -> bool {
    let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
    ENGINE_SOCKETS.contains(&name)
}

/// Whether a host path is an engine's socket, or a folder that holds one on a usual host.
pub(crate) fn holds_engine_socket(source: &str) -> bool {
    let folder = match source.trim_end_matches('/') {
        "" => "/",
        folder => folder,
    };
    is_engine_socket(source) || source.starts_with('/') && ENGINE_SOCKET_FOLDERS.contains(&folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_known_by_its_name_or_by_its_folder() {
        for source in ["/var/run/docker.sock", "/run/user/1000/podman/podman.sock", "/", "/run/"] {
            assert!(holds_engine_socket(source), "{source}");
        }
        for source in ["./docker.sock.d", "/var/lib", "run", "data", "/runner"] {
            assert!(!holds_engine_socket(source), "{source}");
        }
    }
}
