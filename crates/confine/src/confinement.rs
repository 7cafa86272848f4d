//! Taking everything from the calling thread but what is allowed.
//!
//! The order is what makes it work. What needs CAP_SETPCAP comes first: bounding set, securebits.
//! Then no_new_privs, and the filter, which needs that or CAP_SYS_ADMIN. Then the user, which needs
//! CAP_SETUID and CAP_SETGID, and takes the effective set with it. The capset(2) that takes away
//! CAP_SETPCAP itself comes last. Only the ambient set is filled after that, since it may hold
//! nothing that is not permitted and inheritable.

use crate::sys::{Reading, Sets, System};
use crate::user_namespaces;
use crate::verify::{self, Confined};
use dropcap_capability::{
    Capability, CapabilitySet, Credentials, Environment, Errno, Ids, Securebits, prctl,
};
use std::io;

/// Whom to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user id; real, effective, saved and filesystem.
    pub uid: u32,
    /// The group id, likewise.
    pub gid: u32,
    /// All supplementary groups.
    pub groups: Vec<u32>,
}

/// What should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// Everything that may be held: the five sets become this.
    pub allow: CapabilitySet,
    /// Whom to become; `None` leaves ids and groups.
    pub identity: Option<Identity>,
    /// Whether execve may grant nothing any more.
    pub no_new_privs: bool,
    /// Whether user namespaces are closed.
    pub close_user_namespaces: bool,
    /// Whether to fail where something has to stay that cannot be reached.
    pub strict: bool,
}

impl Default for Confinement {
    /// Nothing allowed, as the same user.
    fn default() -> Self {
        Self {
            allow: CapabilitySet::EMPTY,
            identity: None,
            no_new_privs: true,
            close_user_namespaces: true,
            strict: false,
        }
    }
}

impl Confinement {
    /// The securebits that `run` sets, each with its lock: NOROOT, so that uid 0 is only a number,
    /// and with nothing allowed NO_CAP_AMBIENT_RAISE.
    pub fn securebits(&self) -> Securebits {
        let flags = if self.allow.is_empty() {
            Securebits::NOROOT.union(Securebits::NO_CAP_AMBIENT_RAISE)
        } else {
            Securebits::NOROOT
        };
        flags.union(flags.locks())
    }

    /// The flags that must not be on for the rest to work, where they are not locked on:
    /// NO_SETUID_FIXUP would let a daemon keep what it should lose when it leaves uid 0, and
    /// NO_CAP_AMBIENT_RAISE keep a command from what it is allowed.
    fn unwanted_securebits(&self) -> Securebits {
        if self.allow.is_empty() {
            Securebits::NO_SETUID_FIXUP
        } else {
            Securebits::NO_SETUID_FIXUP.union(Securebits::NO_CAP_AMBIENT_RAISE)
        }
    }
}

/// Why a confinement failed. Nothing may be executed after any of these.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A system call.
    #[error("cannot {what}")]
    Call {
        /// What it should have done.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Something is allowed that this process does not have to give.
    #[error("{missing} cannot be given: this process does not hold it")]
    NotHeld {
        /// What is allowed and not held.
        missing: CapabilitySet,
    },
    /// Something is allowed that the command would lose, or never get, on its way.
    #[error("{missing} cannot be given: execve would take it away")]
    Lost {
        /// What is allowed and would be lost.
        missing: CapabilitySet,
    },
    /// What was read back is not what was set.
    #[error("the {what} set is {found} after it was set to {wanted}")]
    NotAsSet {
        /// Which set.
        what: &'static str,
        /// What was asked for.
        wanted: CapabilitySet,
        /// What the kernel says.
        found: CapabilitySet,
    },
    /// Something else was read back otherwise than it was set.
    #[error("the kernel took {0} and did not do it")]
    NotDone(&'static str),
    /// The model says that more than what is allowed can be held.
    #[error("{beyond} could still be held: {chain}")]
    Reachable {
        /// What can be held and is not allowed.
        beyond: CapabilitySet,
        /// How one of them is reached.
        chain: String,
    },
    /// The model says that a user namespace can still be made.
    #[error("a user namespace could still be made")]
    Nested,
    /// Something had to stay, and `strict` does not take that.
    #[error(
        "CAP_SETPCAP is missing: the bounding set keeps {what}, the securebits stay as they are"
    )]
    Remains {
        /// What stays in the bounding set.
        what: CapabilitySet,
    },
    /// The user namespace filter is wrong.
    #[error(transparent)]
    Filter(#[from] user_namespaces::OutOfReach),
}

/// Names the step that a system call belongs to.
pub(crate) trait Step<T> {
    fn step(self, what: &'static str) -> Result<T, ConfineError>;
}

impl<T> Step<T> for io::Result<T> {
    fn step(self, what: &'static str) -> Result<T, ConfineError> {
        self.map_err(|source| ConfineError::Call { what, source })
    }
}

/// Confines the calling thread, reads back what then holds, and asks the model whether anything
/// beyond what is allowed can be reached from there.
///
/// # Errors
/// [`ConfineError`]; then the thread may be confined in part, and must execute nothing.
pub fn confine(system: &impl System, wanted: &Confinement) -> Result<Confined, ConfineError> {
    let Reading { credentials: mut before, capabilities, kernel } =
        system.read_quickly().step("read this process's credentials")?;
    let environment = Environment { capabilities, ..Environment::of_kernel(kernel) };
    let missing = wanted.allow - before.permitted;
    if !missing.is_empty() {
        return Err(ConfineError::NotHeld { missing });
    }
    raise_effective(system, &mut before)?;
    empty_bounding(system, wanted, &before, &environment)?;
    set_securebits(system, wanted, &before, &environment)?;
    if wanted.no_new_privs {
        system.set_no_new_privs().step("set no_new_privs")?;
    }
    if wanted.close_user_namespaces {
        let filter = user_namespaces::filter()?;
        system.install_filter(&filter).step("install the filter that closes user namespaces")?;
    }
    if let Some(identity) = &wanted.identity {
        become_user(system, identity, !wanted.allow.is_empty(), &before)?;
    }
    let all = Sets { effective: wanted.allow, permitted: wanted.allow, inheritable: wanted.allow };
    system.capset(all).step("set the effective, permitted and inheritable sets")?;
    for capability in wanted.allow.iter() {
        let what = "raise an allowed capability into the ambient set";
        if !system.ambient_has(capability).step(what)? {
            system.ambient_raise(capability).step(what)?;
        }
    }
    verify::verify(system, wanted, &before, &environment)
}

/// What is permitted may be used: a process may have been started with less effective.
fn raise_effective(system: &impl System, before: &mut Credentials) -> Result<(), ConfineError> {
    if before.effective == before.permitted {
        return Ok(());
    }
    let Credentials { permitted, inheritable, .. } = *before;
    let sets = Sets { effective: permitted, permitted, inheritable };
    system.capset(sets).step("raise the effective set")?;
    before.effective = permitted;
    Ok(())
}

/// Takes everything out of the bounding set that is not allowed, CAP_SETPCAP last.
///
/// Where the model says that the kernel has to refuse it, it stays, and [`verify`] decides.
fn empty_bounding(
    system: &impl System,
    wanted: &Confinement,
    before: &Credentials,
    environment: &Environment,
) -> Result<(), ConfineError> {
    let surplus = before.bounding - wanted.allow;
    let last = surplus & CapabilitySet::from(Capability::SETPCAP);
    for capability in (surplus - last).iter().chain(last.iter()) {
        match system.bounding_drop(capability) {
            Ok(()) => {}
            Err(error) => {
                let model = prctl::capbset_drop(before, capability, environment);
                if is_foreseen(&error, model) {
                    return Ok(());
                }
                return Err(error).step("drop a capability from the bounding set");
            }
        }
    }
    Ok(())
}

/// Whether the model says that the kernel has to refuse with this very error.
fn is_foreseen(error: &io::Error, model: Result<Credentials, Errno>) -> bool {
    model.is_err_and(|errno| error.raw_os_error() == Some(errno.number()))
}

fn set_securebits(
    system: &impl System,
    wanted: &Confinement,
    before: &Credentials,
    environment: &Environment,
) -> Result<(), ConfineError> {
    let locked_on = Securebits::from_bits(before.securebits.bits() >> 1 & before.securebits.bits());
    let off = wanted.unwanted_securebits().difference(locked_on);
    let securebits = before.securebits.difference(off).union(wanted.securebits());
    if securebits == before.securebits {
        return Ok(());
    }
    system.set_securebits(securebits).or_else(|error| {
        if is_foreseen(&error, prctl::set_securebits(before, securebits, environment)) {
            return Ok(());
        }
        Err(error).step("set and lock the securebits")
    })
}

/// Groups first, then the group, then the user, since the user is what allows the others.
fn become_user(
    system: &impl System,
    identity: &Identity,
    keep: bool,
    before: &Credentials,
) -> Result<(), ConfineError> {
    if before.groups != identity.groups {
        system.set_groups(&identity.groups).step("set the supplementary groups")?;
    }
    if before.gid != Ids::all(identity.gid) {
        system.set_group_ids([Some(identity.gid); 3]).step("become the group")?;
    }
    if before.uid != Ids::all(identity.uid) {
        // Leaving uid 0 empties the permitted set unless this is on (`cap_emulate_setxuid`).
        if keep {
            system.set_keep_capabilities(true).step("keep the allowed capabilities")?;
        }
        system.set_user_ids([Some(identity.uid); 3]).step("become the user")?;
        if keep {
            system.set_keep_capabilities(false).step("stop keeping capabilities")?;
        }
    }
    Ok(())
}
