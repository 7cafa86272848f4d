//! The walk behind [`reachable`](crate::reachable()): breadth first, a level an execve.

use crate::chain::{Chain, Step};
use crate::raise::raise;
use crate::reachable::Reachable;
use crate::setuid::{IdRequest, setfsuid, setgroups, setresgid, setresuid};
use crate::{Capability, CapabilitySet, Credentials, Environment, Executable, IdMap, Ids, execve};
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
    /// The raising, if it changed anything.
    raising: Option<Step>,
    /// The node before, and the steps from there.
    parent: Option<(usize, Vec<Step>)>,
}

/// A state that the thread can take without an execve, and the steps to it from its node.
type Arrangement = (Credentials, Vec<Step>);

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
        self.visit(&mut nodes, &mut found, self.start.clone(), || None);
        let mut next = 0;
        while next < nodes.len() && !self.is_complete(&found) {
            let raising = nodes[next].raising.clone().into_iter().collect();
            let raised = (nodes[next].state.clone(), raising);
            for arranged in self.group_arrangements(raised) {
                for (state, steps) in self.user_arrangements(arranged) {
                    for file in &self.executables {
                        if self.is_complete(&found) {
                            return found;
                        }
                        let Ok(after) = execve(&state, file, self.environment) else { continue };
                        let execve = Step::Execve(file.path.clone());
                        let taken =
                            || Some((next, steps.iter().cloned().chain([execve]).collect()));
                        self.visit(&mut nodes, &mut found, after, taken);
                    }
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
    /// `parent` says how it was reached.
    fn visit(
        &self,
        nodes: &mut Vec<Node>,
        found: &mut Reachable,
        state: Credentials,
        parent: impl FnOnce() -> Option<(usize, Vec<Step>)>,
    ) {
        found.root_user |= can_be_root(&state, self.environment);
        let news = state.permitted - found.set;
        let better = raise(&state, self.environment);
        let kept = !nodes.iter().any(|node| self.can_do_as_much(&node.state, &better));
        if news.is_empty() && !kept {
            return;
        }
        let parent = parent();
        found.set = found.set | news;
        for capability in news.iter() {
            let chain = self.simplify(chain(nodes, parent.as_ref()), capability);
            match found.witnesses.iter_mut().find(|(_, known)| *known == chain) {
                Some((set, _)) => *set = set.with(capability),
                None => found.witnesses.push((capability.into(), chain)),
            }
        }
        if kept {
            let added = (better.inheritable - state.inheritable) | (better.ambient - state.ambient);
            let raising = (better != state).then_some(Step::Raise(added));
            nodes.push(Node { state: better, raising, parent });
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

    /// The groups that the thread can take without an execve. They come before the user ids: they
    /// change no set, while leaving root may take CAP_SETGID away.
    fn group_arrangements(&self, raised: Arrangement) -> Vec<Arrangement> {
        let (state, steps) = raised.clone();
        let mut arranged = vec![raised];
        if !self.gid_matters {
            return arranged;
        }
        if state.permitted.contains(Capability::SETGID) {
            // Membership is all that a file asks for: be in each subset of the groups, by
            // supplementary groups, and in none by the id.
            let outsider = self.gids.iter().next_back().copied().map(IdRequest::all);
            let outside = outsider.and_then(|all| setresgid(&state, all, self.environment).ok());
            let Some(outside) = outside else { return arranged };
            for groups in subsets(&self.gids) {
                if let Ok(after) = setgroups(&outside, &groups, self.environment) {
                    let more = [Step::SetGid(three(after.gid)), Step::SetGroups(groups)];
                    arranged.push((after, steps.iter().cloned().chain(more).collect()));
                }
            }
        }
        for request in pairs(&own(state.gid)) {
            let Ok(after) = setresgid(&state, request, self.environment) else { continue };
            if after.gid != state.gid {
                let step = Step::SetGid(three(after.gid));
                arranged.push((after, steps.iter().cloned().chain([step]).collect()));
            }
        }
        arranged
    }

    /// The user ids that the thread can take without an execve, raised again.
    fn user_arrangements(&self, arranged: Arrangement) -> impl Iterator<Item = Arrangement> + '_ {
        let (state, steps) = arranged.clone();
        let free = state.permitted.contains(Capability::SETUID);
        let mut uids = if free { self.uids.clone() } else { own(state.uid) };
        if !self.uid_matters {
            // Then there is root, and there is anybody else.
            let anybody = uids.iter().copied().find(|id| *id != 0);
            uids.retain(|id| *id == 0 || Some(*id) == anybody);
        }
        // The saved id is lost at execve; until then it can keep the thread from leaving root.
        let with_root = |request: IdRequest| [request, IdRequest { saved: Some(0), ..request }];
        let requests: Vec<IdRequest> = pairs(&uids).flat_map(with_root).collect();
        let changed = requests.into_iter().filter_map(move |request| {
            let after = setresuid(&state, request, self.environment).ok()?;
            let step = Step::SetUid(three(after.uid));
            let steps = steps.iter().cloned().chain([step]).collect();
            (after.uid != state.uid).then(|| (raise(&after, self.environment), steps))
        });
        let matters = self.uid_matters;
        std::iter::once(arranged).chain(changed).flat_map(move |(state, steps)| {
            let others = uids.iter().filter(|id| matters && **id != state.uid.filesystem);
            let as_other = |id: &u32| {
                let after = raise(&setfsuid(&state, *id, self.environment), self.environment);
                let step = Step::SetFilesystemUid(*id);
                (after, steps.iter().cloned().chain([step]).collect())
            };
            let files: Vec<Arrangement> = others.map(as_other).collect();
            std::iter::once((state, steps)).chain(files)
        })
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

fn three(ids: Ids) -> [u32; 3] {
    [ids.real, ids.effective, ids.saved]
}

fn can_be_root(state: &Credentials, environment: &Environment) -> bool {
    state.uid.has(0) || state.permitted.contains(Capability::SETUID) && environment.uids.maps(0)
}

/// The ids of a thread that setresuid(2) and setresgid(2) need no capability for.
fn own(ids: Ids) -> BTreeSet<u32> {
    BTreeSet::from(three(ids))
}

/// Every way to fill real and effective from `ids`; saved follows effective, as after an execve.
fn pairs(ids: &BTreeSet<u32>) -> impl Iterator<Item = IdRequest> + '_ {
    let each = || ids.iter().copied().map(Some);
    each().flat_map(move |real| {
        each().map(move |effective| IdRequest { real, effective, saved: effective })
    })
}

/// Every subset of `ids` where they are few; else none, all, and each alone.
fn subsets(ids: &BTreeSet<u32>) -> Vec<Vec<u32>> {
    const FEW: usize = 5;
    let ids: Vec<u32> = ids.iter().copied().collect();
    if ids.len() > FEW {
        let alone = ids.iter().map(|id| vec![*id]);
        return [vec![], ids.clone()].into_iter().chain(alone).collect();
    }
    let chosen = |mask: u32| (0..ids.len()).filter(move |bit| mask & (1 << bit) != 0);
    (0..1 << ids.len()).map(|mask| chosen(mask).map(|bit| ids[bit]).collect()).collect()
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
    executables.filter(|file| file.mode & 0o111 != 0 && !file.noexec).filter(is_new).collect()
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
    let most = start.permitted | start.bounding | start.inheritable;
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
                root |= after.uid.effective == 0 || can_be_root(&best, environment);
                if root && best.permitted == most {
                    return (most, root);
                }
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
