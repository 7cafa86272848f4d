//! Root directories that become images, without a registry.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

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
    assert!(Path::new(BUSYBOX).exists(), "needs busybox-static ({BUSYBOX}): run `make setup`");
    copy(BUSYBOX, &program);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("linking an applet");
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("mode");
    fs::write(root.join("etc/passwd"), passwd).expect("passwd");
    fs::write(root.join("etc/group"), group).expect("group");
}

/// Copies a program that is to be executed, by a process of its own. Were the copy open for writing in this one, a
/// test beside it that starts something would hand that on to its child for a moment, and nobody could execute
/// the copy meanwhile (ETXTBSY).
///
/// # Panics
/// Where it cannot be copied.
pub fn copy(program: impl AsRef<Path>, to: impl AsRef<Path>) {
    let program = program.as_ref();
    let copied = Command::new("cp").args([program, to.as_ref()]).status();
    assert!(copied.expect("needs cp").success(), "{} is not copied", program.display());
}

/// Puts `program` at `path` in `root`, with this mode, root's.
///
/// # Panics
/// Where it cannot be copied.
pub fn program(root: &Path, program: &Path, path: &str, mode: u32) -> PathBuf {
    let target = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(target.parent().expect("a parent")).expect("making its directory");
    copy(program, &target);
    fs::set_permissions(&target, fs::Permissions::from_mode(mode)).expect("mode");
    target
}
