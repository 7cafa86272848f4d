//! The doors of capabilities.

use crate::same;
use crate::support::{self, all_but, attempt, must_be_root, only, root_holding};
use dropcap_capability::{Capability, CapabilitySet};
use dropcap_prove::{Attempt, Scene, Verdict};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
        ("CAP_NET_BROADCAST", 0, Verdict::HeldButBlocked),
        ("CAP_NET_BROADCAST", libc::CLONE_NEWNET, Verdict::Open),
        ("CAP_IPC_OWNER", 0, Verdict::HeldButBlocked),
        ("CAP_IPC_OWNER", libc::CLONE_NEWIPC, Verdict::Open),
        ("CAP_SYS_BOOT", 0, Verdict::HeldButBlocked),
        ("CAP_SYS_TIME", 0, Verdict::HeldButBlocked),
        ("CAP_FSETID", 0, Verdict::HeldButBlocked),
        ("CAP_AUDIT_WRITE", 0, Verdict::HeldButBlocked),
        ("CAP_AUDIT_READ", 0, Verdict::HeldButBlocked),
        ("CAP_DAC_READ_SEARCH", 0, Verdict::Open),
        ("CAP_SETFCAP", 0, Verdict::Open),
        ("CAP_FOWNER", 0, Verdict::Open),
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

/// A check that takes another capability as well is open to it, and says by which.
#[test]
fn what_stands_in_for_a_capability_opens_its_door_and_is_named() {
    must_be_root();
    for name in ["CAP_BPF", "CAP_PERFMON", "CAP_CHECKPOINT_RESTORE"] {
        let tried = attempt(name, &only(Capability::SYS_ADMIN), || {}, same);
        assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
        assert!(!tried.held && tried.as_expected(), "{tried:?}");
        assert!(tried.because.contains("CAP_SYS_ADMIN"), "{tried:?}");
    }
    // A handle is no file's permission: there nothing stands in.
    let tried = attempt("CAP_DAC_READ_SEARCH", &only(Capability::DAC_OVERRIDE), || {}, same);
    assert_eq!(tried.verdict, Verdict::Closed, "{tried:?}");
    assert!(tried.as_expected(), "{tried:?}");
}
