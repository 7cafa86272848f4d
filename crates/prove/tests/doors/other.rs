//! The doors that are no capability, each in a state that opens it and in one that closes it.

use crate::row::{Polarity, Row};
use crate::support::{
    self, HELPER, SANDBOX, close_user_namespaces, everything, forced, holding, leave_open,
    make_helper, private_tmpfs, raw_socket, root_holding,
};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Executable, NamespaceGate};
use dropcap_confine::sys::{self, Fork};
use dropcap_prove::{Attempt, Scene, Verdict, assume};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Tries one of them.
pub fn row(door: &str, polarity: Polarity) -> Row {
    let attempt = match (door, polarity) {
        ("setuid-exec", _) => setuid_exec(polarity),
        ("file-capability-exec", _) => file_capability_exec(polarity),
        ("user-namespace", _) => user_namespace(polarity),
        ("root-writes-kernel-files", _) => as_root_or_not(door, polarity, || {}),
        ("setuid-plant", _) => as_root_or_not(door, polarity, mount_of_the_machine),
        ("inherited-descriptor", Polarity::Held) => {
            as_nobody(door, || leave_open(raw_socket(true)))
        }
        ("inherited-descriptor", Polarity::Lacking) => as_nobody(door, || {}),
        ("engine-socket", Polarity::Held) => as_nobody(door, || engine(0o666)),
        ("engine-socket", Polarity::Lacking) => as_nobody(door, || engine(0o600)),
        ("ptrace-neighbour", _) => ptrace_neighbour(polarity),
        ("devices", _) => match first_partition() {
            None => return Row::not_shown(door, polarity, "this machine has no disk"),
            Some(number) if polarity == Polarity::Held && !is_open_to_root(number) => {
                let because = "something of this machine keeps its disk from all of root too";
                return Row::not_shown(door, polarity, because);
            }
            Some(number) => as_root_or_not(door, polarity, || disk(number)),
        },
        (door, _) => return Row::not_shown(door, polarity, "nobody has said how to show it"),
    };
    Row::of(&attempt, polarity)
}

/// As a user that holds nothing.
fn as_nobody(door: &str, prepare: impl FnOnce()) -> Attempt {
    support::attempt(door, &holding(CapabilitySet::EMPTY), prepare, |scene| scene)
}

/// As user 0 or another, neither with any capability.
fn as_root_or_not(door: &str, polarity: Polarity, prepare: impl FnOnce()) -> Attempt {
    match polarity {
        Polarity::Held => {
            support::attempt(door, &root_holding(CapabilitySet::EMPTY), prepare, |scene| scene)
        }
        Polarity::Lacking => as_nobody(door, prepare),
    }
}

fn setuid_exec(polarity: Polarity) -> Attempt {
    let credentials = Credentials {
        no_new_privs: polarity == Polarity::Lacking,
        ..Credentials::unprivileged(SANDBOX, everything())
    };
    exec("setuid-exec", &credentials, Executable::setuid_root(HELPER))
}

fn file_capability_exec(polarity: Polarity) -> Attempt {
    let net_raw = CapabilitySet::from(Capability::NET_RAW);
    let bounding = if polarity == Polarity::Held { net_raw } else { CapabilitySet::EMPTY };
    let helper =
        Executable { file_capabilities: forced(net_raw, true), ..Executable::plain(HELPER) };
    exec("file-capability-exec", &Credentials::unprivileged(SANDBOX, bounding), helper)
}

fn exec(door: &str, credentials: &Credentials, helper: Executable) -> Attempt {
    let made = helper.clone();
    let with_helper = |scene: Scene| scene.with_helper(helper);
    support::attempt(door, credentials, || make_helper(&made), with_helper)
}

fn user_namespace(polarity: Polarity) -> Attempt {
    let sandbox = holding(CapabilitySet::EMPTY);
    match polarity {
        Polarity::Held => support::attempt("user-namespace", &sandbox, || {}, |scene| scene),
        Polarity::Lacking => {
            let closed = |scene: Scene| scene.with_namespace_gate(NamespaceGate::default());
            support::attempt("user-namespace", &sandbox, close_user_namespaces, closed)
        }
    }
}

/// A directory of another filesystem, as engines mount one of the machine's.
fn mount_of_the_machine() {
    private_tmpfs(Path::new("/mnt"), "");
    fs::create_dir("/mnt/machine").expect("a directory");
    rustix::mount::mount_bind("/mnt/machine", "/mnt/machine").expect("a bind mount");
}

/// A socket by an engine's name, on which this process listens.
fn engine(mode: u32) {
    private_tmpfs(Path::new("/run"), "");
    let path = "/run/docker.sock";
    let listener = UnixListener::bind(path).expect("a socket");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
    // Open until the process ends.
    std::mem::forget(listener);
}

/// A process of the same user that lets itself be attached to, or one that does not; it has less to
/// keep it from privilege than the one that tries.
fn ptrace_neighbour(polarity: Polarity) -> Attempt {
    let sandbox = Credentials { no_new_privs: true, ..holding(CapabilitySet::EMPTY) };
    let neighbour = std::cell::Cell::new(0);
    let start = || neighbour.set(start_neighbour(polarity == Polarity::Held));
    // The child that tries is the neighbour's parent, and the neighbour ends with it.
    support::attempt("ptrace-neighbour", &sandbox, start, |scene| scene)
}

fn start_neighbour(attachable: bool) -> i32 {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    match sys::fork().expect("a child") {
        Fork::Parent(pid) => {
            drop(writer);
            let ready = std::io::read_to_string(reader).expect("it says so");
            assert_eq!(ready, "ready");
            pid
        }
        Fork::Child => {
            drop(reader);
            if assume(&holding(CapabilitySet::EMPTY)).is_ok() {
                // A change of user ids has made it undumpable, and forgotten a wish to end.
                support::end_with_parent();
                if attachable {
                    support::let_anybody_attach();
                }
                let _ = std::io::Write::write_all(&mut &writer, b"ready");
            }
            drop(writer);
            std::thread::sleep(std::time::Duration::from_secs(60));
            sys::exit_now(0)
        }
    }
}

/// The first disk or partition that the kernel lists.
fn first_partition() -> Option<(u32, u32)> {
    let listed = fs::read_to_string("/proc/partitions").ok()?;
    listed.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

/// A /dev with one disk in it, and what an attempt's child needs.
fn disk((major, minor): (u32, u32)) {
    private_tmpfs(Path::new("/mnt"), "");
    let node = makedev(major, minor);
    mknodat(CWD, "/mnt/disk", FileType::BlockDevice, Mode::RUSR, node).expect("a node");
    rustix::mount::mount_bind("/mnt", "/dev").expect("a /dev");
}

/// Whether root with all that it has may open the disk: this machine may be a guest that keeps it back.
fn is_open_to_root(number: (u32, u32)) -> bool {
    let root = root_holding(everything());
    let tried = support::attempt("devices", &root, || disk(number), |scene| scene);
    tried.verdict == Verdict::Open
}
