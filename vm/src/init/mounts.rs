//! The file systems that a system has.

use super::saying;
use rustix::mount::{MountFlags, mount, mount_bind, mount_move};
use rustix::process::{chdir, chroot};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;

/// Type, place, whether a kernel may lack it.
const MOUNTS: [(&str, &str, bool); 11] = [
    ("proc", "/proc", false),
    ("sysfs", "/sys", false),
    ("devtmpfs", "/dev", false),
    ("devpts", "/dev/pts", false),
    ("tmpfs", "/dev/shm", false),
    ("tmpfs", "/tmp", false),
    ("tmpfs", "/run", false),
    ("cgroup2", "/sys/fs/cgroup", false),
    ("bpf", "/sys/fs/bpf", true),
    ("tracefs", "/sys/kernel/tracing", true),
    ("securityfs", "/sys/kernel/security", true),
];

/// Directories that a system has besides.
const DIRECTORIES: [&str; 5] = ["/home", "/mnt", "/opt", "/root", "/var/tmp"];

/// Where the root is mounted once more, for a moment.
const AGAIN: &str = "/.root";

/// Makes and mounts them.
pub(super) fn make() -> io::Result<()> {
    enter_root().map_err(|error| saying("/", error))?;
    // An initramfs begins as a folder for everybody, as /tmp is.
    std::fs::set_permissions("/", Permissions::from_mode(0o755))?;
    for place in DIRECTORIES {
        std::fs::create_dir_all(place)?;
    }
    for (kind, place, optional) in MOUNTS {
        // In /proc and /sys the kernel makes them.
        let _ = std::fs::create_dir_all(place);
        let options = (kind == "tmpfs").then_some(c"mode=1777");
        match mount(kind, place, kind, MountFlags::empty(), options) {
            Err(_) if optional => {}
            result => result.map_err(|error| saying(place, error.into()))?,
        }
    }
    Ok(())
}

/// Makes the root a mount on another, as a system's is that has left its initramfs: nobody can pivot away from the
/// first one (pivot_root(2)), as container runtimes and criu do.
fn enter_root() -> io::Result<()> {
    std::fs::create_dir(AGAIN)?;
    mount_bind("/", AGAIN)?;
    chdir(AGAIN)?;
    mount_move(".", "/")?;
    chroot(".")?;
    chdir("/")?;
    std::fs::remove_dir(AGAIN)
}
