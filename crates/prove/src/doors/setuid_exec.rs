//! `setuid-exec`: a setuid or setgid file, the usual way back to root.
//!
//! # The attempt
//! `execve` of every such file that was found, each in a child of its own. `bprm_fill_uid` takes the
//! file's owner unless the mount is nosuid or no_new_privs is set, and
//! `cap_bprm_creds_from_file` gives user 0 the bounding set. What the process has become is read
//! from /proc.
//!
//! # Why it is safe
//! No instruction of the file runs: see `execution.rs`.

use super::{Door, Gain, Kind};
use crate::regain::{self, Files};

const SETUID_OR_SETGID: u32 = 0o6000;

pub(super) const DOOR: Door = Door {
    name: "setuid-exec",
    gain: Gain::WayBack,
    lets: "come back to root by a setuid file",
    kind: Kind::Own(|door, scene| regain::attempt(door, &FILES, scene)),
};

const FILES: Files = Files { one: "a setuid file", is: |file| file.mode & SETUID_OR_SETGID != 0 };
