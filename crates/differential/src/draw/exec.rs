//! Files to execute.

use super::sets;
use crate::case::{Exec, File};
use crate::namespace::Namespace;
use crate::random::Random;
use dropcap_capability::{CapabilitySet, Credentials, FileCapabilities, Revision};

/// Users of the initial user namespace that own files: ours, those of the other namespaces, and one
/// that none of those maps.
const OWNERS: [u32; 7] = [0, 1000, 1001, 100_000, 101_000, 101_001, 4242];

/// An execve that has something to do with the thread.
pub(super) fn draw(
    random: &mut Random,
    namespace: &Namespace,
    start: &Credentials,
    script: bool,
) -> Exec {
    let owners = Owners::of(namespace, start);
    let capabilities = random.percent(50).then(|| file_capabilities(random, start));
    let program = File { capabilities, ..file(random, &owners) };
    let script = script.then(|| {
        let file = file(random, &owners);
        // A script that cannot be executed says nothing of its interpreter.
        File { mode: if random.percent(70) { file.mode | 0o111 } else { file.mode }, ..file }
    });
    Exec { program, script, directory: directory(random, &owners), nosuid: random.percent(12) }
}

/// Who may own files, in the numbers of the initial namespace.
struct Owners {
    users: Vec<u32>,
    groups: Vec<u32>,
    root: u32,
    root_group: u32,
}

impl Owners {
    /// The thread's own ids, twice as often as each other.
    fn of(namespace: &Namespace, start: &Credentials) -> Self {
        let own_users =
            [start.uid.real, start.uid.effective, start.uid.saved, start.uid.filesystem];
        let own_groups = [start.gid.real, start.gid.effective, start.gid.filesystem];
        let users = own_users.iter().filter_map(|id| namespace.user_outside(*id));
        let groups = own_groups.iter().chain(&start.groups);
        let groups = groups.filter_map(|id| namespace.group_outside(*id));
        Self {
            users: users.chain(OWNERS).collect(),
            groups: groups.chain(OWNERS).collect(),
            root: namespace.user_outside(0).unwrap_or(0),
            root_group: namespace.group_outside(0).unwrap_or(0),
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
        return File { mode: 0o755, uid: 0, gid: 0, capabilities: None };
    }
    File { mode: random.bits() as u32 & 0o3777, ..file(random, owners) }
}

fn file_capabilities(random: &mut Random, start: &Credentials) -> FileCapabilities {
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
        Revision::Three { root_id: random.pick(&[0, 100_000, 101_000, 1000, 0, 100_000, 4242]) }
    };
    FileCapabilities { permitted, inheritable, effective: random.percent(50), revision }
}
