//! `reachable()` against a search that knows nothing of its shortcuts: every state of a reduced
//! kernel, by every single call, one bit at a time.
//!
//! The reduced kernel has three capabilities: one that changes identity, one that changes the rules,
//! one that only opens. It has two users and the four securebits that bear on capabilities.

use dropcap_capability::prctl::*;
use dropcap_capability::setuid::{IdRequest, PairRequest, setfsuid, setresuid, setreuid, setuid};
use dropcap_capability::*;

const KEPT: CapabilitySet = CapabilitySet::EMPTY
    .with(Capability::SETUID)
    .with(Capability::SETPCAP)
    .with(Capability::DAC_OVERRIDE);
const USERS: [u32; 2] = [0, 1000];

fn reduced(kernel: Kernel) -> Environment {
    Environment { capabilities: KEPT, ..Environment::of_kernel(kernel) }
}

/// The states that were met, a bit each: user ids (4 bits), four sets (12), securebits (8).
struct Seen {
    bits: Vec<u64>,
    count: usize,
}

impl Seen {
    fn new() -> Self {
        Self { bits: vec![0; 1 << (24 - 6)], count: 0 }
    }

    /// Whether `state` is new; it is known from then on.
    fn insert(&mut self, state: &Credentials) -> bool {
        let Ids { real, effective, saved, filesystem } = state.uid;
        let users = [real, effective, saved, filesystem].map(|id| usize::from(id != 0));
        let sets = [state.permitted, state.inheritable, state.bounding, state.ambient];
        let members = sets.into_iter().flat_map(|set| {
            KEPT.iter().map(move |capability| usize::from(set.contains(capability)))
        });
        let index = users.into_iter().chain(members).fold(0, |all, bit| all << 1 | bit);
        let index = index << 8 | state.securebits.bits() as usize;
        let (word, bit) = (index / 64, 1 << (index % 64));
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += usize::from(new);
        new
    }
}

/// `state` with effective raised to permitted. A lower effective set only makes calls fail, and can
/// always be raised again: walking over both would be eight times the states for the same result.
fn awake(state: &Credentials, environment: &Environment) -> Credentials {
    let Credentials { permitted, inheritable, .. } = *state;
    let request = CapsetRequest { effective: permitted, permitted, inheritable };
    capset(state, request, environment).expect("effective may be all of permitted")
}

/// Every state that one call other than execve can lead to.
fn calls(state: &Credentials, environment: &Environment) -> Vec<Credentials> {
    let mut after = Vec::new();
    for capability in KEPT.iter() {
        let toggled = |set: CapabilitySet| {
            if set.contains(capability) { set.without(capability) } else { set.with(capability) }
        };
        let Credentials { effective, permitted, inheritable, .. } = *state;
        let fewer = toggled(permitted);
        let requests = [
            CapsetRequest { effective: effective & fewer, permitted: fewer, inheritable },
            CapsetRequest { effective, permitted, inheritable: toggled(inheritable) },
        ];
        after.extend(requests.iter().filter_map(|it| capset(state, *it, environment).ok()));
        after.extend(capbset_drop(state, capability, environment));
        after.extend(ambient_raise(state, capability, environment));
        after.extend(ambient_lower(state, capability, environment));
    }
    for bit in 0..8 {
        let toggled = Securebits::from_bits(state.securebits.bits() ^ (1 << bit));
        // Locking only ever takes away; the locks of the start are in the draw.
        if bit % 2 == 0 {
            after.extend(set_securebits(state, toggled, environment));
        }
    }
    after.extend([true, false].iter().filter_map(|keep| set_keep_caps(state, *keep).ok()));
    // Leaving an id (−1) is the same as naming the one that is there.
    let ids = || USERS.iter().copied().map(Some);
    for real in ids() {
        for effective in ids() {
            for saved in ids() {
                let request = IdRequest { real, effective, saved };
                after.extend(setresuid(state, request, environment));
            }
        }
    }
    after.extend(USERS.iter().map(|id| setfsuid(state, *id, environment)));
    after.extend(USERS.iter().filter_map(|id| setuid(state, *id, environment).ok()));
    // Here leaving one is not the same: it decides what becomes of the saved id.
    let some_or_none = || ids().chain([None]);
    for real in some_or_none() {
        for effective in some_or_none() {
            after.extend(setreuid(state, PairRequest { real, effective }, environment));
        }
    }
    after.into_iter().map(|state| awake(&state, environment)).collect()
}

/// Everything permitted in any state within each number of execve calls; `None` if the states are
/// too many.
fn exhaustive(
    start: &Credentials,
    files: &[Executable],
    environment: &Environment,
    most_states: usize,
) -> Option<(Vec<CapabilitySet>, bool)> {
    let plain = Executable::plain(ANY_PROGRAM);
    let mut seen = Seen::new();
    let start = awake(start, environment);
    seen.insert(&start);
    let mut level = vec![start];
    let mut by_level: Vec<CapabilitySet> = Vec::new();
    let mut root = false;
    while !level.is_empty() {
        let mut index = 0;
        while index < level.len() {
            for after in calls(&level[index], environment) {
                if seen.insert(&after) {
                    level.push(after);
                }
            }
            if seen.count > most_states {
                return None;
            }
            index += 1;
        }
        let held = level.iter().fold(CapabilitySet::EMPTY, |all, state| all | state.permitted);
        by_level.push(by_level.last().copied().unwrap_or_default() | held);
        root |= level.iter().any(|state| state.uid.effective == 0);
        let all = || std::iter::once(&plain).chain(files);
        let executed = level
            .iter()
            .flat_map(|state| all().filter_map(|file| execve(state, file, environment).ok()));
        let mut next = Vec::new();
        for after in executed {
            let after = awake(&after, environment);
            if seen.insert(&after) {
                next.push(after);
            }
        }
        level = next;
    }
    Some((by_level, root))
}

/// A small generator (splitmix64): the draws are the same on every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Each capability once in `rarity` times.
    fn set(&mut self, rarity: u64) -> CapabilitySet {
        KEPT.iter().filter(|_| self.below(rarity) == 0).collect()
    }

    fn start(&mut self) -> Credentials {
        // With nothing at first, what is gained came by execve; and the states are fewer.
        let rarity = self.of(&[2, 1_000, 1_000]);
        let permitted = self.set(rarity);
        let inheritable = self.set(4);
        let [real, effective, saved] = [0; 3].map(|_| self.of(&[0, 1000, 1000, 1000]));
        Credentials {
            uid: Ids { real, effective, saved, filesystem: effective },
            gid: Ids::all(1000),
            groups: Vec::new(),
            effective: permitted & self.set(2),
            permitted,
            inheritable,
            bounding: self.set(2),
            ambient: permitted & inheritable & self.set(2),
            securebits: Securebits::from_bits(self.of(&[0, 0, 0, 1, 3, 0x30, 0xc0, 0xff])),
            no_new_privs: self.below(10) == 0,
        }
    }

    fn files(&mut self) -> Vec<Executable> {
        let count = self.below(4);
        (0..count)
            .map(|index| Executable {
                mode: self.of(&[0o755, 0o700, 0o750, 0o705, 0o4755, 0o4700, 0o4711, 0o4000]),
                uid: Some(self.of(&USERS)),
                gid: Some(self.of(&USERS)),
                nosuid: self.below(10) == 0,
                file_capabilities: (self.below(2) == 0).then(|| FileCapabilities {
                    permitted: self.set(3),
                    inheritable: self.set(3),
                    effective: self.below(2) == 0,
                    revision: Revision::Two,
                }),
                ..Executable::plain(format!("/{index}"))
            })
            .collect()
    }
}

/// Compares the two on one case; gives what was found by each number of execve calls, or `None` if
/// there are too many states.
fn compare(
    start: &Credentials,
    files: &[Executable],
    environment: &Environment,
    most_states: usize,
) -> Option<Vec<CapabilitySet>> {
    let (by_level, root) = exhaustive(start, files, environment, most_states)?;
    let found = reachable(start, files, environment);
    let what = || format!("{start:#?}\n{files:#?}\n{:?}", environment.kernel);
    assert_eq!(found.set, by_level.last().copied().unwrap_or_default(), "{}", what());
    assert_eq!(found.root_user, root, "uid 0, {}", what());
    for capability in found.set.iter() {
        let chain = found.witness(capability).expect("each has a witness");
        let shortest = by_level.iter().position(|held| held.contains(capability));
        assert_eq!(Some(chain.execs()), shortest, "{capability}: {chain}, {}", what());
    }
    Some(by_level)
}

#[test]
fn reachable_is_what_an_exhaustive_search_finds() {
    const CASES: usize = 150;
    const MOST_STATES: usize = 10_000;
    let mut draw = Draw(2);
    let kernels = [Kernel::new(5, 13), Kernel::new(6, 1), Kernel::NEWEST];
    let (mut left_out, mut gained) = (0, 0);
    for case in 0..CASES {
        let (start, files) = (draw.start(), draw.files());
        match compare(&start, &files, &reduced(kernels[case % kernels.len()]), MOST_STATES) {
            Some(by_level) => {
                gained += usize::from(by_level.last() != Some(&start.permitted));
            }
            None => left_out += 1,
        }
    }
    let summary = format!("{CASES} cases: {gained} gained, {left_out} left out");
    assert!(left_out <= CASES / 3, "too many had too many states: {summary}");
    assert!(gained >= CASES / 6, "the draws show too little: {summary}");
}

fn with_capability(path: &str, permitted: &str, inheritable: &str) -> Executable {
    let set = |text: &str| text.parse().expect("a capability");
    let file_capabilities = Some(FileCapabilities {
        permitted: set(permitted),
        inheritable: set(inheritable),
        effective: true,
        revision: Revision::Two,
    });
    Executable { file_capabilities, ..Executable::plain(path) }
}

/// What needs two execve calls has too many states for many draws of it.
#[test]
fn chains_of_two_are_found_and_are_shortest() {
    const MOST_STATES: usize = 2_000_000;
    let set = |text: &str| text.parse::<CapabilitySet>().expect("capabilities");
    let sandbox = |bounding: &str| Credentials::unprivileged(1000, set(bounding));
    let root_only = |file: Executable| Executable { mode: 0o700, ..file };
    let noroot = Securebits::NOROOT.union(Securebits::NOROOT.locks());
    let cases = [
        // A file gives CAP_SETUID; as uid 0, any program gives the rest.
        (sandbox("SETUID,DAC_OVERRIDE"), vec![with_capability("/a", "SETUID", "none")]),
        // A file gives CAP_SETPCAP, which fills inheritable, which another file asks for.
        (
            sandbox("SETPCAP,DAC_OVERRIDE"),
            vec![
                with_capability("/a", "SETPCAP", "none"),
                with_capability("/b", "none", "DAC_OVERRIDE"),
            ],
        ),
        // A setuid-root file gives no capability, but the identity to execute one that does.
        (
            Credentials { securebits: noroot, ..sandbox("DAC_OVERRIDE") },
            vec![
                Executable::setuid_root("/a"),
                root_only(with_capability("/b", "DAC_OVERRIDE", "none")),
            ],
        ),
        // CAP_DAC_OVERRIDE lets another's file be executed.
        (
            Credentials { securebits: noroot, ..sandbox("DAC_OVERRIDE,SETUID") },
            vec![
                with_capability("/a", "DAC_OVERRIDE", "none"),
                root_only(with_capability("/b", "SETUID", "none")),
            ],
        ),
    ];
    for (number, (start, files)) in cases.iter().enumerate() {
        let by_level = compare(start, files, &reduced(Kernel::NEWEST), MOST_STATES)
            .unwrap_or_else(|| panic!("case {number} has too many states"));
        let all = by_level.last().copied();
        assert!(by_level[1] != all.unwrap_or_default(), "case {number} takes one: {by_level:?}");
    }
}
