//! strace(1) on all that runs in a container, from its first instruction.
//!
//! The engine starts the container with a shell that waits; when it is traced, a file is made in it, and
//! the shell executes what would have been started in its own place.

use super::{Configured, Docker};
use crate::command::{During, TrialError};
use crate::trace::{Trace, attach};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the waiting shell waits for. Engines mount a filesystem there that everyone may write to.
const GATE: &str = "/dev/shm/dropcap-trial";
/// How long the tracer has to take hold, and to write its last line.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);
const ENTRYPOINT: &str = "--entrypoint=";

/// The traces of one life.
#[derive(Debug)]
pub(super) struct Tracer {
    folder: TempDir,
    running: Vec<Child>,
    files: Vec<PathBuf>,
}

impl Tracer {
    pub fn new() -> Result<Self, TrialError> {
        let folder = tempfile::tempdir().during("making a folder for the trace")?;
        Ok(Self { folder, running: Vec::new(), files: Vec::new() })
    }

    /// Takes hold of a container that was made of [`gated`], and lets it go on; `false` where it cannot
    /// be traced from here. Then it goes on too.
    pub fn attach(&mut self, docker: &Docker, id: &str) -> Result<bool, TrialError> {
        let said = docker.must(&["inspect", "--format", "{{.State.Pid}} {{.Id}}", id])?;
        let (pid, id) = said.split_once(' ').unwrap_or_default();
        let traced = self.take_hold(pid, id)?;
        docker.ask(&["exec", id, "sh", "-c", &format!(": >{GATE}")])?;
        Ok(traced)
    }

    fn take_hold(&mut self, pid: &str, id: &str) -> Result<bool, TrialError> {
        // Where the engine is elsewhere, that is another process's number.
        if !read(pid, "cgroup").contains(id) {
            return Ok(false);
        }
        let deadline = Instant::now() + PATIENCE;
        // What the runtime does before it executes the shell is not the container's.
        let shell = loop {
            if let Some(shell) = waiting(pid) {
                break shell;
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(PAUSE);
        };
        let file = self.folder.path().join(self.files.len().to_string());
        let strace = Command::new("strace")
            .args(attach(&file, &shell))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut strace) = strace else { return Ok(false) };
        self.files.push(file);
        let held = loop {
            if is_traced(&shell) {
                break true;
            }
            // It may not trace here.
            let ended = strace.try_wait().during("waiting for strace")?.is_some();
            if ended || Instant::now() >= deadline {
                break false;
            }
            sleep(PAUSE);
        };
        self.running.push(strace);
        Ok(held)
    }

    /// Reads what was traced, when all of it has ended.
    pub fn finish(mut self, own: &str) -> Result<Trace, TrialError> {
        let deadline = Instant::now() + PATIENCE;
        for strace in &mut self.running {
            while strace.try_wait().during("waiting for strace")?.is_none() {
                if Instant::now() >= deadline {
                    break;
                }
                sleep(PAUSE);
            }
        }
        let mut trace = Trace::default();
        for file in &self.files {
            let text = fs::read(file).during("reading the trace")?;
            // The shell's own execve is the first one.
            trace.add(&text, own, 1);
        }
        Ok(trace)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        for strace in &mut self.running {
            // One that has ended is no error. What it traces goes on.
            let _ = strace.kill();
            let _ = strace.wait();
        }
    }
}

fn read(process: &str, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The shell that waits: the container's first process, or the child of an init.
fn waiting(first: &str) -> Option<String> {
    let waits = |process: &String| {
        let line = read(process, "cmdline");
        line.starts_with("sh\0") && line.contains(GATE)
    };
    let children = read(first, &format!("task/{first}/children"));
    let children = children.split_whitespace().map(str::to_owned);
    std::iter::once(first.to_owned()).chain(children).find(waits)
}

fn is_traced(process: &str) -> bool {
    let status = read(process, "status");
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// The same container, which waits for the gate before it executes what it is for.
pub(super) fn gated(docker: &Docker, container: &Configured) -> Result<Configured, TrialError> {
    let (entrypoint, command) = docker.image_words(&container.image)?;
    let mut gated = container.clone();
    let named = container.flags.iter().find_map(|flag| flag.strip_prefix(ENTRYPOINT));
    gated.flags.retain(|flag| !flag.starts_with(ENTRYPOINT));
    gated.flags.push(format!("{ENTRYPOINT}sh"));
    let mut words = match named {
        Some("") => Vec::new(),
        Some(program) => vec![program.to_owned()],
        None => entrypoint,
    };
    // An entrypoint that is named takes the image's command away.
    match container.words.is_empty() && named.is_none() {
        true => words.extend(command),
        false => words.extend(container.words.iter().cloned()),
    }
    let wait = format!("until [ -e {GATE} ]; do :; done; exec \"$@\"");
    gated.words = vec!["-c".to_owned(), wait, "sh".to_owned()];
    gated.words.extend(words);
    Ok(gated)
}
