//! What the mount says about the files on it; mount(2), mount_setattr(2).

use crate::branch::{Branch, Faithful, Judge};
use crate::{Executable, FileCapabilities, IdMap, Revision};

/// A mount, as far as it bears on what executing a file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `MS_NOSUID`.
    pub nosuid: bool,
    /// `MS_NOEXEC`.
    pub noexec: bool,
    /// Whether it is in the thread's own mount namespace (`check_mnt`): one that is reached through a
    /// descriptor of another gives no privilege.
    pub own_mount_namespace: bool,
    /// Whether the user namespace that mounted the filesystem (`s_user_ns`) is the thread's or one
    /// around it (`current_in_userns`): others may fake a setuid-root file.
    pub owner_around: bool,
    /// `MOUNT_ATTR_IDMAP`: from the filesystem's ids to those that show, Linux 5.12.
    pub id_map: Option<(IdMap, IdMap)>,
}

impl Mount {
    /// One that changes nothing.
    pub const PLAIN: Self = Self {
        nosuid: false,
        noexec: false,
        own_mount_namespace: true,
        owner_around: true,
        id_map: None,
    };

    /// Whether set-id bits and file capabilities count on it (`mnt_may_suid`).
    pub fn may_suid(&self) -> bool {
        self.may_suid_judged(&mut Faithful)
    }

    fn may_suid_judged(&self, judge: &mut impl Judge) -> bool {
        judge.decide(Branch::MountInNamespace, self.own_mount_namespace)
            && !judge.decide(Branch::MountNosuid, self.nosuid)
            && judge.decide(Branch::MountOwnerAround, self.owner_around)
    }

    /// A file of the filesystem as it shows through the mount: an id or a root of file capabilities
    /// that the mount does not map has no meaning (`i_uid_into_vfsuid`, `get_vfs_caps_from_disk`).
    pub fn show(&self, file: Executable) -> Executable {
        self.show_judged(file, &mut Faithful)
    }

    /// [`Mount::show`], each of its decisions put to `judge`.
    pub fn show_judged(&self, file: Executable, judge: &mut impl Judge) -> Executable {
        let file = Executable {
            nosuid: file.nosuid || !self.may_suid_judged(judge),
            noexec: file.noexec || self.noexec,
            ..file
        };
        let Some((users, groups)) = &self.id_map else { return file };
        let user = |id: Option<u32>| id.and_then(|id| users.resolve(id));
        let group = |id: Option<u32>| id.and_then(|id| groups.resolve(id));
        let mut restricted_directories = file.restricted_directories;
        for directory in &mut restricted_directories {
            (directory.uid, directory.gid) = (user(directory.uid), group(directory.gid));
        }
        Executable {
            uid: user(file.uid),
            gid: group(file.gid),
            file_capabilities: file.file_capabilities.and_then(|it| through(it, users)),
            restricted_directories,
            ..file
        }
    }
}

/// Capabilities of revisions 1 and 2 are those of the filesystem's own root, which has another id
/// through the mount.
fn through(capabilities: FileCapabilities, users: &IdMap) -> Option<FileCapabilities> {
    let root = match capabilities.revision {
        Revision::Three { root_id } => root_id,
        Revision::One | Revision::Two => 0,
    };
    let root_id = users.resolve(root)?;
    Some(FileCapabilities { revision: Revision::Three { root_id }, ..capabilities })
}
