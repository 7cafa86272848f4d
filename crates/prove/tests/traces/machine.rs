//! What there is of a machine that an attempt could change.

use rustix::net::netlink::{AUDIT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Each thing by its name.
pub type State = BTreeMap<String, String>;

/// Files of the kernel that tell one thing each: mounts, limits, keyrings, System V IPC, sockets, locks,
/// modules.
const FILES: &[&str] = &[
    "/proc/self/mountinfo",
    "/proc/self/limits",
    "/proc/self/oom_score_adj",
    "/proc/keys",
    "/proc/modules",
    "/proc/partitions",
    "/proc/sysvipc/msg",
    "/proc/sysvipc/sem",
    "/proc/sysvipc/shm",
    "/proc/self/net/dev",
    "/proc/self/net/dev_mcast",
    "/proc/self/net/route",
    "/proc/self/net/packet",
    "/proc/self/net/netlink",
    "/proc/self/net/raw",
    "/proc/self/net/tcp",
    "/proc/self/net/unix",
];

/// Sysctls that say how things stand, and not how they should.
const MOVING_SYSCTLS: &[&str] = &[
    "fs/aio-nr",
    "fs/dentry-state",
    "fs/file-nr",
    "fs/inode-nr",
    "fs/inode-state",
    "fs/quota",
    "kernel/ns_last_pid",
    "kernel/pty/nr",
    "kernel/random",
    "kernel/perf_event_max_sample_rate",
    "kernel/spl",
    "net/netfilter/nf_conntrack_count",
];

/// Where an attempt may make a file.
const PLACES: &[&str] = &["/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/mnt", "."];

/// Everything, as it is now.
pub fn state() -> State {
    let mut state = State::new();
    for path in FILES {
        let text = fs::read_to_string(path).unwrap_or_default();
        state.insert((*path).to_owned(), stable(path, &text));
    }
    for path in PLACES {
        state.insert(format!("files in {path}"), names(Path::new(path)));
    }
    sysctls(Path::new("/proc/sys"), &mut state);
    state.insert("children".to_owned(), crate::support::children());
    state.insert("descriptors".to_owned(), names(Path::new("/proc/self/fd")));
    state.insert("status".to_owned(), status());
    state.insert("root and directory".to_owned(), format!("{:?}", (link("root"), link("cwd"))));
    let dumpable = rustix::process::dumpable_behavior();
    state.insert("dumpable".to_owned(), format!("{dumpable:?}"));
    let nice = rustix::process::getpriority_process(None);
    state.insert("priority".to_owned(), format!("{nice:?}"));
    state.insert("audit".to_owned(), audit());
    state.insert("tick of the clock".to_owned(), crate::support::tick().to_string());
    state.insert("kernel's log".to_owned(), log());
    state
}

/// Fails with what differs, and only that.
pub fn compare(before: &State, after: &State) {
    let names = before.keys().chain(after.keys());
    let other: Vec<String> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {:?} became {:?}", before.get(name), after.get(name)))
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
}

/// What of a file does not change by itself.
fn stable(path: &str, text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("/dropcap-docker-"));
    match path {
        // Not the use counts and times of other processes' keys, nor the session keyrings that runtimes
        // name after their containers, which the kernel forgets when it likes.
        "/proc/keys" => {
            let key = |line: &str| -> String {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let kept = [0, 5, 7, 8].map(|at| fields.get(at).copied().unwrap_or_default());
                kept.join(" ")
            };
            let lasting = lines.filter(|line| !line.contains(" _ses."));
            lasting.map(key).collect::<Vec<_>>().join("\n")
        }
        // Addresses and inode numbers of the sockets that the process itself has.
        "/proc/self/net/netlink" | "/proc/self/net/unix" => lines.count().to_string(),
        _ => lines.collect::<Vec<_>>().join("\n"),
    }
}

fn names(directory: &Path) -> String {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.join(" ")
}

fn sysctls(directory: &Path, state: &mut State) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.strip_prefix("/proc/sys").unwrap_or(&path);
        if MOVING_SYSCTLS.iter().any(|moving| name.starts_with(moving)) {
            continue;
        }
        if path.is_dir() {
            sysctls(&path, state);
        } else if let Ok(value) = fs::read_to_string(&path) {
            state.insert(format!("sysctl {}", name.display()), value);
        }
    }
}

fn link(name: &str) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/self/{name}")).ok()
}

/// The lines of this process's status that are about privilege and locked memory.
fn status() -> String {
    const KEPT: [&str; 9] =
        ["Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp", "VmLck", "VmPin", "TracerPid"];
    let text = fs::read_to_string("/proc/self/status").expect("/proc");
    let kept = text.lines().filter(|line| KEPT.iter().any(|name| line.starts_with(name)));
    kept.collect::<Vec<_>>().join("\n")
}

/// The lines of the kernel's log that an attempt could leave: about this program, by the name of its
/// process, or about what attempts are made on. Others write there too.
fn log() -> String {
    let own = fs::read_to_string("/proc/self/comm").expect("/proc");
    let about = [own.trim(), " lo: ", "syslog", "perf", "module"];
    let lines = crate::support::kernel_log();
    let kept = lines.into_iter().filter(|line| about.iter().any(|word| line.contains(word)));
    kept.collect::<Vec<_>>().join("\n")
}

/// What of the audit subsystem is set, and by whom: the first six numbers of `struct audit_status` after
/// its mask; counts of records come after those.
fn audit() -> String {
    const GET: u16 = 1000;
    const REQUEST: u16 = 1;
    const HEADER: usize = 16;
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(AUDIT),
    );
    let Ok(socket) = socket else { return "none".to_owned() };
    let mut message = Vec::from((HEADER as u32).to_ne_bytes());
    message.extend(GET.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    let kernel = SocketAddrNetlink::new(0, 0);
    if rustix::net::sendto(&socket, &message, SendFlags::empty(), &kernel).is_err() {
        return "not to be asked".to_owned();
    }
    let mut buffer = [0; 4096];
    let Ok((_, length)) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty()) else {
        return "silent".to_owned();
    };
    let numbers: Vec<u32> = buffer[HEADER..length]
        .chunks_exact(4)
        .map(|bytes| u32::from_ne_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    format!("{:?}", numbers.get(1..6))
}
