//! The kernel itself, for the calling thread.
#![allow(unsafe_code, reason = "bare system calls are what this module is for")]

use super::{ExecStrings, Instruction, Sets, System};
use dropcap_capability::{Capability, CapabilitySet, Kernel, Securebits};
use libc::{c_int, c_long, c_ulong};
use std::ffi::CStr;
use std::io;

/// The running kernel: every call acts on the calling thread alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Linux;

/// `_LINUX_CAPABILITY_VERSION_3`, two words a set; `include/uapi/linux/capability.h`.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;
/// `SECCOMP_SET_MODE_FILTER`; the libc crate has it as an unsigned int of another width.
const SET_MODE_FILTER: c_long = 1;
/// setresuid(2)'s "leave it".
const UNCHANGED: u32 = u32::MAX;

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: c_int,
}

/// `struct __user_cap_data_struct`: one 32-bit word of each set.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilityWords {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

fn answer(value: c_long) -> io::Result<c_long> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

fn prctl(operation: c_int, arguments: [c_ulong; 4]) -> io::Result<c_long> {
    let [two, three, four, five] = arguments;
    // SAFETY: every operation that this module passes takes plain numbers; the kernel reads and
    // writes no memory of ours.
    answer(unsafe { libc::syscall(libc::SYS_prctl, operation, two, three, four, five) })
}

fn ambient(operation: c_int, capability: u8) -> io::Result<c_long> {
    prctl(libc::PR_CAP_AMBIENT, [operation as c_ulong, c_ulong::from(capability), 0, 0])
}

fn own_header() -> CapabilityHeader {
    CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 }
}

fn get_three_ids(call: c_long) -> io::Result<[u32; 3]> {
    let mut ids = [0_u32; 3];
    let [real, effective, saved] = &mut ids;
    // SAFETY: `call` is getresuid or getresgid, which write one u32 through each of the three
    // pointers; all three are valid and distinct.
    answer(unsafe {
        libc::syscall(
            call,
            std::ptr::from_mut(real),
            std::ptr::from_mut(effective),
            std::ptr::from_mut(saved),
        )
    })?;
    Ok(ids)
}

fn set_three_ids(call: c_long, ids: [Option<u32>; 3]) -> io::Result<()> {
    let [real, effective, saved] = ids.map(|id| id.unwrap_or(UNCHANGED));
    // SAFETY: `call` is setresuid or setresgid, which take three numbers.
    answer(unsafe { libc::syscall(call, real, effective, saved) }).map(drop)
}

impl System for Linux {
    fn capget(&self) -> io::Result<Sets> {
        let mut header = own_header();
        let mut words = [CapabilityWords::default(); 2];
        // SAFETY: version 3 makes the kernel write exactly two `CapabilityWords` and, for an
        // unknown version, the header's first field; both are ours and large enough.
        answer(unsafe {
            libc::syscall(libc::SYS_capget, std::ptr::from_mut(&mut header), words.as_mut_ptr())
        })?;
        let join = |word: fn(&CapabilityWords) -> u32| {
            CapabilitySet::from_bits(u64::from(word(&words[0])) | u64::from(word(&words[1])) << 32)
        };
        Ok(Sets {
            effective: join(|words| words.effective),
            permitted: join(|words| words.permitted),
            inheritable: join(|words| words.inheritable),
        })
    }

    fn capset(&self, sets: Sets) -> io::Result<()> {
        let mut header = own_header();
        let word = |shift: u32| {
            let part = |set: CapabilitySet| (set.bits() >> shift) as u32;
            CapabilityWords {
                effective: part(sets.effective),
                permitted: part(sets.permitted),
                inheritable: part(sets.inheritable),
            }
        };
        let words = [word(0), word(32)];
        // SAFETY: version 3 makes the kernel read exactly two `CapabilityWords`, and it may write
        // the header's version; both are ours.
        answer(unsafe {
            libc::syscall(libc::SYS_capset, std::ptr::from_mut(&mut header), words.as_ptr())
        })
        .map(drop)
    }

    fn bounding_has(&self, capability: Capability) -> io::Result<bool> {
        prctl(libc::PR_CAPBSET_READ, [c_ulong::from(capability.number()), 0, 0, 0])
            .map(|value| value == 1)
    }

    fn bounding_drop(&self, capability: Capability) -> io::Result<()> {
        prctl(libc::PR_CAPBSET_DROP, [c_ulong::from(capability.number()), 0, 0, 0]).map(drop)
    }

    fn ambient_has(&self, capability: Capability) -> io::Result<bool> {
        ambient(libc::PR_CAP_AMBIENT_IS_SET, capability.number()).map(|value| value == 1)
    }

    fn ambient_raise(&self, capability: Capability) -> io::Result<()> {
        ambient(libc::PR_CAP_AMBIENT_RAISE, capability.number()).map(drop)
    }

    fn ambient_lower(&self, capability: Capability) -> io::Result<()> {
        ambient(libc::PR_CAP_AMBIENT_LOWER, capability.number()).map(drop)
    }

    fn ambient_clear(&self) -> io::Result<()> {
        ambient(libc::PR_CAP_AMBIENT_CLEAR_ALL, 0).map(drop)
    }

    fn securebits(&self) -> io::Result<Securebits> {
        prctl(libc::PR_GET_SECUREBITS, [0; 4]).map(|bits| Securebits::from_bits(bits as u32))
    }

    fn set_securebits(&self, securebits: Securebits) -> io::Result<()> {
        prctl(libc::PR_SET_SECUREBITS, [c_ulong::from(securebits.bits()), 0, 0, 0]).map(drop)
    }

    fn set_keep_capabilities(&self, keep: bool) -> io::Result<()> {
        prctl(libc::PR_SET_KEEPCAPS, [c_ulong::from(keep), 0, 0, 0]).map(drop)
    }

    fn no_new_privs(&self) -> io::Result<bool> {
        prctl(libc::PR_GET_NO_NEW_PRIVS, [0; 4]).map(|value| value == 1)
    }

    fn set_no_new_privs(&self) -> io::Result<()> {
        prctl(libc::PR_SET_NO_NEW_PRIVS, [1, 0, 0, 0]).map(drop)
    }

    fn user_ids(&self) -> io::Result<[u32; 3]> {
        get_three_ids(libc::SYS_getresuid)
    }

    fn set_user_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()> {
        set_three_ids(libc::SYS_setresuid, ids)
    }

    fn group_ids(&self) -> io::Result<[u32; 3]> {
        get_three_ids(libc::SYS_getresgid)
    }

    fn set_group_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()> {
        set_three_ids(libc::SYS_setresgid, ids)
    }

    fn groups(&self) -> io::Result<Vec<u32>> {
        let null = std::ptr::null_mut::<u32>();
        // SAFETY: a size of 0 asks for the number alone; the kernel writes nothing.
        let count = answer(unsafe { libc::syscall(libc::SYS_getgroups, 0, null) })?;
        let mut groups = vec![0_u32; count as usize];
        if groups.is_empty() {
            return Ok(groups);
        }
        // SAFETY: the kernel writes at most `count` u32, which the vector has room for; only this
        // thread could change the number in between.
        let written =
            answer(unsafe { libc::syscall(libc::SYS_getgroups, count, groups.as_mut_ptr()) })?;
        groups.truncate(written as usize);
        Ok(groups)
    }

    fn set_groups(&self, groups: &[u32]) -> io::Result<()> {
        // SAFETY: the kernel reads `groups.len()` u32 from the slice; a length beyond its own limit
        // is EINVAL before that.
        answer(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })
            .map(drop)
    }

    fn set_filesystem_user(&self, id: u32) -> u32 {
        // SAFETY: setfsuid takes one number.
        unsafe { libc::syscall(libc::SYS_setfsuid, id) as u32 }
    }

    fn set_filesystem_group(&self, id: u32) -> u32 {
        // SAFETY: setfsgid takes one number.
        unsafe { libc::syscall(libc::SYS_setfsgid, id) as u32 }
    }

    fn install_filter(&self, program: &[Instruction]) -> io::Result<()> {
        let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let program = Program { length, instructions: program.as_ptr() };
        // SAFETY: `program` describes a slice that outlives the call; the kernel copies it and
        // checks every instruction.
        answer(unsafe {
            libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, std::ptr::from_ref(&program))
        })
        .map(drop)
    }

    fn has_filter(&self) -> io::Result<bool> {
        prctl(libc::PR_GET_SECCOMP, [0; 4]).map(|mode| mode == 2)
    }

    fn kernel(&self) -> Kernel {
        super::kernel()
    }

    fn close_range(&self, first: u32, last: u32) -> io::Result<()> {
        // SAFETY: three numbers. That nothing in this process uses those descriptors afterwards is
        // the caller's matter, and no memory depends on it: std's owned descriptors would answer
        // EBADF.
        answer(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
    }

    fn open_descriptors(&self) -> io::Result<Vec<u32>> {
        let number = |entry: io::Result<std::fs::DirEntry>| -> io::Result<Option<u32>> {
            Ok(entry?.file_name().to_str().and_then(|name| name.parse().ok()))
        };
        std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| number(entry).transpose()).collect()
    }

    fn close(&self, descriptor: u32) -> io::Result<()> {
        // SAFETY: as in `close_range`.
        match answer(unsafe { libc::syscall(libc::SYS_close, descriptor) }) {
            Err(error) if error.raw_os_error() != Some(libc::EBADF) => Err(error),
            _ => Ok(()),
        }
    }

    fn make_inheritable(&self, descriptor: u32) -> io::Result<()> {
        // SAFETY: three numbers; F_SETFD changes a flag of the descriptor.
        answer(unsafe { libc::syscall(libc::SYS_fcntl, descriptor, libc::F_SETFD, 0) }).map(drop)
    }

    fn unshare(&self, flags: i32) -> io::Result<()> {
        // SAFETY: one number.
        answer(unsafe { libc::syscall(libc::SYS_unshare, flags) }).map(drop)
    }

    fn execve(&self, path: &CStr, arguments: &ExecStrings, environment: &ExecStrings) -> io::Error {
        super::execve(path, arguments, environment)
    }
}
