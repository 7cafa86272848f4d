//! One command: started in a cgroup of its own, listened to, and ended with all that it started.

use super::{Line, saying};
use crate::protocol::{Command, End, Event, Stream};
use rustix::process::{Pid, WaitOptions, wait};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const ROOT_CGROUP: &str = "/sys/fs/cgroup";

/// What the threads that listen have to tell.
enum News {
    Wrote(Stream, String),
    Ended(End),
}

/// Runs the command to its end or its limit.
///
/// # Errors
/// What breaks the guest; a command that fails breaks nothing.
pub(super) fn run(
    number: usize,
    command: &Command,
    line: &mut Line,
) -> io::Result<(End, Duration)> {
    let cgroup = Path::new(ROOT_CGROUP).join(format!("command-{number}"));
    fs::create_dir(&cgroup).map_err(|error| saying("cgroup", error))?;
    let started = Instant::now();
    // A child begins in its parent's cgroup.
    enter(&cgroup)?;
    let child = start(command);
    enter(Path::new(ROOT_CGROUP))?;
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Ok((End::NotStarted(error.to_string()), started.elapsed())),
    };

    let (sender, news) = channel();
    let streams: [(Stream, Option<Box<dyn Read + Send>>); 2] = [
        (Stream::Stdout, child.stdout.take().map(|pipe| Box::new(pipe) as _)),
        (Stream::Stderr, child.stderr.take().map(|pipe| Box::new(pipe) as _)),
    ];
    for (stream, pipe) in streams {
        let sender = sender.clone();
        std::thread::spawn(move || pipe.map(|pipe| pass_on(stream, pipe, &sender)));
    }
    let pid = Pid::from_child(&child);
    std::thread::spawn(move || sender.send(News::Ended(reap_until(pid))));

    let (mut end, mut took) = (None, None);
    // Until both pipes and the child have ended: then no thread is left to send.
    loop {
        let left = command.limit.saturating_sub(started.elapsed());
        let next = if end.is_some() {
            news.recv().ok()
        } else {
            match news.recv_timeout(left) {
                Ok(news) => Some(news),
                Err(_) => {
                    end = Some(End::TimedOut);
                    kill_all(&cgroup)?;
                    continue;
                }
            }
        };
        match next {
            Some(News::Wrote(stream, text)) => line.tell(&Event::Output { stream, text })?,
            Some(News::Ended(how)) => {
                took = Some(started.elapsed());
                end.get_or_insert(how);
                // Its descendants hold the pipes open.
                kill_all(&cgroup)?;
            }
            None => break,
        }
    }
    clear(&cgroup)?;
    Ok((end.unwrap_or(End::TimedOut), took.unwrap_or_else(|| started.elapsed())))
}

fn start(command: &Command) -> io::Result<std::process::Child> {
    let (program, arguments) =
        command.line.split_first().ok_or_else(|| io::Error::other("an empty line"))?;
    std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .envs(command.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Line by line, so that no character is torn.
fn pass_on(stream: Stream, pipe: impl Read, sender: &Sender<News>) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while pipe.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if sender.send(News::Wrote(stream, text)).is_err() {
            return;
        }
        bytes.clear();
    }
}

/// Reaps whatever ends, orphans too, until it is this one.
fn reap_until(child: Pid) -> End {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => End::Exited(code),
                    (_, Some(signal)) => End::Signaled(signal),
                    (None, None) => continue,
                };
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return End::NotStarted(format!("wait: {error}")),
        }
    }
}

fn enter(cgroup: &Path) -> io::Result<()> {
    fs::write(cgroup.join("cgroup.procs"), "0").map_err(|error| saying("cgroup.procs", error))
}

fn kill_all(cgroup: &Path) -> io::Result<()> {
    fs::write(cgroup.join("cgroup.kill"), "1").map_err(|error| saying("cgroup.kill", error))
}

/// Reaps what was killed, and removes the cgroup with those that the command made in it.
fn clear(cgroup: &Path) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let started = Instant::now();
    loop {
        while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
        match remove(cgroup) {
            Err(_) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result.map_err(|error| saying("removing a cgroup", error)),
        }
    }
}

fn remove(cgroup: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cgroup)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}
