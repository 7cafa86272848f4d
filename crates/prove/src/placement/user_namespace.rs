//! The ids of a container's process where dropcap is not root.

use super::PlacementError;
use dropcap_capability::Credentials;
use rustix::process::{getegid, geteuid};
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::Command;

/// How many ids a container has, as rootless engines give it.
const IDS: u32 = 65_536;

/// Which ids exist inside.
pub(super) struct Mapping {
    uid: u32,
    gid: u32,
    /// The one user and group id that exist, where there is no range.
    inside: (u32, u32),
    /// The first of a range of user ids and of group ids that /etc/subuid and /etc/subgid give us.
    ranges: Option<(u32, u32)>,
}

/// Two pipes: the process inside says that its namespace is there, and is told that the maps are.
pub(super) struct Channel {
    made: (PipeReader, PipeWriter),
    mapped: (PipeReader, PipeWriter),
}

impl Mapping {
    /// A range where the system gives one, else the one id that is wanted.
    pub fn plan(wanted: &Credentials) -> Self {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let ranges = range("/etc/subuid", uid).zip(range("/etc/subgid", uid));
        let ranges = ranges.filter(|_| is_there("newuidmap") && is_there("newgidmap"));
        Self { uid, gid, inside: (wanted.uid.effective, wanted.gid.effective), ranges }
    }

    pub fn is_whole(&self) -> bool {
        self.ranges.is_some()
    }

    pub fn shortcoming(&self) -> String {
        "without root, and without ids in /etc/subuid, one user id exists inside: what needs a \
         second one, root's files included, cannot be shown"
            .to_owned()
    }

    pub fn channel(&self) -> io::Result<Channel> {
        Ok(Channel { made: io::pipe()?, mapped: io::pipe()? })
    }

    /// Outside: waits for the namespace, and writes the maps.
    pub fn write(&self, pid: i32, channel: &Channel) -> Result<(), PlacementError> {
        let mut one = [0];
        // A process that failed before says why by its own pipe, and nothing by this one.
        if wait_or_gone(&channel.made.0, &mut one).is_err() {
            return Ok(());
        }
        match self.ranges {
            Some((uids, gids)) => {
                helper("newuidmap", pid, self.uid, uids)?;
                helper("newgidmap", pid, self.gid, gids)?;
            }
            None => {
                let write = |name: &str, text: String| {
                    fs::write(format!("/proc/{pid}/{name}"), text)
                        .map_err(PlacementError::step(format!("writing {name}")))
                };
                write("setgroups", "deny".to_owned())?;
                write("uid_map", format!("{} {} 1", self.inside.0, self.uid))?;
                write("gid_map", format!("{} {} 1", self.inside.1, self.gid))?;
            }
        }
        (&channel.mapped.1).write_all(&one).map_err(PlacementError::step("telling of the id maps"))
    }

    /// Inside: says that the namespace is there, and waits for the maps.
    pub fn wait_inside(&self, channel: &Channel) -> Result<(), PlacementError> {
        let mut one = [0];
        (&channel.made.1)
            .write_all(&one)
            .and_then(|()| wait_or_gone(&channel.mapped.0, &mut one))
            .map_err(PlacementError::step("waiting for the id maps"))
    }
}

/// Reads one byte, for at most a few seconds: the other side may have died.
fn wait_or_gone(reader: &PipeReader, one: &mut [u8; 1]) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// Enough for a helper program on a busy machine.
    const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
    match poll(&mut [PollFd::new(reader, PollFlags::IN)], Some(&PATIENCE))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => (&mut &*reader).read_exact(one),
    }
}

/// The first id of the first large enough range for the user, by number or by name (subuid(5)).
fn range(path: &str, uid: u32) -> Option<u32> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    fs::read_to_string(path).ok()?.lines().find_map(|line| {
        let [owner, first, count] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        let ours = owner == uid.to_string() || Some(owner) == name.as_deref();
        (ours && count.trim().parse::<u32>().ok()? >= IDS - 1).then(|| first.parse().ok())?
    })
}

fn is_there(program: &str) -> bool {
    ["/usr/bin", "/bin", "/usr/sbin"]
        .iter()
        .any(|place| fs::metadata(format!("{place}/{program}")).is_ok())
}

fn helper(program: &str, pid: i32, own: u32, first: u32) -> Result<(), PlacementError> {
    let rest = IDS - 1;
    let arguments = [pid, 0].map(|number| number.to_string()).into_iter();
    let arguments = arguments.chain([own, 1, 1, first, rest].map(|number| number.to_string()));
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(PlacementError::step(format!("starting {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(PlacementError::Inside(format!("{program} failed: {}", said.trim())))
}
