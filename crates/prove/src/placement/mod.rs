//! Putting a process into a container's initial state, with no engine.
//!
//! Two processes stand between: one in new namespaces, and the first of the pid namespace, which
//! builds the root directory, takes on the credentials, and reads them back. Only then is anything
//! tried. What is mounted is seen by those two alone and is gone with them; a root directory that
//! was given is never written to.

mod join;
mod root;
mod user_namespace;

pub use join::join;

use crate::assume::{AssumeError, assume};
use crate::child::start_with_limit;
use crate::stranger::become_stranger;
use crate::{Part, Scene, SearchLimits};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Executable, NamespaceGate};
use dropcap_confine::sys::{self, Fork, Linux, System, Wait};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;
use user_namespace::Mapping;

/// How long everything inside may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The initial state of a container, and what its image is.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The credentials of its process.
    pub credentials: Credentials,
    /// What stands before a user namespace of its own.
    pub gate: NamespaceGate,
    /// The sysctls of its namespaces, by name.
    pub sysctls: Vec<(String, String)>,
    /// Whether the kernel's files are left writable: a privileged container.
    pub kernel_files_writable: bool,
    /// The image's root directory; `None` shows this machine's own files, read-only.
    pub root: Option<PathBuf>,
    /// How long to search for executables.
    pub limits: SearchLimits,
}

/// Why a process could not be put there.
#[derive(Debug, Error)]
pub enum PlacementError {
    /// A step failed.
    #[error("{step}")]
    Step {
        /// What was to be done.
        step: String,
        /// Why it was not.
        #[source]
        source: io::Error,
    },
    /// The credentials are not what they should be.
    #[error("the initial state cannot be taken on")]
    Credentials(#[source] AssumeError),
    /// What the process in there said.
    #[error("{0}")]
    Inside(String),
}

/// Why a door that rests on what is mounted into a container is not tried.
const NOT_REPRODUCED: &str = "not reproduced here: start the container, and prove container:NAME";

/// What had to be left out, for whoever reads the proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shortcomings(pub Vec<String>);

/// Marks the answer of a process that got there.
const ARRIVED: u8 = b'+';

impl PlacementError {
    fn step(step: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let step = step.into();
        move |source| Self::Step { step, source }
    }
}

/// Whether this process can make every namespace without a user namespace, and hold what a container
/// of root's engine may hold.
pub fn has_root() -> bool {
    let needed: CapabilitySet = [
        Capability::SYS_ADMIN,
        Capability::SETUID,
        Capability::SETGID,
        Capability::SETPCAP,
        Capability::CHOWN,
        Capability::MKNOD,
        Capability::DAC_OVERRIDE,
    ]
    .into_iter()
    .collect();
    sys::read_credentials().is_ok_and(|own| needed.is_subset(own.permitted))
}

/// Puts a process into the state, has it do `work` there, and gives what it returns.
///
/// The calling process must have one thread.
///
/// # Errors
/// [`PlacementError`] where any step fails: nothing is tried from a state that is not exact.
pub fn place(
    placement: &Placement,
    work: impl FnOnce(Scene, Shortcomings) -> Vec<u8>,
) -> Result<Vec<u8>, PlacementError> {
    let mapping = if has_root() { None } else { Some(Mapping::plan(&placement.credentials)) };
    let made = mapping.as_ref().map(|mapping| mapping.channel()).transpose();
    let channel = made.map_err(PlacementError::step("a pipe for the id maps"))?;
    let mut child = start_with_limit(LIMIT, || {
        let arrived = enter(placement, mapping.as_ref(), channel.as_ref());
        let told = arrived.and_then(|()| first_process(placement, mapping.as_ref(), work));
        told.unwrap_or_else(|error| chain(&error).into_bytes())
    })
    .map_err(PlacementError::step("fork"))?;
    if let (Some(mapping), Some(channel)) = (&mapping, &channel) {
        mapping.write(child.pid, channel)?;
    }
    let said = child.listen().map_err(PlacementError::step("waiting for the container's process"));
    child.kill();
    child.reap().map_err(PlacementError::step("wait"))?;
    match said?.as_deref() {
        Some([ARRIVED, answer @ ..]) => Ok(answer.to_vec()),
        Some([]) => Err(PlacementError::Inside("the container's process died".to_owned())),
        Some(message) => Err(PlacementError::Inside(String::from_utf8_lossy(message).into_owned())),
        None => Err(PlacementError::Inside("it took longer than a minute".to_owned())),
    }
}

fn chain(error: &PlacementError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Makes the namespaces.
fn enter(
    _: &Placement,
    mapping: Option<&Mapping>,
    channel: Option<&user_namespace::Channel>,
) -> Result<(), PlacementError> {
    if let (Some(mapping), Some(channel)) = (mapping, channel) {
        Linux
            .unshare(libc::CLONE_NEWUSER)
            .map_err(PlacementError::step("making a user namespace, since this is not root"))?;
        mapping.wait_inside(channel)?;
    }
    Linux
        .unshare(
            libc::CLONE_NEWNS
                | libc::CLONE_NEWPID
                | libc::CLONE_NEWIPC
                | libc::CLONE_NEWUTS
                | libc::CLONE_NEWNET
                | libc::CLONE_NEWCGROUP,
        )
        .map_err(PlacementError::step("making the container's namespaces"))
}

/// Forks the first process of the pid namespace, and waits for its answer.
fn first_process(
    placement: &Placement,
    mapping: Option<&Mapping>,
    work: impl FnOnce(Scene, Shortcomings) -> Vec<u8>,
) -> Result<Vec<u8>, PlacementError> {
    let mut first = start_with_limit(LIMIT, || {
        let told = arrive(placement, mapping).map(|(scene, shortcomings)| {
            let mut answer = vec![ARRIVED];
            answer.extend(work(scene, shortcomings));
            answer
        });
        told.unwrap_or_else(|error| chain(&error).into_bytes())
    })
    .map_err(PlacementError::step("fork"))?;
    let said = first.listen().map_err(PlacementError::step("waiting for the first process"));
    first.kill();
    match (said?, first.reap().map_err(PlacementError::step("wait"))?) {
        (Some(answer), _) if !answer.is_empty() => Ok(answer),
        (_, Wait::Signaled(signal)) => {
            Err(PlacementError::Inside(format!("the container's process died of signal {signal}")))
        }
        _ => Err(PlacementError::Inside("the container's process said nothing".to_owned())),
    }
}

/// The first process: builds what is around it, drops, reads back, and looks around.
fn arrive(
    placement: &Placement,
    mapping: Option<&Mapping>,
) -> Result<(Scene, Shortcomings), PlacementError> {
    let mut shortcomings = Shortcomings::default();
    let whole = mapping.is_none_or(Mapping::is_whole);
    crate::untouched::close_at_execve();
    let (helper, unset) = root::build(placement, whole)?;
    shortcomings.0.extend(unset);
    let mut wanted = placement.credentials.clone();
    if let Some(mapping) = mapping.filter(|mapping| !mapping.is_whole()) {
        // Without a second id there is nothing to set groups to, and setgroups is closed.
        wanted.groups = Linux.groups().map_err(PlacementError::step("getgroups"))?;
        wanted.groups.sort_unstable();
        shortcomings.0.push(mapping.shortcoming());
    }
    let other = if whole { other_user(&wanted)? } else { None };
    if !placement.gate.seccomp_allows {
        let filter = dropcap_confine::user_namespaces::filter()
            .map_err(|error| PlacementError::Inside(error.to_string()))?;
        Linux
            .install_filter(&filter)
            .map_err(PlacementError::step("installing the user namespace filter"))?;
        shortcomings.0.push(
            "of the engine's seccomp profile, what closes user namespaces is reproduced, and no \
             other call is filtered"
                .to_owned(),
        );
    }
    assume(&wanted).map_err(PlacementError::Credentials)?;
    let mut scene = Scene::here(&placement.limits)
        .map_err(PlacementError::step("reading the state back"))?
        .with_namespace_gate(placement.gate)
        .without(Part::Mounts, NOT_REPRODUCED)
        .without(Part::Processes, NOT_REPRODUCED)
        .without(Part::Devices, NOT_REPRODUCED);
    if let Some(pid) = other {
        scene = scene.with_foreign_process(pid);
    }
    if let Some(path) = helper {
        scene = scene.with_helper(Executable::setuid_root(path));
    }
    if mapping.is_some() {
        scene = scene.without(
            Part::InitialNamespace,
            "dropcap was not started by root, so that what counts for the whole machine, or for \
             root's own files, cannot be shown",
        );
    }
    Ok((scene, shortcomings))
}

/// A process of another user, made before privilege is dropped. It ends with the pid namespace.
fn other_user(wanted: &Credentials) -> Result<Option<i32>, PlacementError> {
    /// Ids that are mapped wherever more than one is.
    const CANDIDATES: [u32; 3] = [2, 3, 4];
    let own = wanted.uid;
    let Some(other) = CANDIDATES.into_iter().find(|id| !own.has(*id)) else { return Ok(None) };
    match sys::fork().map_err(PlacementError::step("fork"))? {
        Fork::Parent(pid) => Ok(Some(pid)),
        Fork::Child => {
            if become_stranger(other).is_err() {
                sys::exit_now(1);
            }
            std::thread::sleep(LIMIT);
            sys::exit_now(0)
        }
    }
}

/// Writes a sysctl by its dotted name.
fn set_sysctl(name: &str, value: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/{}", name.replace('.', "/")), value)
}
