//! What was measured on real kernels, by version: the model has to say the same.

use dropcap_capability::setuid::{IdRequest, setresuid};
use dropcap_capability::*;

const OLD: [Kernel; 2] = [Kernel::new(6, 1), Kernel::new(6, 12)];
const NEW: Kernel = Kernel::new(6, 18);

fn net_raw() -> CapabilitySet {
    Capability::NET_RAW.into()
}

/// `ping` as some distributions ship it: mode 0755, `cap_net_raw+ep`.
fn ping() -> Executable {
    let file_capabilities = Some(FileCapabilities {
        permitted: net_raw(),
        inheritable: CapabilitySet::EMPTY,
        effective: true,
        revision: Revision::Two,
    });
    Executable { file_capabilities, ..Executable::plain("/usr/bin/ping") }
}

#[test]
fn no_new_privs_takes_an_effective_root_back_up_to_6_12_and_not_in_6_18() {
    // With something to gain, 6.18 refuses the gain and takes the id back too.
    let mut start = Credentials::unprivileged(1000, CapabilitySet::EMPTY);
    start.uid = Ids { real: 1000, effective: 0, saved: 0, filesystem: 0 };
    start.no_new_privs = true;
    let plain = Executable::plain("/bin/true");
    for kernel in OLD {
        let after = execve(&start, &plain, &Environment::of_kernel(kernel)).expect("executable");
        assert_eq!(after.uid, Ids::all(1000), "{kernel}");
    }
    let after = execve(&start, &plain, &Environment::of_kernel(NEW)).expect("executable");
    assert_eq!(after.uid, Ids { real: 1000, effective: 0, saved: 0, filesystem: 0 });
}

#[test]
fn a_file_that_forces_what_was_dropped_does_not_start_not_even_for_root() {
    for id in [0, 1000] {
        for no_new_privs in [false, true] {
            let mut start = Credentials::unprivileged(id, CapabilitySet::KNOWN - net_raw());
            start.no_new_privs = no_new_privs;
            let environment = Environment::default();
            assert_eq!(execve(&start, &ping(), &environment), Err(Errno::EPERM));
            let nosuid = Executable { nosuid: true, ..ping() };
            assert!(execve(&start, &nosuid, &environment).is_ok());
            let mut lenient = ping();
            lenient.file_capabilities.as_mut().expect("it has some").effective = false;
            assert!(execve(&start, &lenient, &environment).is_ok());
        }
    }
}

#[test]
fn with_no_setuid_fixup_a_daemon_keeps_its_capabilities_on_leaving_root() {
    let mut daemon = Credentials::unprivileged(0, net_raw());
    (daemon.permitted, daemon.effective) = (net_raw(), net_raw().with(Capability::SETUID));
    daemon.permitted = daemon.effective;
    let leave = |start: &Credentials| {
        setresuid(start, IdRequest::all(33), &Environment::default()).expect("it holds SETUID")
    };
    assert!(leave(&daemon).permitted.is_empty());
    daemon.securebits = Securebits::NO_SETUID_FIXUP.union(Securebits::NO_SETUID_FIXUP.locks());
    assert_eq!(leave(&daemon).permitted, daemon.permitted);
}

#[test]
fn securebits_without_privilege_came_after_6_12() {
    let nobody = Credentials::unprivileged(1000, CapabilitySet::EMPTY);
    let restrict = Securebits::from_bits(1 << 8);
    for kernel in OLD {
        let environment = Environment::of_kernel(kernel);
        assert_eq!(prctl::set_securebits(&nobody, restrict, &environment), Err(Errno::EPERM));
    }
    assert!(prctl::set_securebits(&nobody, restrict, &Environment::of_kernel(NEW)).is_ok());
}

#[test]
fn the_image_of_the_story_walks_back_in_by_one_setuid_file() {
    let docker: CapabilitySet = "CHOWN,DAC_OVERRIDE,FSETID,FOWNER,MKNOD,NET_RAW,SETGID,SETUID,\
        SETFCAP,SETPCAP,NET_BIND_SERVICE,SYS_CHROOT,KILL,AUDIT_WRITE"
        .parse()
        .expect("Docker's names");
    let sandbox = Credentials::unprivileged(1000, docker);
    assert!(sandbox.effective.is_empty(), "CapEff is 0 and looks fine");
    let environment = Environment::default();
    let files = [Executable::setuid_root("/usr/bin/su"), ping()];
    let found = reachable(&sandbox, &files, &environment);
    assert_eq!(found.set, docker);
    assert!(found.root_user);
    let gains: Vec<_> = doors(&sandbox, &files, &environment)
        .into_iter()
        .map(|door| (door.kind, door.path, door.gains))
        .collect();
    assert_eq!(
        gains,
        [
            (DoorKind::SetuidRoot, "/usr/bin/su".to_owned(), docker),
            (DoorKind::FileCapabilities, "/usr/bin/ping".to_owned(), net_raw()),
        ]
    );
    let dropped = Credentials::unprivileged(1000, CapabilitySet::EMPTY);
    assert!(reachable(&dropped, &files, &environment).set.is_empty());
}
