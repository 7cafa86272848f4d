//! Trying every door leaves nothing behind, not even a thousand times.
#![allow(missing_docs, reason = "a test")]

mod machine;
#[path = "../support/mod.rs"]
mod support;

use dropcap_capability::{Capability, CapabilitySet, Executable};
use dropcap_confine::sys::{Linux, System};
use dropcap_prove::{DOORS, Proof, Scene, Verdict, prove};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use support::{HELPER, forced};

/// How often root with every capability tries every door.
const ROUNDS: usize = 1000;
/// A file with capabilities, beside the setuid one.
const SECOND_HELPER: &str = "/mnt/capable";

/// Namespaces of this process's own, so that nobody else changes what is compared; of the pid and the
/// user namespace the machine's own stays, since the audit subsystem and others ask for it.
fn alone() {
    let flags = libc::CLONE_NEWIPC | libc::CLONE_NEWNET | libc::CLONE_NEWUTS;
    Linux.unshare(flags).expect("root makes namespaces");
    support::make_helper(&Executable::setuid_root(HELPER));
    for place in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
        support::private_tmpfs(place.as_ref(), "");
    }
    std::fs::copy(HELPER, SECOND_HELPER).expect("the copy");
    let capabilities = forced(CapabilitySet::from(Capability::NET_RAW), true);
    let bytes = capabilities.and_then(|it| it.encode().ok()).expect("it fits");
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(SECOND_HELPER, "security.capability", &bytes, flags).expect("root may");
    // Whoever loses its parent becomes a child of this process, and is seen.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).expect("it may");
}

fn try_everything(rounds: usize, held: CapabilitySet) -> Proof {
    support::must_be_root();
    // Two doors are tried on what belongs to another user, who has to be there.
    let other = Other::start();
    let pid = other.pid();
    let said = support::in_child(|| {
        alone();
        dropcap_prove::assume(&support::root_holding(held)).expect("the state");
        let capable = Executable {
            file_capabilities: forced(CapabilitySet::from(Capability::NET_RAW), true),
            ..Executable::plain(SECOND_HELPER)
        };
        let round = || {
            let scene = Scene::here(&support::nothing_searched()).expect("the scene");
            let scene =
                scene.with_foreign_process(pid).with_helper(Executable::setuid_root(HELPER));
            prove("self", CapabilitySet::EMPTY, &scene.with_helper(capable.clone()))
        };
        let before = machine::state();
        let first = round();
        for number in 1..rounds {
            let this = round();
            let other = this.attempts.iter().zip(&first.attempts).find(|(this, first)| {
                // Other processes of the machine come and go.
                this.verdict != first.verdict && this.door != "ptrace-neighbour"
            });
            assert_eq!(other, None, "in round {number}");
        }
        machine::compare(&before, &machine::state());
        serde_json::to_vec(&first).expect("JSON")
    });
    drop(other);
    serde_json::from_slice(&said).expect("JSON")
}

/// A process of another user, which ends with the test, failed or not.
struct Other(Child);

impl Other {
    fn start() -> Self {
        let mut sleep = Command::new("sleep");
        sleep.arg("600").uid(support::SANDBOX).stdout(Stdio::null()).stderr(Stdio::null());
        Self(sleep.spawn().expect("sleep"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a process id")
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn not_tried(proof: &Proof) -> Vec<&str> {
    let not_tried = proof.attempts.iter().filter(|one| one.verdict == Verdict::NotTried);
    not_tried.map(|one| one.door.as_str()).collect()
}

#[test]
fn root_with_every_capability_leaves_nothing_behind() {
    let proof = try_everything(ROUNDS, support::everything());
    assert_eq!(proof.attempts.len(), DOORS.len());
    // A kernel may lack modules.
    let missing: Vec<&str> =
        not_tried(&proof).into_iter().filter(|door| *door != "CAP_SYS_MODULE").collect();
    assert!(missing.is_empty(), "{missing:?}: {proof:?}");
}

#[test]
fn root_with_no_capability_leaves_nothing_behind() {
    /// Refused is sooner said than done: far fewer rounds show as much.
    const FEWER: usize = 20;
    let proof = try_everything(FEWER, CapabilitySet::EMPTY);
    assert_eq!(proof.attempts.len(), DOORS.len());
}
