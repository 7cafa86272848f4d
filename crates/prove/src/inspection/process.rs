//! Other processes, from outside, as far as they may be seen: one, or all of them.

use super::inside::Inside;
use super::{InspectError, Inspection, Subject, gate_of, inspect, namespace_gate};
use crate::SeccompMode;
use crate::scene::environment;
use crate::state::{State, UserNamespace};
use dropcap_capability::{
    CapabilitySet, Credentials, Environment, Executable, FileCapabilities, NamespaceGate,
    ProcStatus, Revision,
};
use dropcap_image::read_rootfs;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The kernel tells a thread's securebits to itself alone.
const SECUREBITS: &str =
    "the kernel tells a thread's securebits to itself alone: they are taken to be clear";

/// Inspects another process, with the privileged files below its root directory.
///
/// # Errors
/// [`InspectError::NoProcess`], [`InspectError::Status`].
pub fn inspect_pid(pid: i32) -> Result<Inspection, InspectError> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let status = status(&process, pid)?;
    let user_namespace = UserNamespace::of(&process);
    let inside = Inside::of(&process, user_namespace.as_ref());
    let credentials = inside.credentials(status.credentials);
    let mut notes = vec![SECUREBITS.to_owned()];
    let files: Vec<Executable> = match read_rootfs(&process.join("root")) {
        Ok(image) => {
            notes.extend(image.warnings);
            image.executables.into_iter().map(|file| inside.executable(file)).collect()
        }
        Err(_) => {
            notes.push(format!(
                "its root directory cannot be read by this user: files that give privileges are \
                 unknown, so it may reach more. Run as root: dropcap inspect pid:{pid}"
            ));
            Vec::new()
        }
    };
    let state =
        State::new(&credentials, false, SeccompMode::of_number(status.seccomp), user_namespace);
    Ok(inspect(Subject {
        target: format!("pid:{pid}"),
        name: Some(status.name),
        credentials: &credentials,
        environment: &environment(state.user_namespace.as_ref(), &process),
        gate: gate_of(&state),
        state,
        files: &files,
        notes,
    }))
}

/// Every process in sight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processes {
    /// One each, in the order of their ids. No file is looked for: what they reach is the most that
    /// any file could give.
    pub inspections: Vec<Inspection>,
    /// How many kernel threads there are, which hold everything and run nobody's code: left out.
    pub kernel_threads: usize,
}

/// Inspects every process in sight, by one read of its status and one of its user namespace's name.
/// What ends meanwhile is left out.
///
/// # Errors
/// [`InspectError::NoProc`].
pub fn inspect_processes() -> Result<Processes, InspectError> {
    let listed = fs::read_dir("/proc").map_err(InspectError::NoProc)?;
    let mut pids: Vec<i32> =
        listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    let mut table = Table::new();
    let mut kernel_threads = 0;
    let mut inspections = Vec::with_capacity(pids.len());
    for pid in pids {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let Ok(status) = status(&process, pid) else { continue };
        if status.kernel_thread {
            kernel_threads += 1;
        } else {
            inspections.push(table.inspect(pid, &process, status));
        }
    }
    Ok(Processes { inspections, kernel_threads })
}

fn status(process: &Path, pid: i32) -> Result<ProcStatus, InspectError> {
    let bytes = fs::read(process.join("status")).map_err(|_| InspectError::NoProcess(pid))?;
    // A process may call itself what it likes, in any encoding.
    ProcStatus::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|error| InspectError::Status(pid, error))
}

/// Many processes: what is the same for several of them is worked out once.
struct Table {
    namespaces: HashMap<PathBuf, Namespace>,
    /// By credentials, as seen from here, mode of seccomp, and user namespace.
    answers: HashMap<(Credentials, Option<u8>, PathBuf), Inspection>,
    gate: NamespaceGate,
    /// The most that files can give.
    files: [Executable; 2],
}

/// A user namespace that some of them live in.
struct Namespace {
    state: Option<UserNamespace>,
    inside: Inside,
    environment: Environment,
}

impl Table {
    fn new() -> Self {
        let everything = FileCapabilities {
            permitted: !CapabilitySet::EMPTY,
            inheritable: !CapabilitySet::EMPTY,
            // Else it could not be executed by a thread whose bounding set lacks one of them.
            effective: false,
            revision: Revision::Two,
        };
        let files = [
            Executable::setuid_root("a setuid-root program"),
            Executable {
                file_capabilities: Some(everything),
                ..Executable::plain("a program with every file capability")
            },
        ];
        let gate = namespace_gate(true);
        Self { namespaces: HashMap::new(), answers: HashMap::new(), gate, files }
    }

    fn inspect(&mut self, pid: i32, process: &Path, status: ProcStatus) -> Inspection {
        // Hidden from whoever may not trace it: then each is a namespace of its own.
        let name = fs::read_link(process.join("ns/user")).unwrap_or_else(|_| process.to_owned());
        let key = (status.credentials, status.seccomp, name);
        let known = self.answers.get(&key).cloned();
        let answer = known.unwrap_or_else(|| {
            let answer = self.answer(process, &key);
            self.answers.insert(key, answer.clone());
            answer
        });
        Inspection { target: format!("pid:{pid}"), name: Some(status.name), ..answer }
    }

    fn answer(
        &mut self,
        process: &Path,
        (shown, seccomp, name): &(Credentials, Option<u8>, PathBuf),
    ) -> Inspection {
        let Self { namespaces, gate, files, .. } = self;
        let namespace = namespaces.entry(name.clone()).or_insert_with(|| Namespace::of(process));
        let credentials = namespace.inside.credentials(shown.clone());
        let seccomp = SeccompMode::of_number(*seccomp);
        let state = State::new(&credentials, false, seccomp, namespace.state.clone());
        let answer = inspect(Subject {
            target: String::new(),
            name: None,
            gate: (seccomp == Some(SeccompMode::Disabled)).then_some(*gate),
            state,
            credentials: &credentials,
            environment: &namespace.environment,
            files: files.as_slice(),
            notes: Vec::new(),
        });
        // By files that are only imagined.
        Inspection { reachable_at_most: true, doors: Vec::new(), witnesses: Vec::new(), ..answer }
    }
}

impl Namespace {
    /// That of the process with this directory in /proc.
    fn of(process: &Path) -> Self {
        let state = UserNamespace::of(process);
        Self {
            inside: Inside::of(process, state.as_ref()),
            environment: environment(state.as_ref(), process),
            state,
        }
    }
}
