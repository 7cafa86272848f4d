//! Operations that the kernel allows for one capability each; most are safe attempts that change nothing.

use crate::calls::{at, call};
use dropcap_confine::sys::{self, Fork};
use libc::*;
use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::ExitCode;

/// A user and group of nobody.
const NOBODY: i64 = 65534;

type Done = Result<(), i32>;

/// Performs each; 0 where all were allowed.
pub fn perform(names: &[&str]) -> ExitCode {
    for name in names {
        if let Err(errno) = perform_one(name) {
            println!("{name}: errno {errno}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn state(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("DROPCAP_STATE").unwrap()).join(name)
}

fn path(path: &str) -> CString {
    CString::new(path).unwrap()
}

/// An empty file in memory, one's own.
fn memory() -> Result<i64, i32> {
    call(SYS_memfd_create, [at(c"m"), 0])
}

/// `denied` is a failure, any other errno is not what was asked about.
fn unless(denied: i32, answer: Result<i64, i32>) -> Done {
    match answer {
        Err(errno) if errno == denied => Err(errno),
        _ => Ok(()),
    }
}

fn socket(domain: i32, kind: i32, protocol: i32) -> Result<i64, i32> {
    call(SYS_socket, [domain.into(), kind.into(), protocol.into()])
}

fn option(descriptor: i64, option: i32, value: i32) -> Done {
    let (level, option) = (SOL_SOCKET.into(), option.into());
    call(SYS_setsockopt, [descriptor, level, option, at(&value), 4]).map(drop)
}

fn bind(port: u16) -> Done {
    std::net::TcpListener::bind(("127.0.0.1", port))
        .map(drop)
        .map_err(|e| e.raw_os_error().unwrap())
}

/// In a child, whose answer is its status.
fn in_child(work: impl FnOnce() -> Done) -> Done {
    match sys::fork().unwrap() {
        Fork::Child => sys::exit_now(work().err().map_or(0, |errno| errno as u8)),
        Fork::Parent(child) => match sys::wait(child).unwrap().code() {
            0 => Ok(()),
            errno => Err(errno.into()),
        },
    }
}

fn limit(which: i64, soft: u64) -> Done {
    let limit = [soft, u64::MAX];
    let mut old = [0_u64; 2];
    call(SYS_prlimit64, [0, which, 0, std::ptr::from_mut(&mut old) as i64])?;
    call(SYS_prlimit64, [0, which, at(&[limit[0], old[1]]), 0]).map(drop)
}

fn io<T>(result: std::io::Result<T>) -> Result<T, i32> {
    result.map_err(|error| error.raw_os_error().unwrap_or(EIO))
}

/// A file of one's own that nobody may open.
fn shut() -> Result<PathBuf, i32> {
    let file = state("shut");
    io(fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&file))?;
    io(fs::set_permissions(&file, fs::Permissions::from_mode(0o000)))?;
    Ok(file)
}

fn perform_one(name: &str) -> Done {
    match name {
        "chown" => call(SYS_fchown, [memory()?, NOBODY, -1]).map(drop),
        "try-chown" => {
            let _refused = call(SYS_fchown, [memory()?, NOBODY, -1]);
            Ok(())
        }
        "write-any" => io(fs::OpenOptions::new().append(true).open(shut()?)).map(drop),
        "read-any" => io(fs::File::open(shut()?)).map(drop),
        "chmod-other" => other_file(0o644),
        "keep-setgid" => keep_setgid(),
        "signal-other" => call(SYS_kill, [1, 0]).map(drop),
        "signal-itself" => call(SYS_kill, [std::process::id().into(), 0]).map(drop),
        "setgid" => in_child(|| call(SYS_setresgid, [NOBODY; 3]).map(drop)),
        "setgroups" => in_child(|| call(SYS_setgroups, [1, at(&[65534_u32])]).map(drop)),
        "setuid" => in_child(|| call(SYS_setresuid, [NOBODY; 3]).map(drop)),
        "drop-bounding" => unless(EPERM, call(SYS_prctl, [PR_CAPBSET_DROP.into(), 63, 0, 0, 0])),
        "append-only" => {
            const SET_FLAGS: i64 = 0x4008_6602;
            const APPEND: i64 = 0x20;
            call(SYS_ioctl, [memory()?, SET_FLAGS, at(&APPEND)]).map(drop)
        }
        "low-port" => bind(81),
        "high-port" => bind(0),
        "force-buffer" => option(socket(AF_INET, SOCK_DGRAM, 0)?, SO_RCVBUFFORCE, 4096),
        "mark" => option(socket(AF_INET, SOCK_DGRAM, 0)?, SO_MARK, 7),
        "packet" => socket(AF_PACKET, SOCK_RAW, 0).map(drop),
        "raw-socket" => socket(AF_INET, SOCK_RAW, IPPROTO_ICMP).map(drop),
        "lock" => {
            limit(RLIMIT_MEMLOCK.into(), 0)?;
            let page = vec![0_u8; 8192];
            call(SYS_mlock, [at(page.as_slice()), 4096]).map(drop)
        }
        "ipc" => {
            let queue = call(SYS_msgget, [0, i64::from(IPC_CREAT)])?;
            let room = [0_u8; 512];
            let answer = call(SYS_msgctl, [queue, IPC_STAT.into(), at(&room)]);
            call(SYS_msgctl, [queue, IPC_RMID.into(), 0])?;
            answer.map(drop)
        }
        "fibmap" => unless(EPERM, call(SYS_ioctl, [memory()?, 1, at(&-1_i32)])),
        "chroot" => in_child(|| call(SYS_chroot, [at(c"/")]).map(drop)),
        "look-at-child" => look_at_child(),
        "account" => unless(EPERM, call(SYS_acct, [1])),
        "hostname" => unless(EPERM, call(SYS_sethostname, [0, -1])),
        "reboot" => unless(EPERM, call(SYS_reboot, [0, 0, 0, 0])),
        "nice" => {
            limit(RLIMIT_NICE.into(), 0)?;
            call(SYS_setpriority, [0, 0, -1]).map(drop)
        }
        // IOPRIO_WHO_PROCESS, the class for real time.
        "realtime-io" => call(SYS_ioprio_set, [1, 0, 1 << 13 | 4]).map(drop),
        "clock" => {
            let mut request = [0_u64; 26];
            // ADJ_TICK, with a tick that no clock has.
            request[0] = 0x4000;
            request[11] = 1;
            unless(EPERM, call(SYS_adjtimex, [at(&request)]))
        }
        "hang-up" => in_child(|| {
            call(SYS_setsid, [])?;
            call(SYS_vhangup, []).map(drop)
        }),
        "mknod" => {
            let file = path(state("device").to_str().unwrap());
            let made =
                call(SYS_mknodat, [AT_FDCWD.into(), at(file.as_c_str()), i64::from(S_IFCHR), 1]);
            made.map(drop)
        }
        "lease" => {
            let file = io(fs::File::open("/dev/null"))?;
            unless(EACCES, call(SYS_fcntl, [file.as_raw_fd().into(), F_SETLEASE.into(), 0]))
        }
        "file-capability" => {
            // VFS_CAP_REVISION_2, nothing else.
            let mut value = [0_u8; 20];
            value[3] = 2;
            let name = c"security.capability";
            call(SYS_fsetxattr, [memory()?, at(name), at(&value), 20, 0]).map(drop)
        }
        "kernel-log" => call(SYS_syslog, [9, 0, 0]).map(drop),
        "wake" => call(SYS_timerfd_create, [CLOCK_BOOTTIME_ALARM.into(), 0]).map(drop),
        "map-files" => {
            let mut all = io(fs::read_dir("/proc/self/map_files"))?;
            let first = io(all.next().unwrap())?;
            io(fs::File::open(first.path())).map(drop)
        }
        "nothing" => Ok(()),
        "own-file" => io(fs::write(state("own"), "x")),
        "own-chmod" => {
            io(fs::write(state("own"), "x"))?;
            io(fs::set_permissions(state("own"), fs::Permissions::from_mode(0o4755)))
        }
        "fork" => in_child(|| Ok(())),
        other => panic!("no such operation: {other}"),
    }
}

/// Changes the mode of a file that is another's: one that was given away before the test began.
fn other_file(mode: u32) -> Done {
    io(fs::set_permissions(crate::prepared("given"), fs::Permissions::from_mode(mode)))
}

/// Sets the setgid bit of one's own file of another group, which the kernel takes off in silence.
fn keep_setgid() -> Done {
    let file = crate::prepared("group");
    io(fs::set_permissions(&file, fs::Permissions::from_mode(0o2755)))?;
    if io(fs::metadata(&file))?.mode() & S_ISGID == 0 { Err(EPERM) } else { Ok(()) }
}

/// Looks at a child of one's own that does not want to be looked at.
fn look_at_child() -> Done {
    let (mut ready, tell_ready) = io(std::io::pipe())?;
    let (wait, end) = io(std::io::pipe())?;
    match sys::fork().unwrap() {
        Fork::Child => {
            use std::io::{Read, Write};
            drop(end);
            let shut = call(SYS_prctl, [PR_SET_DUMPABLE.into(), 0, 0, 0, 0]);
            let _ = (&tell_ready).write_all(&[u8::from(shut.is_ok())]);
            let _ = (&wait).read(&mut [0]);
            sys::exit_now(0)
        }
        Fork::Parent(child) => {
            use std::io::Read;
            io(ready.read_exact(&mut [0]))?;
            let room = [0_u64; 2];
            let answer = call(SYS_get_robust_list, [child.into(), at(&room[0]), at(&room[1])]);
            drop(end);
            sys::wait(child).unwrap();
            answer.map(drop)
        }
    }
}
