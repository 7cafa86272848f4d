//! Whether it is worth while to wait for a container's end.

use std::fs;

/// `SIGTERM`, as a bit of the masks in `/proc/PID/status`.
const TERM: u64 = 1 << (15 - 1);

/// Whether SIGTERM does nothing to a container's first process, whose process id on this machine is `pid`:
/// it has no handler, and the kernel takes no default action on a namespace's first process
/// (`sig_task_ignored`, pid_namespaces(7)). Most shells and `sleep` are like that.
///
/// `false` where it cannot be told: it has gone, or the engine is on another machine.
pub(super) fn is_deaf(pid: &str, container: &str) -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    // Where the engine is elsewhere, that is another process's number.
    read("cgroup").contains(container) && takes_no_notice(&read("status"))
}

fn takes_no_notice(status: &str) -> bool {
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let has = |name: &str| {
        let mask = field(name).and_then(|text| u64::from_str_radix(text, 16).ok());
        mask.map(|mask| mask & TERM != 0)
    };
    let is_first = field("NSpid")
        .is_some_and(|pids| pids.split_whitespace().count() > 1 && pids.ends_with("\t1"));
    match (has("SigIgn"), has("SigCgt"), has("SigBlk")) {
        (Some(true), ..) => true,
        // One that is blocked waits until somebody asks for it, as sigwait(3) and signalfd(2) do.
        (_, Some(false), Some(false)) => is_first,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// `unshare` over a first process, which goes with it.
    struct Namespace(Child);

    impl Drop for Namespace {
        fn drop(&mut self) {
            let _ = self.0.kill().and_then(|()| self.0.wait());
        }
    }

    /// A namespace and the id of its first process. Needs root.
    fn first(script: &str) -> (Namespace, String) {
        let unshare = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "sh", "-c", script])
            .stdout(Stdio::null())
            .spawn()
            .expect("unshare");
        let unshare = Namespace(unshare);
        let children = format!("/proc/{0}/task/{0}/children", unshare.0.id());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let child = fs::read_to_string(&children).unwrap_or_default();
            let line = fs::read(format!("/proc/{}/cmdline", child.trim())).unwrap_or_default();
            if line.starts_with(b"sleep") || line.starts_with(b"sh") && script.contains("wait") {
                return (unshare, child.trim().to_owned());
            }
            assert!(Instant::now() < deadline, "needs root");
        }
    }

    #[test]
    fn a_sleep_that_is_first_is_deaf_and_a_shell_with_a_trap_is_not() {
        let (_deaf, pid) = first("exec sleep 100");
        assert!(is_deaf(&pid, "/"), "the control group is not looked at here");
        assert!(!is_deaf(&pid, "a-container"), "it is another's process");
        let (_listens, pid) = first("trap 'exit 0' TERM; sleep 100 & wait");
        let deadline = Instant::now() + Duration::from_secs(60);
        // Until it has come to its trap it is deaf too.
        while is_deaf(&pid, "/") {
            assert!(Instant::now() < deadline, "it has a handler");
        }
    }

    fn status(pids: &str, ignored: u64, caught: u64, blocked: u64) -> String {
        format!(
            "Name:\tx\nNSpid:\t{pids}\nSigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"
        )
    }

    #[test]
    fn who_is_first_hears_only_what_it_listens_to() {
        assert!(takes_no_notice(&status("4711\t1", 0, 0, 0)));
        assert!(!takes_no_notice(&status("4711\t1", 0, TERM, 0)), "it has a handler");
        assert!(!takes_no_notice(&status("4711\t1", 0, 0, TERM)), "it waits for it");
        assert!(!takes_no_notice(&status("4711\t7", 0, 0, 0)), "somebody else is first");
        assert!(!takes_no_notice(&status("1", 0, 0, 0)), "the machine's own");
        assert!(takes_no_notice(&status("4711\t7", TERM, 0, 0)));
        assert!(!takes_no_notice("Name:\tx\n"));
        assert!(!is_deaf(&std::process::id().to_string(), "4a5d"), "it is no container");
    }
}
