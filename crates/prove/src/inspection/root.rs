//! A root directory, or the root of an image: its users and its privileged files.

use super::{FileInspection, SCHEMA};
use crate::scene::initial_namespace;
use dropcap_image::Image;
use serde::{Deserialize, Serialize};

/// A root directory: its users and its privileged files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootInspection {
    /// The version of this layout.
    pub schema: u32,
    /// What was looked at, as it was named.
    pub target: String,
    /// The accounts of its `/etc/passwd`.
    pub users: Vec<UserEntry>,
    /// Its setuid and setgid files and those with file capabilities, each with what executing it
    /// gives to whom where every capability is within bounds.
    pub files: Vec<FileInspection>,
    /// What the reader has to know beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEntry {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: i64,
}

/// Inspects a root that was read.
pub fn inspect_root(target: String, root: &Image) -> RootInspection {
    let environment = initial_namespace();
    let file = |file: &_| FileInspection::new(target.clone(), file, &environment);
    RootInspection {
        schema: SCHEMA,
        users: root
            .users
            .accounts()
            .map(|(name, uid)| UserEntry { name: name.to_owned(), uid })
            .collect(),
        files: root.executables.iter().map(file).collect(),
        notes: root.warnings.iter().chain(&root.assumptions).cloned().collect(),
        target,
    }
}
