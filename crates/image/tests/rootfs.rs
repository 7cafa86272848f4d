//! Reading real directories. Owners other than the caller, file capabilities and mounts need root.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use dropcap_capability::{
    Capability, CapabilitySet, Directory, Executable, FileCapabilities, Revision,
};
use dropcap_image::{Image, ImageError, read_rootfs};
use rustix::fs::{XattrFlags, setxattr};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A root directory in the making.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        root
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A directory, and those on the way to it.
    fn directory(&self, path: &str, mode: u32) -> PathBuf {
        let directory = self.path().join(path);
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        directory
    }

    /// A file; the bits are set after the owner, whose change would clear them.
    fn file(&self, path: &str, mode: u32, owner: (u32, u32)) -> PathBuf {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        if owner != (0, 0) {
            chown(&file, Some(owner.0), Some(owner.1)).unwrap();
        }
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file
    }

    fn capable(&self, path: &str, mode: u32, capabilities: &FileCapabilities) -> PathBuf {
        let file = self.file(path, mode, (0, 0));
        let bytes = capabilities.encode().unwrap();
        setxattr(&file, c"security.capability", &bytes, XattrFlags::empty()).unwrap();
        file
    }

    fn read(&self) -> Image {
        read_rootfs(self.path()).unwrap()
    }
}

fn net_raw(effective: bool) -> FileCapabilities {
    FileCapabilities {
        permitted: CapabilitySet::from(Capability::NET_RAW),
        inheritable: CapabilitySet::EMPTY,
        effective,
        revision: Revision::Two,
    }
}

fn paths(image: &Image) -> Vec<&str> {
    image.executables.iter().map(|executable| executable.path.as_str()).collect()
}

#[test]
fn as_root_each_kind_of_privileged_file_is_found_as_it_is() {
    let root = Root::new();
    root.file("bin/plain", 0o755, (0, 0));
    root.file("bin/su", 0o4755, (0, 0));
    root.file("bin/mail", 0o2750, (3, 8));
    // Without a single execute bit: whoever owns it can set one, and the others stay.
    root.capable("bin/ping", 0o644, &net_raw(true));
    root.file("bin/sticky", 0o1755, (0, 0));
    root.directory("tmp", 0o7777);
    let image = root.read();

    let ping = Executable {
        mode: 0o644,
        file_capabilities: Some(net_raw(true)),
        ..Executable::plain("/bin/ping")
    };
    let mail =
        Executable { mode: 0o2750, uid: Some(3), gid: Some(8), ..Executable::plain("/bin/mail") };
    assert_eq!(image.executables, [mail, ping, Executable::setuid_root("/bin/su")]);
    assert_eq!(image.warnings, [""; 0]);
    assert_eq!(image.assumptions, [""; 0]);
}

#[test]
fn as_root_directories_that_bar_the_way_are_told() {
    let root = Root::new();
    root.file("open/locked/inner/su", 0o4755, (0, 0));
    root.directory("open/locked", 0o750);
    chown(root.path().join("open/locked"), Some(0), Some(40)).unwrap();
    root.directory("open/locked/inner", 0o700);
    let image = root.read();
    let directories = &image.executables[0].restricted_directories;
    assert_eq!(
        directories,
        &[
            Directory { mode: 0o750, uid: Some(0), gid: Some(40) },
            Directory { mode: 0o700, uid: Some(0), gid: Some(0) },
        ]
    );
}

#[test]
fn as_root_links_lead_nowhere() {
    let root = Root::new();
    let outside = Root::new();
    outside.file("bin/su", 0o4755, (0, 0));
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink("su", root.directory("bin", 0o755).join("other-name")).unwrap();
    symlink("/", root.path().join("self")).unwrap();
    root.file("bin/su", 0o4755, (0, 0));
    assert_eq!(paths(&root.read()), ["/bin/su"]);
}

#[test]
fn users_are_those_that_a_process_inside_sees() {
    let root = Root::new();
    let outside = Root::new();
    fs::write(outside.file("passwd", 0o644, (0, 0)), "thief:x:1:1::/:").unwrap();
    let etc = root.directory("etc", 0o755);
    fs::write(root.file("usr/etc/group", 0o644, (0, 0)), "wheel:x:10:agent").unwrap();
    fs::write(root.file("usr/etc/passwd", 0o644, (0, 0)), "agent:x:7:7::/:").unwrap();
    // An absolute link means the image's own root, and `..` ends there.
    symlink("/usr/etc/group", etc.join("group")).unwrap();
    symlink("../../../../usr/etc/passwd", etc.join("passwd")).unwrap();
    let agent = root.read().users.resolve("agent").unwrap();
    assert_eq!((agent.uid, agent.groups), (7, vec![10]));

    fs::remove_file(etc.join("passwd")).unwrap();
    symlink(outside.path().join("passwd"), etc.join("passwd")).unwrap();
    assert!(root.read().users.resolve("thief").is_err());
}

#[test]
fn what_cannot_be_read_is_an_error_that_names_it() {
    let missing = read_rootfs(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(missing.to_string(), "/nowhere/at/all: No such file or directory (os error 2)");

    let root = Root::new();
    root.directory("etc/passwd", 0o755);
    let ImageError::Unreadable { path, source } = read_rootfs(root.path()).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(path, root.path().join("etc/passwd"));
    assert_eq!(source.to_string(), "not a regular file");

    let file = root.file("file", 0o644, (0, 0));
    assert!(matches!(read_rootfs(&file), Err(ImageError::Unreadable { .. })));
}

/// A mount that is taken away at the end.
struct Mounted(PathBuf);

impl Mounted {
    fn new(kind: &str, options: &str, at: PathBuf) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", kind, "-o", options, kind]).arg(&at);
        assert!(mount.status().unwrap().success());
        Self(at)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn as_root_each_mount_below_counts_by_itself() {
    let root = Root::new();
    let _suid = Mounted::new("tmpfs", "suid", root.directory("a", 0o755));
    let _nosuid = Mounted::new("tmpfs", "nosuid", root.directory("b", 0o755));
    let _proc = Mounted::new("proc", "defaults", root.directory("proc", 0o755));
    for path in ["a/su", "b/su", "c/su", "proc-like/su"] {
        root.file(path, 0o4755, (0, 0));
    }
    let image = root.read();
    let nosuid: Vec<_> = image.executables.iter().map(|file| (&*file.path, file.nosuid)).collect();
    assert_eq!(
        nosuid,
        [("/a/su", false), ("/b/su", true), ("/c/su", false), ("/proc-like/su", false)]
    );
    assert_eq!(image.warnings, [""; 0]);
}

#[test]
fn as_root_the_roots_own_mount_counts_as_an_engine_makes_it() {
    let root = Root::new();
    let mounted = Mounted::new("tmpfs", "nosuid", root.directory("image", 0o755));
    root.file("image/su", 0o4755, (0, 0));
    let image = read_rootfs(&mounted.0).unwrap();
    assert!(!image.executables[0].nosuid);
    assert_eq!(image.assumptions.len(), 1, "{:?}", image.assumptions);
    assert_eq!(image.warnings, [""; 0]);
}

/// The paths of a command's lines below `/usr`, without that.
fn below_usr(command: &str) -> BTreeSet<String> {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let path = |line: &str| line.split(' ').next().unwrap().trim_start_matches("/usr").to_owned();
    text.lines().map(path).collect()
}

#[test]
fn as_root_the_hosts_own_usr_reads_as_find_and_getcap_read_it() {
    // One of our own beside what the host has, so that neither list is empty.
    let own = tempfile::Builder::new().prefix("dropcap").tempdir_in("/usr/lib").unwrap();
    let file = own.path().join("capable");
    fs::write(&file, "").unwrap();
    let bytes = net_raw(false).encode().unwrap();
    setxattr(&file, c"security.capability", &bytes, XattrFlags::empty()).unwrap();

    let image = read_rootfs(Path::new("/usr")).unwrap();
    let ours = |wanted: &dyn Fn(&Executable) -> bool| -> BTreeSet<String> {
        let wanted = image.executables.iter().filter(|file| wanted(file));
        wanted.map(|file| file.path.clone()).collect()
    };
    let set_id = ours(&|file| file.mode & 0o6000 != 0);
    assert!(set_id.contains("/bin/su"), "{set_id:?}");
    assert_eq!(set_id, below_usr("find /usr -type f -perm /6000"));
    let capable = ours(&|file| file.file_capabilities.is_some());
    assert!(!capable.is_empty());
    assert_eq!(capable, below_usr("PATH=$PATH:/usr/sbin getcap -r /usr"));
}

/// Set for the child that [`as_root_a_caller_who_is_not_root_owns_what_would_be_roots`] starts.
const CHILD: &str = "DROPCAP_TEST_ROOT";

#[test]
fn as_root_a_caller_who_is_not_root_owns_what_would_be_roots() {
    const NAME: &str = "as_root_a_caller_who_is_not_root_owns_what_would_be_roots";
    const CALLER: u32 = 54321;
    if let Some(root) = std::env::var_os(CHILD) {
        let image = read_rootfs(Path::new(&root)).unwrap();
        let owners: Vec<_> =
            image.executables.iter().map(|file| (&*file.path, file.uid, file.gid)).collect();
        assert_eq!(owners, [("/other", Some(9), Some(9)), ("/su", Some(0), Some(0))]);
        assert_eq!(image.assumptions.len(), 1, "{:?}", image.assumptions);
        assert_eq!(image.warnings, ["/closed cannot be read: Permission denied (os error 13)"]);
        return;
    }
    let root = Root::new();
    root.file("su", 0o4755, (CALLER, CALLER));
    root.file("other", 0o4755, (9, 9));
    root.directory("closed", 0o700);
    chown(root.path(), Some(CALLER), Some(CALLER)).unwrap();
    // Where the caller can get at it.
    let copy = Root::new();
    let program = copy.path().join("test");
    // By another process: were it open for writing here while another test forks, it could not be
    // executed (ETXTBSY).
    let mut cp = Command::new("cp");
    assert!(cp.arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap().success());
    let child = Command::new(&program)
        .args(["--exact", NAME])
        .env(CHILD, root.path())
        .current_dir("/")
        .uid(CALLER)
        .gid(CALLER)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}

#[test]
fn as_root_what_lies_too_deep_is_told() {
    let root = Root::new();
    let (deep, deeper) = ("d/".repeat(256), "d/".repeat(1900));
    root.file(&format!("{deep}su"), 0o4755, (0, 0));
    root.file(&format!("{deeper}su"), 0o4755, (0, 0));
    let image = root.read();
    assert_eq!(paths(&image), [format!("/{deep}su")]);
    assert_eq!(
        image.warnings,
        [format!("/{deep}d is not read: it lies more than 256 levels deep")]
    );
}
