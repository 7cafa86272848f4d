//! A policy inside the image: it can only take away.
//!
//! Whoever makes an image may know that it needs less than the host allows. The file is theirs, so it
//! is opened within the root only (`RESOLVE_IN_ROOT` of openat2(2)), read once, when the container is
//! made, and its answer is kept in the container's configuration: what runs later may write there.

use crate::document::Object;
use crate::error::Error;
use dropcap_capability::CapabilitySet;
use dropcap_policy::{Policy, Running, TRUSTED, Workload};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No policy that people review comes near it.
const LARGEST: u64 = 1 << 20;

/// What the image in this root says of itself; `None` where it says nothing.
///
/// The workload is the one that matches, or the only one that there is.
///
/// # Errors
/// A policy that cannot be read or is none: what it would have taken away is not known.
pub(crate) fn workload(
    config: &Object,
    bundle: &Path,
    running: &Running,
) -> Result<Option<Workload>, Error> {
    let root = config.read::<Object>("root")?;
    let path = root.map(|root| root.read::<String>("path")).transpose()?.flatten();
    let Some(path) = path else { return Ok(None) };
    let Some(text) = read(&bundle.join(path)).map_err(Error::Image)? else { return Ok(None) };
    let policy = Policy::parse(&text)
        .map_err(|error| Error::Image(std::io::Error::other(error.to_string())))?;
    let only = match policy.workloads.as_slice() {
        [one] => Some(one),
        _ => None,
    };
    Ok(policy.workload_of(running).or(only).cloned())
}

fn read(root: &Path) -> std::io::Result<Option<String>> {
    let root = match openat(
        CWD,
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Ok(root) => root,
        // The runtime will say so itself.
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    // A pipe of that name must not be waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let name = TRUSTED.trim_start_matches('/');
    let file = match openat2(&root, name, flags, Mode::empty(), resolve) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::from(file).take(LARGEST).read_to_string(&mut text)?;
    if text.len() as u64 == LARGEST {
        return Err(std::io::Error::other("it is larger than any policy"));
    }
    Ok(Some(text))
}

/// What is kept for the processes that come in later: all that the image lets them have.
pub(crate) fn kept(workload: Option<&Workload>) -> Option<String> {
    workload.map(|workload| workload.allow.to_string())
}

/// Reads what was kept.
pub(crate) fn allowed(kept: Option<&String>) -> Result<CapabilitySet, Error> {
    kept.map_or(Ok(!CapabilitySet::EMPTY), |text| {
        text.parse().map_err(|_| Error::Image(std::io::Error::other("its kept answer is broken")))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_images_policy_is_read_within_its_root_only() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("rootfs");
        std::fs::create_dir_all(root.join("etc/dropcap")).unwrap();
        let config = Object::parse(r#"{"root":{"path":"rootfs"}}"#, "a test").unwrap();
        let asked = || workload(&config, base.path(), &Running::default());
        assert!(asked().unwrap().is_none());
        let file = root.join("etc/dropcap/dropcap.toml");
        let text = "version = 1\n[[workload]]\nname = \"a\"\nallow = [\"KILL\"]\n";
        // A link out of the root leads into it.
        let outside = base.path().join("outside.toml");
        std::fs::write(&outside, text).unwrap();
        symlink(&outside, &file).unwrap();
        assert!(asked().unwrap().is_none());
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, text).unwrap();
        let found = asked().unwrap().unwrap();
        assert_eq!(allowed(kept(Some(&found)).as_ref()).unwrap().to_string(), "CAP_KILL");
        std::fs::write(&file, "version = 2\n").unwrap();
        assert!(asked().is_err(), "what it takes away is not known");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(asked().is_err());
    }
}
