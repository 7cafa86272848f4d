//! What is mounted, and how.

use crate::same;
use crate::support::{self, attempt, must_be_root, root_holding};
use dropcap_capability::CapabilitySet;
use dropcap_prove::{Attempt, Verdict};
use std::path::Path;

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

/// A root directory in which one directory of the machine's is mounted, as engines do it.
fn with_one_mount(flags: rustix::mount::MountFlags) -> Attempt {
    use rustix::mount::{MountFlags, mount_bind, mount_remount};
    must_be_root();
    let inside = || {
        support::private_tmpfs(Path::new("/mnt"), "");
        std::fs::create_dir_all("/mnt/root/proc").expect("a root directory");
        std::fs::create_dir_all("/mnt/root/machine").expect("a directory");
        std::fs::create_dir("/mnt/machine").expect("a directory");
        mount_bind("/mnt/machine", "/mnt/root/machine").expect("the mount");
        mount_remount("/mnt/root/machine", MountFlags::BIND | flags, "").expect("its flags");
        mount_bind("/proc", "/mnt/root/proc").expect("a /proc in there");
        rustix::process::chroot("/mnt/root").expect("another root");
        rustix::process::chdir("/").expect("into it");
    };
    attempt("setuid-plant", &root_holding(CapabilitySet::EMPTY), inside, same)
}

#[test]
fn a_setuid_file_is_planted_on_a_mount_of_the_machine_unless_it_is_nosuid() {
    use rustix::mount::MountFlags;
    let open = with_one_mount(MountFlags::empty());
    assert_eq!(open.verdict, Verdict::Open, "{open:?}");
    assert!(open.attempt.contains("/machine"), "{open:?}");
    for flags in [MountFlags::NOSUID, MountFlags::RDONLY] {
        let closed = with_one_mount(flags);
        assert_eq!(closed.verdict, Verdict::Closed, "{closed:?}");
    }
}
