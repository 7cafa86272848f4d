//! Staying as the parent of the command, as a container's first process should.
//!
//! Pid 1 inherits every orphan and has to reap it, and a signal that it does not handle is not
//! delivered to it at all. So this one reaps everything, hands on every signal that can be caught,
//! and ends as its command ends.
//!
//! # Limitations
//! It is confined as the command is, so without CAP_KILL it cannot signal a command that has become
//! another user. Processes that are left when the command ends are left to the kernel.

use crate::command::{Command, ExecError};
use crate::sys::{self, Fork, Linux, Wait, signals};
use std::ffi::OsStr;
use std::io;

/// Starts `command` as a child, in a process group of its own that has the terminal, and gives its
/// exit code when it ends: its status, or 128 and the number of the signal.
///
/// `failed` says in the child what kept it from executing, and gives the exit code for it.
///
/// # Errors
/// What the kernel answers before the child runs.
pub fn supervise(
    mut command: Command,
    passes_descriptors: bool,
    failed: impl FnOnce(ExecError) -> u8,
) -> io::Result<u8> {
    signals::set_default(libc::SIGCHLD)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mask = signals::block_all()?;
    match sys::fork()? {
        Fork::Parent(child) => serve(child),
        Fork::Child => {
            take_terminal();
            let ready = signals::restore(&mask).is_ok()
                && (!passes_descriptors || set_listen_pid(&mut command));
            if !ready {
                sys::exit_now(125);
            }
            let error = command.execute(&Linux);
            sys::exit_now(failed(error))
        }
    }
}

/// A process group of its own, in the foreground if there is a terminal: what is typed there then
/// reaches the command once, not a second time through its parent. All signals are blocked still, so
/// that SIGTTOU does not stop this. Without a terminal nothing is to be done.
fn take_terminal() {
    if rustix::process::setpgid(None, None).is_ok() {
        let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpgrp());
    }
}

/// sd_listen_fds(3) takes descriptors only if `LISTEN_PID` is the pid of whoever looks.
fn set_listen_pid(command: &mut Command) -> bool {
    let pid = rustix::process::getpid().as_raw_nonzero().to_string();
    command.set("LISTEN_PID", OsStr::new(&pid)).is_ok()
}

fn serve(child: i32) -> io::Result<u8> {
    loop {
        match signals::next()? {
            libc::SIGCHLD => {
                if let Some(ended) = reap(child)? {
                    return Ok(ended.code());
                }
            }
            // A child that is gone, or somebody else's by now, cannot be told; its end is waited for.
            signal => drop(signals::send(child, signal)),
        }
    }
}

/// Reaps whatever has ended, and says how `child` did if it is among it.
fn reap(child: i32) -> io::Result<Option<Wait>> {
    let mut ours = None;
    while let Some((ended, how)) = sys::reap_any()? {
        if ended == child {
            ours = Some(how);
        }
    }
    Ok(ours)
}
