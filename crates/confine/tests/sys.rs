//! The system calls, against what /proc says of this thread.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(unsafe_code, reason = "a fork beside other threads")]

use dropcap_confine::sys;

fn status(field: &str) -> Vec<String> {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:"))).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn credentials_are_those_that_proc_shows() {
    let credentials = sys::read_credentials().unwrap();
    let set = |field: &str| u64::from_str_radix(&status(field)[0], 16).unwrap();
    assert_eq!(credentials.effective.bits(), set("CapEff"));
    assert_eq!(credentials.permitted.bits(), set("CapPrm"));
    assert_eq!(credentials.inheritable.bits(), set("CapInh"));
    assert_eq!(credentials.bounding.bits(), set("CapBnd"));
    assert_eq!(credentials.ambient.bits(), set("CapAmb"));
    let ids = |ids: dropcap_capability::Ids| {
        [ids.real, ids.effective, ids.saved, ids.filesystem].map(|id| id.to_string()).to_vec()
    };
    assert_eq!(ids(credentials.uid), status("Uid"));
    assert_eq!(ids(credentials.gid), status("Gid"));
    let groups: Vec<String> = credentials.groups.iter().map(u32::to_string).collect();
    assert_eq!(groups, status("Groups"));
    assert_eq!(u8::from(credentials.no_new_privs).to_string(), status("NoNewPrivs")[0]);
}

#[test]
fn the_last_capability_is_the_one_that_proc_names() {
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
    assert_eq!(sys::last_capability().number().to_string(), last.trim());
}

#[test]
fn fork_refuses_where_there_are_threads() {
    let (_keep, gone) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || gone.recv());
    assert_eq!(sys::fork().unwrap_err().kind(), std::io::ErrorKind::Deadlock);
    drop(_keep);
    let _ = thread.join().unwrap();
}

#[test]
fn fork_waits_for_a_thread_that_is_about_to_end() {
    // SAFETY: the child takes no lock that a test beside this one may hold: it prints nothing.
    let ended = match unsafe { sys::fork_unchecked() }.unwrap() {
        sys::Fork::Child => {
            std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_millis(20)));
            match sys::fork() {
                Ok(sys::Fork::Child) => sys::exit_now(0),
                Ok(sys::Fork::Parent(child)) => {
                    sys::exit_now(sys::wait(child).map_or(2, |it| it.code()))
                }
                Err(_) => sys::exit_now(1),
            }
        }
        sys::Fork::Parent(child) => sys::wait(child).unwrap(),
    };
    assert_eq!(ended, sys::Wait::Exited(0));
}
