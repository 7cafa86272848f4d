//! Ids as another user namespace calls them.

use crate::state::{IdRange, UserNamespace};
use dropcap_capability::{Credentials, Directory, Executable, Ids, OVERFLOW_ID};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How ids as we see them are called in the process's own user namespace.
pub(crate) struct Inside {
    /// `None` where it is the same namespace as ours.
    uids: Option<Vec<IdRange>>,
    gids: Option<Vec<IdRange>>,
}

impl Inside {
    /// That of the process with this directory in /proc, which lives in `namespace`.
    pub(crate) fn of(process: &Path, namespace: Option<&UserNamespace>) -> Self {
        let id = |process: &Path| fs::metadata(process.join("ns/user")).ok().map(|it| it.ino());
        let (theirs, ours) = (id(process), id(Path::new("/proc/self")));
        // Where it is hidden, an identity map says as much.
        let same = match theirs {
            Some(_) => theirs == ours,
            None => namespace.is_none_or(|theirs| {
                Some(&theirs.uid_map)
                    == UserNamespace::of(Path::new("/proc/self")).map(|ours| ours.uid_map).as_ref()
            }),
        };
        match namespace {
            Some(namespace) if !same => Self {
                uids: Some(namespace.uid_map.clone()),
                gids: Some(namespace.gid_map.clone()),
            },
            _ => Self { uids: None, gids: None },
        }
    }

    fn user(&self, outside: u32) -> Option<u32> {
        inside(self.uids.as_deref(), outside)
    }

    fn group(&self, outside: u32) -> Option<u32> {
        inside(self.gids.as_deref(), outside)
    }

    /// A file that was read from outside.
    pub(crate) fn executable(&self, file: Executable) -> Executable {
        let restricted_directories = file
            .restricted_directories
            .into_iter()
            .map(|directory| Directory {
                uid: directory.uid.and_then(|id| self.user(id)),
                gid: directory.gid.and_then(|id| self.group(id)),
                ..directory
            })
            .collect();
        Executable {
            uid: file.uid.and_then(|id| self.user(id)),
            gid: file.gid.and_then(|id| self.group(id)),
            restricted_directories,
            ..file
        }
    }

    /// Credentials that /proc showed to us; an id without a name inside is the one that the kernel shows
    /// there.
    pub(crate) fn credentials(&self, shown: Credentials) -> Credentials {
        let user = |id| self.user(id).unwrap_or(OVERFLOW_ID);
        let group = |id| self.group(id).unwrap_or(OVERFLOW_ID);
        let ids = |ids: Ids, name: &dyn Fn(u32) -> u32| Ids {
            real: name(ids.real),
            effective: name(ids.effective),
            saved: name(ids.saved),
            filesystem: name(ids.filesystem),
        };
        let mut groups: Vec<u32> = shown.groups.iter().map(|id| group(*id)).collect();
        groups.sort_unstable();
        Credentials { uid: ids(shown.uid, &user), gid: ids(shown.gid, &group), groups, ..shown }
    }
}

fn inside(map: Option<&[IdRange]>, outside: u32) -> Option<u32> {
    match map {
        None => Some(outside),
        Some(ranges) => ranges.iter().find_map(|range| range.inside_of(outside)),
    }
}
