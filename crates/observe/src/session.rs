//! Who learns: what trials make bears its name, so that what a killed one left can be told from what is
//! in use.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fmt;
use std::io::{
    self,
    ErrorKind::{NotFound, PermissionDenied},
};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tempfile::TempDir;

/// How the name of everything that a trial makes begins.
pub(crate) const PREFIX: &str = "dropcap-trial-";

/// A process that learns, told from every other one.
///
/// A process id alone would not do: it is given again, and on another machine, or in another pid
/// namespace, that talks to the same engine it is another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// machine-id(5), or `-` where there is none.
    machine: String,
    /// `/proc/sys/kernel/random/boot_id`, random(4).
    boot: String,
    key: Key,
}

/// What tells a process from the others of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The inode of its pid namespace, pid_namespaces(7).
    namespace: u64,
    process: i32,
    /// When it was started, in clock ticks since boot: the 22nd field of proc_pid_stat(5).
    start: u64,
}

impl Session {
    /// The session of this process, and of the children that work for it.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn own() -> io::Result<Self> {
        let process = rustix::process::getpid().as_raw_nonzero().get();
        let gone = || io::Error::from(io::ErrorKind::InvalidData);
        let word = |path| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
        let machine = word("/etc/machine-id").ok().filter(|id| !id.is_empty());
        let key =
            Key { namespace: own_namespace()?, process, start: started(process).ok_or_else(gone)? };
        Ok(Self {
            machine: machine.unwrap_or_else(|| "-".to_owned()),
            boot: word("/proc/sys/kernel/random/boot_id")?,
            key,
        })
    }

    /// For names: letters and digits, and the same for everything that this session makes.
    pub fn name(&self) -> String {
        self.key.to_string()
    }

    /// A temporary folder of its own.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(&format!("{PREFIX}{}", self.name())).tempdir()
    }

    /// What [`Session`]'s `Display` wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let session = Self {
            machine: words.next()?.to_owned(),
            boot: words.next()?.to_owned(),
            key: Key::parse(words.next()?)?,
        };
        words.next().is_none().then_some(session)
    }

    /// Whether it is known to have ended, as `own` sees it: one of another machine or pid namespace
    /// may go on.
    pub fn is_over(&self, own: &Self) -> bool {
        if self.boot != own.boot {
            // This machine has been started again since.
            return self.machine != "-" && self.machine == own.machine;
        }
        self.key.is_over(own.key.namespace)
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.machine, self.boot, self.key)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let (namespace, rest) = text.split_once('n')?;
        let (process, start) = rest.split_once('p')?;
        let start = start.strip_suffix('s')?;
        Some(Self {
            namespace: namespace.parse().ok()?,
            process: process.parse().ok().filter(|process| *process > 0)?,
            start: start.parse().ok()?,
        })
    }

    /// Of a name that begins with [`PREFIX`] and a key; what follows is random.
    fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        Self::parse(&rest[..=rest.find('s')?])
    }

    fn is_over(self, namespace: u64) -> bool {
        self.namespace == namespace && started(self.process) != Some(self.start)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}n{}p{}s", self.namespace, self.process, self.start)
    }
}

fn own_namespace() -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self/ns/pid")?.ino())
}

/// When a process was started; `None` where there is none, and for one that has ended and was not waited for.
fn started(process: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything, a parenthesis too. The state is the third field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(start)
}

/// Ends the processes and takes away the folders in `temporary` that killed sessions left: how many of each.
/// A process is known by the folder that `variable` of its environment names.
///
/// # Errors
/// What the system answers.
pub(crate) fn clean_up_left(temporary: &Path, variable: &str) -> io::Result<(usize, usize)> {
    let namespace = own_namespace()?;
    let is_left = |name: &str| Key::of_name(name).is_some_and(|key| key.is_over(namespace));
    let mut ended = 0;
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = process.and_then(Pid::from_raw) else { continue };
        // Held before it is looked at, so that no other process can come in its place.
        let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else { continue };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        let folder = format!("{variable}={}/", temporary.display());
        let state = environment.split(|byte| *byte == 0).find_map(|one| {
            let below = one.strip_prefix(folder.as_bytes())?;
            std::str::from_utf8(below).ok()?.split('/').next()
        });
        if state.is_some_and(is_left) && pidfd_send_signal(held, Signal::KILL).is_ok() {
            ended += 1;
        }
    }
    let mut removed = 0;
    for entry in std::fs::read_dir(temporary)?.flatten() {
        let name = entry.file_name();
        if std::str::from_utf8(name.as_bytes()).is_ok_and(is_left) {
            match std::fs::remove_dir_all(entry.path()) {
                Ok(()) => removed += 1,
                // Somebody else's, or just taken away by somebody else.
                Err(error) if [PermissionDenied, NotFound].contains(&error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok((ended, removed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Session {
        Session::own().expect("this process is there")
    }

    #[test]
    fn a_session_that_goes_on_is_not_over() {
        let own = own();
        assert!(!own.is_over(&own));
        assert_eq!(Session::parse(&own.to_string()), Some(own.clone()));
        assert_eq!(Key::of_name(&format!("{PREFIX}{}Xy7", own.name())), Some(own.key));
    }

    #[test]
    fn one_whose_process_is_gone_or_another_one_is_over() {
        let own = own();
        let later = Session { key: Key { start: own.key.start + 1, ..own.key }, ..own.clone() };
        assert!(later.is_over(&own), "another process with the same id");
        let rebooted = Session { boot: "before".to_owned(), ..own.clone() };
        assert_eq!(
            rebooted.is_over(&own),
            own.machine != "-",
            "this machine before it was started again"
        );
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let process = i32::try_from(child.id()).expect("a pid");
        let start = started(process).unwrap_or_default();
        let ended = Session { key: Key { process, start, ..own.key }, ..own.clone() };
        child.wait().expect("it ends");
        assert!(ended.is_over(&own));
    }

    #[test]
    fn one_that_cannot_be_seen_from_here_may_go_on() {
        let own = own();
        let key = Key { namespace: own.key.namespace + 1, start: 0, ..own.key };
        assert!(!Session { key, ..own.clone() }.is_over(&own), "of another pid namespace");
        let other =
            Session { machine: "other".to_owned(), boot: "other".to_owned(), ..own.clone() };
        assert!(!other.is_over(&own), "of another machine");
    }

    #[test]
    fn any_text_is_no_session() {
        for text in
            ["", "-", "a b", "a b c", "a b 1n2p3", "a b 1n0p3s", "a b 1n2p3s d", "a b 1np3s"]
        {
            assert_eq!(Session::parse(text), None, "{text}");
            assert_eq!(Key::of_name(&format!("{PREFIX}{text}")), None, "{text}");
        }
    }
}
