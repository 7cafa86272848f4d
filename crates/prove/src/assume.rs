//! Taking on exactly given credentials, so that doors can be tried from there.

use dropcap_capability::{Capability, CapabilitySet, Credentials, Securebits};
use dropcap_confine::sys::{Linux, Sets, System, last_capability, read_credentials};
use std::io;
use thiserror::Error;

/// Why credentials could not be taken on.
#[derive(Debug, Error)]
pub enum AssumeError {
    /// A call on the way failed.
    #[error("{call}")]
    Refused {
        /// The call, and what it was for.
        call: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// Every call went through, and yet the kernel shows something else.
    #[error("the kernel shows {shown:?} where {wanted:?} was asked for")]
    Different {
        /// What was asked for.
        wanted: Box<Credentials>,
        /// What the kernel shows.
        shown: Box<Credentials>,
    },
}

/// Takes on these credentials: ids, groups, the five sets, securebits, no_new_privs; then reads them
/// back and compares each.
///
/// The calling thread must hold every capability of the wanted sets, and SETUID, SETGID and SETPCAP.
/// There is no way back.
///
/// # Errors
/// Where a call fails, or the kernel shows something else afterwards. The thread is then somewhere
/// in between, and must end.
pub fn assume(wanted: &Credentials) -> Result<(), AssumeError> {
    let refused = |call: &str| {
        let call = call.to_owned();
        move |source| AssumeError::Refused { call, source }
    };
    let own = Linux.capget().map_err(refused("capget"))?;
    let all = own.permitted;
    let sets = |inheritable| Sets { effective: all, permitted: all, inheritable };
    Linux.capset(sets(own.inheritable)).map_err(refused("capset of everything effective"))?;

    // A change of ids must change no set: each is set by itself below.
    Linux
        .set_securebits(Securebits::NO_SETUID_FIXUP)
        .map_err(refused("prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP)"))?;
    if Linux.groups().map_err(refused("getgroups"))? != wanted.groups {
        Linux.set_groups(&wanted.groups).map_err(refused("setgroups"))?;
    }
    let gids = [wanted.gid.real, wanted.gid.effective, wanted.gid.saved];
    Linux.set_group_ids(gids.map(Some)).map_err(refused("setresgid"))?;
    let uids = [wanted.uid.real, wanted.uid.effective, wanted.uid.saved];
    Linux.set_user_ids(uids.map(Some)).map_err(refused("setresuid"))?;

    // The inheritable set can gain only what the bounding set still has, the ambient set only what
    // is permitted and inheritable.
    Linux.capset(sets(wanted.inheritable)).map_err(refused("capset of the inheritable set"))?;
    Linux.ambient_clear().map_err(refused("prctl(PR_CAP_AMBIENT_CLEAR_ALL)"))?;
    for capability in wanted.ambient.iter() {
        Linux
            .ambient_raise(capability)
            .map_err(refused(&format!("prctl(PR_CAP_AMBIENT_RAISE, {capability})")))?;
    }
    for capability in excess(wanted.bounding) {
        Linux
            .bounding_drop(capability)
            .map_err(refused(&format!("prctl(PR_CAPBSET_DROP, {capability})")))?;
    }
    Linux.set_securebits(wanted.securebits).map_err(refused("prctl(PR_SET_SECUREBITS)"))?;
    if wanted.no_new_privs {
        Linux.set_no_new_privs().map_err(refused("prctl(PR_SET_NO_NEW_PRIVS)"))?;
    }
    Linux
        .capset(Sets {
            effective: wanted.effective,
            permitted: wanted.permitted,
            inheritable: wanted.inheritable,
        })
        .map_err(refused("capset of the wanted sets"))?;

    let shown = read_credentials().map_err(refused("reading the credentials back"))?;
    if shown == *wanted {
        Ok(())
    } else {
        Err(AssumeError::Different { wanted: Box::new(wanted.clone()), shown: Box::new(shown) })
    }
}

/// What the bounding set has to lose, as far as this kernel has it.
fn excess(wanted: CapabilitySet) -> impl Iterator<Item = Capability> {
    (0..=last_capability().number())
        .filter_map(Capability::from_number)
        .filter(move |capability| !wanted.contains(*capability))
        .filter(|capability| Linux.bounding_has(*capability).unwrap_or(true))
}
