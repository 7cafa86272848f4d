//! `engine-socket`: a container engine within reach, which starts what it is told to as root.
//!
//! # The attempt
//! `connect` of a SOCK_SEQPACKET socket to each engine's socket that is found: in the usual places,
//! where DOCKER_HOST and CONTAINER_HOST point, and among the mounts. `unix_find_bsd` asks for the
//! permission to write to the socket's file first: EACCES without. Then it looks for who listens,
//! ECONNREFUSED if nobody does, and only then at the type: EPROTOTYPE, since engines listen on stream
//! sockets.
//!
//! # Why it is safe
//! A connection of the wrong type is never made: the engine does not come to know of it, and one that
//! would be started by a connection is not started.

use super::{Door, Gain, Kind};
use crate::judge::make;
use crate::mounts::mounts;
use crate::trial::{Part, missing};
use crate::{Answer, Attempt, Scene, Verdict};
use dropcap_capability::{ENGINE_SOCKET_FOLDERS, ENGINE_SOCKETS};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

const TEXT: &str = "connect(a socket of an engine, wrong type)";
/// The variables by which Docker's and Podman's commands are pointed to an engine.
const VARIABLES: [&str; 2] = ["DOCKER_HOST", "CONTAINER_HOST"];
/// What a socket of the right permissions and the wrong type answers.
const LISTENING: Answer = Answer::Errno(libc::EPROTOTYPE);

pub(super) const DOOR: Door = Door {
    name: "engine-socket",
    gain: Gain::WayBack,
    lets: "have a container engine start anything as root",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    if let Some(reason) = missing(scene, Part::Mounts) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    let sockets = sockets(scene.credentials.uid.effective);
    let mut closed = Attempt {
        verdict: Verdict::Closed,
        result: "nothing".to_owned(),
        ..Attempt::not_tried(door.name, false, TEXT, "there is no socket of an engine here")
    };
    for path in &sockets {
        let answer = match make(|| try_to_connect(path)) {
            Ok(answer) => answer,
            Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
        };
        let judged = Attempt {
            attempt: format!("connect({}, wrong type)", path.display()),
            result: answer.to_string(),
            ..closed.clone()
        };
        if answer == LISTENING {
            let because = format!("it may speak to the engine at {}", path.display());
            return Attempt { verdict: Verdict::Open, because, ..judged };
        }
        let why = match answer {
            Answer::ECONNREFUSED => "nobody listens at",
            Answer::EACCES | Answer::EPERM => "it may not speak to",
            _ => "it cannot speak to",
        };
        closed = Attempt { because: format!("{why} {}", path.display()), ..judged };
    }
    closed
}

/// The sockets of engines in sight, each once.
fn sockets(user: u32) -> Vec<PathBuf> {
    let own = [format!("/run/user/{user}"), format!("/run/user/{user}/podman")];
    let folders = ENGINE_SOCKET_FOLDERS.iter().map(|folder| (*folder).to_owned()).chain(own);
    let usual = folders
        .flat_map(|folder| ENGINE_SOCKETS.iter().map(move |name| Path::new(&folder).join(name)));
    let pointed = VARIABLES
        .iter()
        .filter_map(|name| Some(PathBuf::from(std::env::var(name).ok()?.strip_prefix("unix://")?)));
    // A socket may be mounted under another name.
    let is_engines = |path: &Path| {
        path.file_name().is_some_and(|name| ENGINE_SOCKETS.iter().any(|known| *known == name))
    };
    let mounted = mounts().into_iter().filter(|mount| is_engines(&mount.root)).map(|it| it.point);
    let mut seen = HashSet::new();
    let is_new = |path: &PathBuf| {
        fs::metadata(path)
            .is_ok_and(|it| it.file_type().is_socket() && seen.insert((it.dev(), it.ino())))
    };
    usual.chain(pointed).chain(mounted).filter(is_new).collect()
}

fn try_to_connect(path: &Path) -> rustix::io::Result<()> {
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}
