//! The filter on the running kernel, by every entry that it has.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "the entries are tried by bare system calls")]
#![allow(clippy::unwrap_used, reason = "a test")]

use dropcap_confine::sys::{self, Fork, Instruction, Linux, System, Wait};
use dropcap_confine::user_namespaces;
use libc::{
    CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWUTS, EPERM, SIGCHLD, SYS_clone, SYS_clone3, SYS_setns,
    SYS_unshare, c_long,
};
use std::os::fd::{AsRawFd, OwnedFd};

/// By which instruction, and with which numbers, the kernel is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Native,
    /// `int $0x80` with i386's numbers.
    #[cfg(target_arch = "x86_64")]
    I386,
    /// Native with bit 30; a kernel without x32 answers ENOSYS, but only after the filter.
    #[cfg(target_arch = "x86_64")]
    X32,
}

#[cfg(target_arch = "x86_64")]
const ENTRIES: &[Entry] = &[Entry::Native, Entry::I386, Entry::X32];
#[cfg(not(target_arch = "x86_64"))]
const ENTRIES: &[Entry] = &[Entry::Native];

/// Calls with up to three arguments; gives what the kernel gave, errors as −errno.
fn enter(entry: Entry, call: c_long, arguments: [c_long; 3]) -> c_long {
    match entry {
        Entry::Native => native(call, arguments),
        #[cfg(target_arch = "x86_64")]
        Entry::X32 => native(call | 1 << 30, arguments),
        #[cfg(target_arch = "x86_64")]
        Entry::I386 => {
            let number = match call {
                libc::SYS_clone => 120,
                libc::SYS_unshare => 310,
                libc::SYS_setns => 346,
                libc::SYS_clone3 => 435,
                _ => panic!("no i386 number for {call}"),
            };
            int_0x80(number, arguments)
        }
    }
}

fn native(call: c_long, [one, two, three]: [c_long; 3]) -> c_long {
    // SAFETY: only clone, unshare, setns and clone3 come here, with null pointers; a clone without
    // CLONE_VM makes a copy that goes on with its own stack, as fork does.
    let result = unsafe { libc::syscall(call, one, two, three, 0, 0) };
    if result == -1 {
        -c_long::from(std::io::Error::last_os_error().raw_os_error().unwrap())
    } else {
        result
    }
}

#[cfg(target_arch = "x86_64")]
fn int_0x80(number: i32, [one, two, three]: [c_long; 3]) -> c_long {
    let result: c_long;
    // SAFETY: as in `native`. rbx belongs to LLVM, so it is swapped in and out; this entry may
    // clobber r8 to r11.
    unsafe {
        std::arch::asm!(
            "xchg {first}, rbx",
            "int 0x80",
            "xchg {first}, rbx",
            first = inout(reg) one => _,
            inlateout("rax") c_long::from(number) => result,
            in("rcx") two,
            in("rdx") three,
            in("rsi") 0,
            in("rdi") 0,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    c_long::from(result as i32)
}

/// Answers in a child of its own, after `prepare`; a new process that the call made ends at once.
fn in_a_child(prepare: impl FnOnce(), entry: Entry, call: c_long, arguments: [c_long; 3]) -> i32 {
    // SAFETY: the child makes system calls and ends; it takes no lock.
    match unsafe { sys::fork_unchecked() }.unwrap() {
        Fork::Parent(child) => match sys::wait(child).unwrap() {
            Wait::Exited(status) => -i32::from(status),
            Wait::Signaled(signal) => panic!("{entry:?} {call} died of signal {signal}"),
        },
        Fork::Child => {
            prepare();
            let result = enter(entry, call, arguments);
            let failed = u8::try_from(-result).unwrap_or(0);
            sys::exit_now(failed)
        }
    }
}

fn confine(filter: &[Instruction]) {
    let installed = Linux.set_no_new_privs().is_ok() && Linux.install_filter(filter).is_ok();
    if !installed {
        sys::exit_now(255);
    }
}

fn namespace(name: &str) -> OwnedFd {
    std::fs::File::open(format!("/proc/self/ns/{name}")).unwrap().into()
}

#[test]
fn what_makes_or_enters_a_user_namespace_is_refused_by_every_entry() {
    let filter = user_namespaces::filter().unwrap();
    let (user, uts) = (namespace("user"), namespace("uts"));
    let flag = c_long::from(CLONE_NEWUSER);
    let uts_flag = c_long::from(CLONE_NEWUTS);
    let sigchld = c_long::from(SIGCHLD);
    let (user, uts) = (c_long::from(user.as_raw_fd()), c_long::from(uts.as_raw_fd()));
    let refused = [
        (SYS_unshare, [flag, 0, 0]),
        (SYS_unshare, [flag | uts_flag | c_long::from(CLONE_NEWNET), 0, 0]),
        (SYS_clone, [flag | sigchld, 0, 0]),
        (SYS_setns, [user, flag, 0]),
        (SYS_setns, [user, 0, 0]),
        (SYS_setns, [uts, 0, 0]),
        (SYS_setns, [uts, flag | uts_flag, 0]),
    ];
    for &entry in ENTRIES {
        for (call, arguments) in refused {
            let answer = in_a_child(|| confine(&filter), entry, call, arguments);
            assert_eq!(answer, -EPERM, "{entry:?} {call} {arguments:x?} under the filter");
        }
        let answer = in_a_child(|| confine(&filter), entry, SYS_clone3, [0, 0, 0]);
        assert_eq!(answer, -libc::ENOSYS, "{entry:?} clone3 under the filter");
    }
}

#[test]
fn what_is_refused_would_have_happened_without_the_filter() {
    let uts = namespace("uts");
    let uts = c_long::from(uts.as_raw_fd());
    let flag = c_long::from(CLONE_NEWUSER);
    let sigchld = c_long::from(SIGCHLD);
    for &entry in ENTRIES {
        // This is the calibration: were these to fail by themselves, the test above would say nothing.
        let missing = is_x32(entry) && !has_x32();
        let expected = |native: i32| if missing { -libc::ENOSYS } else { native };
        for (call, arguments, native) in [
            (SYS_unshare, [flag, 0, 0], 0),
            (SYS_clone, [flag | sigchld, 0, 0], 0),
            (SYS_setns, [uts, 0, 0], 0),
            (SYS_clone3, [0, 0, 0], -libc::EINVAL),
        ] {
            let answer = in_a_child(|| (), entry, call, arguments);
            assert_eq!(
                answer,
                expected(native),
                "{entry:?} {call} {arguments:x?} without a filter"
            );
        }
    }
}

#[test]
fn what_has_nothing_to_do_with_user_namespaces_goes_on() {
    let filter = user_namespaces::filter().unwrap();
    let uts = namespace("uts");
    let uts = c_long::from(uts.as_raw_fd());
    let uts_flag = c_long::from(CLONE_NEWUTS);
    for &entry in ENTRIES.iter().filter(|entry| has_x32() || !is_x32(**entry)) {
        for (call, arguments) in [
            (SYS_unshare, [uts_flag, 0, 0]),
            (SYS_clone, [c_long::from(SIGCHLD), 0, 0]),
            (SYS_clone, [uts_flag | c_long::from(SIGCHLD), 0, 0]),
            (SYS_setns, [uts, uts_flag, 0]),
        ] {
            let answer = in_a_child(|| confine(&filter), entry, call, arguments);
            assert_eq!(answer, 0, "{entry:?} {call} {arguments:x?}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_x32(entry: Entry) -> bool {
    entry == Entry::X32
}

#[cfg(not(target_arch = "x86_64"))]
fn is_x32(_entry: Entry) -> bool {
    false
}

/// Whether this kernel has x32: getpid by its number.
fn has_x32() -> bool {
    // SAFETY: getpid takes nothing; an unknown number answers ENOSYS.
    cfg!(target_arch = "x86_64") && unsafe { libc::syscall(libc::SYS_getpid | 1 << 30) } > 0
}
