//! Sets of capabilities.

use crate::random::Random;
use dropcap_capability::{Capability, CapabilitySet};

/// Those that a rule asks about by name.
const NAMED: [Capability; 6] = [
    Capability::DAC_OVERRIDE,
    Capability::SETGID,
    Capability::SETUID,
    Capability::SETPCAP,
    Capability::SYS_ADMIN,
    Capability::SETFCAP,
];

/// A subset of `of`: often one at an edge.
pub(super) fn draw(random: &mut Random, of: CapabilitySet) -> CapabilitySet {
    let set = match random.below(20) {
        0..3 => CapabilitySet::EMPTY,
        3..5 => of,
        5..8 => CapabilitySet::from(one(random, of)),
        8..11 => of.without(one(random, of)),
        11..14 => NAMED.into_iter().filter(|_| random.percent(50)).collect(),
        14..17 => CapabilitySet::from_bits(random.bits()),
        17..19 => CapabilitySet::from_bits(random.bits() & random.bits() & random.bits()),
        _ => CapabilitySet::from_bits(random.bits() | random.bits() | random.bits()),
    };
    set & of
}

/// A member of `of`, or any capability where it has none.
pub(super) fn one(random: &mut Random, of: CapabilitySet) -> Capability {
    let members: Vec<Capability> = of.iter().collect();
    if members.is_empty() { any(random) } else { random.pick(&members) }
}

/// Any capability that a kernel could have, known or not.
pub(super) fn any(random: &mut Random) -> Capability {
    let known = Capability::KNOWN.len();
    let unknown = known + random.below(usize::from(Capability::MAX_BITS) - known);
    let unknown = Capability::from_number(unknown as u8);
    unknown.filter(|_| random.percent(40)).unwrap_or_else(|| random.pick(Capability::KNOWN))
}
