//! The walk behind [`reachable`](crate::reachable()): breadth first, a level an execve.

use crate::reachable::{Chain, Reachable, Step};
use crate::setuid::{IdRequest, setfsuid, setgroups, setresgid, setresuid};
use crate::{
    Capability, CapabilitySet, CapsetRequest, Credentials, Environment, Executable, IdMap, Ids,
    Securebits, capset, execve, prctl,
};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// The capabilities that let a thread do more steps; the others are only collected.
const STEERING: CapabilitySet = CapabilitySet::EMPTY
    .with(Capability::SETUID)
    .with(Capability::SETGID)
    .with(Capability::SETPCAP)
    .with(Capability::DAC_OVERRIDE)
    .with(Capability::DAC_READ_SEARCH);

/// A state that was reached, raised, and how.
struct Node {
    state: Credentials,
    /// What raising added to its inheritable and ambient sets.
    raised: CapabilitySet,
    /// The node before, and the steps from there.
    parent: Option<(usize, Vec<Step>)>,
}

/// What is the same over the whole walk.
pub(crate) struct Search<'a> {
    environment: &'a Environment,
    start: &'a Credentials,
    /// One of each effect, a plain program among them.
    executables: Vec<&'a Executable>,
    /// The ids that somebody with CAP_SETUID or CAP_SETGID would take.
    uids: BTreeSet<u32>,
    gids: BTreeSet<u32>,
    uid_matters: bool,
    gid_matters: bool,
    /// What of the inheritable set can ever make a difference.
    inheritable_matters: CapabilitySet,
    bound: CapabilitySet,
    root_bound: bool,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        start: &'a Credentials,
        executables: impl Iterator<Item = &'a Executable>,
        environment: &'a Environment,
    ) -> Self {
        let executables = distinct(executables);
        let (bound, root_bound) = upper_bound(start, &executables, environment);
        let execute = |bits: u32| bits & 1;
        let owner_counts =
            |mode: u32| execute(mode >> 6) != execute(mode >> 3) || group_counts(mode);
        fn group_counts(mode: u32) -> bool {
            (mode >> 3) & 1 != mode & 1
        }
        let places = || {
            executables.iter().flat_map(|file| {
                let directories = file.restricted_directories.iter();
                let directories = directories.map(|place| (place.mode, place.uid, place.gid));
                directories.chain([(file.mode, file.uid, file.gid)])
            })
        };
        let owners: BTreeSet<u32> =
            places().filter(|place| owner_counts(place.0)).filter_map(|place| place.1).collect();
        let groups: BTreeSet<u32> =
            places().filter(|place| group_counts(place.0)).filter_map(|place| place.2).collect();
        let with_others = |named: &BTreeSet<u32>, ids: Ids, map: &IdMap| {
            let mut all = named.clone();
            all.extend([0, ids.real, ids.effective, ids.saved, ids.filesystem]);
            // Somebody of whom no file speaks: not being the owner can be an advantage.
            all.extend((1..=u32::from(u16::MAX)).find(|id| !all.contains(id) && map.maps(*id)));
            all
        };
        let passed_on = executables
            .iter()
            .filter_map(|file| file.file_capabilities)
            .fold(STEERING, |all, file| all | file.inheritable);
        Self {
            environment,
            start,
            uids: with_others(&owners, start.uid, &environment.uids),
            gids: with_others(&groups, start.gid, &environment.gids),
            uid_matters: !owners.is_empty(),
            gid_matters: !groups.is_empty(),
            inheritable_matters: if root_bound { !CapabilitySet::EMPTY } else { passed_on },
            executables,
            bound,
            root_bound,
        }
    }

    pub(crate) fn run(&self) -> Reachable {
        let mut found =
            Reachable { set: CapabilitySet::EMPTY, root_user: false, witnesses: vec![] };
        let mut nodes: Vec<Node> = Vec::new();
        self.visit(&mut nodes, &mut found, self.start.clone(), None);
        let mut next = 0;
        while next < nodes.len() {
            for (state, steps) in self.arrangements(&nodes[next]) {
                for file in &self.executables {
                    if self.is_complete(&found) {
                        return found;
                    }
                    let Ok(after) = execve(&state, file, self.environment) else { continue };
                    let mut steps = steps.clone();
                    steps.push(Step::Execve(file.path.clone()));
                    self.visit(&mut nodes, &mut found, after, Some((next, steps)));
                }
            }
            next += 1;
        }
        found
    }

    fn is_complete(&self, found: &Reachable) -> bool {
        found.set == self.bound && found.root_user == self.root_bound
    }

    /// Collects what `state` has, and keeps it for the walk unless a kept one can do as much.
    fn visit(
        &self,
        nodes: &mut Vec<Node>,
        found: &mut Reachable,
        state: Credentials,
        parent: Option<(usize, Vec<Step>)>,
    ) {
        found.root_user |= can_be_root(&state, self.environment);
        let news = state.permitted - found.set;
        if !news.is_empty() {
            found.set = found.set | news;
            for capability in news.iter() {
                let chain = self.simplify(chain(nodes, parent.as_ref()), capability);
                match found.witnesses.iter_mut().find(|(_, known)| *known == chain) {
                    Some((set, _)) => *set = set.with(capability),
                    None => found.witnesses.push((capability.into(), chain)),
                }
            }
        }
        let better = raise(&state, self.environment);
        if !nodes.iter().any(|node| self.can_do_as_much(&node.state, &better)) {
            let raised =
                (better.inheritable - state.inheritable) | (better.ambient - state.ambient);
            nodes.push(Node { state: better, raised, parent });
        }
    }

    /// Whether `kept` can come to whatever `state` can.
    fn can_do_as_much(&self, kept: &Credentials, state: &Credentials) -> bool {
        let less = |a: CapabilitySet, b: CapabilitySet, mask| (a & mask).is_subset(b & mask);
        let rootness = |ids: Ids| (ids.real == 0, ids.effective == 0, ids.saved == 0);
        let same_user = if self.uid_matters {
            kept.uid == state.uid
        } else {
            rootness(kept.uid) == rootness(state.uid)
        };
        let same_group = !self.gid_matters || kept.gid == state.gid && kept.groups == state.groups;
        same_user
            && same_group
            && kept.securebits == state.securebits
            && less(state.permitted, kept.permitted, STEERING)
            && less(state.ambient, kept.ambient, STEERING)
            && less(state.inheritable, kept.inheritable, self.inheritable_matters)
    }

    /// Every identity that the thread can take without an execve, raised, with the steps. Groups
    /// come first: they change no set, while leaving root may take CAP_SETGID away.
    fn arrangements(&self, node: &Node) -> Vec<(Credentials, Vec<Step>)> {
        let state = &node.state;
        let environment = self.environment;
        let raised = (!node.raised.is_empty()).then_some(Step::Raise(node.raised));
        let mut arranged = vec![(state.clone(), raised.into_iter().collect())];
        let own = |ids: Ids| BTreeSet::from([ids.real, ids.effective, ids.saved]);
        let choice = |capability, all: &BTreeSet<u32>, ids| {
            if state.permitted.contains(capability) { all.clone() } else { own(ids) }
        };
        if self.gid_matters {
            let gids = choice(Capability::SETGID, &self.gids, state.gid);
            self.extend(&mut arranged, |state| {
                let set = |request| setresgid(state, request, environment).ok();
                let step = |after: &Credentials| Step::SetGid(three(after.gid));
                requests(&gids).filter_map(set).map(|after| (step(&after), after)).collect()
            });
            let groups = [vec![], self.gids.iter().copied().collect::<Vec<u32>>()];
            self.extend(&mut arranged, |state| {
                let set = |groups: &Vec<u32>| setgroups(state, groups, environment).ok();
                let step = |after: &Credentials| Step::SetGroups(after.groups.clone());
                groups.iter().filter_map(set).map(|after| (step(&after), after)).collect()
            });
        }
        let uids = choice(Capability::SETUID, &self.uids, state.uid);
        self.extend(&mut arranged, |state| {
            let set = |request| setresuid(state, request, environment).ok();
            let step = |after: &Credentials| Step::SetUid(three(after.uid));
            requests(&uids).filter_map(set).map(|after| (step(&after), after)).collect()
        });
        if self.uid_matters {
            self.extend(&mut arranged, |state| {
                let set = |id: &u32| setfsuid(state, *id, environment);
                let step = |after: &Credentials| Step::SetFilesystemUid(after.uid.filesystem);
                uids.iter().map(set).map(|after| (step(&after), after)).collect()
            });
        }
        arranged
    }

    /// Adds to each arrangement what one further call makes of it, where that is another identity.
    fn extend(
        &self,
        arranged: &mut Vec<(Credentials, Vec<Step>)>,
        successors: impl Fn(&Credentials) -> Vec<(Step, Credentials)>,
    ) {
        for index in 0..arranged.len() {
            let (state, steps) = arranged[index].clone();
            for (step, after) in successors(&state) {
                if (after.uid, after.gid, &after.groups) != (state.uid, state.gid, &state.groups) {
                    let mut steps = steps.clone();
                    steps.push(step);
                    arranged.push((raise(&after, self.environment), steps));
                }
            }
        }
    }

    /// The chain without the steps that `capability` does not need.
    fn simplify(&self, mut chain: Chain, capability: Capability) -> Chain {
        let mut index = 0;
        while index < chain.0.len() {
            let mut shorter = chain.clone();
            shorter.0.remove(index);
            let end = self.replay(&shorter);
            if end.is_some_and(|end| end.permitted.contains(capability)) {
                chain = shorter;
            } else {
                index += 1;
            }
        }
        chain
    }

    fn replay(&self, chain: &Chain) -> Option<Credentials> {
        let find = |path: &str| self.executables.iter().find(|file| file.path == path).copied();
        chain.replay(self.start, find, self.environment)
    }
}

impl Chain {
    /// The credentials at the end of the chain, step by step through the model; `None` where a step
    /// is refused or names a file that `find` does not know.
    pub fn replay<'a>(
        &self,
        start: &Credentials,
        find: impl Fn(&str) -> Option<&'a Executable>,
        environment: &Environment,
    ) -> Option<Credentials> {
        let request = |[real, effective, saved]: [u32; 3]| IdRequest {
            real: Some(real),
            effective: Some(effective),
            saved: Some(saved),
        };
        self.0.iter().try_fold(start.clone(), |state, step| match step {
            Step::Raise(_) => Some(raise(&state, environment)),
            Step::SetUid(ids) => setresuid(&state, request(*ids), environment).ok(),
            Step::SetGid(ids) => setresgid(&state, request(*ids), environment).ok(),
            Step::SetFilesystemUid(id) => Some(setfsuid(&state, *id, environment)),
            Step::SetGroups(groups) => setgroups(&state, groups, environment).ok(),
            Step::Execve(path) => execve(&state, find(path)?, environment).ok(),
        })
    }
}

fn three(ids: Ids) -> [u32; 3] {
    [ids.real, ids.effective, ids.saved]
}

fn can_be_root(state: &Credentials, environment: &Environment) -> bool {
    state.uid.has(0) || state.permitted.contains(Capability::SETUID) && environment.uids.maps(0)
}

/// Every way to fill real, effective and saved from `ids`.
fn requests(ids: &BTreeSet<u32>) -> impl Iterator<Item = IdRequest> + '_ {
    let each = || ids.iter().copied().map(Some);
    each().flat_map(move |real| {
        each().flat_map(move |effective| {
            each().map(move |saved| IdRequest { real, effective, saved })
        })
    })
}

/// One executable of each effect: 2,000 setuid-root programs are one.
fn distinct<'a>(executables: impl Iterator<Item = &'a Executable>) -> Vec<&'a Executable> {
    let mut seen = HashSet::new();
    let is_new = |file: &&Executable| {
        let directories: Vec<_> =
            file.restricted_directories.iter().map(|d| (d.mode, d.uid, d.gid)).collect();
        // Where the bits treat all alike and are no set-id bits, owner and group say nothing.
        let all_alike = file.mode & 0o111 == 0o111;
        let uid = (!all_alike || file.mode & 0o4000 != 0).then_some(file.uid);
        let gid = (!all_alike || file.mode & 0o2000 != 0).then_some(file.gid);
        let mapped = file.uid.is_some() && file.gid.is_some();
        let identity = (file.mode & 0o6111, uid, gid, mapped);
        seen.insert((identity, file.nosuid, file.file_capabilities, directories))
    };
    executables.filter(|file| file.mode & 0o111 != 0).filter(is_new).collect()
}

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
    for capability in ((best.permitted & best.inheritable) - best.ambient).iter() {
        best = prctl::ambient_raise(&best, capability, environment).unwrap_or(best);
    }
    best
}

/// More than can be reached: whatever any executable gives to a thread that holds all that was
/// found so far at once, with permissions and order left out of account. And whether uid 0 can be
/// had.
pub(crate) fn upper_bound(
    start: &Credentials,
    executables: &[&Executable],
    environment: &Environment,
) -> (CapabilitySet, bool) {
    let open = |file: &&'_ Executable| -> Executable {
        Executable {
            path: String::new(),
            mode: file.mode | 0o111,
            restricted_directories: Vec::new(),
            ..(*file).clone()
        }
    };
    let open: Vec<Cow<'_, Executable>> = executables
        .iter()
        .map(|file| match file.mode & 0o111 == 0o111 && file.restricted_directories.is_empty() {
            true => Cow::Borrowed(*file),
            false => Cow::Owned(open(file)),
        })
        .collect();
    let mut best = raise(start, environment);
    let mut root = can_be_root(start, environment);
    loop {
        let before = (best.clone(), root);
        if root {
            best.uid = Ids::all(0);
        }
        for file in &open {
            if let Ok(after) = execve(&best, file, environment) {
                best.permitted = best.permitted | after.permitted;
                root |= after.uid.effective == 0;
            }
        }
        best = raise(&best, environment);
        root |= can_be_root(&best, environment);
        if best == before.0 && root == before.1 {
            return (best.permitted, root);
        }
    }
}

/// The steps from the start to the end of `last`.
fn chain(nodes: &[Node], last: Option<&(usize, Vec<Step>)>) -> Chain {
    let mut steps: Vec<&[Step]> = Vec::new();
    let mut current = last;
    while let Some((parent, taken)) = current {
        steps.push(taken);
        current = nodes[*parent].parent.as_ref();
    }
    Chain(steps.into_iter().rev().flatten().cloned().collect())
}
