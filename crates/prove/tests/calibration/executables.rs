//! Files that give a privilege.

use crate::same;
use crate::support::{
    self, HELPER, attempt, everything, forced, holding, make_helper, must_be_root,
};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Executable, Securebits};
use dropcap_prove::{Attempt, Verdict};

#[track_caller]
fn exec(door: &str, credentials: &Credentials, helper: Executable) -> Attempt {
    must_be_root();
    let made = helper.clone();
    let tried =
        attempt(door, credentials, || make_helper(&made), |scene| scene.with_helper(helper));
    assert!(tried.as_expected(), "{tried:?}");
    tried
}

#[test]
fn setuid_exec_is_open_up_to_the_bounding_set() {
    let bounding: CapabilitySet = "CHOWN,NET_RAW,SETUID".parse().expect("names");
    let sandbox = Credentials::unprivileged(support::SANDBOX, bounding);
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.gains, ["CAP_CHOWN", "CAP_SETUID", "CAP_NET_RAW"]);
    assert_eq!(tried.result, "user 0, CAP_CHOWN,CAP_SETUID,CAP_NET_RAW");
    assert_eq!(tried.witness.len(), 2, "{tried:?}");
}

/// User 0 owns root's files, with no capability at all.
#[test]
fn setuid_exec_is_open_to_user_0_with_an_empty_bounding_set() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, CapabilitySet::EMPTY);
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.result, "user 0");
    assert!(tried.gains.is_empty(), "{tried:?}");
}

#[test]
fn setuid_exec_gives_the_user_alone_where_root_means_nothing() {
    let sandbox = Credentials {
        securebits: Securebits::NOROOT,
        ..Credentials::unprivileged(support::SANDBOX, everything())
    };
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Open, "user 0"), "{tried:?}");
}

#[test]
fn setuid_exec_is_closed_by_no_new_privs() {
    let sandbox = Credentials {
        no_new_privs: true,
        ..Credentials::unprivileged(support::SANDBOX, everything())
    };
    let tried = exec("setuid-exec", &sandbox, Executable::setuid_root(HELPER));
    assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Closed, "nothing"), "{tried:?}");
    assert!(tried.because.contains("no_new_privs"), "{tried:?}");
}

#[test]
fn setuid_exec_is_closed_by_nosuid() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, everything());
    let helper = Executable { nosuid: true, ..Executable::setuid_root(HELPER) };
    let tried = exec("setuid-exec", &sandbox, helper);
    assert_eq!(tried.verdict, Verdict::Closed, "{tried:?}");
    assert!(tried.because.contains("nosuid"), "{tried:?}");
}

#[test]
fn file_capability_exec_is_open_within_the_bounding_set() {
    let bounding: CapabilitySet = "NET_RAW,KILL".parse().expect("names");
    let net_raw = CapabilitySet::from(Capability::NET_RAW);
    let sandbox = Credentials::unprivileged(support::SANDBOX, bounding);
    let helper =
        Executable { file_capabilities: forced(net_raw, true), ..Executable::plain(HELPER) };
    let tried = exec("file-capability-exec", &sandbox, helper);
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert_eq!(tried.gains, ["CAP_NET_RAW"]);
}

/// The EPERM that breaks `ping` when NET_RAW is dropped.
#[test]
fn file_capability_exec_is_closed_outside_the_bounding_set() {
    let sandbox = Credentials::unprivileged(support::SANDBOX, CapabilitySet::EMPTY);
    let net_raw = CapabilitySet::from(Capability::NET_RAW);
    for (effective, result) in [(true, "EPERM"), (false, "nothing")] {
        let helper = Executable {
            file_capabilities: forced(net_raw, effective),
            ..Executable::plain(HELPER)
        };
        let tried = exec("file-capability-exec", &sandbox, helper);
        assert_eq!((tried.verdict, tried.result.as_str()), (Verdict::Closed, result), "{tried:?}");
    }
}

#[test]
fn where_nothing_was_searched_the_doors_of_files_are_not_tried() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    for door in ["setuid-exec", "file-capability-exec"] {
        let tried = attempt(door, &sandbox, || {}, same);
        assert_eq!(tried.verdict, Verdict::NotTried, "{tried:?}");
    }
}
