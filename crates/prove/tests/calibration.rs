//! Each door, both ways on the running kernel: open to a process that holds exactly what it asks
//! for, closed to one that holds everything else.
//!
//! Expected verdicts come from what the test set up. Root is needed; without it these tests fail.
#![allow(missing_docs, reason = "a test")]

mod support;

use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Executable, FileCapabilities, NamespaceGate, Revision,
    Securebits,
};
use dropcap_prove::{Attempt, Scene, Verdict};
use std::fs;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{all_but, attempt, everything, holding, must_be_root, only, root_holding};

fn same(scene: Scene) -> Scene {
    scene
}

/// Tries a capability's door as a user with only it, and as one with everything but it.
#[track_caller]
fn both_ways(capability: Capability) -> (Attempt, Attempt) {
    must_be_root();
    let name = capability.name().expect("a known one");
    let with = attempt(name, &only(capability), || {}, same);
    assert_eq!(with.verdict, Verdict::Open, "with only {name}: {with:?}");
    assert!(with.held && with.as_expected(), "{with:?}");
    let without = attempt(name, &all_but(capability), || {}, same);
    assert_eq!(without.verdict, Verdict::Closed, "with all but {name}: {without:?}");
    assert!(!without.held && without.as_expected(), "{without:?}");
    (with, without)
}

#[test]
fn cap_net_raw() {
    let (with, without) = both_ways(Capability::NET_RAW);
    assert_eq!((with.result.as_str(), without.result.as_str()), ("0", "EPERM"));
}

#[test]
fn cap_dac_override() {
    let (with, without) = both_ways(Capability::DAC_OVERRIDE);
    assert_eq!((with.result.as_str(), without.result.as_str()), ("0", "EACCES"));
}

#[test]
fn cap_sys_chroot() {
    both_ways(Capability::SYS_CHROOT);
}

#[test]
fn cap_kill() {
    both_ways(Capability::KILL);
}

#[test]
fn cap_setuid() {
    both_ways(Capability::SETUID);
}

#[test]
fn cap_setgid() {
    both_ways(Capability::SETGID);
}

#[test]
fn cap_setpcap() {
    let (with, without) = both_ways(Capability::SETPCAP);
    assert_eq!((with.result.as_str(), without.result.as_str()), ("EINVAL", "EPERM"));
}

#[test]
fn cap_mknod() {
    both_ways(Capability::MKNOD);
}

#[test]
fn cap_chown() {
    both_ways(Capability::CHOWN);
}

#[test]
fn cap_net_bind_service() {
    let (with, without) = both_ways(Capability::NET_BIND_SERVICE);
    assert_eq!((with.result.as_str(), without.result.as_str()), ("0", "EACCES"));
}

#[test]
fn cap_sys_admin() {
    both_ways(Capability::SYS_ADMIN);
}

#[test]
fn cap_net_admin() {
    let (with, without) = both_ways(Capability::NET_ADMIN);
    assert_eq!((with.result.as_str(), without.result.as_str()), ("EINVAL", "EPERM"));
}

/// As Docker sets it: no low port asks for the capability.
#[test]
fn low_ports_are_ungated_where_the_sysctl_says_so() {
    must_be_root();
    let own_network = || {
        use dropcap_confine::sys::{Linux, System};
        Linux.unshare(libc::CLONE_NEWNET).expect("a network namespace");
        fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0").expect("the sysctl");
    };
    for credentials in [only(Capability::NET_BIND_SERVICE), all_but(Capability::NET_BIND_SERVICE)] {
        let tried = attempt("CAP_NET_BIND_SERVICE", &credentials, own_network, same);
        assert_eq!(tried.verdict, Verdict::Ungated, "{tried:?}");
        assert!(tried.because.contains("ip_unprivileged_port_start"), "{tried:?}");
    }
}

/// A capability held inside a user namespace counts for what the namespace owns, and not for what
/// the kernel asks of the machine's own.
#[test]
fn inside_a_user_namespace_a_held_capability_can_be_blocked() {
    must_be_root();
    let tried = |name: &'static str, flags: i32| -> Attempt {
        let said = support::in_child(|| {
            support::own_user_namespace(flags);
            let scene = Scene::here(&support::nothing_searched()).expect("the scene");
            let door = dropcap_prove::Door::named(name).expect("a door");
            serde_json::to_vec(&door.attempt(&scene)).expect("JSON")
        });
        serde_json::from_slice(&said).expect("JSON")
    };
    for (name, flags, verdict) in [
        ("CAP_MKNOD", 0, Verdict::HeldButBlocked),
        ("CAP_NET_RAW", 0, Verdict::HeldButBlocked),
        ("CAP_NET_RAW", libc::CLONE_NEWNET, Verdict::Open),
        ("CAP_NET_ADMIN", 0, Verdict::HeldButBlocked),
        ("CAP_NET_ADMIN", libc::CLONE_NEWNET, Verdict::Open),
        ("CAP_SYS_ADMIN", 0, Verdict::HeldButBlocked),
        ("CAP_SYS_ADMIN", libc::CLONE_NEWUTS, Verdict::Open),
        ("CAP_CHOWN", 0, Verdict::Open),
        ("CAP_SETUID", 0, Verdict::Open),
    ] {
        let tried = tried(name, flags);
        assert_eq!(tried.verdict, verdict, "{name} with {flags:#x}: {tried:?}");
        assert!(tried.held && tried.as_expected(), "{tried:?}");
    }
}

/// Where there is nobody else's process the door is not tried, and not called closed.
#[test]
fn without_a_foreign_process_kill_is_not_tried() {
    must_be_root();
    let said = support::in_child(|| {
        use dropcap_confine::sys::{Fork, Linux, System};
        use rustix::mount::{MountFlags, mount};
        support::private_tmpfs(Path::new("/mnt"), "");
        Linux.unshare(libc::CLONE_NEWPID).expect("a pid namespace");
        match dropcap_confine::sys::fork().expect("a child") {
            Fork::Parent(child) => {
                dropcap_confine::sys::wait(child).expect("its end");
                fs::read("/mnt/answer").expect("its answer")
            }
            Fork::Child => {
                fs::create_dir("/mnt/proc").expect("a directory");
                mount("proc", "/proc", "proc", MountFlags::empty(), None).expect("its own /proc");
                fs::set_permissions("/mnt", fs::Permissions::from_mode(0o777)).expect("open");
                dropcap_prove::assume(&root_holding(CapabilitySet::EMPTY)).expect("the state");
                let scene = Scene::here(&support::nothing_searched()).expect("the scene");
                let door = dropcap_prove::Door::named("CAP_KILL").expect("a door");
                let json = serde_json::to_vec(&door.attempt(&scene)).expect("JSON");
                fs::write("/mnt/answer", json).expect("written");
                dropcap_confine::sys::exit_now(0)
            }
        }
    });
    let tried: Attempt = serde_json::from_slice(&said).expect("JSON");
    assert_eq!(tried.verdict, Verdict::NotTried, "{tried:?}");
    assert!(tried.because.contains("another user"), "{tried:?}");
}

/// A file that gives a privilege, in a place of its own that vanishes with the child.
const HELPER: &str = "/mnt/helper";

fn make_helper(mode: u32, capabilities: Option<FileCapabilities>, options: &str) {
    support::private_tmpfs(Path::new("/mnt"), options);
    fs::copy("/proc/self/exe", HELPER).expect("the copy");
    fs::set_permissions(HELPER, fs::Permissions::from_mode(mode)).expect("its mode");
    if let Some(capabilities) = capabilities {
        let bytes = capabilities.encode().expect("it fits");
        rustix::fs::setxattr(
            HELPER,
            "security.capability",
            &bytes,
            rustix::fs::XattrFlags::empty(),
        )
        .expect("the attribute");
    }
}

#[track_caller]
fn exec(door: &str, credentials: &Credentials, helper: Executable) -> Attempt {
    must_be_root();
    let (mode, capabilities, options) =
        (helper.mode, helper.file_capabilities, if helper.nosuid { "nosuid" } else { "" });
    let tried = attempt(
        door,
        credentials,
        || make_helper(mode, capabilities, options),
        |scene| scene.with_helper(helper),
    );
    assert!(tried.as_expected(), "{tried:?}");
    tried
}

#[test]
fn setuid_exec_is_open_up_to_the_bounding_set() {
    let bounding: CapabilitySet = "CHOWN,NET_RAW,SETUID".parse().expect("names");
    let sandbox = Credentials::unprivileged(support::SANDBOX, bounding);
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.gains, ["CAP_CHOWN", "CAP_SETUID", "CAP_NET_RAW"]);
    assert_eq!(tried.result, "user 0, CAP_CHOWN,CAP_SETUID,CAP_NET_RAW");
    assert_eq!(tried.witness.len(), 2, "{tried:?}");
}

/// User 0 owns root's files, with no capability at all.
#[test]
fn setuid_exec_is_open_to_user_0_with_an_empty_bounding_set() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, CapabilitySet::EMPTY);
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.result, "user 0");
    assert!(tried.gains.is_empty(), "{tried:?}");
}

#[test]
fn setuid_exec_gives_the_user_alone_where_root_means_nothing() {
    let sandbox = Credentials {
        securebits: Securebits::NOROOT,
        ..Credentials::unprivileged(support::SANDBOX, everything())
    };
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Open, "user 0"), "{tried:?}");
}

#[test]
fn setuid_exec_is_closed_by_no_new_privs() {
    let sandbox = Credentials {
        no_new_privs: true,
        ..Credentials::unprivileged(support::SANDBOX, everything())
    };
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Closed, "nothing"), "{tried:?}");
    assert!(tried.because.contains("no_new_privs"), "{tried:?}");
}

#[test]
fn setuid_exec_is_closed_by_nosuid() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, everything());
    let helper = Executable { nosuid: true, ..Executable::setuid_root(HELPER) };
    let tried = exec("setuid-exec", &sandbox, helper);
    assert_eq!(tried.verdict, Verdict::Closed, "{tried:?}");
    assert!(tried.because.contains("nosuid"), "{tried:?}");
}

fn forced(set: CapabilitySet, effective: bool) -> Option<FileCapabilities> {
    Some(FileCapabilities {
        permitted: set,
        inheritable: CapabilitySet::EMPTY,
        effective,
        revision: Revision::Two,
    })
}

#[test]
fn file_capability_exec_is_open_within_the_bounding_set() {
    let bounding: CapabilitySet = "NET_RAW,KILL".parse().expect("names");
    let net_raw = CapabilitySet::from(Capability::NET_RAW);
    let sandbox = Credentials::unprivileged(support::SANDBOX, bounding);
    let helper =
        Executable { file_capabilities: forced(net_raw, true), ..Executable::plain(HELPER) };
    let tried = exec("file-capability-exec", &sandbox, helper);
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.gains, ["CAP_NET_RAW"]);
}

/// The EPERM that breaks `ping` when NET_RAW is dropped.
#[test]
fn file_capability_exec_is_closed_outside_the_bounding_set() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, CapabilitySet::EMPTY);
    let net_raw = CapabilitySet::from(Capability::NET_RAW);
    for (effective, result) in [(true, "EPERM"), (false, "nothing")] {
        let helper = Executable {
            file_capabilities: forced(net_raw, effective),
            ..Executable::plain(HELPER)
        };
        let tried = exec("file-capability-exec", &sandbox, helper);
        assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Closed, result), "{tried:?}");
    }
}

#[test]
fn where_nothing_was_searched_the_doors_of_files_are_not_tried() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    for door in ["setuid-exec", "file-capability-exec"] {
        let tried = attempt(door, &sandbox, || {}, same);
        assert_eq!(tried.verdict, Verdict::NotTried, "{tried:?}");
    }
}

#[test]
fn user_namespace() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    let open = attempt("user-namespace", &sandbox, || {}, same);
    assert_eq!(open.verdict, Verdict::Open, "{open:?}");
    assert!(open.as_expected(), "{open:?}");

    let gate = NamespaceGate::default();
    let closed = attempt(
        "user-namespace",
        &sandbox,
        || {
            use dropcap_confine::sys::{Linux, System};
            let filter = dropcap_confine::user_namespaces::filter().expect("it is made");
            Linux.install_filter(&filter).expect("the filter");
        },
        |scene| scene.with_namespace_gate(gate),
    );
    assert_eq!(closed.verdict, Verdict::Closed, "{closed:?}");
    assert!(closed.as_expected(), "{closed:?}");
}

#[test]
fn root_writes_kernel_files() {
    must_be_root();
    let root = root_holding(CapabilitySet::EMPTY);
    let before = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("it is there");
    let open = attempt("root-writes-kernel-files", &root, || {}, same);
    assert_eq!(open.verdict, Verdict::Open, "{open:?}");
    assert!(open.as_expected(), "{open:?}");
    let after = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("it is there");
    assert_eq!(before, after);

    let closed = attempt("root-writes-kernel-files", &holding(CapabilitySet::EMPTY), || {}, same);
    assert_eq!(closed.verdict, Verdict::Closed, "{closed:?}");
    assert!(closed.as_expected(), "{closed:?}");
}

/// As engines do it: /proc/sys and /sys are read-only.
#[test]
fn read_only_mounts_close_the_kernel_files_to_root() {
    must_be_root();
    use rustix::mount::{MountFlags, mount_bind, mount_remount};
    let closed = attempt(
        "root-writes-kernel-files",
        &root_holding(CapabilitySet::EMPTY),
        || {
            support::private_tmpfs(Path::new("/mnt"), "");
            let there = |place: &&&str| Path::new(place).exists();
            for place in ["/proc/sys", "/sys", "/proc/sysrq-trigger"].iter().filter(there) {
                mount_bind(*place, *place).expect("a bind mount");
                mount_remount(*place, MountFlags::BIND | MountFlags::RDONLY, "")
                    .expect("read-only");
            }
        },
        same,
    );
    assert_eq!((closed.verdict, closed.result.as_str()), (Verdict::Closed, "EROFS"), "{closed:?}");
    assert!(closed.as_expected(), "{closed:?}");
}

/// Makes of the test's own descriptors what execve would make: those without close-on-exec are
/// inherited. Of the harness's, only the standard streams are; of ours, `kept`.
fn leave_open(kept: Option<OwnedFd>) {
    let Some(kept) = kept else { return };
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).expect("it is open");
    // Open until the child ends.
    let _ = kept.into_raw_fd();
}

#[test]
fn inherited_descriptor() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    let closed = attempt("inherited-descriptor", &sandbox, || leave_open(None), same);
    assert_eq!(
        (closed.verdict, closed.result.as_str()),
        (Verdict::Closed, "nothing"),
        "{closed:?}"
    );

    type Make = fn() -> OwnedFd;
    let privileged: [(&str, Make); 5] = [
        ("a packet socket", || socket(libc::AF_PACKET)),
        ("a raw socket", || socket(libc::AF_INET)),
        ("another process's memory", || {
            open(&format!("/proc/{}/mem", std::os::unix::process::parent_id()))
        }),
        ("a namespace", || open("/proc/self/ns/mnt")),
        ("a directory outside", || {
            let outside = open("/usr");
            support::private_tmpfs(Path::new("/mnt"), "");
            fs::create_dir("/mnt/proc").expect("a directory");
            rustix::mount::mount_bind("/proc", "/mnt/proc").expect("a /proc in there");
            rustix::process::chroot("/mnt").expect("another root");
            rustix::process::chdir("/").expect("into it");
            outside
        }),
    ];
    for (what, make) in privileged {
        let open = attempt("inherited-descriptor", &sandbox, || leave_open(Some(make())), same);
        assert_eq!(open.verdict, Verdict::Open, "{what}: {open:?}");
        assert!(open.result.contains(what), "{what}: {open:?}");
    }
    let harmless =
        attempt("inherited-descriptor", &sandbox, || leave_open(Some(open("/usr"))), same);
    assert_eq!(harmless.verdict, Verdict::Closed, "a directory inside: {harmless:?}");
}

fn socket(family: i32) -> OwnedFd {
    use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with};
    let (family, protocol) = if family == libc::AF_PACKET {
        (AddressFamily::PACKET, None)
    } else {
        (AddressFamily::INET, Some(rustix::net::ipproto::ICMP))
    };
    let protocol: Option<Protocol> = protocol;
    socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
        .expect("root makes any socket")
}

fn open(path: &str) -> OwnedFd {
    fs::File::open(path).expect("root opens it").into()
}
