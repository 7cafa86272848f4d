//! `file-capability-exec`: a file that carries capabilities of its own.
//!
//! # The attempt
//! `execve` of every such file that was found, each in a child of its own. `get_file_caps` reads the
//! attribute unless the mount is nosuid; `bprm_caps_from_vfs_caps` adds what the bounding set leaves
//! of it, and refuses with EPERM where the file needs more. What the process has become is read from
//! /proc.
//!
//! # Why it is safe
//! No instruction of the file runs: see `execution.rs`.

use super::{Door, Gain, Kind};
use crate::regain::{self, Files};

pub(super) const DOOR: Door = Door {
    name: "file-capability-exec",
    gain: Gain::WayBack,
    lets: "take capabilities from a file",
    kind: Kind::Own(|door, scene| regain::attempt(door, &FILES, scene)),
};

const FILES: Files =
    Files { one: "a file with capabilities", is: |file| file.file_capabilities.is_some() };
