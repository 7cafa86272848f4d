//! The root directory of a container's process.

use super::{Placement, PlacementError, set_sysctl};
use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};
use rustix::process::{chdir, pivot_root};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// What a program needs to find in /dev.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Where the helper lies inside.
const HELPER_DIRECTORY: &str = "/tmp";

/// Builds the root directory and goes there. Gives the path of a setuid file of our own, if the image
/// is not known and such a file can be made, and the sysctls that could not be set.
pub(super) fn build(
    placement: &Placement,
    has_root_id: bool,
) -> Result<(Option<String>, Vec<String>), PlacementError> {
    let step = |what: &str| {
        let what = what.to_owned();
        move |error: rustix::io::Errno| PlacementError::Step { step: what, source: error.into() }
    };
    let own = open("/proc/self/exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(step("opening dropcap's own file"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(step("making the mounts private"))?;
    let image = placement
        .root
        .as_ref()
        .map(|root| {
            open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .map_err(step(&format!("opening {}", root.display())))
        })
        .transpose()?;
    let base = base().map_err(PlacementError::step("mounting a private tmpfs"))?;
    let root = base.join("root");
    fs::create_dir(&root).map_err(PlacementError::step("making a root directory"))?;
    match &image {
        Some(image) => overlay(image, &base, &root)?,
        None => {
            mount_bind_recursive("/", &root).map_err(step("binding this machine's files"))?;
            crate::untouched::make_read_only(&root)
                .map_err(PlacementError::step("making this machine's files read-only"))?;
        }
    }
    populate(&root, image.is_some())?;
    let helper = match (&image, has_root_id) {
        (None, true) => Some(make_helper(&root, &own)?),
        _ => None,
    };
    chdir(&root).map_err(step("going to the root directory"))?;
    pivot_root(".", ".").map_err(step("pivot_root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(step("leaving the old root directory"))?;
    chdir("/").map_err(step("going to the root directory"))?;
    // Some name ids that a user namespace lacks; a door that rests on one reads it again itself.
    let unset = |(name, value): &(String, String)| {
        let error = set_sysctl(name, value).err()?;
        Some(format!("the sysctl {name} could not be set to {value}: {error}"))
    };
    let unset = placement.sysctls.iter().filter_map(unset).collect();
    if !placement.kernel_files_writable {
        read_only("/proc/sys").map_err(PlacementError::step("making /proc/sys read-only"))?;
    }
    Ok((helper, unset))
}

/// A tmpfs over a directory that every system has, seen in this mount namespace alone.
fn base() -> io::Result<PathBuf> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for place in ["/tmp", "/mnt", "/run", "/var/tmp"] {
        match mount("tmpfs", place, "tmpfs", MountFlags::empty(), Some(c"mode=755")) {
            Ok(()) => return Ok(PathBuf::from(place)),
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}

/// The image below, a private layer above: writable, and nothing of the image changes.
fn overlay(image: &OwnedFd, base: &Path, root: &Path) -> Result<(), PlacementError> {
    let (upper, work) = (base.join("upper"), base.join("work"));
    for directory in [&upper, &work] {
        fs::create_dir(directory).map_err(PlacementError::step("making the private layer"))?;
    }
    let below = format!("/proc/self/fd/{}", image.as_raw_fd());
    let options =
        format!("lowerdir={below},upperdir={},workdir={}", upper.display(), work.display());
    let options = CString::new(options).map_err(|_| {
        PlacementError::Inside("a path with a NUL byte cannot be mounted".to_owned())
    })?;
    if mount("overlay", root, "overlay", MountFlags::empty(), Some(options.as_c_str())).is_ok() {
        return Ok(());
    }
    // Before Linux 5.11 no overlay in a user namespace, and none over some filesystems.
    let bound = mount_bind(&below, root).map_err(io::Error::from);
    bound
        .and_then(|()| crate::untouched::make_read_only(root))
        .map_err(PlacementError::step("mounting the image"))
}

/// /proc of the new namespaces, a few devices, and a writable /tmp.
fn populate(root: &Path, image: bool) -> Result<(), PlacementError> {
    let inside = |name: &str| root.join(name);
    let tmpfs = |place: &Path, options: &std::ffi::CStr| {
        // An image may lack it; where it cannot be made either, nothing is mounted.
        let _ = fs::create_dir(place);
        mount("tmpfs", place, "tmpfs", MountFlags::empty(), Some(options)).map_err(io::Error::from)
    };
    if image {
        tmpfs(&inside("dev"), c"mode=755").map_err(PlacementError::step("mounting /dev"))?;
        for device in DEVICES {
            let (from, to) = (Path::new("/dev").join(device), inside("dev").join(device));
            fs::write(&to, "")
                .and_then(|()| Ok(mount_bind(&from, &to)?))
                .map_err(PlacementError::step(format!("binding /dev/{device}")))?;
        }
        let _ = fs::create_dir(inside("proc"));
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", inside("proc"), "proc", flags, None)
        .map_err(io::Error::from)
        .map_err(PlacementError::step("mounting /proc"))?;
    tmpfs(&inside("tmp"), c"mode=1777").map_err(PlacementError::step("mounting /tmp"))
}

/// A copy of dropcap that is setuid to root: what most images have one of.
fn make_helper(root: &Path, own: &OwnedFd) -> Result<String, PlacementError> {
    let path = format!("{HELPER_DIRECTORY}/dropcap-setuid");
    let there = root.join(path.trim_start_matches('/'));
    let make = || -> io::Result<()> {
        let mut from = fs::File::from(own.try_clone()?);
        io::copy(&mut from, &mut fs::File::create(&there)?)?;
        chown(&there, Some(0), Some(0))?;
        fs::set_permissions(&there, fs::Permissions::from_mode(0o4755))
    };
    make().map_err(PlacementError::step("making a setuid file of our own"))?;
    Ok(path)
}

fn read_only(place: &str) -> io::Result<()> {
    mount_bind(place, place)?;
    let flags = MountFlags::BIND
        | MountFlags::RDONLY
        | MountFlags::NOSUID
        | MountFlags::NODEV
        | MountFlags::NOEXEC;
    Ok(mount_remount(place, flags, "")?)
}
