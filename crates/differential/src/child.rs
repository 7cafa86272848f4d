//! The process of a case: into the state, then one order after the other.

use crate::case::{Case, Operation};
use crate::namespace::{CLONE_NEWUSER, Namespace};
use crate::order::Order;
use crate::place::Place;
use crate::wire::Message;
use crate::witness::{self, tell};
use dropcap_capability::setuid::{IdRequest, PairRequest};
use dropcap_capability::{CapsetRequest, Credentials, Extent, Ids, Securebits};
use dropcap_confine::sys::{
    ExecStrings, Linux, Sets, System, comparison, exit_now, read_credentials,
};
use rustix::process::DumpableBehavior;
use std::fs::File;
use std::io::{self, Write};

/// A step of the way into a state, and why it failed.
type Step = Result<(), (&'static str, io::Error)>;

/// Lives through a case.
pub(crate) fn live(case: &Case, place: &Place) -> ! {
    let namespace = &place.namespaces[case.namespace];
    if let Err((step, error)) = become_start(case, namespace) {
        skip(step, &error);
    }
    match read_credentials() {
        Ok(credentials) => tell(&Message::Start { credentials }),
        Err(error) => skip("read credentials", &error),
    }
    obey()
}

fn skip(step: &str, error: &io::Error) -> ! {
    let errno = error.raw_os_error().unwrap_or(-1);
    tell(&Message::Skipped { step: step.to_owned(), errno });
    exit_now(0)
}

/// Does what the standard input says to its end, and tells after each order what it made of the
/// process. A program that is executed goes on with the next order.
pub(crate) fn obey() -> ! {
    let Ok(arguments) = ExecStrings::new(["program", witness::ARGUMENT]) else { exit_now(1) };
    let Ok(nothing) = ExecStrings::new::<&str>([]) else { exit_now(1) };
    while let Ok(Some(order)) = Order::next(rustix::stdio::stdin()) {
        let result = match order {
            Order::Execve { directory, path } => {
                Err(comparison::execve_at(directory, &path, &arguments, &nothing))
            }
            Order::EnterUserNamespace(handle) => comparison::enter_user_namespace(handle),
            Order::Operation(operation) => operate(&operation),
        };
        let errno = result.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
        if let Ok(credentials) = read_credentials() {
            tell(&Message::Outcome { errno, credentials });
        }
    }
    exit_now(0)
}

/// From root that holds everything into the state of the case. The order matters: each step needs
/// what the next ones take away.
fn become_start(case: &Case, namespace: &Namespace) -> Step {
    let full = namespace.full;
    // Before the namespace: it may not allow setgroups(2).
    Linux.set_groups(&case.start.groups).map_err(|e| ("setgroups", e))?;
    namespace.enter().map_err(|e| ("setns", e))?;
    // As ids are called in it.
    let start = &case.start.shown_in(&namespace.environment);
    // While no set follows the ids.
    Linux.set_securebits(Securebits::NO_SETUID_FIXUP).map_err(|e| ("PR_SET_SECUREBITS", e))?;
    if !case.unmapped {
        become_ids(start)?;
    }
    // While the bounding set is full: inheritable may take from it alone.
    let all = Sets { effective: full, permitted: full, inheritable: start.inheritable };
    Linux.capset(all).map_err(|e| ("capset of inheritable", e))?;
    for capability in (full - start.bounding).iter() {
        Linux.bounding_drop(capability).map_err(|e| ("PR_CAPBSET_DROP", e))?;
    }
    // While everything is permitted and nothing forbids it.
    for capability in start.ambient.iter() {
        Linux.ambient_raise(capability).map_err(|e| ("PR_CAP_AMBIENT_RAISE", e))?;
    }
    // While CAP_SETPCAP is effective.
    Linux.set_securebits(start.securebits).map_err(|e| ("PR_SET_SECUREBITS", e))?;
    if start.no_new_privs {
        Linux.set_no_new_privs().map_err(|e| ("PR_SET_NO_NEW_PRIVS", e))?;
    }
    let sets = Sets {
        effective: start.effective,
        permitted: start.permitted,
        inheritable: start.inheritable,
    };
    Linux.capset(sets).map_err(|e| ("capset", e))
}

fn become_ids(start: &Credentials) -> Step {
    let three = |ids: Ids| [Some(ids.real), Some(ids.effective), Some(ids.saved)];
    Linux.set_group_ids(three(start.gid)).map_err(|e| ("setresgid", e))?;
    Linux.set_filesystem_group(start.gid.filesystem);
    Linux.set_user_ids(three(start.uid)).map_err(|e| ("setresuid", e))?;
    Linux.set_filesystem_user(start.uid.filesystem);
    Ok(())
}

fn operate(operation: &Operation) -> io::Result<()> {
    let three = |ids: &IdRequest| [ids.real, ids.effective, ids.saved];
    let two = |ids: &PairRequest| [ids.real, ids.effective];
    match operation {
        Operation::CapbsetDrop(capability) => Linux.bounding_drop(*capability),
        Operation::AmbientRaise(capability) => Linux.ambient_raise(*capability),
        Operation::AmbientLower(capability) => Linux.ambient_lower(*capability),
        Operation::AmbientClear => Linux.ambient_clear(),
        Operation::SetSecurebits(securebits) => Linux.set_securebits(*securebits),
        Operation::SetKeepCaps(keep) => Linux.set_keep_capabilities(*keep),
        Operation::SetNoNewPrivs => Linux.set_no_new_privs(),
        Operation::Setuid(id) => comparison::set_user_id(*id),
        Operation::Setreuid(ids) => comparison::set_user_pair(two(ids)),
        Operation::Setresuid(ids) => Linux.set_user_ids(three(ids)),
        // These two report no error, only the id from before.
        Operation::Setfsuid(id) => {
            Linux.set_filesystem_user(*id);
            Ok(())
        }
        Operation::Setfsgid(id) => {
            Linux.set_filesystem_group(*id);
            Ok(())
        }
        Operation::Setgid(id) => comparison::set_group_id(*id),
        Operation::Setregid(ids) => comparison::set_group_pair(two(ids)),
        Operation::Setresgid(ids) => Linux.set_group_ids(three(ids)),
        Operation::Setgroups(groups) => Linux.set_groups(groups),
        Operation::Capset(header, request) => {
            // Any pid but one's own is refused, the parent's as well as one that nobody has.
            let own = rustix::process::getpid().as_raw_pid();
            let pid = if header.own { own } else { own + 1 };
            comparison::capset_with_header(header.version, pid, sets(request))
        }
        Operation::UnshareUserNamespace => Linux.unshare(CLONE_NEWUSER),
        Operation::WriteUidMap(extent) => write_own("uid_map", &in_columns(*extent)),
        Operation::WriteGidMap(extent) => write_own("gid_map", &in_columns(*extent)),
        Operation::DenySetgroups => write_own("setgroups", "deny"),
        Operation::TraceMe => comparison::trace_me(),
        // Orders of their own.
        Operation::Execve(_) | Operation::EnterUserNamespace(_) => {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}

fn in_columns((inside, outer, count): Extent) -> String {
    format!("{inside} {outer} {count}")
}

/// Writes a file of the process's own directory in /proc, in one call. The file is the thread's own
/// only while it is dumpable, which a change of ids ends.
fn write_own(file: &str, text: &str) -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    let mut file = File::options().write(true).open(format!("/proc/self/{file}"))?;
    file.write_all(text.as_bytes())
}

fn sets(request: &CapsetRequest) -> Sets {
    Sets {
        effective: request.effective,
        permitted: request.permitted,
        inheritable: request.inheritable,
    }
}
