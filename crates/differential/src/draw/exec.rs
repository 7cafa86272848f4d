//! Files to execute.

use super::sets;
use crate::case::{Exec, File, View};
use crate::namespace::Namespace;
use crate::place::{Place, SCRIPTS};
use crate::random::Random;
use crate::thread::Thread;
use dropcap_capability::{CapabilitySet, Credentials, FileCapabilities, Revision};

/// Users that own files: ours, those of the other namespaces, and one
/// that none of those maps.
const OWNERS: [u32; 7] = [0, 1000, 1001, 100_000, 101_000, 101_001, 4242];
/// Those that the second namespace maps.
const FOREIGN_OWNERS: [u32; 4] = [100_000, 100_001, 101_000, 101_001];
/// Those that a mount with its map shows, and one that it does not.
const MAPPED_OWNERS: [u32; 5] = [0, 1000, 1001, 1, 4242];

/// An execve that has something to do with the thread.
pub(super) fn draw(
    random: &mut Random,
    place: &Place,
    thread: &Thread,
    slot: usize,
    script: bool,
) -> Exec {
    let mut view = random.weighted(&place.views);
    if script && view == View::Foreign {
        // What scripts there name would lie on another filesystem.
        view = View::Plain;
    }
    let owners = Owners::of(thread, view);
    let credentials = &thread.credentials;
    let capabilities = random.percent(50).then(|| file_capabilities(random, credentials, view));
    let program = File { capabilities, ..file(random, &owners) };
    let scripts = if script { scripts(random, &owners) } else { Vec::new() };
    Exec { slot, view, scripts, program, directory: directory(random, &owners) }
}

/// Mostly one; else a chain, often one that is too long.
fn scripts(random: &mut Random, owners: &Owners) -> Vec<File> {
    let count = match random.below(10) {
        0..6 => 1,
        6 => 1 + random.below(SCRIPTS),
        _ => SCRIPTS - random.below(3),
    };
    let script = |random: &mut Random, executable: usize| {
        let file = file(random, owners);
        // A script that cannot be executed says nothing of its interpreter.
        File {
            mode: if random.percent(executable) { file.mode | 0o111 } else { file.mode },
            ..file
        }
    };
    (0..count).map(|_| script(random, if count == 1 { 70 } else { 94 })).collect()
}

/// Who may own files, in the numbers of the test's namespace.
struct Owners {
    users: Vec<u32>,
    groups: Vec<u32>,
    root: u32,
    root_group: u32,
    /// Whether directories can belong to the root of the test.
    ours: bool,
}

impl Owners {
    /// The thread's own ids, twice as often as each other.
    fn of(thread: &Thread, view: View) -> Self {
        let Credentials { uid, gid, groups, .. } = &thread.credentials;
        let environment = &thread.environment;
        match view {
            // Only who the mount's map has can own something there.
            View::Foreign => Self {
                users: FOREIGN_OWNERS.to_vec(),
                groups: FOREIGN_OWNERS.to_vec(),
                root: Namespace::MAPPED_ROOT,
                root_group: Namespace::MAPPED_ROOT,
                ours: false,
            },
            // On disk are the numbers before the map.
            View::IdMapped => Self {
                users: MAPPED_OWNERS.to_vec(),
                groups: MAPPED_OWNERS.to_vec(),
                root: 0,
                root_group: 0,
                ours: true,
            },
            _ => Self {
                users: [uid.real, uid.effective, uid.saved, uid.filesystem]
                    .into_iter()
                    .chain(OWNERS)
                    .collect(),
                groups: [gid.real, gid.effective, gid.filesystem]
                    .into_iter()
                    .chain(groups.iter().copied())
                    .chain(OWNERS)
                    .collect(),
                root: environment.uids.root().unwrap_or(0),
                root_group: environment.gids.root().unwrap_or(0),
                ours: true,
            },
        }
    }
}

fn file(random: &mut Random, owners: &Owners) -> File {
    let mode = match random.below(20) {
        0..4 => 0o755,
        4..7 => 0o4755,
        7..9 => 0o2755,
        9 => 0o6755,
        // Setgid without the group's execute bit is no set-id bit.
        10 => 0o2745,
        11..13 => random.bits() as u32 & 0o7777 | 0o111,
        13..16 => random.bits() as u32 & 0o7777,
        // One class alone may execute it.
        16..18 => random.bits() as u32 & 0o7666 | random.pick(&[0o100, 0o010, 0o001, 0o110]),
        _ => random.bits() as u32 & 0o7666,
    };
    let uid = if random.percent(45) { owners.root } else { random.pick(&owners.users) };
    let gid = if random.percent(30) { owners.root_group } else { random.pick(&owners.groups) };
    File { mode, uid, gid, capabilities: None }
}

/// Mostly one that everybody may search.
fn directory(random: &mut Random, owners: &Owners) -> File {
    if random.percent(88) {
        let root = if owners.ours { 0 } else { owners.root };
        return File { mode: 0o755, uid: root, gid: root, capabilities: None };
    }
    File { mode: random.bits() as u32 & 0o3777, ..file(random, owners) }
}

fn file_capabilities(random: &mut Random, start: &Credentials, view: View) -> FileCapabilities {
    // Bits that no kernel has can be written; the kernel leaves them out.
    let anything = CapabilitySet::from_bits(u64::MAX);
    let permitted = match random.below(10) {
        // Can be had, so that the file can be executed.
        0..5 => sets::draw(random, start.bounding),
        5..8 => sets::draw(random, CapabilitySet::KNOWN),
        8 => sets::draw(random, start.bounding | start.inheritable),
        _ => sets::draw(random, anything),
    };
    let inheritable = match random.below(10) {
        0..3 => CapabilitySet::EMPTY,
        3..6 => sets::draw(random, start.inheritable),
        6..9 => sets::draw(random, CapabilitySet::KNOWN),
        _ => sets::draw(random, anything),
    };
    let revision = if random.percent(60) {
        Revision::Two
    } else {
        let roots: &[u32] = match view {
            View::Foreign => &FOREIGN_OWNERS,
            _ => &[0, 100_000, 101_000, 1000, 0, 100_000, 4242],
        };
        Revision::Three { root_id: random.pick(roots) }
    };
    FileCapabilities { permitted, inheritable, effective: random.percent(50), revision }
}
