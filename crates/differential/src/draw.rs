//! Drawing cases: random, but with the weight where the rules have their edges.
//!
//! Only states are drawn that root can be brought into, so that hardly a draw is lost.

mod exec;
mod ids;
mod operation;
mod sets;

use crate::case::{Case, Kind, Operation};
use crate::namespace::Namespace;
use crate::place::{Place, SLOTS};
use crate::random::Random;
use crate::thread::Thread;
use dropcap_capability::branch::Faithful;
use dropcap_capability::{Capability, CapabilitySet, Credentials, Ids, Securebits, prctl};

/// The most operations of a case.
pub const MOST_OPERATIONS: usize = 6;

/// The case of `seed` in a place.
pub(crate) fn draw(seed: u64, place: &Place) -> Case {
    let mut random = Random::new(seed);
    let first = random.weighted(&Kind::WEIGHTS);
    let others = place.namespaces.len() - 1;
    let apart = others > 0 && random.percent(apart_percent(first));
    let index = if apart { 1 + random.below(others) } else { 0 };
    let namespace = &place.namespaces[index];
    let foreign = !namespace.environment.uids.has(0) && !namespace.environment.gids.has(0);
    let unmapped = foreign && first == Kind::UnshareUserNamespace && random.percent(75);
    // Who shares its directories cannot be brought into another namespace.
    let often = matches!(first, Kind::EnterUserNamespace | Kind::Execve | Kind::TraceMe);
    let shares_directories = index == 0 && random.percent(if often { 32 } else { 15 });

    let mut start = draw_start(&mut random, namespace, first);
    if first == Kind::TraceMe || shares_directories {
        // What lets new ids be kept though a gain is refused.
        start.permitted = start.permitted.with(Capability::SETUID);
        start.effective = start.effective.with(Capability::SETUID);
    }
    if unmapped {
        (start.uid, start.gid) = (Ids::all(0), Ids::all(0));
    }
    let thread = Thread::new(start.clone(), &place.namespaces, index, shares_directories);
    let operations = draw_operations(&mut random, place, first, thread);
    Case { seed, namespace: index, unmapped, shares_directories, start, operations }
}

/// Each for what the model makes of the thread by then, so that it has something to do with it.
fn draw_operations(
    random: &mut Random,
    place: &Place,
    first: Kind,
    mut thread: Thread,
) -> Vec<Operation> {
    let count = 1 + random.below(MOST_OPERATIONS);
    let mut operations = Vec::with_capacity(count);
    let (mut kind, mut slot) = (first, 0);
    for _ in 0..count {
        let executes = matches!(kind, Kind::Execve | Kind::ExecveScript);
        if executes && slot == SLOTS || writes(kind) && !thread.owns_its_files() {
            kind = Kind::Setresuid;
        }
        let operation = operation::draw(random, place, kind, &thread, slot);
        slot += usize::from(matches!(operation, Operation::Execve(_)));
        thread = thread.after(&operation, &place.namespaces, &mut Faithful).unwrap_or(thread);
        operations.push(operation);
        kind = next_kind(random, kind, &thread);
    }
    operations
}

/// What comes after an operation of `kind`: often what shows what it did.
fn next_kind(random: &mut Random, kind: Kind, thread: &Thread) -> Kind {
    match kind {
        Kind::TraceMe if random.percent(60) => Kind::Execve,
        Kind::TraceMe if random.percent(25) => Kind::TraceMe,
        // In a namespace of its own nobody has a number, until a map is written.
        Kind::UnshareUserNamespace if thread.is_anybody() => random.weighted(&Kind::WEIGHTS),
        Kind::UnshareUserNamespace => random.weighted(&[
            (8, Kind::WriteUidMap),
            (8, Kind::DenySetgroups),
            (7, Kind::WriteGidMap),
            (4, Kind::UnshareUserNamespace),
            (13, Kind::Capset),
            (4, Kind::Execve),
        ]),
        Kind::Capset if !thread.is_anybody() => random.weighted(&[
            (4, Kind::WriteUidMap),
            (3, Kind::WriteGidMap),
            (2, Kind::DenySetgroups),
            (1, Kind::Execve),
        ]),
        Kind::DenySetgroups if random.percent(70) => Kind::WriteGidMap,
        Kind::DenySetgroups if random.percent(40) => Kind::WriteUidMap,
        Kind::WriteUidMap if random.percent(50) => random.weighted(&[
            (2, Kind::DenySetgroups),
            (2, Kind::WriteUidMap),
            (1, Kind::UnshareUserNamespace),
            (3, Kind::Setresuid),
            (4, Kind::Execve),
        ]),
        Kind::WriteGidMap if random.percent(50) => random.weighted(&[
            (3, Kind::WriteUidMap),
            (2, Kind::WriteGidMap),
            (2, Kind::DenySetgroups),
            (2, Kind::Setgroups),
            (1, Kind::UnshareUserNamespace),
        ]),
        _ => random.weighted(&Kind::WEIGHTS),
    }
}

/// Whether it writes a file of the thread's own in /proc.
fn writes(kind: Kind) -> bool {
    matches!(kind, Kind::WriteUidMap | Kind::WriteGidMap | Kind::DenySetgroups)
}

/// How often it matters which ids a namespace maps.
fn apart_percent(kind: Kind) -> usize {
    match kind {
        Kind::UnshareUserNamespace => 65,
        Kind::Setresuid | Kind::Setresgid | Kind::Setgroups => 50,
        Kind::Setuid | Kind::Setgid | Kind::Setreuid | Kind::Setregid => 40,
        _ => 25,
    }
}

fn draw_start(random: &mut Random, namespace: &Namespace, kind: Kind) -> Credentials {
    let full = namespace.full;
    let environment = &namespace.environment;
    let users = ids::pool(&environment.uids);
    let groups = ids::pool(&environment.gids);
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
    if matches!(kind, Kind::Setuid | Kind::Setreuid | Kind::Setresuid | Kind::Setfsuid)
        && random.percent(60)
    {
        // Root to leave, or to become.
        let id = random.pick(&[users[0], users[users.len() - 1]]);
        (uid.effective, uid.filesystem) = (id, id);
    }
    let gid = ids::draw(random, &groups);
    let mut members: Vec<u32> = (0..random.below(4)).map(|_| random.pick(&groups)).collect();
    // Every id of the pools has a number outside.
    let user = |id| environment.uids.resolve(id).unwrap_or(id);
    let group = |id| environment.gids.resolve(id).unwrap_or(id);
    members.iter_mut().for_each(|member| *member = group(*member));
    members.sort_unstable();
    Credentials {
        uid: uid.map(user),
        gid: gid.map(group),
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
        Kind::Setuid | Kind::Setreuid | Kind::Setresuid | Kind::Setfsuid => {
            Some(Capability::SETUID)
        }
        Kind::Setgid | Kind::Setregid | Kind::Setresgid | Kind::Setfsgid | Kind::Setgroups => {
            Some(Capability::SETGID)
        }
        Kind::EnterUserNamespace => Some(Capability::SYS_ADMIN),
        Kind::UnshareUserNamespace => Some(Capability::SETFCAP),
        Kind::TraceMe => Some(Capability::SYS_PTRACE),
        _ => None,
    }
}

/// The flag that decides about an operation.
fn flag_of(kind: Kind) -> Securebits {
    match kind {
        Kind::AmbientRaise => Securebits::NO_CAP_AMBIENT_RAISE,
        Kind::Setuid | Kind::Setreuid | Kind::Setresuid => Securebits::KEEP_CAPS,
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
