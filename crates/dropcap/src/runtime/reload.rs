//! Telling a dockerd that runs to read its configuration again: SIGHUP (dockerd(8)). Nothing is restarted.

use crate::failure::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How long it may take until it reads the file; it takes milliseconds.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
const PROGRAM: &[u8] = b"dockerd";
const CONFIG_FILE: &[u8] = b"--config-file";

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// It has read the file.
    Done,
    /// It was told to, and did not read the file.
    Unheard,
}

/// Whether one that runs reads `file`.
pub fn is_read(file: &Path) -> bool {
    !of(file).is_empty()
}

/// Tells each that reads `file`; `None` where there is none.
pub fn all(file: &Path) -> Result<Option<Reload>, Failure> {
    let mut done = None;
    for daemon in of(file) {
        let reload = daemon.reload(file).map_err(|error| {
            Failure::new("cannot tell dockerd to read its configuration").because(error)
        })?;
        done = match done {
            Some(Reload::Unheard) => done,
            _ => Some(reload),
        };
    }
    Ok(done)
}

/// A dockerd that runs.
struct Daemon(OwnedFd);

/// The running ones whose configuration is this very file, wherever they see it.
fn of(file: &Path) -> Vec<Daemon> {
    let Ok(wanted) = fs::metadata(file) else { return Vec::new() };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|one| one.file_name().to_str()?.parse().ok());
    let daemons = numbers.filter_map(|number: i32| {
        // Held before it is looked at: the number may be another's a moment later.
        let held = pidfd_open(Pid::from_raw(number)?, PidfdFlags::empty()).ok()?;
        let process = PathBuf::from(format!("/proc/{number}"));
        let words = fs::read(process.join("cmdline")).ok()?;
        let named = configuration(&words)?;
        let seen = fs::metadata(process.join("root").join(named.strip_prefix("/").ok()?));
        let same = |seen: &fs::Metadata| (seen.dev(), seen.ino()) == (wanted.dev(), wanted.ino());
        seen.ok().filter(same).map(|_| Daemon(held))
    });
    daemons.collect()
}

/// The configuration that a command line of dockerd names.
fn configuration(words: &[u8]) -> Option<PathBuf> {
    let mut words = words.split(|byte| *byte == 0);
    if words.next()?.rsplit(|byte| *byte == b'/').next() != Some(PROGRAM) {
        return None;
    }
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    while let Some(word) = words.next() {
        match word.strip_prefix(CONFIG_FILE) {
            Some([]) => return words.next().map(path),
            Some([b'=', rest @ ..]) => return Some(path(rest)),
            _ => {}
        }
    }
    Some(dropcap_runtime::install::Engine::Docker.configuration().to_owned())
}

impl Daemon {
    /// Tells it, and waits until it has read the file.
    fn reload(&self, file: &Path) -> io::Result<Reload> {
        let watch = inotify::init(CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watch, file, WatchFlags::CLOSE_NOWRITE)?;
        pidfd_send_signal(&self.0, Signal::HUP)?;
        let mut waited = [PollFd::new(&watch, PollFlags::IN)];
        let heard = poll(&mut waited, Some(&PATIENCE))? > 0;
        Ok(if heard { Reload::Done } else { Reload::Unheard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_says_which_file_it_reads() {
        let named = |words: &str| configuration(words.replace(' ', "\0").as_bytes());
        let usual = Some(PathBuf::from("/etc/docker/daemon.json"));
        assert_eq!(named("/usr/bin/dockerd -H fd://"), usual);
        assert_eq!(named("dockerd --config-file /a --debug"), Some("/a".into()));
        assert_eq!(named("dockerd --debug --config-file=/b"), Some("/b".into()));
        assert_eq!(named("docker-proxy --config-file=/b"), None);
        assert_eq!(named(""), None);
    }
}
