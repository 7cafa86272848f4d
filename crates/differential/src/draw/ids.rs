//! User and group ids.

use crate::random::Random;
use dropcap_capability::setuid::{IdRequest, PairRequest};
use dropcap_capability::{IdMap, Ids};

/// Root, two users, and whom nobody maps.
const CANDIDATES: [u32; 4] = [0, 1000, 1001, 65534];
/// Ids that some namespaces of the test do not map; the last one is no id anywhere.
const STRANGERS: [u32; 4] = [7, 2000, 100_000, u32::MAX - 1];

/// The ids that a thread may have in a namespace with this map; any, where it maps none.
pub(super) fn pool(map: &IdMap) -> Vec<u32> {
    let pool: Vec<u32> = CANDIDATES.into_iter().filter(|id| map.maps(*id)).collect();
    if pool.is_empty() { CANDIDATES.to_vec() } else { pool }
}

/// Ids that mean nothing in it, as far as it has any.
pub(super) fn strangers(map: &IdMap) -> Vec<u32> {
    STRANGERS.into_iter().filter(|id| !map.maps(*id)).collect()
}

/// The four ids of a thread: the first of the pool, root, is often among them.
pub(super) fn draw(random: &mut Random, pool: &[u32]) -> Ids {
    let id = |random: &mut Random| if random.percent(30) { pool[0] } else { random.pick(pool) };
    if random.percent(45) {
        return Ids::all(id(random));
    }
    let (real, effective, saved) = (id(random), id(random), id(random));
    let filesystem = if random.percent(70) { effective } else { id(random) };
    Ids { real, effective, saved, filesystem }
}

/// One id, mapped or not; mostly to or from root, seen from `current`.
pub(super) fn one(random: &mut Random, current: u32, map: &IdMap) -> u32 {
    let mut strangers = strangers(map);
    // No namespace maps the last number, which is no id.
    strangers.push(u32::MAX);
    match random.below(10) {
        0..2 => random.pick(&strangers),
        2..6 if current != 0 => 0,
        2..6 => 1000,
        _ => random.pick(&pool(map)),
    }
}

/// What is asked of setresuid(2) or setresgid(2): to stay, to swap, to leave for something new.
pub(super) fn request(random: &mut Random, ids: Ids, map: &IdMap) -> IdRequest {
    let pool = pool(map);
    let strangers = strangers(map);
    let own = [ids.real, ids.effective, ids.saved];
    match random.below(20) {
        0..2 => IdRequest {
            real: Some(ids.real).filter(|_| random.percent(50)),
            effective: Some(ids.effective).filter(|_| random.percent(50)),
            saved: Some(ids.saved).filter(|_| random.percent(50)),
        },
        2..5 => IdRequest::all(random.pick(&pool)),
        5..7 => IdRequest::all(pool[pool.len() - 1]),
        7 => IdRequest::all(pool[0]),
        8..10 => {
            let mut id = || Some(random.pick(&own)).filter(|_| random.percent(75));
            IdRequest { real: id(), effective: id(), saved: id() }
        }
        10..15 if !strangers.is_empty() => {
            let mut id = || {
                let from = if random.percent(50) { &strangers } else { &pool };
                let id = random.pick(from);
                Some(id).filter(|_| random.percent(75))
            };
            IdRequest { real: id(), effective: id(), saved: id() }
        }
        _ => {
            let mut id = || Some(random.pick(&pool)).filter(|_| random.percent(75));
            IdRequest { real: id(), effective: id(), saved: id() }
        }
    }
}

/// What is asked of setreuid(2) or setregid(2): mostly own ids, each where it may be and where not.
pub(super) fn pair(random: &mut Random, ids: Ids, map: &IdMap) -> PairRequest {
    let pool = pool(map);
    let strangers = strangers(map);
    let own = [ids.real, ids.effective, ids.saved, ids.filesystem];
    let id = |random: &mut Random| match random.below(20) {
        0..4 => None,
        4..12 => Some(random.pick(&own)),
        12..15 if !strangers.is_empty() => Some(random.pick(&strangers)),
        _ => Some(random.pick(&pool)),
    };
    PairRequest { real: id(random), effective: id(random) }
}

/// What is asked of setuid(2) or setgid(2): an own id half the time.
pub(super) fn single(random: &mut Random, ids: Ids, map: &IdMap) -> u32 {
    let own = [ids.real, ids.effective, ids.saved];
    if random.percent(45) { random.pick(&own) } else { one(random, ids.effective, map) }
}
