//! What the thread does.

use super::{exec, ids, sets};
use crate::case::{Kind, Operation};
use crate::place::Place;
use crate::random::Random;
use crate::thread::Thread;
use dropcap_capability::{
    Capability, CapabilitySet, CapsetHeader, CapsetRequest, Credentials, Extent, IdMap, Securebits,
};

/// An operation of `kind` for a thread, its files in `slot` if it has any.
pub(super) fn draw(
    random: &mut Random,
    place: &Place,
    kind: Kind,
    thread: &Thread,
    slot: usize,
) -> Operation {
    let environment = &thread.environment;
    // Ids as the thread calls them.
    let shown = &thread.shown();
    let (uid, gid) = (shown.uid, shown.gid);
    let (uids, gids) = (&environment.uids, &environment.gids);
    match kind {
        Kind::Execve => Operation::Execve(exec::draw(random, place, thread, slot, false).into()),
        Kind::ExecveScript => {
            Operation::Execve(exec::draw(random, place, thread, slot, true).into())
        }
        Kind::CapbsetDrop => Operation::CapbsetDrop(sets::any(random)),
        Kind::AmbientRaise => Operation::AmbientRaise(to_raise(random, shown)),
        Kind::AmbientLower => Operation::AmbientLower(to_lower(random, shown)),
        Kind::AmbientClear => Operation::AmbientClear,
        Kind::SetSecurebits => Operation::SetSecurebits(securebits(random, shown)),
        Kind::SetKeepCaps => Operation::SetKeepCaps(random.percent(50)),
        Kind::SetNoNewPrivs => Operation::SetNoNewPrivs,
        Kind::Setuid => Operation::Setuid(ids::single(random, uid, uids)),
        Kind::Setreuid => Operation::Setreuid(ids::pair(random, uid, uids)),
        Kind::Setresuid => Operation::Setresuid(ids::request(random, uid, uids)),
        Kind::Setfsuid => Operation::Setfsuid(ids::one(random, uid.filesystem, uids)),
        Kind::Setgid => Operation::Setgid(ids::single(random, gid, gids)),
        Kind::Setregid => Operation::Setregid(ids::pair(random, gid, gids)),
        Kind::Setresgid => Operation::Setresgid(ids::request(random, gid, gids)),
        Kind::Setfsgid => Operation::Setfsgid(ids::one(random, gid.filesystem, gids)),
        Kind::Setgroups => Operation::Setgroups(groups(random, gids)),
        Kind::Capset => Operation::Capset(header(random), capset(random, shown)),
        Kind::UnshareUserNamespace => Operation::UnshareUserNamespace,
        Kind::EnterUserNamespace => {
            Operation::EnterUserNamespace(random.below(place.namespaces.len()))
        }
        Kind::WriteUidMap => Operation::WriteUidMap(extent(random, thread.outer_ids().0)),
        Kind::WriteGidMap => Operation::WriteGidMap(extent(random, thread.outer_ids().1)),
        Kind::DenySetgroups => Operation::DenySetgroups,
        Kind::TraceMe => Operation::TraceMe,
    }
}

/// Half the time one that may be raised, as far as there is any.
fn to_raise(random: &mut Random, start: &Credentials) -> Capability {
    match random.below(4) {
        0..2 => sets::one(random, start.permitted & start.inheritable),
        2 => sets::one(random, start.permitted | start.inheritable),
        _ => sets::any(random),
    }
}

fn to_lower(random: &mut Random, start: &Credentials) -> Capability {
    if random.percent(60) { sets::one(random, start.ambient) } else { sets::any(random) }
}

/// Mostly a small step from what is set, since a random jump nearly always meets a lock.
fn securebits(random: &mut Random, start: &Credentials) -> Securebits {
    let before = start.securebits.bits();
    let flip = |random: &mut Random, bits: u32| 1 << random.below(bits as usize);
    Securebits::from_bits(match random.below(20) {
        0..2 => before,
        2..7 => before ^ flip(random, 8),
        7..9 => before ^ flip(random, 8) ^ flip(random, 8),
        9..13 => before ^ (flip(random, 4) << 8),
        13 => before ^ (flip(random, 4) << 8) ^ flip(random, 8),
        14..16 => before | (1 << (12 + random.below(20))),
        16..18 => random.bits() as u32 & 0xff,
        _ => before & random.bits() as u32,
    })
}

fn groups(random: &mut Random, map: &IdMap) -> Vec<u32> {
    let pool = ids::pool(map);
    let mut strangers = ids::strangers(map);
    // No namespace maps the last number, which is no id.
    strangers.push(u32::MAX);
    let strange = random.percent(45);
    let mut group = |_| {
        let stranger = strange && random.percent(60);
        random.pick(if stranger { &strangers } else { &pool })
    };
    let count = group(0) as usize % 5 + usize::from(strange);
    (0..count).map(group).collect()
}

/// Mostly of the own id alone, as who makes a namespace without privilege writes it.
fn extent(random: &mut Random, own: u32) -> Extent {
    let inside = random.pick(&[0, 0, 0, 1000, u32::MAX]);
    let outer = if random.percent(65) { own } else { random.pick(&[0, 1000, 1001, 4242]) };
    (inside, outer, random.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 2, 0]))
}

/// Mostly the one that everybody uses.
fn header(random: &mut Random) -> CapsetHeader {
    let plain = CapsetHeader::PLAIN;
    let version = match random.below(20) {
        0 => CapsetHeader::VERSION_1,
        1 => CapsetHeader::VERSION_2,
        2..4 => random.bits() as u32,
        _ => plain.version,
    };
    CapsetHeader { version, own: random.percent(90) }
}

/// Half the time a step down, as programs make it; else too much of one set alone, since the first
/// refusal hides the others.
fn capset(random: &mut Random, start: &Credentials) -> CapsetRequest {
    let anything = CapabilitySet::from_bits(u64::MAX);
    let permitted = match random.below(2) {
        0 => start.permitted,
        _ => sets::draw(random, start.permitted),
    };
    let effective = match random.below(2) {
        0 => permitted,
        _ => sets::draw(random, permitted),
    };
    let inheritable = match random.below(8) {
        0..3 => sets::draw(random, start.inheritable),
        3..6 => sets::draw(random, start.inheritable | (start.permitted & start.bounding)),
        6 => sets::draw(random, start.inheritable | start.permitted),
        _ => sets::draw(random, start.inheritable | start.bounding),
    };
    let request = CapsetRequest { effective, permitted, inheritable };
    match random.below(10) {
        0..2 => CapsetRequest { permitted: sets::draw(random, anything), ..request },
        2 => CapsetRequest { effective: sets::draw(random, anything), ..request },
        3..6 => CapsetRequest { inheritable: sets::draw(random, anything), ..request },
        _ => request,
    }
}
