//! The order of the calls, and that nothing is executed unless every one of them worked.

#![allow(clippy::unwrap_used, reason = "a test")]

use super::*;
use crate::confinement::Identity;
use crate::sys::recording::{Call, Fault, Recording};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids, Securebits};
use std::ffi::OsString;

const NET_BIND: CapabilitySet = CapabilitySet::EMPTY.with(Capability::NET_BIND_SERVICE);

fn root() -> Credentials {
    let all = CapabilitySet::KNOWN;
    Credentials {
        effective: all,
        permitted: all,
        groups: vec![0, 27],
        ..Credentials::unprivileged(0, all)
    }
}

/// As Podman starts a non-root user with `--cap-add`.
fn user_with_ambient() -> Credentials {
    Credentials {
        effective: NET_BIND,
        permitted: NET_BIND,
        inheritable: NET_BIND,
        ambient: NET_BIND,
        ..Credentials::unprivileged(1000, CapabilitySet::KNOWN)
    }
}

/// As Docker started a non-root user before CVE-2022-24769 was mended.
fn user_with_inheritable() -> Credentials {
    let inheritable = CapabilitySet::KNOWN;
    Credentials { inheritable, ..Credentials::unprivileged(1000, CapabilitySet::KNOWN) }
}

fn root_without_setpcap() -> Credentials {
    let most = CapabilitySet::KNOWN.without(Capability::SETPCAP);
    Credentials { effective: most, permitted: most, bounding: most, ..root() }
}

fn somebody() -> Option<Identity> {
    Some(Identity { uid: 1000, gid: 1000, groups: vec![1000] })
}

fn wanted(allow: CapabilitySet, identity: Option<Identity>) -> Confinement {
    Confinement { allow, identity, ..Confinement::default() }
}

/// Launches on the double. The command is never executed there: EACCES.
fn launch_on(system: &Recording, wanted: &Confinement) -> (u8, Option<Confined>) {
    let command = Command::new::<&str>(&[OsString::from("/nonexistent")], []).expect("no NUL");
    let mut seen = None;
    let error = launch(system, wanted, &[7], command, |confined| seen = Some(confined.clone()));
    (error.exit_code(), seen)
}

/// Starting points and wishes that together take every path; each works when nothing fails.
fn scenarios() -> Vec<(&'static str, Credentials, Confinement)> {
    let partly_effective = Credentials { effective: CapabilitySet::EMPTY, ..root() };
    let keeps = Securebits::NO_SETUID_FIXUP.union(Securebits::NO_CAP_AMBIENT_RAISE);
    let odd_securebits = Credentials { securebits: keeps, ..root() };
    vec![
        ("root, nothing allowed", root(), Confinement::default()),
        ("root, a user, nothing allowed", root(), wanted(CapabilitySet::EMPTY, somebody())),
        ("root, a user, a port", root(), wanted(NET_BIND, somebody())),
        (
            "root, a port, namespaces open",
            root(),
            Confinement { close_user_namespaces: false, ..wanted(NET_BIND, None) },
        ),
        (
            "root, a user, new privileges",
            root(),
            Confinement { no_new_privs: false, ..wanted(CapabilitySet::EMPTY, somebody()) },
        ),
        ("root, everything", root(), wanted(CapabilitySet::KNOWN, None)),
        ("root, strict", root(), Confinement { strict: true, ..Confinement::default() }),
        ("root with nothing effective", partly_effective, wanted(NET_BIND, somebody())),
        ("root with odd securebits", odd_securebits, wanted(NET_BIND, somebody())),
        ("a user with ambient", user_with_ambient(), wanted(NET_BIND, None)),
        ("a user with ambient, nothing", user_with_ambient(), Confinement::default()),
        ("a user with inheritable", user_with_inheritable(), Confinement::default()),
        ("root without SETPCAP", root_without_setpcap(), wanted(NET_BIND, somebody())),
        ("nobody", Credentials::unprivileged(65534, CapabilitySet::KNOWN), Confinement::default()),
    ]
}

#[test]
fn every_scenario_works_when_nothing_fails() {
    for (name, start, wanted) in scenarios() {
        let system = Recording::new(start);
        let (code, confined) = launch_on(&system, &wanted);
        assert_eq!(code, 126, "{name}: the double executes nothing");
        assert!(system.executed(), "{name}");
        assert_eq!(*system.descriptors.borrow(), [0, 1, 2, 7], "{name}");
        let now = confined.expect("it was told").credentials;
        assert_eq!(now, *system.credentials.borrow(), "{name}");
        for set in [now.effective, now.permitted, now.inheritable, now.ambient] {
            assert_eq!(set, wanted.allow, "{name}");
        }
    }
}

#[test]
fn what_needs_setpcap_comes_before_it_goes() {
    let system = Recording::new(root());
    launch_on(&system, &wanted(NET_BIND, somebody()));
    let calls = system.calls.borrow();
    let position = |what: &dyn Fn(&Call) -> bool| {
        let mut found = calls.iter().enumerate().filter(|(_, call)| what(call));
        let first = found.next().expect("it is called").0;
        (first, found.next_back().map_or(first, |(last, _)| last))
    };
    let drops = position(&|call| matches!(call, Call::BoundingDrop(_)));
    let setpcap = position(&|call| *call == Call::BoundingDrop(Capability::SETPCAP));
    assert_eq!(setpcap.0, drops.1, "SETPCAP is the last to leave the bounding set");
    let steps = [
        drops,
        position(&|call| matches!(call, Call::SetSecurebits(_))),
        position(&|call| *call == Call::SetNoNewPrivs),
        position(&|call| *call == Call::InstallFilter),
        position(&|call| matches!(call, Call::SetGroups(_))),
        position(&|call| matches!(call, Call::SetGroupIds(_))),
        position(&|call| *call == Call::SetKeepCapabilities(true)),
        position(&|call| matches!(call, Call::SetUserIds(_))),
        position(&|call| *call == Call::SetKeepCapabilities(false)),
        position(&|call| matches!(call, Call::Capset(_))),
        position(&|call| matches!(call, Call::AmbientRaise(_))),
        position(&|call| matches!(call, Call::HasFilter)),
        position(&|call| matches!(call, Call::Execve(_))),
    ];
    for (one, next) in steps.iter().zip(&steps[1..]) {
        assert!(one.1 < next.0, "{steps:?} of {calls:?}");
    }
}

#[test]
fn securebits_are_those_of_the_design() {
    let bits = |allow| {
        let system = Recording::new(root());
        launch_on(&system, &wanted(allow, None));
        let securebits = system.credentials.borrow().securebits;
        securebits.to_string()
    };
    let nothing = "noroot,noroot_locked,no_cap_ambient_raise,no_cap_ambient_raise_locked";
    assert_eq!(bits(CapabilitySet::EMPTY), nothing);
    assert_eq!(bits(NET_BIND), "noroot,noroot_locked");
}

#[test]
fn each_failing_call_ends_in_125_and_executes_nothing() {
    let mut tried = 0;
    for (name, start, wanted) in scenarios() {
        let honest = Recording::new(start.clone());
        launch_on(&honest, &wanted);
        let calls = honest.calls.into_inner();
        for (position, call) in calls.iter().enumerate() {
            for errno in [
                libc::EPERM,
                libc::EINVAL,
                libc::EACCES,
                libc::ENOSYS,
                libc::ENOMEM,
                libc::EAGAIN,
                libc::EBADF,
                libc::EFAULT,
            ] {
                if matches!(call, Call::Execve(_)) || fails_anyway(call, errno, &start) {
                    continue;
                }
                let fault = Fault::Fails(errno);
                let system = Recording::new(start.clone()).with_fault(position, fault);
                let (code, _) = launch_on(&system, &wanted);
                tried += 1;
                let recovers = matches!(call, Call::CloseRange(..))
                    && matches!(errno, libc::EPERM | libc::ENOSYS);
                if recovers {
                    assert_eq!(code, 126, "{name}: {call:?} with errno {errno}");
                    assert_eq!(*system.descriptors.borrow(), [0, 1, 2, 7], "{name}");
                } else {
                    assert_eq!(code, 125, "{name}: {call:?} with errno {errno}");
                    assert!(!system.executed(), "{name}: {call:?} with errno {errno}");
                }
            }
        }
    }
    assert!(tried > 10_000, "only {tried} failures were tried");
}

/// Whether the double gives this very answer without being told to.
fn fails_anyway(call: &Call, errno: i32, start: &Credentials) -> bool {
    let no_setpcap = !start.permitted.contains(Capability::SETPCAP);
    match call {
        Call::BoundingHas(capability) | Call::AmbientHas(capability) => {
            errno == libc::EINVAL && !CapabilitySet::KNOWN.contains(*capability)
        }
        Call::BoundingDrop(_) | Call::SetSecurebits(_) => errno == libc::EPERM && no_setpcap,
        _ => false,
    }
}

#[test]
fn a_call_that_lies_is_found_out() {
    let mut found_out = 0;
    for (name, start, wanted) in scenarios() {
        let honest = Recording::new(start.clone());
        launch_on(&honest, &wanted);
        let (calls, outcome) = (honest.calls.into_inner(), honest.credentials.into_inner());
        for (position, call) in calls.iter().enumerate() {
            let system = Recording::new(start.clone()).with_fault(position, Fault::Lies);
            let (code, _) = launch_on(&system, &wanted);
            // Descriptors cannot be read back without /proc.
            let unseen = matches!(call, Call::CloseRange(..) | Call::MakeInheritable(_));
            if system.executed() {
                let same = *system.credentials.borrow() == outcome
                    && system.filter.get() == wanted.close_user_namespaces;
                assert!(same || unseen, "{name}: {call:?} was believed");
            } else {
                assert_eq!(code, 125, "{name}: {call:?}");
                found_out += 1;
            }
        }
    }
    assert!(found_out > 300, "only {found_out} lies mattered");
}

#[test]
fn what_is_not_held_cannot_be_allowed() {
    let start = Credentials::unprivileged(1000, CapabilitySet::KNOWN);
    let error = confine(&Recording::new(start), &wanted(NET_BIND, None)).unwrap_err();
    assert!(matches!(error, ConfineError::NotHeld { missing } if missing == NET_BIND), "{error}");

    let locked = Securebits::NO_CAP_AMBIENT_RAISE;
    let start = Credentials { securebits: locked.union(locked.locks()), ..root() };
    let error = confine(&Recording::new(start), &wanted(NET_BIND, None)).unwrap_err();
    assert!(matches!(error, ConfineError::Call { .. }), "{error}");

    let start = Credentials { bounding: CapabilitySet::EMPTY, ..root() };
    let error = confine(&Recording::new(start), &wanted(NET_BIND, None)).unwrap_err();
    assert!(matches!(error, ConfineError::Call { .. }), "{error}");
}

#[test]
fn a_locked_keep_caps_fails_a_user_switch_that_needs_it() {
    let locks = Securebits::KEEP_CAPS.locks();
    let start = Credentials { securebits: locks, ..root() };
    let allowed = confine(&Recording::new(start.clone()), &wanted(NET_BIND, somebody()));
    assert!(matches!(allowed, Err(ConfineError::Call { .. })), "{allowed:?}");
    confine(&Recording::new(start), &wanted(CapabilitySet::EMPTY, somebody()))
        .expect("nothing has to be kept");
}

#[test]
fn without_setpcap_what_remains_is_told_or_refused() {
    let start = root_without_setpcap();
    let bounding = start.bounding;
    let confined = confine(&Recording::new(start.clone()), &Confinement::default())
        .expect("no_new_privs keeps it out of reach");
    let remains = confined.remains.expect("the bounding set stays");
    assert_eq!(remains.bounding, bounding);
    assert!(remains.securebits.contains(Securebits::NOROOT));

    let strict = Confinement { strict: true, ..Confinement::default() };
    let error = confine(&Recording::new(start.clone()), &strict).unwrap_err();
    assert!(matches!(error, ConfineError::Remains { what } if what == bounding), "{error}");

    let open =
        Confinement { no_new_privs: false, close_user_namespaces: false, ..Confinement::default() };
    let error = confine(&Recording::new(start), &open).unwrap_err();
    let ConfineError::Reachable { beyond, chain } = error else { panic!("{error}") };
    assert_eq!(beyond, bounding);
    assert!(chain.contains("execve"), "{chain}");
}

#[test]
fn on_an_old_kernel_ids_that_differ_lose_what_is_allowed() {
    // Before 6.17 execve compares with the real id, under no_new_privs takes the effective one
    // back, and clears the ambient set; on the newest kernel it does not.
    let uid = Ids { real: 1000, effective: 0, saved: 0, filesystem: 0 };
    let start = Credentials { uid, ..root() };
    confine(&Recording::new(start.clone()), &wanted(NET_BIND, None)).expect("newest kernel");
    let old = Recording::new(start).on_kernel(6, 12);
    let error = confine(&old, &wanted(NET_BIND, None)).unwrap_err();
    assert!(matches!(error, ConfineError::Lost { missing } if missing == NET_BIND), "{error}");
}
