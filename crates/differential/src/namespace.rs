//! The user namespaces that cases happen in.

use dropcap_capability::{Capability, CapabilitySet, Environment, IdMap};
use dropcap_confine::sys::comparison::enter_user_namespace;
use dropcap_confine::sys::{
    Fork, Linux, System, exit_now, fork, kernel, last_capability, read_credentials, wait,
};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::pipe::pipe;
use std::fs::{self, File};
use std::io;

/// A line of `/proc/PID/uid_map`: ids inside, ids outside, how many.
type Range = (u32, u32, u32);

/// Who runs the test, in the numbers of its own namespace.
const TEST_ROOT: u32 = 0;

/// `CLONE_NEWUSER` of unshare(2).
pub(crate) const CLONE_NEWUSER: i32 = 0x1000_0000;

/// A user namespace, seen from the one that the test runs in.
#[derive(Debug)]
pub struct Namespace {
    /// For people.
    pub name: &'static str,
    /// What the model has to know of it; ids in the numbers of the test's namespace.
    pub environment: Environment,
    /// What root may hold in it: the most that a case starts with.
    pub full: CapabilitySet,
    /// Who made it; `None` for the one that the test runs in.
    pub owner: Option<u32>,
    /// What setns(2) takes; a program that a case executes inherits it.
    handle: OwnedFd,
}

impl Namespace {
    /// The index of the one whose map mounts are given, and that mounts a filesystem of its own.
    pub const MAPPED: usize = 1;
    /// Who is root in it.
    pub const MAPPED_ROOT: u32 = 100_000;

    /// The namespace that the test runs in.
    pub(crate) fn here() -> io::Result<Self> {
        let users = own_map("/proc/self/uid_map")?;
        let groups = own_map("/proc/self/gid_map")?;
        let setgroups_allowed = fs::read_to_string("/proc/self/setgroups")?.trim() == "allow";
        Ok(Self {
            name: "the one of the test",
            environment: environment(&users, &groups, setgroups_allowed, Vec::new()),
            full: read_credentials()?.permitted,
            owner: None,
            handle: inheritable(File::open("/proc/self/ns/user")?)?,
        })
    }

    /// One more for each kind of map that bears on a rule.
    pub(crate) fn others() -> io::Result<Vec<Self>> {
        let shifted = vec![(0, Self::MAPPED_ROOT, 2), (1000, 101_000, 2)];
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
        let environment = environment(&users, &groups, setgroups_allowed, vec![TEST_ROOT]);
        // `set_cred_user_ns`: whoever enters holds everything that the kernel has.
        let full = environment.capabilities;
        let handle = inheritable(handle?)?;
        Ok(Self { name, environment, full, owner: Some(TEST_ROOT), handle })
    }

    /// Moves the calling process into it, if it is not there from the start.
    pub(crate) fn enter(&self) -> io::Result<()> {
        match self.owner {
            Some(_) => enter_user_namespace(self.descriptor()),
            None => Ok(()),
        }
    }

    /// The number of its descriptor, in this process and in every program that it executes.
    pub(crate) fn descriptor(&self) -> i32 {
        self.handle.as_raw_fd()
    }
}

/// The descriptor, to be inherited by what this process executes.
pub(crate) fn inheritable(file: impl Into<OwnedFd>) -> io::Result<OwnedFd> {
    let descriptor = file.into();
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::empty())?;
    Ok(descriptor)
}

fn environment(
    users: &[Range],
    groups: &[Range],
    setgroups_allowed: bool,
    outer_roots: Vec<u32>,
) -> Environment {
    let map = |ranges: &[Range]| IdMap::from_extents(ranges.iter().copied());
    // `CAP_VALID_MASK`, as the running kernel tells it.
    let last = last_capability().number();
    let capabilities = (0..=last).filter_map(Capability::from_number).collect();
    let (uids, gids) = (map(users), map(groups));
    Environment { kernel: kernel(), capabilities, uids, gids, setgroups_allowed, outer_roots }
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
