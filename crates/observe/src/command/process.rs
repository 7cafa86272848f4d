//! A process that is started, waited for, stopped, and leaves nothing behind.

use crate::said::first_lines;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);
/// How long a tracer has to write the end of its trace.
const SETTLING: Duration = Duration::from_secs(1);
/// How long what is left is killed before that is given up: each round kills all that is in sight.
const SWEEPING: Duration = Duration::from_secs(10);

/// A running process with what it says; ended when it goes.
pub(super) struct Running {
    child: Child,
    ended: Option<ExitStatus>,
    output: PathBuf,
}

impl Running {
    /// Starts `line` in a process group of its own, with its output in a file of `directory`.
    pub fn start(
        line: &[OsString],
        environment: &[(&str, &Path)],
        directory: &Path,
        name: &str,
    ) -> io::Result<Self> {
        let output = directory.join(name);
        let file = File::create(&output)?;
        let (program, arguments) =
            line.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()?;
        Ok(Self { child, ended: None, output })
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for its end until `deadline`.
    pub fn wait(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            let ended = self.ended()?;
            if ended.is_some() || Instant::now() >= deadline {
                return Ok(ended);
            }
            sleep(PAUSE);
        }
    }

    /// Asks it to end, as an engine does: SIGTERM to the process itself.
    pub fn terminate(&mut self) -> io::Result<()> {
        match self.ended()? {
            Some(_) => Ok(()),
            None => Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?),
        }
    }

    /// The first lines that it said.
    pub fn said(&self) -> Vec<String> {
        first_lines(&self.output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // One that has ended meanwhile is no error.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A status as a shell shows it.
pub(super) fn code(status: ExitStatus) -> u8 {
    let number = status.code().or(status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}

/// Kills every child of this process, and what they leave behind, until there is none: with this
/// process as the subreaper, every orphan becomes its child.
///
/// # Errors
/// Something cannot be ended, or /proc cannot be read.
pub fn sweep() -> io::Result<()> {
    let deadline = Instant::now() + SWEEPING;
    loop {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let children = children()?;
        if children.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let message = format!("{} processes of a trial cannot be ended", children.len());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        for child in children {
            // It may just have ended.
            let _ = kill_process(child, Signal::KILL);
        }
        sleep(PAUSE);
    }
}

/// Waits a little until nothing is left: what traces a command ends after it, and writes until then.
pub(super) fn settle() -> io::Result<()> {
    let deadline = Instant::now() + SETTLING;
    while !children()?.is_empty() && Instant::now() < deadline {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        sleep(PAUSE);
    }
    Ok(())
}

/// The children of this process, from the fourth field of each proc_pid_stat(5).
fn children() -> io::Result<Vec<Pid>> {
    let own = std::process::id().to_string();
    let is_child = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything, a parenthesis too.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        (parent == own).then(|| pid.parse().ok().and_then(Pid::from_raw))?
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        found.extend(pid.and_then(is_child));
    }
    Ok(found)
}
