//! Into the namespaces of a process that runs already.

use super::{ARRIVED, LIMIT, PlacementError, chain};
use crate::assume::assume;
use crate::child::start_with_limit;
use crate::{Part, Scene, SearchLimits};
use dropcap_capability::{Credentials, NamespaceGate};
use dropcap_confine::sys::{Linux, System};
use rustix::thread::move_into_link_name_space;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// The namespaces to enter; the mount namespace last, since /proc changes with it.
const NAMESPACES: [&str; 6] = ["cgroup", "ipc", "uts", "net", "pid", "mnt"];

/// Enters the namespaces of `pid`, takes on these credentials there, and gives what `work` returns.
///
/// Nothing is written into the container: what runs there is this program, which is in memory.
///
/// # Errors
/// [`PlacementError`] where any step fails; entering needs root.
pub fn join(
    pid: i32,
    credentials: &Credentials,
    gate: NamespaceGate,
    limits: &SearchLimits,
    work: impl FnOnce(Scene) -> Vec<u8>,
) -> Result<Vec<u8>, PlacementError> {
    let mut outer = start_with_limit(LIMIT, || {
        let told = enter(pid).and_then(|()| {
            // Only a child is in the pid namespace.
            let mut inner = start_with_limit(LIMIT, || {
                let told = arrive(credentials, gate, limits).map(|scene| {
                    let mut answer = vec![ARRIVED];
                    answer.extend(work(scene));
                    answer
                });
                told.unwrap_or_else(|error| chain(&error).into_bytes())
            })
            .map_err(PlacementError::step("fork"))?;
            let said = inner.listen().map_err(PlacementError::step("waiting inside"))?;
            inner.kill();
            inner.reap().map_err(PlacementError::step("wait"))?;
            Ok(said.unwrap_or_default())
        });
        told.unwrap_or_else(|error| chain(&error).into_bytes())
    })
    .map_err(PlacementError::step("fork"))?;
    let said = outer.listen().map_err(PlacementError::step("waiting for the container"));
    outer.kill();
    outer.reap().map_err(PlacementError::step("wait"))?;
    match said?.as_deref() {
        Some([ARRIVED, answer @ ..]) => Ok(answer.to_vec()),
        Some([]) | None => Err(PlacementError::Inside("the process inside died".to_owned())),
        Some(message) => Err(PlacementError::Inside(String::from_utf8_lossy(message).into_owned())),
    }
}

fn enter(pid: i32) -> Result<(), PlacementError> {
    let open = |name: &&'static str| {
        File::open(format!("/proc/{pid}/ns/{name}"))
            .map(|file| (*name, file))
            .map_err(PlacementError::step(format!("opening the {name} namespace of process {pid}")))
    };
    let opened: Vec<(&str, File)> = NAMESPACES.iter().map(open).collect::<Result<_, _>>()?;
    for (name, file) in &opened {
        move_into_link_name_space(file.as_fd(), None)
            .map_err(io::Error::from)
            .map_err(PlacementError::step(format!("entering the {name} namespace")))?;
    }
    Ok(())
}

fn arrive(
    credentials: &Credentials,
    gate: NamespaceGate,
    limits: &SearchLimits,
) -> Result<Scene, PlacementError> {
    if !gate.seccomp_allows {
        let filter = dropcap_confine::user_namespaces::filter()
            .map_err(|error| PlacementError::Inside(error.to_string()))?;
        Linux
            .install_filter(&filter)
            .map_err(PlacementError::step("installing the user namespace filter"))?;
    }
    assume(credentials).map_err(PlacementError::Credentials)?;
    let scene = Scene::here(limits).map_err(PlacementError::step("reading the state back"))?;
    let scene = scene.with_namespace_gate(gate);
    Ok(scene.without(Part::Devices, "the container's device rules do not hold for dropcap"))
}
