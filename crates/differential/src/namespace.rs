//! The user namespaces that cases happen in.

use dropcap_capability::{Capability, CapabilitySet, Environment, IdMap};
use dropcap_confine::sys::{
    Fork, Linux, System, exit_now, fork, kernel, last_capability, read_credentials, wait,
};
use rustix::fd::{AsFd, OwnedFd};
use rustix::pipe::pipe;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io;

/// A line of `/proc/PID/uid_map`: ids inside, ids outside, how many.
type Range = (u32, u32, u32);

/// `CLONE_NEWUSER` of unshare(2).
pub(crate) const CLONE_NEWUSER: i32 = 0x1000_0000;

/// A user namespace, seen from the one that the test runs in.
#[derive(Debug)]
pub struct Namespace {
    /// For people.
    pub name: &'static str,
    /// What the model has to know of it.
    pub environment: Environment,
    /// What root may hold in it: the most that a case starts with.
    pub full: CapabilitySet,
    users: Vec<Range>,
    groups: Vec<Range>,
    /// What setns(2) takes; `None` for the one that the test runs in.
    handle: Option<OwnedFd>,
}

impl Namespace {
    /// The namespace that the test runs in.
    pub(crate) fn here() -> io::Result<Self> {
        let users = own_map("/proc/self/uid_map")?;
        let groups = own_map("/proc/self/gid_map")?;
        let setgroups_allowed = fs::read_to_string("/proc/self/setgroups")?.trim() == "allow";
        Ok(Self {
            name: "the one of the test",
            environment: environment(&users, &groups, setgroups_allowed),
            full: read_credentials()?.permitted,
            users,
            groups,
            handle: None,
        })
    }

    /// One more for each kind of map that bears on a rule.
    pub(crate) fn others() -> io::Result<Vec<Self>> {
        let shifted = vec![(0, 100_000, 2), (1000, 101_000, 2)];
        let same = vec![(0, 0, 1), (1000, 1000, 1)];
        let rootless = vec![(1000, 101_000, 2)];
        Ok(vec![
            Self::make("one with a root of its own", shifted.clone(), shifted, true)?,
            Self::make("one with our root, without setgroups", same.clone(), same, false)?,
            Self::make("one without root", rootless.clone(), rootless, true)?,
        ])
    }

    /// A namespace with these maps, made by a process that ends again: the handle keeps it.
    fn make(
        name: &'static str,
        users: Vec<Range>,
        groups: Vec<Range>,
        setgroups_allowed: bool,
    ) -> io::Result<Self> {
        let (ready, say_ready) = pipe()?;
        let (released, release) = pipe()?;
        let Fork::Parent(child) = fork()? else {
            drop(release);
            let made = Linux.unshare(CLONE_NEWUSER).is_ok();
            let told = rustix::io::write(&say_ready, &[u8::from(made)]);
            // Until the parent has what it needs and closes its end.
            let _ = told.and_then(|_| rustix::io::read(&released, &mut [0_u8; 1]));
            exit_now(0)
        };
        let handle = (|| {
            let mut made = [0_u8];
            rustix::io::read(&ready, &mut made)?;
            if made != [1] {
                return Err(io::Error::other("unshare(CLONE_NEWUSER) is refused here"));
            }
            if !setgroups_allowed {
                fs::write(format!("/proc/{child}/setgroups"), "deny")?;
            }
            fs::write(format!("/proc/{child}/uid_map"), lines(&users))?;
            fs::write(format!("/proc/{child}/gid_map"), lines(&groups))?;
            File::open(format!("/proc/{child}/ns/user"))
        })();
        drop(release);
        wait(child)?;
        let environment = environment(&users, &groups, setgroups_allowed);
        // `set_cred_user_ns`: whoever enters holds everything that the kernel has.
        let full = environment.capabilities;
        let handle = Some(OwnedFd::from(handle?));
        Ok(Self { name, environment, full, users, groups, handle })
    }

    /// Moves the calling process into it.
    pub(crate) fn enter(&self) -> io::Result<()> {
        let Some(handle) = &self.handle else { return Ok(()) };
        Ok(move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::User))?)
    }

    /// The user id in it that is `outside` to the test.
    pub(crate) fn user_inside(&self, outside: u32) -> Option<u32> {
        inside(&self.users, outside)
    }

    /// The group id in it that is `outside` to the test.
    pub(crate) fn group_inside(&self, outside: u32) -> Option<u32> {
        inside(&self.groups, outside)
    }

    /// The user id to the test that is `inside` in it.
    pub(crate) fn user_outside(&self, inside: u32) -> Option<u32> {
        outside(&self.users, inside)
    }

    /// The group id to the test that is `inside` in it.
    pub(crate) fn group_outside(&self, inside: u32) -> Option<u32> {
        outside(&self.groups, inside)
    }
}

fn environment(users: &[Range], groups: &[Range], setgroups_allowed: bool) -> Environment {
    let map = |ranges: &[Range]| {
        IdMap::from_ranges(ranges.iter().map(|(inside, _, count)| (*inside, *count)))
    };
    // `CAP_VALID_MASK`, as the running kernel tells it.
    let last = last_capability().number();
    let capabilities = (0..=last).filter_map(Capability::from_number).collect();
    let (uids, gids) = (map(users), map(groups));
    Environment { kernel: kernel(), capabilities, uids, gids, setgroups_allowed }
}

/// The ids of the namespace that the test runs in, as themselves.
fn own_map(path: &str) -> io::Result<Vec<Range>> {
    let text = fs::read_to_string(path)?;
    let range = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let (inside, _, count) = (numbers.next()?.ok()?, numbers.next()?, numbers.next()?.ok()?);
        Some((inside, inside, count))
    };
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {text:?}"));
    text.lines().map(range).collect::<Option<Vec<_>>>().ok_or_else(malformed)
}

fn lines(ranges: &[Range]) -> String {
    ranges.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect()
}

fn inside(ranges: &[Range], id: u32) -> Option<u32> {
    let of = |(inside, outside, count): &Range| shift(id, *outside, *inside, *count);
    ranges.iter().find_map(of)
}

fn outside(ranges: &[Range], id: u32) -> Option<u32> {
    let of = |(inside, outside, count): &Range| shift(id, *inside, *outside, *count);
    ranges.iter().find_map(of)
}

/// Where `id` lands if `count` ids from `from` on are those from `to` on.
fn shift(id: u32, from: u32, to: u32, count: u32) -> Option<u32> {
    let offset = id.checked_sub(from).filter(|offset| *offset < count)?;
    to.checked_add(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_both_ways() {
        let ranges = [(0, 100_000, 2), (1000, 101_000, 2)];
        assert_eq!(outside(&ranges, 1), Some(100_001));
        assert_eq!(outside(&ranges, 2), None);
        assert_eq!(inside(&ranges, 101_001), Some(1001));
        assert_eq!(inside(&ranges, 0), None);
    }
}
