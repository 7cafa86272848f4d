//! Whose the files of an image are, inside.

use rustix::fs::Statx;
use rustix::process::{getegid, geteuid};

/// How owners on disk become owners inside the image.
#[derive(Debug, Clone, Copy)]
pub enum Ownership {
    /// As they are.
    Same,
    /// The caller's, who is not root, are root's: rootless engines map them so
    /// (user_namespaces(7)).
    CallerIsRoot {
        /// The caller's user id.
        uid: u32,
        /// The caller's group id.
        gid: u32,
    },
}

impl Ownership {
    /// What holds below a root directory with this status.
    pub fn of_root(status: &Statx, is_live: bool) -> Self {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        if uid != 0 && status.stx_uid == uid && !is_live {
            Self::CallerIsRoot { uid, gid }
        } else {
            Self::Same
        }
    }

    /// What to say about it.
    pub fn assumption(self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::CallerIsRoot { uid, .. } => Some(format!(
                "the root directory belongs to uid {uid}, who is not root: files of uid {uid} \
                 count as root's"
            )),
        }
    }

    /// The owner inside.
    pub fn uid(self, outside: u32) -> Option<u32> {
        Some(match self {
            Self::CallerIsRoot { uid, .. } if uid == outside => 0,
            _ => outside,
        })
    }

    /// The group inside.
    pub fn gid(self, outside: u32) -> Option<u32> {
        Some(match self {
            Self::CallerIsRoot { gid, .. } if gid == outside => 0,
            _ => outside,
        })
    }
}
