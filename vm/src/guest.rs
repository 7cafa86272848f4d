//! The host's side: what a guest is given, and what comes back.

use crate::cpio::Archive;
use crate::init;
use crate::kernel::Kernel;
use crate::protocol::{Command, End, Event, PLAN, Plan, Stream};
use crate::qemu::{Machine, SHAPE, Shape};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a guest may take until it runs its first command, and to power off.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Why there is no report.
#[derive(Debug, Error)]
pub enum Error {
    /// A file for the guest, or what makes the guest.
    #[error("{what}: {error}")]
    Io {
        /// What was done with which file.
        what: String,
        /// Why it failed.
        error: io::Error,
    },
    /// The kernel has no such module.
    #[error(transparent)]
    Kernel(#[from] crate::kernel::Error),
    /// A program without the libraries that it needs.
    #[error("{program} needs libraries that were not found:\n{said}")]
    Libraries {
        /// Which.
        program: String,
        /// What ldd(1) said.
        said: String,
    },
    /// The emulator is missing, or could not be started.
    #[error("QEMU (package qemu-system-x86; `make setup` installs it): {0}")]
    Emulator(io::Error),
    /// The guest ended before its last command did: its kernel panicked, say.
    #[error("the guest with {kernel} {how}; its console ended with:\n{console}")]
    Broken {
        /// The kernel's release.
        kernel: String,
        /// In what way.
        how: String,
        /// The last lines of the kernel's console.
        console: String,
    },
}

/// A guest in the making.
#[derive(Debug)]
pub struct Guest<'a> {
    kernel: &'a Kernel,
    shape: Shape,
    archive: Archive,
    modules: Vec<String>,
}

/// What a guest's commands came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// `uname -r` in the guest.
    pub release: String,
    /// `uname -v` in the guest.
    pub version: String,
    /// One for each command, in their order.
    pub outcomes: Vec<Outcome>,
}

/// What one command came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// How long it took, by the guest's clock.
    pub took: Duration,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Whether it exited with 0.
    pub fn succeeded(&self) -> bool {
        self.end == End::Exited(0)
    }
}

impl<'a> Guest<'a> {
    /// A guest with this kernel and nothing but its init.
    pub fn new(kernel: &'a Kernel) -> Self {
        Self { kernel, shape: SHAPE, archive: Archive::default(), modules: Vec::new() }
    }

    /// With another size than [`SHAPE`].
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// With a file of root's.
    #[must_use]
    pub fn file(mut self, path: &str, mode: u32, contents: impl AsRef<[u8]>) -> Self {
        self.archive.file(Path::new(path), mode, contents.as_ref());
        self
    }

    /// With a copy of a file of the host's, which may be executed, at another path.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn copy(mut self, from: &Path, to: &str) -> Result<Self, Error> {
        self.archive.file(Path::new(to), 0o755, &read(from)?);
        Ok(self)
    }

    /// With a program of the host's at its own path, and the libraries that it needs at theirs.
    ///
    /// # Errors
    /// Where it cannot be read, or a library is missing.
    pub fn program(mut self, path: &str) -> Result<Self, Error> {
        for file in [vec![PathBuf::from(path)], libraries(path)?].concat() {
            self.archive.file(&file, 0o755, &read(&file)?);
        }
        Ok(self)
    }

    /// With a module of the kernel's, loaded before the first command. What it needs is named before
    /// it: the guest has no modprobe(8).
    ///
    /// # Errors
    /// Where the kernel has no such module.
    pub fn module(mut self, name: &str) -> Result<Self, Error> {
        let file = self.kernel.module(name)?;
        let end = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = format!("/modules/{end}");
        self.archive.file(Path::new(&path), 0o644, &read(&file)?);
        self.modules.push(path);
        Ok(self)
    }

    /// Boots, runs the commands one after another, and powers off.
    ///
    /// # Errors
    /// Where the guest did not get to the end of them; how each of them ended is in the report.
    pub fn run(self, commands: &[Command]) -> Result<Report, Error> {
        self.run_watched(commands, |_| {})
    }

    /// As [`Self::run`], and shows each event when it comes.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_watched(
        mut self,
        commands: &[Command],
        watch: impl FnMut(&Event),
    ) -> Result<Report, Error> {
        let own = std::env::current_exe().map_err(|error| io_error("this program", error))?;
        self.archive.file(Path::new("/init"), 0o755, &read(&own)?);
        let plan = Plan { modules: self.modules, commands: commands.to_vec() };
        let plan = serde_json::to_vec(&plan).map_err(|error| io_error("the plan", error.into()))?;
        self.archive.file(Path::new(PLAN), 0o644, &plan);

        let place = tempfile::tempdir().map_err(|error| io_error("temporary directory", error))?;
        let initramfs = place.path().join("initramfs");
        let console = place.path().join("console");
        std::fs::write(&initramfs, self.archive.finish())
            .map_err(|error| io_error("the initramfs", error))?;
        let (_machine, line) =
            Machine::start(self.kernel, &initramfs, &console, self.shape, init::ARGUMENT)
                .map_err(Error::Emulator)?;
        let limit = commands.iter().map(|command| command.limit).sum::<Duration>() + BOOT_LIMIT;
        listen(line, Instant::now() + limit, watch).map_err(|how| Error::Broken {
            kernel: self.kernel.release.clone(),
            how,
            console: tail(&console),
        })
    }
}

/// Reads events until the last one, or says what came instead.
fn listen(
    line: impl io::Read + Send + 'static,
    deadline: Instant,
    mut watch: impl FnMut(&Event),
) -> Result<Report, String> {
    let (sender, receiver) = channel();
    // Ends with the line, which ends with the machine.
    std::thread::spawn(move || {
        for text in BufReader::new(line).lines() {
            if text.is_ok_and(|text| sender.send(text).is_err()) {
                break;
            }
        }
    });
    let mut report = Report::default();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let text = receiver.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => "took too long".to_owned(),
            RecvTimeoutError::Disconnected => {
                format!("ended after {} commands", report.outcomes.len())
            }
        })?;
        let event =
            serde_json::from_str(&text).map_err(|error| format!("said {text:?}: {error}"))?;
        watch(&event);
        match event {
            Event::Booted { release, version } => {
                (report.release, report.version) = (release, version)
            }
            Event::Output { stream: Stream::Stdout, text } => stdout += &text,
            Event::Output { stream: Stream::Stderr, text } => stderr += &text,
            Event::Ended { end, took } => {
                let (stdout, stderr) = (std::mem::take(&mut stdout), std::mem::take(&mut stderr));
                report.outcomes.push(Outcome { end, took, stdout, stderr });
            }
            Event::Finished => return Ok(report),
            Event::Failed(why) => return Err(format!("failed: {why}")),
        }
    }
}

/// The libraries of a program, its loader included; none where it is static.
fn libraries(program: &str) -> Result<Vec<PathBuf>, Error> {
    let output = std::process::Command::new("ldd")
        .arg(program)
        .output()
        .map_err(|error| io_error("ldd", error))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if said.contains("not found") {
        return Err(Error::Libraries { program: program.to_owned(), said });
    }
    // `NAME => PATH (ADDRESS)`, or for the loader `PATH (ADDRESS)`.
    let path = |line: &str| {
        let path = line.rsplit("=> ").next()?.trim().split(" (").next()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    Ok(said.lines().filter_map(path).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| io_error(&path.display().to_string(), error))
}

fn io_error(what: &str, error: io::Error) -> Error {
    Error::Io { what: what.to_owned(), error }
}

/// The last lines of a console.
fn tail(console: &Path) -> String {
    const LINES: usize = 100;
    let bytes = std::fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
