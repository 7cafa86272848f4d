//! What really holds after a confinement: read back, and put to the model.

use crate::confinement::{ConfineError, Confinement, Step};
use crate::sys::System;
use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Environment, Executable, FileCapabilities, Ids,
    NamespaceGate, Nested, Revision, Securebits, execve, nested, reachable,
};

/// A confinement that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confined {
    /// What the kernel now says of the calling thread.
    pub credentials: Credentials,
    /// What had to stay without CAP_SETPCAP, and cannot be reached; `None` where nothing stays.
    pub remains: Option<Remains>,
}

/// What stays behind where CAP_SETPCAP is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remains {
    /// Capabilities in the bounding set that are not allowed.
    pub bounding: CapabilitySet,
    /// Securebits that are not set.
    pub securebits: Securebits,
}

/// Reads back and judges. `before` says what must not have changed.
pub(crate) fn verify(
    system: &impl System,
    wanted: &Confinement,
    before: &Credentials,
    environment: &Environment,
) -> Result<Confined, ConfineError> {
    let reading = system.read_quickly().step("read back what was set")?;
    if reading.capabilities != environment.capabilities {
        return Err(ConfineError::NotDone("a question about its last capability"));
    }
    let now = reading.credentials;
    compare_sets(wanted, &now)?;
    compare_rest(system, wanted, before, &now)?;
    ask_the_model(wanted, &now, environment)?;

    let bounding = now.bounding - wanted.allow;
    let securebits = wanted.securebits().difference(now.securebits);
    let remains = (!bounding.is_empty() || securebits != Securebits::EMPTY)
        .then_some(Remains { bounding, securebits });
    if let Some(remains) = remains {
        // With CAP_SETPCAP nothing has any reason to stay.
        if before.permitted.contains(Capability::SETPCAP) {
            return Err(ConfineError::NotDone("the drop from the bounding set or the securebits"));
        }
        if wanted.strict {
            return Err(ConfineError::Remains { what: remains.bounding });
        }
    }
    Ok(Confined { credentials: now, remains })
}

/// Four sets must be what is allowed. The bounding set is judged by what it leads to.
fn compare_sets(wanted: &Confinement, now: &Credentials) -> Result<(), ConfineError> {
    for (what, found) in [
        ("effective", now.effective),
        ("permitted", now.permitted),
        ("inheritable", now.inheritable),
        ("ambient", now.ambient),
    ] {
        if found != wanted.allow {
            return Err(ConfineError::NotAsSet { what, wanted: wanted.allow, found });
        }
    }
    Ok(())
}

fn compare_rest(
    system: &impl System,
    wanted: &Confinement,
    before: &Credentials,
    now: &Credentials,
) -> Result<(), ConfineError> {
    let (uid, gid, groups) = match &wanted.identity {
        Some(identity) => (Ids::all(identity.uid), Ids::all(identity.gid), &identity.groups),
        None => (before.uid, before.gid, &before.groups),
    };
    if now.uid != uid || now.gid != gid || now.groups != *groups {
        return Err(ConfineError::NotDone("the change of user"));
    }
    let keeps = |credentials: &Credentials| credentials.securebits.contains(Securebits::KEEP_CAPS);
    if keeps(now) && !keeps(before) {
        return Err(ConfineError::NotDone("the end of keeping capabilities"));
    }
    if wanted.no_new_privs && !now.no_new_privs {
        return Err(ConfineError::NotDone("no_new_privs"));
    }
    if wanted.close_user_namespaces && !system.has_filter().step("read back the filter")? {
        return Err(ConfineError::NotDone("the filter that closes user namespaces"));
    }
    Ok(())
}

/// Whether the command will hold what is allowed, and can never hold more.
fn ask_the_model(
    wanted: &Confinement,
    now: &Credentials,
    environment: &Environment,
) -> Result<(), ConfineError> {
    let plain = Executable::plain("the command");
    let held = execve(now, &plain, environment).map_or(CapabilitySet::EMPTY, |after| {
        after.effective & after.permitted & after.inheritable & after.ambient
    });
    let missing = wanted.allow - held;
    if !missing.is_empty() {
        return Err(ConfineError::Lost { missing });
    }

    stays_within(now, wanted.allow, wanted.close_user_namespaces, environment)
}

/// Whether code that starts with `now` cannot come to hold more than `allow`, whatever files it finds. With
/// `close_user_namespaces` a filter answers whoever asks for one.
///
/// # Errors
/// [`ConfineError::Reachable`], with the way; [`ConfineError::Nested`] where user namespaces are open all the same.
pub fn stays_within(
    now: &Credentials,
    allow: CapabilitySet,
    close_user_namespaces: bool,
    environment: &Environment,
) -> Result<(), ConfineError> {
    let worst = worst_executables(environment);
    let reach = reachable(now, &worst, environment);
    let beyond = reach.set - allow;
    if let Some(capability) = beyond.iter().next() {
        let chain = reach.witness(capability).map_or_else(String::new, ToString::to_string);
        return Err(ConfineError::Reachable { beyond, chain });
    }

    let gate = NamespaceGate { seccomp_allows: !close_user_namespaces, ..NamespaceGate::default() };
    if close_user_namespaces && nested(gate, reach.set) == Nested::Open {
        return Err(ConfineError::Nested);
    }
    Ok(())
}

/// The worst that any filesystem can offer: it is not looked at, since it may change.
fn worst_executables(environment: &Environment) -> [Executable; 2] {
    let everything = FileCapabilities {
        permitted: environment.capabilities,
        inheritable: environment.capabilities,
        effective: false,
        revision: Revision::Two,
    };
    let file_capabilities = Executable {
        file_capabilities: Some(everything),
        ..Executable::plain("a file with every file capability")
    };
    [Executable::setuid_root("a setuid-root file"), file_capabilities]
}
