//! What a mount does to the files on it.

use rustix::fs::{StatVfsMountFlags, Statx, fstatfs, fstatvfs};
use rustix::io::Errno;
use std::os::fd::AsFd;

/// A mount, as far as it bears on the privilege of its files.
#[derive(Debug, Clone, Copy)]
pub struct Mount {
    /// The kernel's number for it (`stx_mnt_id`, statx(2)).
    pub id: u64,
    /// Whether execve gives nothing there: mount(8), `nosuid`.
    pub nosuid: bool,
    /// Whether it is a window on the kernel, with no files of an image in it.
    pub pseudo: bool,
}

/// The filesystems whose files are made up by the kernel; `include/uapi/linux/magic.h`.
const PSEUDO: [u64; 15] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x1cd1,      // devpts
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6165_676c, // pstore
    0xcafe_4a11, // bpf
    0xde5e_81e4, // efivarfs
    0x6265_6570, // configfs
    0xf97c_ff8c, // selinuxfs
    0x4249_4e4d, // binfmt_misc
    0x1980_0202, // mqueue
];

impl Mount {
    /// The mount that an open file lies on.
    pub fn of(file: impl AsFd, id: u64) -> Result<Self, Errno> {
        let flags = fstatvfs(&file)?.f_flag;
        // The type is a signed word on some architectures; the magic numbers have 32 bits.
        let kind = fstatfs(&file)?.f_type as u64 & 0xffff_ffff;
        let nosuid = flags.contains(StatVfsMountFlags::NOSUID);
        Ok(Self { id, nosuid, pseudo: PSEUDO.contains(&kind) })
    }

    /// This one, or the one that `file`, met on it, is the root of.
    pub fn or_crossed(self, file: impl AsFd, status: &Statx) -> Result<Self, Errno> {
        if status.stx_mnt_id == self.id { Ok(self) } else { Self::of(file, status.stx_mnt_id) }
    }
}
