//! Executing a file only as far as its credentials, so that no instruction of it runs.
//!
//! `begin_new_exec` of the kernel commits the new credentials, and only then does the loader of the
//! format (`load_elf_binary`) lay out memory: `setup_arg_pages` wants 128 KiB of stack. With
//! `RLIMIT_AS` at 0 it gets none, and since there is no way back at that point the kernel kills the
//! process by SIGSEGV (`bprm_execve`) before it has returned to user space. What the process had
//! become is still to be read in the `/proc/PID/status` of the zombie, which everybody may read.
//!
//! So any setuid program can be tried, without knowing what it would do. That the kernel at hand
//! does so is tested first, on dropcap's own file.

use crate::child::{LIMIT, start};
use crate::{Answer, state};
use dropcap_capability::Credentials;
use dropcap_confine::sys::{ExecStrings, Wait, execve};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, setrlimit, waitid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::ffi::CString;
use std::fs;
use std::io;
use std::time::Duration;

/// How often to look whether the process is dead, which it is as soon as it has executed the file.
const PAUSE: Duration = Duration::from_micros(50);
/// The one size of a core dump that keeps a handler in `core_pattern` from being started too
/// (`do_coredump`); core(5) knows only that 0 does not.
const NO_DUMP_NOT_EVEN_PIPED: u64 = 1;

/// What became of a process that executed a file under no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Execution {
    /// execve refused, with this errno.
    Refused(Answer),
    /// It was executed, and stopped before its first instruction with these credentials.
    Became(Box<Credentials>),
    /// It was executed, but what it became cannot be read: /proc hides it.
    Hidden,
    /// It was not stopped: this kernel does not do what is said above.
    Ran,
}

/// Whether this kernel stops an executable before its first instruction, tried on a file of ours.
///
/// # Errors
/// When there can be no child.
pub(crate) fn stops_before_running() -> io::Result<bool> {
    // Started in vain, dropcap would print its version to nowhere.
    match execute("/proc/self/exe")? {
        Execution::Became(_) | Execution::Hidden => Ok(true),
        Execution::Refused(_) | Execution::Ran => Ok(false),
    }
}

/// Executes `path` as far as its credentials.
///
/// # Errors
/// When there can be no child.
pub(crate) fn execute(path: &str) -> io::Result<Execution> {
    let path = CString::new(path)?;
    // Should it run against all expectation, this is what does least.
    let version = CString::from(c"--version");
    let arguments = ExecStrings::from(vec![path.clone(), version]);
    let environment = ExecStrings::from(Vec::new());
    let mut child = start(|| {
        let refused = prepare().err().unwrap_or_else(|| execve(&path, &arguments, &environment));
        refused.raw_os_error().unwrap_or(libc::EIO).to_le_bytes().to_vec()
    })?;
    // The pipe closes at execve: all that can be said is said by then.
    let said = child.listen()?;
    let dead = || -> io::Result<Option<rustix::process::WaitIdStatus>> {
        let pid = Pid::from_raw(child.pid).ok_or(io::ErrorKind::InvalidInput)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(pid), options)?)
    };
    while dead()?.is_none() {
        if !child.has_time() {
            child.kill();
        }
        std::thread::sleep(PAUSE);
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.pid)).ok();
    let ended = child.reap()?;
    let errno = said.as_deref().and_then(|said| said.try_into().ok()).map(i32::from_le_bytes);
    Ok(match (errno, ended, status.as_deref().and_then(state::credentials)) {
        (Some(errno), ..) => Execution::Refused(Answer::Errno(errno)),
        (None, Wait::Signaled(libc::SIGSEGV | libc::SIGKILL), Some(became)) => {
            Execution::Became(Box::new(became))
        }
        (None, Wait::Signaled(libc::SIGSEGV | libc::SIGKILL), None) => Execution::Hidden,
        (None, ..) => Execution::Ran,
    })
}

/// The child: nothing to read or write, an ordinary place, a short life, and no more memory.
fn prepare() -> io::Result<()> {
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    rustix::process::chdir("/")?;
    // A limit that may not be raised stays lower: then there is no dump either.
    let _ = limit(Resource::Core, NO_DUMP_NOT_EVEN_PIPED);
    limit(Resource::Cpu, LIMIT.as_secs())?;
    limit(Resource::As, 0)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
