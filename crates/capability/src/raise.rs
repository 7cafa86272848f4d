//! All that a thread may raise, raised.

use crate::{
    Capability, CapabilitySet, CapsetRequest, Credentials, Environment, Securebits, capset, prctl,
};

/// All that a thread can raise without losing anything: see [`crate::reachable`](mod@crate::reachable).
pub(crate) fn raise(state: &Credentials, environment: &Environment) -> Credentials {
    let everything = |state: &Credentials, offered: CapabilitySet| CapsetRequest {
        effective: state.permitted,
        permitted: state.permitted,
        inheritable: state.inheritable | (offered & state.bounding),
    };
    let mut best = state.clone();
    best = capset(&best, everything(&best, best.permitted), environment).unwrap_or(best);
    if best.effective.contains(Capability::SETPCAP) {
        best = capset(&best, everything(&best, best.bounding), environment).unwrap_or(best);
        for hindrance in [Securebits::NOROOT, Securebits::NO_CAP_AMBIENT_RAISE] {
            let without = best.securebits.difference(hindrance);
            best = prctl::set_securebits(&best, without, environment).unwrap_or(best);
        }
        let with = best.securebits.union(Securebits::NO_SETUID_FIXUP);
        best = prctl::set_securebits(&best, with, environment).unwrap_or(best);
    }
    best = prctl::set_keep_caps(&best, true).unwrap_or(best);
    prctl::ambient_raise_each(&best, best.permitted & best.inheritable, environment)
}
