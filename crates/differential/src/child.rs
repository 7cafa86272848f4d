//! The process of a case: into the state, the operation, what came of it.

use crate::case::{Case, Operation};
use crate::namespace::{CLONE_NEWUSER, Namespace};
use crate::place::Place;
use crate::wire::Message;
use crate::witness::tell;
use dropcap_capability::setuid::IdRequest;
use dropcap_capability::{Credentials, Ids, Securebits};
use dropcap_confine::sys::{Linux, Sets, System, exit_now, read_credentials};
use std::io;

/// A step of the way into a state, and why it failed.
type Step = Result<(), (&'static str, io::Error)>;

/// Lives through a case.
pub(crate) fn live(case: &Case, place: &Place) -> ! {
    let namespace = &place.namespaces[case.namespace];
    match enter(case, namespace).and_then(|()| attribute(case, place)) {
        Ok(attribute) => {
            if let Err((step, error)) = become_start(case, namespace) {
                skip(step, &error);
            }
            match read_credentials() {
                Ok(credentials) => tell(&Message::Start { credentials, attribute }),
                Err(error) => skip("read credentials", &error),
            }
        }
        Err((step, error)) => skip(step, &error),
    }
    let result = operate(&case.operation, place);
    let errno = result.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
    if let Ok(credentials) = read_credentials() {
        tell(&Message::Outcome { errno, credentials });
    }
    exit_now(0)
}

fn skip(step: &str, error: &io::Error) -> ! {
    let errno = error.raw_os_error().unwrap_or(-1);
    tell(&Message::Skipped { step: step.to_owned(), errno });
    exit_now(0)
}

/// Into the user namespace of the case. Groups come first: it may not allow setgroups(2).
fn enter(case: &Case, namespace: &Namespace) -> Step {
    let outside = |group: &u32| namespace.group_outside(*group);
    let groups: Option<Vec<u32>> = case.start.groups.iter().map(outside).collect();
    let groups = groups.ok_or(("setgroups", io::ErrorKind::InvalidInput.into()))?;
    Linux.set_groups(&groups).map_err(|e| ("setgroups", e))?;
    namespace.enter().map_err(|e| ("setns", e))
}

fn attribute(case: &Case, place: &Place) -> Result<Option<Vec<u8>>, (&'static str, io::Error)> {
    match &case.operation {
        Operation::Execve(_) => place.attribute().map_err(|e| ("getxattr", e)),
        _ => Ok(None),
    }
}

/// From root that holds everything into the state of the case. The order matters: each step needs
/// what the next ones take away.
fn become_start(case: &Case, namespace: &Namespace) -> Step {
    let start = &case.start;
    let full = namespace.full;
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

fn operate(operation: &Operation, place: &Place) -> io::Result<()> {
    let three = |request: &IdRequest| [request.real, request.effective, request.saved];
    match operation {
        Operation::Execve(exec) => Err(place.execute(exec)),
        Operation::CapbsetDrop(capability) => Linux.bounding_drop(*capability),
        Operation::AmbientRaise(capability) => Linux.ambient_raise(*capability),
        Operation::AmbientLower(capability) => Linux.ambient_lower(*capability),
        Operation::AmbientClear => Linux.ambient_clear(),
        Operation::SetSecurebits(securebits) => Linux.set_securebits(*securebits),
        Operation::SetKeepCaps(keep) => Linux.set_keep_capabilities(*keep),
        Operation::SetNoNewPrivs => Linux.set_no_new_privs(),
        Operation::Setresuid(request) => Linux.set_user_ids(three(request)),
        Operation::Setfsuid(id) => {
            // Reports no error, only the id from before.
            Linux.set_filesystem_user(*id);
            Ok(())
        }
        Operation::Setresgid(request) => Linux.set_group_ids(three(request)),
        Operation::Setgroups(groups) => Linux.set_groups(groups),
        Operation::Capset(request) => Linux.capset(Sets {
            effective: request.effective,
            permitted: request.permitted,
            inheritable: request.inheritable,
        }),
        Operation::UnshareUserNamespace => Linux.unshare(CLONE_NEWUSER),
    }
}
