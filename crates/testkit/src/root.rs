//! Root directories that become images, without a registry.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The programs that a root gets, all of busybox.
const APPLETS: [&str; 12] =
    ["cat", "echo", "id", "ls", "sh", "sleep", "su", "test", "true", "unshare", "chmod", "cp"];

/// Where Debian's busybox-static puts its program.
const BUSYBOX: &str = "/bin/busybox";

/// Fills `root` with busybox, `passwd` and `group`.
///
/// # Panics
/// Where busybox-static is missing, or `root` cannot be written.
pub fn busybox(root: &Path, passwd: &str, group: &str) {
    for directory in ["bin", "etc", "tmp", "proc", "dev", "sys"] {
        fs::create_dir_all(root.join(directory)).expect("making the root");
    }
    let program = root.join("bin/busybox");
    fs::copy(BUSYBOX, &program).unwrap_or_else(|error| {
        panic!("needs busybox-static ({BUSYBOX}: {error}): run `make setup`")
    });
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("linking an applet");
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("mode");
    fs::write(root.join("etc/passwd"), passwd).expect("passwd");
    fs::write(root.join("etc/group"), group).expect("group");
}

/// Puts `program` at `path` in `root`, with this mode, root's.
///
/// # Panics
/// Where it cannot be copied.
pub fn program(root: &Path, program: &Path, path: &str, mode: u32) -> PathBuf {
    let target = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(target.parent().expect("a parent")).expect("making its directory");
    fs::copy(program, &target).expect("copying a program");
    fs::set_permissions(&target, fs::Permissions::from_mode(mode)).expect("mode");
    target
}
