//! What is mounted, and how.

use crate::same;
use crate::support::{self, attempt, must_be_root, root_holding};
use dropcap_capability::CapabilitySet;
use dropcap_prove::Verdict;
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
