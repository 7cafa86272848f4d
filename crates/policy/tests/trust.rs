//! `/etc/dropcap`: a policy that only root can have written.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_policy::{Policy, PolicyError};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

const TEXT: &str = "version = 1\n";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Why the policy at `path` is not trusted; empty if it is.
fn refusal(path: &Path) -> String {
    match Policy::load_trusted(path) {
        Ok(_) => String::new(),
        Err(error @ PolicyError::Untrusted { .. }) => error.to_string(),
        Err(error) => panic!("{error}"),
    }
}

/// A folder of root's whose whole path nobody else can write to, or `None` where this test is not
/// root: then its own files must be refused, which is asserted here.
fn roots_own() -> Option<tempfile::TempDir> {
    let here = tempfile::tempdir_in("/var/lib")
        .ok()
        .filter(|dir| chown(dir.path(), Some(0), Some(0)).is_ok());
    if here.is_none() {
        let own = tempfile::tempdir().unwrap();
        let file = own.path().join("dropcap.toml");
        fs::write(&file, TEXT).unwrap();
        assert!(refusal(&file).contains("not trusted"), "an ordinary user's file was trusted");
    }
    here
}

#[test]
fn only_what_root_alone_can_write_is_trusted() {
    let Some(tree) = roots_own() else { return };
    let folder = tree.path().join("dropcap");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("dropcap.toml");
    fs::write(&file, TEXT).unwrap();
    mode(&folder, 0o755);
    mode(&file, 0o644);
    assert_eq!(refusal(&file), "");

    mode(&file, 0o664);
    assert!(refusal(&file).contains("dropcap.toml is writable by others than root (mode 664)"));
    mode(&file, 0o646);
    assert!(refusal(&file).contains("mode 646"));
    mode(&file, 0o644);
    chown(&file, Some(1000), None).unwrap();
    assert!(refusal(&file).contains("belongs to uid 1000"));
    chown(&file, Some(0), None).unwrap();

    mode(&folder, 0o775);
    assert!(refusal(&file).contains("dropcap is writable by others"));
    mode(&folder, 0o1777);
    assert!(refusal(&file).contains("mode 1777"), "a sticky folder is writable too");
    mode(&folder, 0o755);
    chown(&folder, Some(1000), None).unwrap();
    assert!(refusal(&file).contains("belongs to uid 1000"));
    chown(&folder, Some(0), None).unwrap();
    assert_eq!(refusal(&file), "");
}

#[test]
fn a_link_is_as_trusted_as_what_it_leads_to() {
    let Some(tree) = roots_own() else { return };
    let writable = tree.path().join("writable");
    fs::create_dir(&writable).unwrap();
    mode(&writable, 0o777);
    fs::write(writable.join("dropcap.toml"), TEXT).unwrap();
    let link = tree.path().join("dropcap.toml");
    symlink(writable.join("dropcap.toml"), &link).unwrap();
    assert!(refusal(&link).contains("writable is writable by others"));
}

#[test]
fn a_policy_that_is_not_there_is_said_to_be_missing() {
    let missing = Policy::load_trusted(Path::new("/nonexistent/dropcap.toml"));
    assert!(matches!(missing, Err(PolicyError::Read { .. })));
}
