//! Bringing a child into a state, and trying doors from there.
#![allow(unsafe_code, reason = "fork in a test harness that has threads")]
#![allow(dead_code, reason = "each test file uses its own part")]

use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Executable, FileCapabilities, Ids, Revision,
};
use dropcap_confine::sys::{self, Fork};
use dropcap_prove::{Attempt, Door, Scene, SearchLimits, assume};
use std::fs;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// The user that doors are tried as: nobody's on this system.
pub const SANDBOX: u32 = 4711;

/// Every test here changes credentials for real: without root it would show nothing.
pub fn must_be_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "calibration needs root: run it as root, or in a virtual machine"
    );
}

/// Whether this process is a child of the harness.
static IN_CHILD: AtomicBool = AtomicBool::new(false);

/// A child's panic is in its answer. The usual hook would take locks that a thread of the harness may
/// have held when the child was made; so would putting another in its place, in the child.
fn keep_children_quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IN_CHILD.load(Ordering::Relaxed) {
                usual(panic);
            }
        }));
    });
}

/// Runs `work` in a child and gives what it wrote; a panic or another failure in there fails here.
pub fn in_child(work: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    // One at a time, so that no child inherits the pipes of another.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    keep_children_quiet();
    let (reader, writer) = io::pipe().expect("a pipe");
    // SAFETY: the child allocates, which glibc makes safe after fork, and touches neither the
    // harness's streams nor its locks.
    match unsafe { sys::fork_unchecked() }.expect("a child") {
        Fork::Child => {
            IN_CHILD.store(true, Ordering::Relaxed);
            let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            let status = u8::from(answer.is_err());
            let said = answer.unwrap_or_else(|panic| {
                panic.downcast_ref::<String>().map_or("it panicked", String::as_str).into()
            });
            let sent = File::from(OwnedFd::from(writer)).write_all(&said).is_ok();
            sys::exit_now(if sent { status } else { 2 })
        }
        Fork::Parent(child) => {
            drop(writer);
            let mut said = Vec::new();
            File::from(OwnedFd::from(reader)).read_to_end(&mut said).expect("its answer");
            let ended = sys::wait(child).expect("its end");
            assert_eq!(ended, sys::Wait::Exited(0), "said: {}", String::from_utf8_lossy(&said));
            said
        }
    }
}

/// A limit that keeps the search to the standard places.
pub fn nothing_searched() -> SearchLimits {
    SearchLimits { entries: 0, ..SearchLimits::default() }
}

/// Tries the door `name` as `credentials`, after `prepare` has made what has to be there before.
pub fn attempt(
    name: &str,
    credentials: &Credentials,
    prepare: impl FnOnce(),
    scene: impl FnOnce(Scene) -> Scene,
) -> Attempt {
    let said = in_child(|| {
        prepare();
        // The harness's descriptors are not what is on trial.
        if let Err(error) = assume(credentials) {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            return text.into_bytes();
        }
        let here = Scene::here(&nothing_searched()).expect("the scene is seen");
        let door = Door::named(name).expect("there is such a door");
        serde_json::to_vec(&door.attempt(&scene(here))).expect("an attempt is JSON")
    });
    serde_json::from_slice(&said)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&said)))
}

/// All that this host's root has: some hosts lack a few.
pub fn everything() -> CapabilitySet {
    sys::read_credentials().expect("our own").permitted
}

/// A user that holds exactly `held`, with everything in the bounding set.
pub fn holding(held: CapabilitySet) -> Credentials {
    Credentials {
        effective: held,
        permitted: held,
        ..Credentials::unprivileged(SANDBOX, everything())
    }
}

/// User 0 that holds exactly `held`.
pub fn root_holding(held: CapabilitySet) -> Credentials {
    Credentials { uid: Ids::all(0), gid: Ids::all(0), ..holding(held) }
}

/// Only `capability`.
pub fn only(capability: Capability) -> Credentials {
    holding(CapabilitySet::from(capability))
}

/// Everything but `capability`.
pub fn all_but(capability: Capability) -> Credentials {
    holding(everything().without(capability))
}

/// A file that gives a privilege, in a place of its own that vanishes with the child.
pub const HELPER: &str = "/mnt/helper";

/// Makes the file that `helper` describes, at [`HELPER`].
pub fn make_helper(helper: &Executable) {
    private_tmpfs(Path::new("/mnt"), if helper.nosuid { "nosuid" } else { "" });
    fs::copy("/proc/self/exe", HELPER).expect("the copy");
    fs::set_permissions(HELPER, fs::Permissions::from_mode(helper.mode)).expect("its mode");
    if let Some(capabilities) = helper.file_capabilities {
        let bytes = capabilities.encode().expect("it fits");
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(HELPER, "security.capability", &bytes, flags).expect("the attribute");
    }
}

/// File capabilities that force `set`.
pub fn forced(set: CapabilitySet, effective: bool) -> Option<FileCapabilities> {
    Some(FileCapabilities {
        permitted: set,
        inheritable: CapabilitySet::EMPTY,
        effective,
        revision: Revision::Two,
    })
}

/// Installs the filter that closes user namespaces.
pub fn close_user_namespaces() {
    use sys::System;
    let filter = dropcap_confine::user_namespaces::filter().expect("it is made");
    sys::Linux.install_filter(&filter).expect("the filter");
}

/// Keeps a descriptor open until the process ends, as if it had come through execve.
pub fn leave_open(kept: OwnedFd) {
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).expect("it is open");
    let _ = kept.into_raw_fd();
}

/// A packet or an internet socket for raw packets.
pub fn raw_socket(packet: bool) -> OwnedFd {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
    let (family, protocol) = match packet {
        true => (AddressFamily::PACKET, None),
        false => (AddressFamily::INET, Some(ipproto::ICMP)),
    };
    socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
        .expect("root makes any socket")
}

/// A private tmpfs over `directory`, in a mount namespace of the calling process alone; with
/// nosuid if asked for.
pub fn private_tmpfs(directory: &Path, options: &str) {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use sys::System;
    sys::Linux.unshare(libc::CLONE_NEWNS).expect("a mount namespace");
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).expect("private mounts");
    let flags = if options == "nosuid" { MountFlags::NOSUID } else { MountFlags::empty() };
    mount("tmpfs", directory, "tmpfs", flags, Some(c"mode=755")).expect("a tmpfs");
}

/// A user namespace of its own for the calling process, with every id but the last mapped to itself
/// by a process that stays outside.
pub fn own_user_namespace(flags: i32) {
    use sys::System;
    let (outer_reads, inner_writes) = io::pipe().expect("a pipe");
    let pid = std::process::id();
    match sys::fork().expect("a child") {
        Fork::Child => {
            drop(inner_writes);
            let _ = File::from(OwnedFd::from(outer_reads)).read_to_end(&mut Vec::new());
            let map = |name: &str| {
                std::fs::write(format!("/proc/{pid}/{name}"), "0 0 4294967294").is_ok()
            };
            sys::exit_now(u8::from(!(map("uid_map") && map("gid_map"))))
        }
        Fork::Parent(mapper) => {
            sys::Linux.unshare(libc::CLONE_NEWUSER | flags).expect("a user namespace");
            drop((outer_reads, inner_writes));
            assert_eq!(sys::wait(mapper).expect("its end"), sys::Wait::Exited(0), "the maps");
        }
    }
}

/// Every child of this process, zombies included.
pub fn children() -> String {
    let mut found = String::new();
    for task in std::fs::read_dir("/proc/self/task").expect("/proc").flatten() {
        found += &std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    }
    found
}

/// The output of a program, for comparing before and after.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it can be started");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Has the kernel end this process with the thread that forked it.
pub fn end_with_parent() {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("it may ask for that");
}

/// Makes this process one that others of its user may attach to, Yama's first level or not.
pub fn let_anybody_attach() {
    use rustix::process::{DumpableBehavior, PTracer, set_dumpable_behavior, set_ptracer};
    set_dumpable_behavior(DumpableBehavior::Dumpable).expect("it may always be so");
    // EINVAL without Yama.
    let _ = set_ptracer(PTracer::Any);
}

/// Microseconds between two ticks of the machine's clock, as adjtimex(2) tells.
pub fn tick() -> i64 {
    // SAFETY: a `timex` of zeros is a valid one, and asks for nothing to be set.
    let mut time: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives through the call.
    assert_ne!(unsafe { libc::adjtimex(std::ptr::from_mut(&mut time)) }, -1, "it may be asked");
    time.tick
}

/// The lines of the kernel's log: syslog(2).
pub fn kernel_log() -> Vec<String> {
    const READ_ALL: libc::c_int = 3;
    let mut buffer = vec![0_u8; 1 << 20];
    let size = libc::c_int::try_from(buffer.len()).expect("a megabyte");
    // SAFETY: the buffer is as large as the size says, and lives through the call.
    let length = unsafe { libc::klogctl(READ_ALL, buffer.as_mut_ptr().cast(), size) };
    let length = usize::try_from(length).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned).collect()
}
