//! Whether a capability counts over a user namespace (`ns_capable`, `cap_capable`);
//! user_namespaces(7), "Capabilities".

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, CapabilitySet};

/// Where the holder of capabilities stands to a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It lives in it.
    Member,
    /// It lives in one around it.
    Ancestor {
        /// Whether its effective uid made the namespace, or the one on the way to it that lies
        /// directly in the holder's own.
        owner: bool,
    },
    /// It lives somewhere else: in a sibling, or below it.
    Stranger,
}

/// Whether somebody with these effective capabilities has `capability` over the namespace. Who made a
/// namespace has every capability over it and over those below, whatever its own sets are.
pub fn capable(effective: CapabilitySet, standing: Standing, capability: Capability) -> bool {
    capable_judged(effective, standing, capability, &mut Faithful)
}

/// [`capable`], each of its decisions put to `judge`.
pub fn capable_judged(
    effective: CapabilitySet,
    standing: Standing,
    capability: Capability,
    judge: &mut impl Judge,
) -> bool {
    let (inside, owner) = match standing {
        Standing::Member => (true, false),
        Standing::Ancestor { owner } => (true, owner),
        Standing::Stranger => (false, false),
    };
    judge.decide(Branch::CapableReaches, inside)
        && (judge.decide(Branch::CapableOwner, owner)
            || judge.decide(Branch::CapableEffective, effective.contains(capability)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_made_a_namespace_needs_no_capability() {
        let has = |set, standing| capable(set, standing, Capability::SYS_ADMIN);
        let (none, full) = (CapabilitySet::EMPTY, CapabilitySet::KNOWN);
        assert!(has(none, Standing::Ancestor { owner: true }));
        assert!(!has(none, Standing::Ancestor { owner: false }));
        assert!(has(full, Standing::Ancestor { owner: false }));
        assert!(has(full, Standing::Member) && !has(none, Standing::Member));
        assert!(!has(full, Standing::Stranger));
    }
}
