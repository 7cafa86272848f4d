//! The forked child in which each attempt is made.

use dropcap_confine::sys::{self, Fork, Linux, Sets, System, Wait};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long an attempt may take. Each is a handful of system calls; what needs longer hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It said this, and exited.
    Answered(Vec<u8>),
    /// A signal killed it.
    Killed(i32),
    /// It ran into [`LIMIT`] and was killed.
    TimedOut,
}

/// A child that still has to be reaped, and the pipe by which it answers.
pub(crate) struct Child {
    /// Its process id.
    pub pid: i32,
    answers: File,
    deadline: Instant,
}

/// Forks a child that does `work` and answers with what it returns.
///
/// # Errors
/// When there can be no pipe or no child.
pub(crate) fn start(work: impl FnOnce() -> Vec<u8>) -> io::Result<Child> {
    start_with_limit(LIMIT, work)
}

/// As [`start`], with a limit of its own.
///
/// # Errors
/// As [`start`].
pub(crate) fn start_with_limit(
    limit: Duration,
    work: impl FnOnce() -> Vec<u8>,
) -> io::Result<Child> {
    let (reader, writer) = io::pipe()?;
    match sys::fork()? {
        Fork::Parent(pid) => Ok(Child {
            pid,
            answers: File::from(OwnedFd::from(reader)),
            deadline: Instant::now() + limit,
        }),
        Fork::Child => {
            drop(reader);
            // A panic must not unwind into the copy of the parent's stack.
            let answer = catch_unwind(AssertUnwindSafe(work));
            let written = answer
                .is_ok_and(|answer| File::from(OwnedFd::from(writer)).write_all(&answer).is_ok());
            sys::exit_now(if written { 0 } else { 1 });
        }
    }
}

impl Child {
    /// All that it says until it closes the pipe, by its end or by execve; `None` if it ran into
    /// the limit (it is killed, and still has to be reaped).
    pub fn listen(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut answer = Vec::new();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut descriptors = [PollFd::new(&self.answers, PollFlags::IN)];
            match poll(&mut descriptors, Some(&timeout)) {
                Ok(0) => {
                    self.kill();
                    return Ok(None);
                }
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut part = [0; 4096];
            match self.answers.read(&mut part)? {
                0 => return Ok(Some(answer)),
                count => answer.extend_from_slice(&part[..count]),
            }
        }
    }

    /// Whether it may go on.
    pub fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// Kills it; a child that is gone already is fine too.
    pub fn kill(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Waits for its end.
    pub fn reap(self) -> io::Result<Wait> {
        sys::wait(self.pid)
    }
}

/// Makes `work` in a child that has raised all that it is permitted, and reaps it.
///
/// # Errors
/// When there can be no child.
pub(crate) fn in_child(work: impl FnOnce() -> Vec<u8>) -> io::Result<Ended> {
    let mut child = start(|| {
        raise_permitted();
        work()
    })?;
    let said = child.listen();
    if said.is_err() {
        child.kill();
    }
    let ended = child.reap()?;
    Ok(match (said?, ended) {
        (None, _) => Ended::TimedOut,
        (Some(answer), Wait::Exited(0)) => Ended::Answered(answer),
        (Some(_), Wait::Exited(_)) => return Err(io::Error::other("the attempt's child failed")),
        (Some(_), Wait::Signaled(signal)) => Ended::Killed(signal),
    })
}

/// Makes effective what is permitted, as whoever wants in would. Where it fails the attempt shows
/// what remains.
pub(crate) fn raise_permitted() {
    if let Ok(sets) = Linux.capget() {
        let _ = Linux.capset(Sets { effective: sets.permitted, ..sets });
    }
}
