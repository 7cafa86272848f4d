//! Drawing cases: random, but with the weight where the rules have their edges.
//!
//! Only states are drawn that root can be brought into, so that hardly a draw is lost.

mod exec;
mod ids;
mod operation;
mod sets;

use crate::case::{Case, Kind};
use crate::namespace::Namespace;
use crate::random::Random;
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids, Securebits, prctl};

/// What one thread's uid, gid and groups are when its namespace does not map them
/// (`/proc/sys/kernel/overflowuid`).
const OVERFLOW_ID: u32 = 65534;

/// The case of `seed` in a place with these namespaces.
pub(crate) fn draw(seed: u64, namespaces: &[Namespace]) -> Case {
    let mut random = Random::new(seed);
    let kind = random.weighted(&Kind::WEIGHTS);
    let others = namespaces.len() - 1;
    let apart = others > 0 && random.percent(apart_percent(kind));
    let index = if apart { 1 + random.below(others) } else { 0 };
    let namespace = &namespaces[index];
    let foreign = namespace.user_inside(0).is_none() && namespace.group_inside(0).is_none();
    let unmapped = foreign && kind == Kind::UnshareUserNamespace && random.percent(75);

    let mut start = draw_start(&mut random, namespace, kind);
    if unmapped {
        (start.uid, start.gid) = (Ids::all(OVERFLOW_ID), Ids::all(OVERFLOW_ID));
    }
    let operation = operation::draw(&mut random, namespace, kind, &start);
    Case { seed, namespace: index, unmapped, start, operation }
}

/// How often it matters which ids a namespace maps.
fn apart_percent(kind: Kind) -> usize {
    match kind {
        Kind::UnshareUserNamespace => 85,
        Kind::Setresuid | Kind::Setresgid | Kind::Setgroups => 50,
        _ => 25,
    }
}

fn draw_start(random: &mut Random, namespace: &Namespace, kind: Kind) -> Credentials {
    let full = namespace.full;
    let users = ids::pool(&namespace.environment.uids);
    let groups = ids::pool(&namespace.environment.gids);
    let mut permitted = if random.percent(35) { full } else { sets::draw(random, full) };
    let mut effective = match random.below(10) {
        0..5 => permitted,
        5..7 => CapabilitySet::EMPTY,
        _ => sets::draw(random, permitted),
    };
    // What the operation itself asks for is there half the time, whatever else is.
    if let Some(capability) = asked_by(kind).filter(|capability| full.contains(*capability)) {
        if random.percent(50) {
            permitted = permitted.with(capability);
            effective = effective.with(capability);
        } else {
            effective = effective.without(capability);
        }
    }
    let inheritable =
        if random.percent(40) { CapabilitySet::EMPTY } else { sets::draw(random, full) };
    let bounding = if random.percent(30) { full } else { sets::draw(random, full) };
    let both = permitted & inheritable;
    let ambient = if random.percent(40) { CapabilitySet::EMPTY } else { sets::draw(random, both) };
    let mut uid = ids::draw(random, &users);
    if matches!(kind, Kind::Setresuid | Kind::Setfsuid) && random.percent(60) {
        // Root to leave, or to become.
        let id = random.pick(&[users[0], users[users.len() - 1]]);
        (uid.effective, uid.filesystem) = (id, id);
    }
    let mut members: Vec<u32> = (0..random.below(4)).map(|_| random.pick(&groups)).collect();
    members.sort_unstable();
    Credentials {
        uid,
        gid: ids::draw(random, &groups),
        groups: members,
        effective,
        permitted,
        inheritable,
        bounding,
        ambient,
        securebits: draw_securebits(random, namespace, kind),
        no_new_privs: random.percent(25),
    }
}

/// The capability that decides about an operation.
fn asked_by(kind: Kind) -> Option<Capability> {
    match kind {
        Kind::Execve | Kind::ExecveScript => Some(Capability::DAC_OVERRIDE),
        Kind::CapbsetDrop | Kind::SetSecurebits | Kind::Capset => Some(Capability::SETPCAP),
        Kind::Setresuid | Kind::Setfsuid => Some(Capability::SETUID),
        Kind::Setresgid | Kind::Setgroups => Some(Capability::SETGID),
        _ => None,
    }
}

/// The flag that decides about an operation.
fn flag_of(kind: Kind) -> Securebits {
    match kind {
        Kind::AmbientRaise => Securebits::NO_CAP_AMBIENT_RAISE,
        Kind::Setresuid => Securebits::KEEP_CAPS,
        Kind::Setfsuid => Securebits::NO_SETUID_FIXUP,
        Kind::SetKeepCaps => Securebits::KEEP_CAPS.locks(),
        _ => Securebits::EMPTY,
    }
}

/// Any of the flags and locks that the kernel has, and often the one that decides.
fn draw_securebits(random: &mut Random, namespace: &Namespace, kind: Kind) -> Securebits {
    let decides = if random.percent(45) { flag_of(kind) } else { Securebits::EMPTY };
    if random.percent(40) {
        return decides;
    }
    let older = Securebits::from_bits((random.bits() & random.bits()) as u32 & 0xff).union(decides);
    let newer = if random.percent(10) { random.bits() as u32 & 0xf00 } else { 0 };
    let securebits = older.union(Securebits::from_bits(newer));
    let root =
        Credentials { effective: namespace.full, ..Credentials::unprivileged(0, namespace.full) };
    match prctl::set_securebits(&root, securebits, &namespace.environment) {
        Ok(_) => securebits,
        Err(_) => older,
    }
}
