//! Descriptors that came through execve.

use crate::same;
use crate::support::{attempt, holding, leave_open, must_be_root, private_tmpfs, raw_socket};
use dropcap_capability::CapabilitySet;
use dropcap_prove::Verdict;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

#[test]
fn inherited_descriptor() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    let closed = attempt("inherited-descriptor", &sandbox, || {}, same);
    assert_eq!(
        (closed.verdict, closed.result.as_str()),
        (Verdict::Closed, "nothing"),
        "{closed:?}"
    );

    type Make = fn() -> OwnedFd;
    let privileged: [(&str, Make); 5] = [
        ("a packet socket", || raw_socket(true)),
        ("a raw socket", || raw_socket(false)),
        ("another process's memory", || {
            open(&format!("/proc/{}/mem", std::os::unix::process::parent_id()))
        }),
        ("a namespace", || open("/proc/self/ns/mnt")),
        ("a directory outside", || {
            let outside = open("/usr");
            private_tmpfs(Path::new("/mnt"), "");
            fs::create_dir("/mnt/proc").expect("a directory");
            rustix::mount::mount_bind("/proc", "/mnt/proc").expect("a /proc in there");
            rustix::process::chroot("/mnt").expect("another root");
            rustix::process::chdir("/").expect("into it");
            outside
        }),
    ];
    for (what, make) in privileged {
        let open = attempt("inherited-descriptor", &sandbox, || leave_open(make()), same);
        assert_eq!(open.verdict, Verdict::Open, "{what}: {open:?}");
        assert!(open.result.contains(what), "{what}: {open:?}");
    }
    let harmless = attempt("inherited-descriptor", &sandbox, || leave_open(open("/usr")), same);
    assert_eq!(harmless.verdict, Verdict::Closed, "a directory inside: {harmless:?}");
}

fn open(path: &str) -> OwnedFd {
    fs::File::open(path).expect("root opens it").into()
}
