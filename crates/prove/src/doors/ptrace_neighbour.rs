//! `ptrace-neighbour`: another process that has more, and that this one may take over.
//!
//! # The attempt
//! `process_vm_readv` of one byte at address 0 of each process in sight that has more: a capability, a
//! larger bounding set, no no_new_privs, no seccomp filter. `mm_access` asks for what attaching with
//! ptrace asks for (`PTRACE_MODE_ATTACH_REALCREDS`): the same ids and a dumpable process, no capability
//! that we lack (`cap_ptrace_access_check`), and Yama; else CAP_SYS_PTRACE. EPERM without. Then nothing
//! is found at the address: EFAULT.
//!
//! # Why it is safe
//! Nothing is ever mapped at address 0, so that nothing is read, and the process is neither stopped
//! nor told.

use super::{Door, Gain, Kind};
use crate::judge::make;
use crate::trial::{Part, missing_from_proc};
use crate::{Answer, Attempt, Scene, SeccompMode, Verdict};
use dropcap_capability::{Credentials, ProcStatus};
use std::fs;

const TEXT: &str = "process_vm_readv(a process that has more, address 0)";
/// What is answered to who may attach.
const ATTACHABLE: Answer = Answer::EFAULT;

pub(super) const DOOR: Door = Door {
    name: "ptrace-neighbour",
    gain: Gain::WayBack,
    lets: "take over a process that has more",
    kind: Kind::Own(attempt),
};

/// A process that has more than this one.
struct Neighbour {
    pid: i32,
    name: String,
    more: String,
}

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    if let Some(reason) = missing_from_proc(scene, Part::Processes) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    let (seen, neighbours) = neighbours(scene);
    let closed = Attempt {
        verdict: Verdict::Closed,
        result: "nothing".to_owned(),
        ..Attempt::not_tried(door.name, false, TEXT, &format!("{seen}, and none has more"))
    };
    let mut answered = None;
    for neighbour in &neighbours {
        match make(|| crate::untouched::may_attach(neighbour.pid)) {
            Ok(ATTACHABLE) => return open(neighbour, closed),
            Ok(Answer::ENOSYS) => {
                let reason = "the kernel lacks process_vm_readv, or a filter hides it";
                return Attempt::not_tried(door.name, false, TEXT, reason);
            }
            // It has ended meanwhile, or has no memory, as those of the kernel.
            Ok(Answer::Errno(libc::ESRCH)) => {}
            Ok(answer) => answered = Some(answer),
            Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
        }
    }
    let Some(answer) = answered else { return closed };
    let because = match neighbours.len() {
        1 => "1 process has more, and may not be taken over".to_owned(),
        count => format!("{count} processes have more, and none may be taken over"),
    };
    Attempt { result: answer.to_string(), because, ..closed }
}

fn open(neighbour: &Neighbour, closed: Attempt) -> Attempt {
    let Neighbour { pid, name, more } = neighbour;
    Attempt {
        verdict: Verdict::Open,
        attempt: format!("process_vm_readv({pid}, address 0)"),
        result: ATTACHABLE.to_string(),
        because: format!("it may take over process {pid} ({name}), which has {more}"),
        ..closed
    }
}

/// How many others are in sight, in words, and those that have more.
fn neighbours(scene: &Scene) -> (String, Vec<Neighbour>) {
    let own = std::process::id();
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut seen = 0_usize;
    let mut found = Vec::new();
    for pid in pids.filter(|pid| *pid != own) {
        let Ok(status) = fs::read(format!("/proc/{pid}/status")) else { continue };
        let status = ProcStatus::parse(&String::from_utf8_lossy(&status));
        let Some(theirs) = status.ok().filter(|theirs| theirs.has_memory) else { continue };
        seen += 1;
        let name = theirs.name;
        let filtered = theirs.seccomp != Some(0);
        if let (Some(more), Ok(pid)) =
            (more(scene, &theirs.credentials, filtered), i32::try_from(pid))
        {
            found.push(Neighbour { pid, name, more });
        }
    }
    let seen = match seen {
        0 => "no other process is in sight".to_owned(),
        1 => "1 other process is in sight".to_owned(),
        count => format!("{count} other processes are in sight"),
    };
    (seen, found)
}

/// What another has that this process lacks.
fn more(scene: &Scene, theirs: &Credentials, filtered: bool) -> Option<String> {
    let ours = &scene.credentials;
    let held = theirs.permitted - ours.permitted;
    let bounding = theirs.bounding - ours.bounding;
    if !held.is_empty() {
        Some(format!("{} capabilities more", held.len()))
    } else if !bounding.is_empty() {
        Some(format!("{} more in its bounding set", bounding.len()))
    } else if ours.no_new_privs && !theirs.no_new_privs {
        Some("no_new_privs off".to_owned())
    } else if scene.state.seccomp == Some(SeccompMode::Filter) && !filtered {
        Some("no seccomp filter".to_owned())
    } else {
        None
    }
}
